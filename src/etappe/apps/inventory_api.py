"""Inventory over HTTP: the touchpoints, a score card, and changes to the registry.

A change names the `revision` of the registry that it saw; where somebody saved another one since, it is refused (409).
"""

from collections.abc import Callable
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.apps.inventory_view import View
from etappe.apps.with_inventory import last_days, period_of
from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES
from etappe.maps.inventory import Period
from etappe.units import read_day

Chosen = Callable[[Request[Any, Any, Any]], Journeys]
LONGEST: Final = 2000


def handlers(ws: Workspace, chosen: Chosen) -> list[Any]:
    """The routes; `chosen` gives the journeys that the filter line leaves."""

    def asked(request: Request[Any, Any, Any]) -> dict[str, Any]:
        """The journeys, the period that they lie in, and the journeys of that and the one before."""
        query = request.query_params
        some, where = chosen(request), query.get("where") or None
        whole = ws.journeys(where=where)
        return {"journeys": some, "period": _period(ws, whole, query.get("from"), query.get("to")), "everything": whole}

    def view(found: Any, lang: str) -> View:
        return View(found, ws.registry(), ws.settings.timezone, lang if lang in LANGUAGES else "en")

    def card(request: Request[Any, Any, Any], name: str, lang: str) -> dict[str, Any]:
        found = ws.touchpoint(name, **asked(request))
        return view(found.inventory, lang).card(found, ws.registry_revision())

    @get("/api/inventory", sync_to_thread=True)
    def whole(request: Request[Any, Any, Any], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """All touchpoints of the data and of the registry, what these explain, and what cannot be seen."""
        found = ws.inventory(**asked(request))
        state = "ok" if found.events else "empty-filter" if ws.journeys().events else "empty-no-data-yet"
        return view(found, lang).whole(ws.registry_revision(), state)

    @get("/api/inventory/{name:str}", sync_to_thread=True)
    def one(request: Request[Any, Any, Any], name: FromPath[str], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """The score card of a touchpoint, by its `key`, its id or a name in the data."""
        return card(request, name, lang)

    @post("/api/inventory/{name:str}", sync_to_thread=True, status_code=200)
    def edit(
        request: Request[Any, Any, Any],
        name: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Change a touchpoint, or take one into the registry: `revision`, `touchpoint` with its new fields, `author`.

        With `like` among the fields, a name in the data becomes one more name of that known touchpoint.
        """
        fields, revision, author = data.get("touchpoint"), data.get("revision"), data.get("author") or ""
        if not isinstance(fields, dict):
            raise BadDocument("touchpoint", "is missing.", 'Send {"revision": 3, "touchpoint": {"goal": "…"}}.')
        if not isinstance(revision, int):
            raise BadDocument("revision", "is missing.", "Send the revision that the change was made on.")
        if not isinstance(author, str) or len(author) > LONGEST or any(_long(value) for value in fields.values()):
            raise BadDocument("touchpoint", f"a text has at most {LONGEST} characters.", "Write less.")
        language = lang if lang in LANGUAGES else "en"
        id, _ = ws.edit_touchpoint(name, fields, lang=language, revision=revision, author=author)
        return card(request, id, lang)

    return [whole, one, edit]


def _long(value: Any) -> bool:
    return len(value if isinstance(value, str) else str(value)) > LONGEST


def _period(ws: Workspace, whole: Journeys, first: str | None, last: str | None) -> Period | None:
    """The days of the filter line and those before; without them the last 28 days of the data."""
    if not first or not last or not whole.events:
        return last_days(ws, whole)
    return period_of(ws, whole, read_day(first), read_day(last))
