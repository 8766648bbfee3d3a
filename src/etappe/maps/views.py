"""Views: what other pictures of a map need beside its cells: how far each touchpoint reaches, which ways are taken.

Unit of count: the journey for reach, the transition for ways. Journeys are seen as the map sees them: events that are
no touchpoint of the map are left out of ways, so that a way leads from one step of the map to the next that was taken.
"""

from itertools import pairwise
from typing import Any

import msgspec

from etappe.analysis.reach import reach
from etappe.analysis.transitions import transitions
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.binder import Binder
from etappe.maps.model import JourneyMap
from etappe.maps.seen import Seen


class Reached(msgspec.Struct, frozen=True):
    """How far a touchpoint of the map reaches; None where the data hold nothing of it."""

    touchpoint: str
    journeys: int | None
    share: float | None
    low: float | None
    high: float | None
    events: int | None


class Way(msgspec.Struct, frozen=True):
    """How often one touchpoint of the map is followed by another, as a share of all that follow."""

    start: str
    end: str
    count: int
    share: float
    planned: bool
    """The map leads there: by its flow, or, where it has none, as the next step."""


def seen_by(document: JourneyMap, journeys: Journeys, registry: Registry | None) -> Seen:
    """The journeys that the map is about, under its names."""
    return Binder(document, journeys, registry, 0).view(None, document.window)[1]


def reached(document: JourneyMap, journeys: Journeys, registry: Registry | None) -> tuple[list[Reached], int]:
    """The reach of each touchpoint of a map, in the map's order, and the journeys it is measured on.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.draft import draft
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> [(one.touchpoint, one.share) for one in reached(draft(shop).map, shop, None)[0]]
    [('visit', 1.0), ('order', 0.5)]
    """
    seen = seen_by(document, journeys, registry)
    answer = reach(seen.journeys)
    rows = {row["touchpoint"]: row for row in answer.rows()}
    found = []
    for point in document.touchpoints:
        row: dict[str, Any] = rows.get(point.id, {}) if seen.names.get(point.id) else {}
        keys = ("journeys", "share", "low", "high", "events")
        found.append(Reached(point.id, *(row.get(key) for key in keys)))
    return found, answer.n


def ways(document: JourneyMap, journeys: Journeys, registry: Registry | None) -> list[Way]:
    """The ways that people take between the touchpoints of a map, the most frequent first.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.draft import draft
    >>> shop = journeys_of([0, 3, 4], [0, 5, 6, 1], [0, 1, 0, 0], ["visit", "order"])
    >>> [(way.start, way.end, way.count, way.planned) for way in ways(draft(shop).map, shop, None)]
    [('order', 'visit', 1, False), ('visit', 'order', 1, True)]
    """
    seen = seen_by(document, journeys, registry)
    only = seen.journeys.keep(seen.mapped)
    points = {step.id: step.touchpoint for step in document.steps}
    order = [step.touchpoint for step in document.steps if step.touchpoint]
    pairs = [(points.get(edge.start), points.get(edge.end)) for edge in document.flow if edge.kind != "drop"]
    planned = set(pairs) if pairs else set(pairwise(order))
    known = {point.id for point in document.touchpoints}
    rows = [row for row in transitions(only, medians=False).rows() if row["from"] in known and row["to"] in known]
    leaving: dict[str, int] = {}
    for row in rows:
        leaving[row["from"]] = leaving.get(row["from"], 0) + row["count"]
    found = [
        Way(r["from"], r["to"], r["count"], r["count"] / leaving[r["from"]], (r["from"], r["to"]) in planned)
        for r in rows
        if r["count"]
    ]
    return sorted(found, key=lambda way: (-way.count, way.start, way.end))
