"""Personas over HTTP: the gallery, one persona, its stages, touchpoints and journeys; find, keep, edit, delete."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.apps import exploring, personas, revisions
from etappe.apps.persona_view import card, drift_view, found_view, journeys_view, matrix_view, page, relevance_view
from etappe.apps.personas import Told
from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument, BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES
from etappe.maps.draft import TEMPLATES
from etappe.maps.persona import Persona
from etappe.maps.portrait import membership

if TYPE_CHECKING:
    from etappe.analysis.clusters import Clusters

Chosen = Callable[[Request[Any, Any, Any]], Journeys]
HELD: Final = 4
"""Searches whose result is kept, so that keeping it does not search again."""


class _Searches:
    """The latest searches: the same data and options give the same result."""

    def __init__(self, ws: Workspace) -> None:
        self.ws, self._held, self._lock = ws, dict[bytes, "Clusters"](), Lock()
        self.done, self.total = 0, 0

    def of(self, data: Mapping[str, Any]) -> "Clusters":
        options = _options(data)
        centres = personas.centres_of(self.ws)
        key = msgspec.json.encode([self.ws.data_version(), options, centres])
        with self._lock:  # one at a time: a second search would only make both slower
            if key not in self._held:
                self._told(0, 0)
                self._held[key] = personas.find(self.ws, **options, tell=self._told)
                for old in list(self._held)[:-HELD]:
                    del self._held[old]
            return self._held[key]

    def _told(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def _options(data: Mapping[str, Any]) -> dict[str, Any]:
    """How to search: `k`, `traits`, `least`, `seed`."""
    options = {"k": data.get("k"), "traits": data.get("traits") or [], "least": data.get("least", 2)}
    options["seed"] = data.get("seed", 0)
    for name in ("k", "least", "seed"):
        value = options[name]
        if not (isinstance(value, int) and not isinstance(value, bool)) and not (name == "k" and value is None):
            raise BadQuestion(name, "is no whole number.", "Send one, or leave it out.")
    if not isinstance(options["traits"], list) or not all(isinstance(one, str) for one in options["traits"]):
        raise BadQuestion("traits", "is no list of customer attributes.", 'Send ["age"], or leave it out.')
    return options


def handlers(ws: Workspace, chosen: Chosen) -> list[Any]:
    """The routes; `chosen` gives the journeys that the filter line leaves."""
    searches = _Searches(ws)

    @get("/api/personas", sync_to_thread=True)
    def gallery(request: Request[Any, Any, Any], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """The personas: customers of each, stability of the found ones, and how the last search moved them."""
        told, journeys = personas.told(ws), chosen(request)
        shown = [] if told is None else [card(told, one, journeys, _lang(lang)) for one in told.personas]
        drift = drift_view(personas.last_drift(ws, journeys), _lang(lang))
        return {"personas": shown, "customers": len(journeys), "drift": drift}

    @get("/api/persona-search", sync_to_thread=False)
    def progress() -> dict[str, Any]:
        """How far the search is: so many of the steps that are known so far."""
        return {"done": searches.done, "total": searches.total}

    @get("/api/personas/{persona_id:str}", sync_to_thread=True)
    def one(request: Request[Any, Any, Any], persona_id: FromPath[str], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """A persona: every field with what it rests on, its profile, its faults."""
        told, persona = _known(ws, persona_id)
        return page(ws, told, persona, chosen(request), _lang(lang))

    @get("/api/personas/{persona_id:str}/matrix", sync_to_thread=True)
    def matrix(
        request: Request[Any, Any, Any], persona_id: FromPath[str], lang: FromQuery[str] = "de"
    ) -> dict[str, Any]:
        """A persona in each stage beside all customers; with `all` as id: every persona."""
        told = personas.told(ws)
        only = None if persona_id == "all" else _known(ws, persona_id)[1].id
        return matrix_view(ws, told or _NOBODY, chosen(request), _lang(lang), only)

    @get("/api/personas/{persona_id:str}/relevance", sync_to_thread=True)
    def relevant(
        request: Request[Any, Any, Any], persona_id: FromPath[str], lang: FromQuery[str] = "de"
    ) -> dict[str, Any]:
        """The touchpoints that matter more to a persona than to all others, with lift, interval and q."""
        _known(ws, persona_id)
        return relevance_view(ws, chosen(request), persona_id, _lang(lang))

    @get("/api/personas/{persona_id:str}/journeys", sync_to_thread=True)
    def representative(
        request: Request[Any, Any, Any],
        persona_id: FromPath[str],
        count: FromQuery[int] = 3,
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Representative real journeys, without who it was and when."""
        _known(ws, persona_id)
        return journeys_view(ws, chosen(request), persona_id, count, _lang(lang))

    @get("/api/personas/{persona_id:str}/people", sync_to_thread=True)
    def people(
        request: Request[Any, Any, Any],
        persona_id: FromPath[str],
        offset: FromQuery[int] = 0,
        limit: FromQuery[int] = 20,
    ) -> dict[str, Any]:
        """The customers of a persona (personal)."""
        _known(ws, persona_id)
        journeys = chosen(request)
        found = np.flatnonzero(membership(journeys, persona_id))
        page_of = found[max(0, offset) : max(0, offset) + max(0, min(limit, 200))]
        return {"total": len(found), "people": exploring.people(journeys, page_of)}

    @post("/api/personas/find", sync_to_thread=True, status_code=200)
    def preview(data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """What would be found; nothing is stored. `k`, `traits`, `least`, `seed` as for `etappe personas find`."""
        return found_view(ws, personas.told(ws), searches.of(data), ws.journeys(), _lang(lang))

    @post("/api/personas", sync_to_thread=True, status_code=200)
    def create(data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """Keep what was found (`from`: "found", the options of find, `names`), or a new `document`."""
        if data.get("from") == "found":
            made = personas.keep(ws, searches.of(data), data.get("names"))
            return {"kept": [one.id for one in made]}
        document = _document(data)
        personas.save(ws, document, 0)
        told, persona = _known(ws, document.id)
        return page(ws, told, persona, ws.journeys(), _lang(lang))

    @post("/api/personas/{persona_id:str}/edit", sync_to_thread=True, status_code=200)
    def edit(persona_id: FromPath[str], data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """Put a `document`, or the fields of it under `changes`, in the place of the `revision` it was made from."""
        revision = data.get("revision")
        if not isinstance(revision, int):
            raise BadDocument("revision", "is missing.", "Send the revision that you saw.")
        new = data
        if isinstance(data.get("changes"), dict):
            base, _ = personas.stored(ws, persona_id)
            new = {"document": msgspec.to_builtins(base) | data["changes"]}
        document = _document(new)
        if document.id != persona_id:
            raise BadDocument(
                "id", f"is {document.id!r}, but the persona is {persona_id!r}.", "A persona keeps its id."
            )
        personas.save(ws, document, revision)
        told, persona = _known(ws, persona_id)
        return page(ws, told, persona, ws.journeys(), _lang(lang))

    @post("/api/personas/{persona_id:str}/delete", sync_to_thread=True, status_code=200)
    def delete(persona_id: FromPath[str]) -> dict[str, Any]:
        """Delete a persona with its revisions."""
        personas.delete(ws, persona_id)
        return {"deleted": True}

    @post("/api/personas/{persona_id:str}/draft-map", sync_to_thread=True, status_code=200)
    def draft_map(
        persona_id: FromPath[str], data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de"
    ) -> dict[str, Any]:
        """Draft a map from a persona and store it; `template` gives the stages, `author` signs."""
        made = personas.draft_map(ws, persona_id, str(data.get("template") or TEMPLATES[0]), _lang(lang))
        saved = revisions.create(ws, made.map, str(data.get("author") or ""))
        left_out = [{"name": name, "journeys": count} for name, count in made.left_out]
        return {"id": saved.map.id, "revision": saved.revision, "left_out": left_out}

    return [gallery, progress, one, matrix, relevant, representative, people, preview, create, edit, delete, draft_map]


_NOBODY: Final = Told((), {}, {}, None, "")


def _known(ws: Workspace, persona_id: str) -> tuple[Told, Persona]:
    told = personas.told(ws) or _NOBODY
    found = {one.id: one for one in told.personas}
    if persona_id not in found:
        raise unknown("personas", "persona", persona_id, found)
    return told, found[persona_id]


def _document(data: Mapping[str, Any]) -> Persona:
    try:
        return msgspec.convert(data.get("document"), Persona)
    except msgspec.ValidationError as error:
        raise BadDocument("document", f"{str(error)[0].lower()}{str(error)[1:]}.", "Send a persona/1.") from None


def _lang(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"
