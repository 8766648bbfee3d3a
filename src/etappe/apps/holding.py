"""Holding: the numbers of now written into a stored map ("Stand festhalten"), beside what others saved at the time."""

from typing import TYPE_CHECKING

import msgspec

from etappe.apps import revisions
from etappe.apps.revisions import Saved
from etappe.journeys.columns import Journeys
from etappe.maps.evidence import hold as written
from etappe.maps.model import Evidence, JourneyMap

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace


def hold(
    ws: "Workspace", map_id: str, revision: int | None = None, author: str = "", journeys: Journeys | None = None
) -> tuple[Saved, list[str]]:
    """Hold the numbers of a map as it was at `revision` (by default the newest); what was saved since stays.

    Returns
    -------
    The map as it is stored now, and the evidence whose number is not held: somebody removed, held or changed it since,
    or changed what it is computed from, so that the number that was seen is no longer its own.
    """
    base, seen = revisions.stored(ws, map_id, revision)
    chosen = journeys if journeys is not None else ws.journeys()
    wanted = written(base, ws.bind(base, chosen))
    left: list[str] = []
    if seen != revisions.newest(ws, map_id):
        newest, _ = revisions.stored(ws, map_id)
        wanted, left = _still_true(base, wanted, newest, written(newest, ws.bind(newest, chosen)))
    return revisions.replace(ws, map_id, wanted, seen, author), left


def _still_true(
    base: JourneyMap, wanted: JourneyMap, newest: JourneyMap, again: JourneyMap
) -> tuple[JourneyMap, list[str]]:
    """What is wanted, without the numbers that are no longer those of their evidence; and which these are."""
    saved = {e.id: e for e in newest.evidence}
    now = {e.id: e for e in again.evidence}
    kept, left = [], []
    for before, e in zip(base.evidence, wanted.evidence, strict=True):
        true = saved.get(e.id) == before and _number(now[e.id]) == _number(e)
        kept.append(e if true else before)
        if not true and e != before:
            left.append(e.id)
    return msgspec.structs.replace(wanted, evidence=tuple(kept)), left


def _number(e: Evidence) -> tuple[float | None, int | None] | None:
    return (e.snapshot.value, e.snapshot.n) if e.snapshot else None
