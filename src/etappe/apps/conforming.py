"""Conforming: maps held against the journeys, over HTTP: the view of deviations, and the people behind its numbers."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.analysis.conformance import Conformance, who
from etappe.apps.conformance_view import conformance_view, names_for, told_people
from etappe.apps.splits import splits
from etappe.apps.workspace import Workspace
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES
from etappe.maps.model import JourneyMap
from etappe.maps.plan import MapPlan, asked_of
from etappe.vocabulary import say

Chosen = Callable[[Request[Any, Any, Any]], Journeys]
OTHERS = ("ignore", "extra")
AT_ONCE = 200


def handlers(ws: Workspace, chosen: Chosen) -> list[Any]:
    """The routes; `chosen` gives the journeys that the filter line leaves."""

    def asked(
        request: Request[Any, Any, Any], map_id: str, by: str | None, others: str, wait: str | None, repeats: bool
    ) -> tuple[JourneyMap, Journeys, Conformance, MapPlan]:
        if others not in OTHERS:
            raise unknown("others", "choice", others, OTHERS)
        document = ws.map(map_id)
        options = {"by": by or None, "others": others, "wait": wait or None}
        return document, *asked_of(document, chosen(request), ws.registry(), repeats=repeats, **options)

    @get("/api/maps/{map_id:str}/conformance", sync_to_thread=True)
    def view(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        lang: FromQuery[str] = "de",
        by: FromQuery[str | None] = None,
        others: FromQuery[str] = "ignore",
        wait: FromQuery[str | None] = None,
        repeats: FromQuery[bool] = False,
    ) -> dict[str, Any]:
        """How the journeys follow the map: fitness, each step, what comes between, the most frequent deviations."""
        document, journeys, question, plan = asked(request, map_id, by, others, wait, repeats)
        found = conformance_view(document, journeys, question, plan, ws.registry(), _lang(lang))
        titles = {one.id: say(one.title, _lang(lang)) for one in ws.personas()} if by == "persona" else {}
        for group in found["groups"]:
            group["title"] = titles.get(group["group"], group["title"])
        return {**found, "splits": splits(journeys, _lang(lang))}

    @post("/api/maps/{map_id:str}/conformance/people", sync_to_thread=True, status_code=200)
    def people(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
        by: FromQuery[str | None] = None,
        others: FromQuery[str] = "ignore",
        wait: FromQuery[str | None] = None,
        repeats: FromQuery[bool] = False,
        offset: FromQuery[int] = 0,
        limit: FromQuery[int] = 20,
    ) -> dict[str, Any]:
        """The customers behind a number of the view (personal), with what deviates; the body holds its `row`."""
        row = data.get("row")
        if not isinstance(row, dict):
            raise BadQuestion("row", "there is no row.", 'Send {"row": {…}}, as the view has them.')
        document, journeys, question, plan = asked(request, map_id, by, others, wait, repeats)
        told = {name: value for name, value in row.items() if name != "places"}
        if "group" not in told:
            question = msgspec.structs.replace(question, by=None)
        found = who(journeys, msgspec.structs.replace(question, places=bool(row.get("places"))), told)
        page = found[max(0, offset) : max(0, offset) + max(0, min(limit, AT_ONCE))]
        names = names_for(document, journeys, question, plan, ws.registry(), _lang(lang))
        return {"total": len(found), "people": told_people(journeys, question, page, names)}

    return [view, people]


def _lang(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"
