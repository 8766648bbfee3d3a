"""Map view: a bound map as plain data for the web application, every text said in one language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.language import number, percent, word
from etappe.maps.bound import SHOWN, Bound, BoundCell, BoundMap
from etappe.maps.figures import interval_text, signed, state_text, target_text, value_text
from etappe.maps.model import JourneyMap, Opportunity, Step, Touchpoint
from etappe.maps.parts import place_of
from etappe.maps.review import due
from etappe.maps.views import reached, ways
from etappe.units import iso
from etappe.vocabulary import say

TINTS: Final = 5


def map_card(bound: BoundMap, lang: str, at_us: int | None = None) -> dict[str, Any]:
    """A map in the gallery: titles, how much of it is measured, its curve."""
    m = bound.map
    scores: list[float | None] = [None] * len(m.columns())
    rests: list[str | None] = [None] * len(scores)
    for c in bound.cells:
        if c.lane.type == "emotion" and scores[c.first] is None:
            scores[c.first], rests[c.first] = c.score, c.basis
    return {
        "id": m.id,
        "title": say(m.title, lang),
        "subtitle": say(m.scenario, lang),
        "kind": m.kind,
        "updated": iso(at_us) if at_us is not None else None,
        "shares": dict(bound.shares),
        "curve": scores,
        "curve_basis": rests,
        "stages": [say(stage.title, lang) for stage in m.stages],
        "steps": len(m.steps),
    }


def bound_view(bound: BoundMap, lang: str, revision: int = 0, data: str = "") -> dict[str, Any]:
    """A map with its evidence, for the screen that shows it and edits it."""
    m = bound.map
    points = {t.id: t for t in m.touchpoints}
    coverage = None
    if bound.coverage is not None:
        coverage = {
            "journeys": bound.coverage.journeys,
            "events": bound.coverage.events,
            "sentence": say(bound.coverage.sentence, lang),
        }
    unmapped = bound.coverage.unmapped if bound.coverage else ()
    return {
        "id": m.id,
        "revision": revision,
        "data": data,
        "title": say(m.title, lang),
        "scenario": say(m.scenario, lang),
        "expectation": say(m.expectation, lang),
        "language": lang,
        "kind": m.kind,
        "personas": list(m.personas),
        "owner": {"department": say(m.owner.department, lang), "person": m.owner.person} if m.owner else None,
        "parent": m.parent,
        "children": list(m.children),
        "review": _review(bound, lang),
        "studies": [
            {**msgspec.to_builtins(one), "title": say(one.title, lang), "notes": say(one.notes, lang)}
            for one in m.studies
        ],
        "flow": [{**msgspec.to_builtins(edge), "label": say(edge.label, lang)} for edge in m.flow],
        "opportunities": [_opportunity(one, lang) for one in m.opportunities],
        "stages": [
            {
                "id": stage.id,
                "title": say(stage.title, lang),
                "text": say(stage.text, lang),
                "tint": str(i % TINTS + 1),
                "steps": [step.id for step in stage.steps],
            }
            for i, stage in enumerate(m.stages)
        ],
        "steps": [
            _step(step, points.get(step.touchpoint or ""), stage.id, lang) for stage in m.stages for step in stage.steps
        ],
        "lanes": [
            {
                "id": lane.id,
                "type": lane.type,
                "title": say(lane.title, lang),
                "persona": lane.persona,
                "to_be": lane.to_be,
            }
            for lane in m.lanes
        ],
        "cells": [_cell(c, lang, {o.id: say(o.title, lang) for o in m.opportunities}) for c in bound.cells],
        "evidence": {name: evidence_view(b, _basis(b, bound), lang) for name, b in bound.evidence.items()},
        "coverage": coverage,
        "unmapped": [{"name": name, "events": events} for name, events in unmapped],
        "shares": dict(bound.shares),
        "faults": [{"text": fault.say(lang), "lang": lang if fault.key else "en"} for fault in bound.faults],
    }


def _step(step: Step, point: Touchpoint | None, stage: str, lang: str) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": say(step.title, lang),
        "stage": stage,
        "touchpoint": say(point.title, lang) if point else None,
        "channel": point.channel if point else None,
        "medium": point.medium if point else None,
        "contact": point.contact if point else None,
        "touchpoint_id": step.touchpoint,
        "goal": say(point.goal, lang) if point else "",
        "truth": step.truth,
        "optional": step.optional,
        "duration_hint": step.duration_hint,
        "shape": f"{point.medium}-{point.contact}" if point else "none",
    }


def _cell(c: BoundCell, lang: str, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "lane": c.lane.id,
        "place": place_of(msgspec.to_builtins(c.cell)),
        "own_text": say(c.cell.text, lang),
        "researched": list(c.cell.researched),
        "validated": c.cell.validated,
        "own_score": c.cell.arc if c.lane.type == "arc" else c.cell.score,
        "first": c.first,
        "span": c.span,
        "text": say(c.cell.text, lang) or titles.get(c.cell.opportunity or ""),
        "quotes": [{"text": say(quote.text, lang), "source": quote.source or None} for quote in c.cell.quotes],
        "severity": c.cell.severity,
        "score": c.score,
        "score_text": _score_text(c, lang),
        "basis": c.basis,
        "evidence": list(c.cell.refs),
        "opportunity": c.cell.opportunity,
    }


def _score_text(c: BoundCell, lang: str) -> str | None:
    if c.score is None:
        return None
    return number(c.score, lang) if c.lane.type == "arc" else signed(c.score, lang)


def _basis(b: Bound, bound: BoundMap) -> str:
    using = [c.basis for c in bound.cells if b.id in c.cell.refs and c.basis is not None]
    return using[0] if using else "assumed"


def _review(bound: BoundMap, lang: str) -> dict[str, Any]:
    today = datetime.now(ZoneInfo(bound.timezone)).date()
    found = due(bound, today)
    review = bound.map.review
    return {
        "every": review.every if review else None,
        "last": review.last if review else None,
        "next": found.next,
        "due": [say(reason, lang) for reason in found.reasons],
    }


def _opportunity(one: Opportunity, lang: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(one)
    return {**found, "title": say(one.title, lang), "owner": say(one.owner, lang), "status": one.status}


def evidence_view(b: Bound, basis: str, lang: str) -> dict[str, Any]:
    """A bound number as the screen shows it."""
    shown = b.state in SHOWN
    how = None
    if b.sentence:
        parameters = {name: str(value) for name, value in b.parameters.items()}
        how = {
            "sentence": say(b.sentence, lang),
            "question": msgspec.to_builtins(b.question),
            "snapshot": b.snapshot,
            "parameters": parameters,
        }
    return {
        "label": say(b.label, lang),
        "text": value_text(b, lang),
        "value": b.value if shown else None,
        "unit": b.unit,
        "n": b.n,
        "low": b.low if shown else None,
        "high": b.high if shown else None,
        "interval_text": interval_text(b, lang) or None,
        "state": b.state,
        "state_text": state_text(b, lang) or None,
        "basis": basis,
        "target_text": target_text(b, lang) or None,
        "verdict": b.verdict,
        "above_target": b.value > b.target if shown and b.value is not None and b.target is not None else None,
        "data_until": b.data_until,
        "at": b.at,
        "share_of_data": b.share_of_data,
        "how": how,
        "people": shown and b.view is not None and b.question is not None,
    }


def reach_view(m: JourneyMap, journeys: Journeys, registry: Registry, lang: str) -> dict[str, Any]:
    """The touchpoints of a map with their 2x2 category and measured reach."""
    found, n = reached(m, journeys, registry)
    titles = {point.id: point for point in m.touchpoints}
    rows = []
    for one in found:
        point = titles[one.touchpoint]
        rows.append(
            {
                **msgspec.to_builtins(one),
                "title": say(point.title, lang),
                "medium": point.medium,
                "contact": point.contact,
                "channel": point.channel,
                "text": percent(one.share, lang) if one.share is not None else word("map.none.data", lang),
                "interval_text": f"{percent(one.low, lang)} – {percent(one.high, lang)}"
                if one.low is not None and one.high is not None
                else None,
                "steps": [step.id for step in m.steps if step.touchpoint == one.touchpoint],
            }
        )
    return {"n": n, "touchpoints": rows}


def ways_view(m: JourneyMap, journeys: Journeys, registry: Registry, lang: str) -> dict[str, Any]:
    """The measured ways between a map's touchpoints, as texts too."""
    titles = {point.id: say(point.title, lang) for point in m.touchpoints}
    found = ways(m, journeys, registry)
    total = sum(way.count for way in found)
    planned = sum(way.count for way in found if way.planned)
    caption = word("map.ways.none", lang)
    if total:
        share = percent(planned / total, lang, 0)
        caption = word("map.ways.caption", lang, share=share, total=number(total, lang))
    return {
        "caption": caption,
        "total": total,
        "ways": [
            {
                **msgspec.to_builtins(way),
                "start_title": titles[way.start],
                "end_title": titles[way.end],
                "text": percent(way.share, lang),
            }
            for way in found
        ],
    }
