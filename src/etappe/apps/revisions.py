"""Revisions: changes of a stored map. Each is a new revision; changes made at once are merged, none is lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from etappe.errors import BadDocument, WorkspaceBusy, unknown
from etappe.maps.applied import new_id
from etappe.maps.check import check
from etappe.maps.difference import PartChange, difference
from etappe.maps.document import dump_map, read_map
from etappe.maps.edit import edited
from etappe.maps.edits import Edit
from etappe.maps.merge import Conflict, merge
from etappe.maps.model import JourneyMap
from etappe.maps.opportunity import dated, decided
from etappe.maps.rewrite import rewritten
from etappe.store import decisions, documents

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

MAP: Final = "map"
TRIES: Final = 20
LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class Saved:
    """A map as it is stored now, and what of a change could not be kept beside somebody else's."""

    map: JourneyMap
    revision: int
    conflicts: tuple[Conflict, ...] = ()
    changed: bool = True


def stored(ws: "Workspace", map_id: str, revision: int | None = None) -> tuple[JourneyMap, int]:
    """A map at a revision, by default the newest, and its number."""
    with ws.engine.connect() as connection:
        found = documents.get(connection, MAP, map_id, revision)
        if found is None:
            known = documents.revisions(connection, MAP, map_id, 1)
            names = [document.id for document in documents.newest(connection, MAP)]
    if found is None:
        if known:
            what = f"there is no revision {revision}."
            raise BadDocument(f"map {map_id}", what, f"Revisions are 1 to {known[0].revision}.")
        raise unknown("maps", "map", map_id, names)
    return _read(found.body, map_id), found.revision


@lru_cache(64)
def _read(body: str, map_id: str) -> JourneyMap:
    """Every change reads revisions again that were read a moment ago."""
    return read_map(body, map_id)


def change(
    ws: "Workspace", map_id: str, edits: Sequence[Edit], revision: int | None = None, author: str = "", note: str = ""
) -> Saved:
    """Edit a map as it was at `revision` (by default the newest), and merge that with what was saved since.

    `note` says why, where the edits decide about an opportunity.
    """
    base, seen = stored(ws, map_id, revision)
    return _save(ws, map_id, base, seen, lambda: edited(base, edits), author, note)


def replace(ws: "Workspace", map_id: str, document: JourneyMap, revision: int, author: str = "") -> Saved:
    """Put a whole map in the place of a revision, and merge that with what was saved since."""
    if document.id != map_id:
        raise BadDocument("id", f"is {document.id!r}, but the map is {map_id!r}.", "A map keeps its id.")
    base, seen = stored(ws, map_id, revision)
    return _save(ws, map_id, base, seen, lambda: document, author)


def take_back(ws: "Workspace", map_id: str, revision: int, author: str = "") -> Saved:
    """Undo what one revision changed, and keep what came after it; to undo that again takes it back."""
    after, seen = stored(ws, map_id, revision)
    if seen < 2:
        raise BadDocument(f"map {map_id}", "the first revision cannot be undone.", "Delete the map instead.")
    before, _ = stored(ws, map_id, seen - 1)
    return _save(ws, map_id, after, seen, lambda: before, author)


def restore(ws: "Workspace", map_id: str, revision: int, author: str = "") -> Saved:
    """Make an old revision the newest one."""
    old, _ = stored(ws, map_id, revision)
    now, seen = stored(ws, map_id)
    return _save(ws, map_id, now, seen, lambda: old, author)


def _save(
    ws: "Workspace",
    map_id: str,
    base: JourneyMap,
    seen: int,
    wanted: Callable[[], JourneyMap],
    author: str,
    note: str = "",
) -> Saved:
    author = named(author)
    new = wanted()
    for _ in range(TRIES):
        saved, last = (base, seen) if seen == newest(ws, map_id) else stored(ws, map_id)
        both, conflicts = merge(base, saved, new)
        if both == saved:
            return Saved(saved, last, conflicts, changed=False)
        both = dated(saved, both, datetime.now(ZoneInfo(ws.settings.timezone)).date())
        refuse_faults(ws, both)
        with ws.engine.begin() as connection:
            before = documents.get(connection, MAP, map_id, last)
            text = rewritten(before.body, both) if before else dump_map(both)
            if documents.append(connection, MAP, map_id, last + 1, text, author):
                log_decisions(connection, saved, both, last + 1, author, note)
                return Saved(both, last + 1, conflicts)
    raise WorkspaceBusy(f"map {map_id}", "others change it faster than it can be saved.", "Try again.")


def log_decisions(
    connection: Connection, old: JourneyMap | None, new: JourneyMap, revision: int, author: str, note: str = ""
) -> None:
    """Keep which opportunities of a map have another status than before, whatever way that was written."""
    changed = [(one.id, before, one.status) for one, before in decided(old, new)]
    decisions.keep(connection, new.id, revision, changed, author, note)


def newest(ws: "Workspace", map_id: str) -> int:
    """The number of the newest revision; 0 where there is no such map."""
    with ws.engine.connect() as connection:
        found = documents.revisions(connection, MAP, map_id, 1)
    return found[0].revision if found else 0


def refuse_faults(ws: "Workspace", document: JourneyMap) -> None:
    """Refuse a map with an error in it; warnings are shown with the map."""
    faults = [fault for fault in check(document, ws.registry()) if fault.level == "error"]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise BadDocument(faults[0].spot, f"{faults[0].what}{more}", faults[0].hint)


def named(author: str) -> str:
    """A name as it is kept: one line, not too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in author).split())[:LONGEST_NAME]


def create(ws: "Workspace", document: JourneyMap, author: str = "") -> Saved:
    """Store a new map; where its id is taken it gets the next free one."""
    with ws.engine.connect() as connection:
        taken = {found.id for found in documents.newest(connection, MAP)}
    if document.id in taken or not document.id:
        document = msgspec.structs.replace(document, id=new_id(document.id or "map", taken, MAP))
    refuse_faults(ws, document)
    with ws.engine.begin() as connection:
        if not documents.append(connection, MAP, document.id, 1, dump_map(document), named(author)):
            raise WorkspaceBusy(f"map {document.id}", "was made by somebody else just now.", "Try again.")
        log_decisions(connection, None, document, 1, named(author))
    return Saved(document, 1)


def history(ws: "Workspace", map_id: str, limit: int = 50, offset: int = 0) -> list[documents.Revision]:
    """The revisions of a map, the newest first, with who made them (personal)."""
    stored(ws, map_id)
    with ws.engine.connect() as connection:
        return documents.revisions(connection, MAP, map_id, limit, offset)


def changes(ws: "Workspace", map_id: str, before: int, after: int) -> tuple[JourneyMap, JourneyMap, list[PartChange]]:
    """Two revisions of a map and what has changed between them; revision 0 is the empty map."""
    new, _ = stored(ws, map_id, after)
    old = stored(ws, map_id, before)[0] if before else JourneyMap(schema="journey-map/1", id=map_id, title="")
    return old, new, difference(old, new)
