"""Editing: a map over HTTP: edits, undo, revisions and their differences, comments, and what can be bound to a cell.

Every change names the revision that it saw. What others saved since is merged into it; where both changed the same
field, the saved one stands and the answer tells the other under `conflicts`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.analysis.ask import question_of
from etappe.analysis.reach import reach
from etappe.apps import revisions
from etappe.apps.map_view import bound_view, evidence_view, reach_view, ways_view
from etappe.apps.revisions import MAP, Saved
from etappe.apps.workspace import Workspace
from etappe.documents import load
from etappe.errors import BadDocument, UnknownName
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES, word
from etappe.maps.applied import new_id
from etappe.maps.difference import PartChange, told
from etappe.maps.draft import TEMPLATES, draft, switch, template
from etappe.maps.edit import edits_of
from etappe.maps.merge import Conflict
from etappe.maps.model import JourneyMap
from etappe.maps.parts import taken_apart
from etappe.maps.propose import proposals, proposals_of
from etappe.store import comments, documents
from etappe.units import iso
from etappe.vocabulary import say

LONGEST: Final = 4000
Chosen = Callable[[Request[Any, Any, Any]], Journeys]


def handlers(ws: Workspace, chosen: Chosen) -> list[Any]:
    """The routes; `chosen` gives the journeys that the filter line leaves."""

    def answered(request: Request[Any, Any, Any], saved: Saved, lang: str) -> dict[str, Any]:
        """The map as it is now, as the screen shows it, and what could not be kept."""
        data = ws.data_version()
        return {
            "revision": saved.revision,
            "changed": saved.changed,
            "conflicts": [conflict_view(one, saved.map, lang) for one in saved.conflicts],
            "map": bound_view(ws.bind(saved.map, chosen(request)), lang, saved.revision, data),
        }

    @get("/api/map-templates", sync_to_thread=False)
    def templates(lang: FromQuery[str] = "de") -> dict[str, Any]:
        """The templates: their stages, and what a new map from each begins with."""
        found = [(name, template(name)) for name in TEMPLATES]
        return {
            "templates": [
                {
                    "id": name, "title": say(m.title, _lang(lang)), "text": say(m.scenario, _lang(lang)),
                    "stages": [say(stage.title, _lang(lang)) for stage in m.stages], "steps": len(m.steps),
                }
                for name, m in found
            ]
        }  # fmt: skip

    @post("/api/maps", sync_to_thread=True, status_code=200)
    def create(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de") -> Any:
        """A new map: `from` is "template", "data" or "copy"; with `template`, `title`, `language`, `personas`."""
        made, left_out = _made(ws, chosen(request), data, _lang(lang))
        saved = revisions.create(ws, made, _author(data))
        return {"id": saved.map.id, "revision": saved.revision, "left_out": left_out}

    @get("/api/maps/{map_id:str}/document", sync_to_thread=True)
    def document(map_id: FromPath[str], revision: FromQuery[int | None] = None) -> dict[str, Any]:
        """The map as it is written, and its revision."""
        found, number = revisions.stored(ws, map_id, revision)
        return {"revision": number, "document": msgspec.to_builtins(found)}

    @get("/api/maps/{map_id:str}/version", sync_to_thread=True)
    def version(map_id: FromPath[str]) -> dict[str, Any]:
        """What changes when somebody edits the map or new events arrive; cheap to ask again and again."""
        return {"revision": revisions.newest(ws, map_id), "data": ws.data_version()}

    @get("/api/touchpoints", sync_to_thread=True)
    def touchpoints(request: Request[Any, Any, Any], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """What a step can be about: the touchpoints of the registry, and those in the data that it does not know."""
        return {"touchpoints": _touchpoints(ws, chosen(request), _lang(lang))}

    @post("/api/maps/{map_id:str}/edit", sync_to_thread=True, status_code=200)
    def edit(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Edit a map: `edits` in order (docs/maps.md), the `revision` that they were made on, an `author`."""
        saved = revisions.change(ws, map_id, edits_of(data.get("edits")), revision_of(data), _author(data))
        return answered(request, saved, _lang(lang))

    @post("/api/maps/{map_id:str}/replace", sync_to_thread=True, status_code=200)
    def replace(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Put a whole `document` in the place of the `revision` that it was made from."""
        try:
            new = msgspec.convert(data.get("document"), JourneyMap)
        except msgspec.ValidationError as error:
            raise BadDocument("document", f"{str(error).lower()}.", "Send a journey-map/1.") from None
        saved = revisions.replace(ws, map_id, new, revision_of(data), _author(data))
        return answered(request, saved, _lang(lang))

    @post("/api/maps/{map_id:str}/undo", sync_to_thread=True, status_code=200)
    def undo(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Take back what one `revision` changed; what came after it stays."""
        return answered(request, revisions.take_back(ws, map_id, revision_of(data), _author(data)), _lang(lang))

    @post("/api/maps/{map_id:str}/restore", sync_to_thread=True, status_code=200)
    def restore(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Make an old `revision` the newest."""
        return answered(request, revisions.restore(ws, map_id, revision_of(data), _author(data)), _lang(lang))

    @post("/api/maps/{map_id:str}/switch", sync_to_thread=True, status_code=200)
    def switch_to(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """The same steps in the stages of another `template`."""
        found, number = revisions.stored(ws, map_id)
        new = switch(found, str(data.get("template")))
        return answered(request, revisions.replace(ws, map_id, new, number, _author(data)), _lang(lang))

    @post("/api/maps/{map_id:str}/delete", sync_to_thread=True, status_code=200)
    def delete(map_id: FromPath[str]) -> dict[str, Any]:
        """Delete a map with its revisions and comments."""
        revisions.stored(ws, map_id)
        with ws.engine.begin() as connection:
            documents.remove(connection, MAP, map_id)
        return {"deleted": True}

    @get("/api/maps/{map_id:str}/history", sync_to_thread=True)
    def history(
        map_id: FromPath[str], lang: FromQuery[str] = "de", limit: FromQuery[int] = 30, offset: FromQuery[int] = 0
    ) -> dict[str, Any]:
        """The revisions, the newest first, each with what it changed (personal: who)."""
        found = revisions.history(ws, map_id, max(1, min(limit, 100)), max(0, offset))
        rows = []
        for one in found:
            old, new, parts = revisions.changes(ws, map_id, one.revision - 1, one.revision)
            said = told(parts, old, new, _lang(lang)) if one.revision > 1 else []
            rows.append(
                {"revision": one.revision, "at": iso(one.at_us), "author": one.author, "changes": said[:20],
                 "more": max(0, len(said) - 20)}
            )  # fmt: skip
        return {"revisions": rows}

    @get("/api/maps/{map_id:str}/diff", sync_to_thread=True)
    def diff(
        map_id: FromPath[str], before: FromQuery[int], after: FromQuery[int], lang: FromQuery[str] = "de"
    ) -> dict[str, Any]:
        """What has changed from revision `before` to `after`."""
        old, new, parts = revisions.changes(ws, map_id, before, after)
        return {"before": before, "after": after, "changes": told(parts, old, new, _lang(lang))}

    @get("/api/maps/{map_id:str}/reach", sync_to_thread=True)
    def reach_of(request: Request[Any, Any, Any], map_id: FromPath[str], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """How far each touchpoint of the map reaches, for its 2x2 matrix."""
        found, _ = revisions.stored(ws, map_id)
        return reach_view(found, chosen(request), ws.registry(), _lang(lang))

    @get("/api/maps/{map_id:str}/ways", sync_to_thread=True)
    def ways_of(request: Request[Any, Any, Any], map_id: FromPath[str], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """The ways that people take between the map's touchpoints, and which of them the map plans."""
        found, _ = revisions.stored(ws, map_id)
        return ways_view(found, chosen(request), ws.registry(), _lang(lang))

    @post("/api/maps/{map_id:str}/proposals", sync_to_thread=True, status_code=200)
    def propose(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """What fits the cell at `lane` and `place`, or comes out of a `question`; each with its number now."""
        found, _ = revisions.stored(ws, map_id)
        question, now = data.get("question"), time.time_ns() // 1000
        if isinstance(question, dict):
            question_of(question)
            proposed = proposals_of(found, question, chosen(request), ws.registry(), now)
        else:
            lane, place = str(data.get("lane")), str(data.get("place"))
            proposed = proposals(found, lane, place, chosen(request), ws.registry(), now)
        return {
            "questions": _questions(ws, _lang(lang)),
            "proposals": [
                {
                    "evidence": msgspec.to_builtins(one.evidence),
                    "bound": evidence_view(one.bound, "measured", _lang(lang)),
                }
                for one in proposed
            ],
        }

    @get("/api/maps/{map_id:str}/comments", sync_to_thread=True)
    def list_comments(map_id: FromPath[str]) -> dict[str, Any]:
        """What people said about the map and its parts (personal)."""
        revisions.stored(ws, map_id)
        with ws.engine.connect() as connection:
            return {"comments": [comment_view(one) for one in comments.of(connection, MAP, map_id)]}

    @post("/api/maps/{map_id:str}/comments", sync_to_thread=True, status_code=200)
    def comment(map_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Say something: `text`, `author`, and the `place`, such as "cell pain @ s4"; or mark one: `id` and `done`."""
        found, _ = revisions.stored(ws, map_id)
        with ws.engine.begin() as connection:
            if "id" in data:
                known = comments.mark(connection, MAP, map_id, _whole(data["id"]), bool(data.get("done")))
                if not known:
                    raise UnknownName("id", f"there is no comment {data['id']}.", "Reload the map.")
                return {"done": bool(data.get("done"))}
            text, place, author = _comment_of(data, found)
            return comment_view(comments.add(connection, MAP, map_id, place, author, text))

    @post("/api/maps/{map_id:str}/comments/{comment_id:int}/delete", sync_to_thread=True, status_code=200)
    def delete_comment(map_id: FromPath[str], comment_id: FromPath[int]) -> dict[str, Any]:
        """Delete a comment."""
        with ws.engine.begin() as connection:
            return {"deleted": comments.remove(connection, MAP, map_id, comment_id)}

    return [
        templates, create, document, version, touchpoints, edit, reach_of, ways_of, replace, undo, restore, switch_to,
        delete, history, diff, propose, list_comments, comment, delete_comment,
    ]  # fmt: skip


def _questions(ws: Workspace, lang: str) -> list[dict[str, Any]]:
    """The questions that were saved, and those that need no choice."""
    with ws.engine.connect() as connection:
        kept = [load(found.body, found.id) for found in documents.newest(connection, "question")]
    saved = [{"title": one["title"], "question": one["question"], "saved": True} for one in kept]
    plain = [
        {"title": word(f"answer.title.{kind}", lang), "question": {"question": kind}, "saved": False}
        for kind in ("reach", "friction", "transitions", "stages", "variants", "sessions")
    ]
    return [*saved, *plain]


def _lang(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"


def _author(data: Mapping[str, Any]) -> str:
    return str(data.get("author") or "")


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else -1


def revision_of(data: Mapping[str, Any]) -> int:
    """The revision that a change was made on, as its body says."""
    if not isinstance(data.get("revision"), int):
        raise BadDocument("revision", "is missing.", "Send the revision that the change was made on.")
    return int(data["revision"])


def _made(ws: Workspace, journeys: Journeys, data: Mapping[str, Any], lang: str) -> tuple[JourneyMap, list[str]]:
    """A new map as it was asked for, and the touchpoints that found no place in it."""
    source, left_out = data.get("from", "template"), list[str]()
    name = str(data.get("template") or TEMPLATES[0])
    if source == "data":
        drafted = draft(journeys, ws.registry(), name, lang)
        made, left_out = drafted.map, [one for one, _ in drafted.left_out]
    elif source == "copy":
        made = revisions.stored(ws, str(data.get("id")))[0]
    elif source == "template":
        made = template(name)
    else:
        raise BadDocument("from", f"{source!r} is no beginning of a map.", "Write template, data or copy.")
    title = data.get("title") or made.title
    said = say(title, lang) if isinstance(title, (str, dict)) else ""
    if not said.strip() or len(said) > LONGEST:
        raise BadDocument("title", "a map needs a title.", "Write what it is about, such as: first purchase.")
    with ws.engine.connect() as connection:
        taken = {found.id for found in documents.newest(connection, MAP)}
    kind = "as_is" if made.kind == "template" else made.kind
    fields = {key: data[key] for key in ("scenario", "expectation", "personas", "kind", "parent") if data.get(key)}
    values = {**msgspec.to_builtins(made), "kind": kind, **fields}
    values |= {"id": new_id(said, taken, MAP), "title": title, "language": str(data.get("language") or lang)}
    try:
        return msgspec.convert(values, JourneyMap), left_out
    except msgspec.ValidationError as error:
        raise BadDocument("map", f"{str(error).lower()}.") from None


def _touchpoints(ws: Workspace, journeys: Journeys, lang: str) -> list[dict[str, Any]]:
    registry = ws.registry()
    counts: dict[str, int] = {}
    loose: list[dict[str, Any]] = []
    for row in reach(journeys).rows():
        known = registry.find(row["touchpoint"])
        if known is not None:
            counts[known.id] = counts.get(known.id, 0) + row["events"]
        elif row["events"]:
            name = row["touchpoint"]
            loose.append({"id": name, "title": name, "known": False, "events": row["events"]})
    listed = [
        {
            "id": point.id, "title": say(point.title, lang), "known": True, "events": counts.get(point.id, 0),
            "channel": point.channel, "medium": point.medium, "contact": point.contact, "goal": say(point.goal, lang),
        }
        for point in registry.touchpoints
    ]  # fmt: skip
    return sorted([*listed, *loose], key=lambda one: (-one["events"], one["title"].lower()))


def conflict_view(conflict: Conflict, document: JourneyMap, lang: str) -> dict[str, Any]:
    """A conflict as plain data, with its texts as people read them."""
    found: dict[str, Any] = msgspec.to_builtins(conflict)
    change = PartChange(conflict.kind, conflict.id, "changed")
    label = told([change], document, document, lang)[0]["label"]
    return {
        **found,
        "label": label,
        "saved_text": _short(conflict.saved, lang),
        "wanted_text": _short(conflict.wanted, lang),
    }


def _short(value: Any, lang: str) -> str:
    if isinstance(value, dict):
        value = say(value, lang) if set(value) <= set(LANGUAGES) else value.get("text") or value.get("title") or ""
        return _short(value, lang) if isinstance(value, dict) else str(value)
    return "" if value is None else str(value)


def comment_view(one: comments.Comment) -> dict[str, Any]:
    """A comment as plain data (personal)."""
    return {
        "id": one.id,
        "place": one.place,
        "at": iso(one.at_us),
        "author": one.author,
        "text": one.text,
        "done": one.done,
    }


def _comment_of(data: Mapping[str, Any], document: JourneyMap) -> tuple[str, str, str]:
    text, place, author = (str(data.get(key) or "").strip() for key in ("text", "place", "author"))
    if not 0 < len(text) <= LONGEST:
        raise BadDocument("text", f"a comment has 1 to {LONGEST} characters.", "Write it shorter, or at all.")
    if not revisions.named(author):
        raise BadDocument("author", "a comment needs a name.", "Write who says it.")
    kind, _, id = place.partition(" ")
    lane, _, _ = id.partition(" @ ")
    parts = taken_apart(document).values
    # A comment may stand at a cell in which nothing is written yet.
    known = not place or (kind, id) in parts or (kind == "cell" and ("lane", lane) in parts)
    if not known:
        raise UnknownName("place", f"the map has no {place!r}.", 'Write such as "cell pain @ s4" or "step s4".')
    return text, place, revisions.named(author)
