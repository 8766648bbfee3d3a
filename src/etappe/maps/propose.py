"""Propose: the metrics that fit a cell, as evidence that can be bound to it; with their live values once computed."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.binder import Binder
from etappe.maps.bound import Bound
from etappe.maps.evidence import bind, bind_one
from etappe.maps.metrics import METRICS
from etappe.maps.model import Evidence, JourneyMap, Parameters, stage_columns
from etappe.maps.parts import place_fields
from etappe.maps.picking import evidence_of

FIRST: Final = {
    "emotion": ("survey.csat", "survey.nps", "survey.ces", "text.sentiment"),
    "pain": ("step.dropoff", "step.duration", "support.contact_rate"),
    "gain": ("step.conversion", "journey.repeat_rate"),
}
"""What a lane asks for first."""
LATE: Final = ("few", "none")
"""States of what can be bound but says nothing yet: these stand last."""


class Proposal(msgspec.Struct, frozen=True):
    """An evidence that fits a cell, and its number now."""

    evidence: Evidence
    bound: Bound


def proposals(
    document: JourneyMap, lane: str, place: str, journeys: Journeys, registry: Registry | None, now_us: int = 0
) -> list[Proposal]:
    """What can be bound to a cell, each with its live value; those without a number last.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.draft import template
    >>> shop = journeys_of([0, 2], [0, 1], [0, 1], ["ad_impression", "search_suggestion"])
    >>> [one.evidence.metric for one in proposals(template("five-stages"), "pain", "s1", shop, None)][:2]
    ['step.dropoff', 'step.duration']
    """
    kind = next((one.type for one in document.lanes if one.id == lane), "metric")
    wanted = FIRST.get(kind, ())
    found = list(_fitting(document, place, registry))
    found.sort(key=lambda e: wanted.index(str(e.metric)) if e.metric in wanted else len(wanted))
    trial = msgspec.structs.replace(document, evidence=tuple(found), cells=())
    bound = bind(trial, journeys, registry, now_us).evidence
    both = [Proposal(e, bound[e.id]) for e in found if bound[e.id].state != "failed"]
    return sorted(both, key=lambda one: LATE.index(one.bound.state) + 1 if one.bound.state in LATE else 0)


def proposals_of(
    document: JourneyMap,
    question: dict[str, Any],
    journeys: Journeys,
    registry: Registry | None,
    now_us: int = 0,
) -> list[Proposal]:
    """What can be bound out of the answer to a question, each with its number now.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.draft import template
    >>> shop = journeys_of([0, 2], [0, 1], [0, 1], ["visit", "order"])
    >>> found = proposals_of(template("five-stages"), {"question": "reach"}, shop, None)
    >>> sorted(one.evidence.title["en"] for one in found)
    ['order: Journeys', 'order: Share', 'visit: Journeys', 'visit: Share']
    """
    binder = Binder(document, journeys, registry, now_us)
    view, _ = binder.view(None, document.window, binder.segment(None))
    found = evidence_of(question, binder.answer(view, question), registry)
    both = [Proposal(e, bind_one(e, binder)) for e in found]
    return [one for one in both if one.bound.state != "failed"]


def _fitting(document: JourneyMap, place: str, registry: Registry | None) -> Iterator[Evidence]:
    at = place_fields(place)
    columns = document.columns()
    if "stage" in at:
        yield _evidence("stage.time", stage=at["stage"])
        inside = [key for stage in document.stages if stage.id == at["stage"] for key in stage_columns(stage)]
        first, last = inside[0], inside[-1]
    else:
        first, last = str(at.get("from", at.get("step"))), str(at.get("to", at.get("step")))
    steps = [step.id for step in document.steps]
    points = {step.id: step.touchpoint for step in document.steps}
    after = columns[columns.index(last) + 1] if last in columns and last != columns[-1] else None
    end = last if last != first else after
    if points.get(first):
        yield _evidence("touchpoint.share_of_journeys", touchpoint=first)
        yield _evidence("touchpoint.reach", touchpoint=first)
    if first in steps and end in steps and points.get(first) and points.get(end) and points[first] != points[end]:
        for metric in ("step.conversion", "step.dropoff", "step.duration", "transition.share"):
            yield _evidence(metric, start=first, end=end)
    if points.get(first):
        known = registry.find(str(points[first])) if registry is not None else None
        if known is not None and known.atom == "buy":
            yield _evidence("journey.repeat_rate", touchpoint=first, within="90d")
        if known is None or known.atom != "buy":
            yield _evidence("attribution.share", touchpoint=first)
        yield _evidence("revenue.sum", touchpoint=first)
        yield _evidence("revenue.per_journey", touchpoint=first)
        for metric in ("survey.csat", "survey.nps", "survey.ces", "text.sentiment", "support.contact_rate"):
            yield _evidence(metric, touchpoint=first)
    yield _evidence("journey.count")


def _evidence(metric: str, **parameters: str | None) -> Evidence:
    of = "-".join(str(value) for value in parameters.values() if value)
    unit = METRICS[metric].unit
    return Evidence(
        id=f"{metric.replace('.', '-').replace('_', '-')}{'-' if of else ''}{of}",
        metric=metric,
        parameters=Parameters(**parameters) if parameters else None,  # type: ignore[arg-type]  # names of its fields
        unit=None if unit == "duration" else unit,
    )
