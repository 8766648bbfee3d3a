"""Persona view: personas as plain data for the web application and `--json`, every text said in one language."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from etappe.analysis.behaviour import Centre, Drift, nearest
from etappe.apps.personas import Told, feature_word, goal_of, history
from etappe.journeys.columns import Journeys
from etappe.language import duration, number, percent, word
from etappe.maps.check import Fault
from etappe.maps.figures import amount
from etappe.maps.model import BASES, Basis
from etappe.maps.persona import GROUPS, Field, Persona, check
from etappe.maps.portrait import (
    PEOPLE,
    Cell,
    Example,
    Known,
    Relevance,
    Trait,
    basis_of,
    currency_of,
    examples,
    known_of,
    membership,
    profile,
    relevance,
    stages_of,
)
from etappe.units import iso
from etappe.vocabulary import say

if TYPE_CHECKING:
    from etappe.analysis.clusters import Clusters
    from etappe.apps.workspace import Workspace

TRAITS: Final = 12
"""Of a profile, the largest differences that are shown."""
STABLE: Final = 0.75
VERY: Final = 0.85


def _interval(low: float | None, high: float | None, unit: str, lang: str, currency: str | None = None) -> str | None:
    if low is None or high is None:
        return None
    plain = unit in ("percent", "days", "hours", "minutes", "seconds")
    texts = [number(x, lang, 1) if plain else amount(x, unit, lang, currency) for x in (low, high)]
    return word("map.interval", lang, low=texts[0], high=texts[1])


def _figure(
    value: float | None,
    low: float | None,
    high: float | None,
    n: int,
    unit: str,
    lang: str,
    currency: str | None = None,
) -> dict[str, Any]:
    """A number with its n, its interval, and how people read all three."""
    return {
        "value": value, "low": low, "high": high, "n": n, "unit": unit,
        "text": "–" if value is None else amount(value, unit, lang, currency),
        "interval_text": _interval(low, high, unit, lang, currency),
        "n_text": f"n = {number(n, lang)}",
    }  # fmt: skip


def _share(value: float | None, low: float | None, high: float | None, n: int, lang: str) -> dict[str, Any]:
    scaled = [None if x is None else x * 100 for x in (value, low, high)]
    return _figure(scaled[0], scaled[1], scaled[2], n, "percent", lang)


# -- one persona -----------------------------------------------------------------------------------------------------


def size_of(journeys: Journeys, persona: Persona, lang: str) -> dict[str, Any]:
    """How many customers a persona has, and their share of all."""
    name = f"persona.{persona.id}"
    if name not in journeys.attributes:
        return {"customers": None, "share": None, "text": word("persona.size.none", lang)}
    mine = int(membership(journeys, persona.id).sum())
    share = mine / len(journeys) if len(journeys) else None
    said = percent(share, lang) if share is not None else "–"
    return {
        "customers": mine,
        "share": share,
        "text": word("persona.size", lang, customers=number(mine, lang), share=said),
    }


def stability_view(centre: Centre | None, lang: str) -> dict[str, Any] | None:
    """How stable a found persona is, in words."""
    if centre is None:
        return None
    level = "very" if centre.stability >= VERY else "stable" if centre.stability >= STABLE else "weak"
    return {
        "value": centre.stability,
        "level": level,
        "text": word(f"persona.stability.{level}", lang, value=number(centre.stability, lang, 2)),
    }


def card(told: Told, persona: Persona, journeys: Journeys, lang: str) -> dict[str, Any]:
    """A persona in the gallery."""
    return {
        "id": persona.id,
        "title": say(persona.title, lang),
        "initials": persona.letters,
        "kind": persona.kind,
        "kind_text": word(f"persona.kind.{persona.kind}", lang),
        "type": persona.type,
        "type_text": word(f"persona.type.{persona.type}", lang),
        "prospect": persona.prospect,
        "story": say(persona.story, lang),
        "quote": say(persona.quote, lang),
        "size": size_of(journeys, persona, lang),
        "stability": stability_view(_centre(told, persona), lang),
        "filter": None if persona.kind == "hand" else f"persona.{persona.id} = 'yes'",
        "revision": told.revisions.get(persona.id, 0),
        "updated": iso(told.at_us[persona.id]) if persona.id in told.at_us else None,
    }


def _centre(told: Told, persona: Persona) -> Centre | None:
    centres = told.centres.centres if told.centres and persona.kind == "found" else ()
    return next((centre for centre in centres if centre.id == persona.centre), None)


def page(ws: "Workspace", told: Told, persona: Persona, journeys: Journeys, lang: str) -> dict[str, Any]:
    """A persona with everything said of it, and what each field rests on."""
    registry, goal = ws.registry(), goal_of(ws, journeys)
    counted = f"persona.{persona.id}" in journeys.attributes
    mine = membership(journeys, persona.id) if counted else np.zeros(len(journeys), bool)
    some, money = journeys.select(mine), currency_of(journeys, goal)
    bases: list[Basis] = []
    groups = []
    model = registry.model(persona.model or ws.settings.stage_model)
    stages = {stage.id: say(stage.title, lang) for stage in model.stages}
    for group in GROUPS:
        shown = []
        for field in getattr(persona, group):
            known = None if field.measured is None else known_of(field.measured, some, registry, goal)
            basis = basis_of(field, known)
            bases.append(basis)
            shown.append(_field(field, known, basis, stages, lang))
        groups.append({"id": group, "title": word(f"persona.group.{group}", lang), "fields": shown})
    centres = [centre.id for centre in told.centres.centres] if told.centres else []
    faults = check(persona, registry, journeys, model=ws.settings.stage_model, centres=centres)
    return {
        **card(told, persona, journeys, lang),
        "document": msgspec.to_builtins(persona),
        "groups": groups,
        "stages": [{"id": id, "title": title} for id, title in stages.items()],
        "shares": {basis: bases.count(basis) / len(bases) if bases else 0.0 for basis in BASES},
        "shares_text": _rests(bases, lang),
        "profile": [_trait(one, lang, money) for one in profile(journeys, mine, goal)[:TRAITS]] if counted else [],
        "faults": [_fault(fault) for fault in faults],
        "data_until": None if journeys.origin.data_until_us is None else iso(journeys.origin.data_until_us),
        "history": [{"revision": one.revision, "at": iso(one.at_us)} for one in history(ws, persona.id)],
    }


def _rests(bases: Sequence[Basis], lang: str) -> str:
    counts = {basis: bases.count(basis) for basis in BASES if basis in bases}
    return ", ".join(f"{number(count, lang)} {word(f'map.basis.{basis}', lang)}" for basis, count in counts.items())


def _fault(fault: Fault) -> dict[str, Any]:
    return {"place": fault.place, "text": fault.text, "level": fault.level}


def _field(field: Field, known: Known | None, basis: Basis, stages: Mapping[str, str], lang: str) -> dict[str, Any]:
    evidence = None
    if known is not None:
        shown = known.state == "fresh"
        evidence = {
            "state": known.state,
            "state_text": _state(known, lang),
            **_figure(known.value, known.low, known.high, known.n, known.unit, lang, known.currency),
            "how": _how(field, known, lang),
            "question": known.question,
            "snapshot": known.snapshot,
            "people": shown,
        }
    return {
        "text": say(field.text, lang),
        "stage": field.stage,
        "stage_title": stages.get(field.stage or "", field.stage),
        "basis": basis,
        "basis_text": word(f"map.basis.{basis}", lang),
        "studies": list(field.studies),
        "evidence": evidence,
    }


def _how(field: Field, known: Known, lang: str) -> str:
    """How a number came about, in a sentence."""
    m, n = field.measured, number(known.n, lang)
    if m is not None and m.attribute is not None:
        return word("persona.how.attribute", lang, name=m.attribute, text=m.is_ or "", n=n)
    if m is not None and m.feature is not None:
        return word("persona.how.mean" if known.unit == "percent" else "persona.how.median", lang, n=n)
    return word("persona.how.question", lang, n=n)


def _state(known: Known, lang: str) -> str | None:
    if known.state == "few":
        return word("map.state.few.journeys", lang, n=number(known.n, lang), min_n=number(known.min_n, lang))
    if known.state == "failed":
        return word("map.failed", lang, why=known.why)
    return word("persona.state.none", lang) if known.state == "none" else None


def _trait(one: Trait, lang: str, currency: str | None) -> dict[str, Any]:
    unit = {"share": "percent", "attribute": "percent", "days": "days", "money": "money"}.get(one.kind, "count")
    times = 100.0 if unit == "percent" else 1.0
    value, low, high, others = (None if x is None else x * times for x in (one.value, one.low, one.high, one.others))
    title = feature_word(one.name, lang) if one.kind not in ("attribute", "number") else one.name
    title = f"{title}: {one.text}" if one.text is not None else title
    return {
        "name": one.name,
        "is": one.text,
        "title": title,
        **_figure(value, low, high, one.n, unit, lang, currency),
        "others": others,
        "others_text": "–" if others is None else amount(others, unit, lang, currency),
        "others_n": one.others_n,
        "effect": one.effect,
        "q": one.q,
        "more": one.effect > 0,
    }


# -- stages, touchpoints, journeys ----------------------------------------------------------------------------------


def matrix_view(ws: "Workspace", told: Told, journeys: Journeys, lang: str, only: str | None = None) -> dict[str, Any]:
    """Personas by stages, all customers last; each cell with share, time, the way onward, and the needs there."""
    registry = ws.registry()
    shown = [p for p in told.personas if f"persona.{p.id}" in journeys.attributes and only in (None, p.id)]
    model = registry.model(ws.settings.stage_model)
    rows = [
        _row(p.id, say(p.title, lang), stages_of(journeys.select(membership(journeys, p.id)), registry, model.id), lang)
        | {"needs": _needs(p, lang)}
        for p in shown
    ]
    rows.append(_row(None, word("persona.all", lang), stages_of(journeys, registry, model.id), lang) | {"needs": {}})
    return {
        "model": model.id,
        "stages": [{"id": stage.id, "title": say(stage.title, lang)} for stage in model.stages],
        "rows": rows,
    }


def _needs(persona: Persona, lang: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for need in persona.needs:
        found.setdefault(need.stage or "", []).append(say(need.text, lang))
    return found


def _row(id: str | None, title: str, cells: Sequence[Cell], lang: str) -> dict[str, Any]:
    return {
        "persona": id,
        "title": title,
        "n": cells[0].n if cells else 0,
        "cells": [
            {
                "stage": cell.stage,
                "journeys": cell.journeys,
                "events": cell.events,
                "share": _share(cell.share, cell.low, cell.high, cell.n, lang),
                "time": {
                    "median_us": cell.median_us, "low_us": cell.median_low_us, "high_us": cell.median_high_us,
                    "n": cell.journeys,
                    "text": "–" if cell.median_us is None else duration(cell.median_us, lang),
                    "interval_text": _times(cell.median_low_us, cell.median_high_us, lang),
                },
                "onward": {
                    "journeys": cell.onward,
                    **_share(cell.conversion, cell.conversion_low, cell.conversion_high, cell.journeys, lang),
                },
            }
            for cell in cells
        ],
    }  # fmt: skip


def _times(low: int | None, high: int | None, lang: str) -> str | None:
    if low is None or high is None:
        return None
    return word("map.interval", lang, low=duration(low, lang), high=duration(high, lang))


def relevance_view(ws: "Workspace", journeys: Journeys, persona_id: str, lang: str) -> dict[str, Any]:
    """The touchpoints of a persona, those that matter more to it than to others first."""
    mine = membership(journeys, persona_id)
    registry = ws.registry()
    rows = []
    for one in relevance(journeys, mine):
        known = registry.find(one.touchpoint)
        rows.append({**_relevance(one, int(mine.sum()), lang), "title": say(known.title, lang) if known else None})
    return {
        "n": int(mine.sum()),
        "others_n": int((~mine).sum()),
        "how": word("persona.relevance.how", lang),
        "rows": rows,
    }


def _relevance(one: Relevance, n: int, lang: str) -> dict[str, Any]:
    surely = one.q is not None and one.q <= 0.05
    level = "same" if not surely or one.lift is None else "more" if one.lift > 1 else "less"
    return {
        "touchpoint": one.touchpoint,
        "journeys": one.journeys,
        "share": _share(one.share, one.low, one.high, n, lang),
        "others": one.others,
        "others_share": one.others_share,
        "others_text": "–" if one.others_share is None else percent(one.others_share, lang),
        "lift": one.lift,
        "lift_low": one.lift_low,
        "lift_high": one.lift_high,
        "lift_text": "–" if one.lift is None else f"{number(one.lift, lang, 2)}×",
        "interval_text": _lift(one, lang),
        "p": one.p,
        "q": one.q,
        "level": level,
        "level_text": word(f"persona.relevance.{level}", lang),
    }


def _lift(one: Relevance, lang: str) -> str | None:
    if one.lift_low is None or one.lift_high is None:
        return None
    return word("map.interval", lang, low=number(one.lift_low, lang, 2), high=number(one.lift_high, lang, 2))


def journeys_view(ws: "Workspace", journeys: Journeys, persona_id: str, count: int, lang: str) -> dict[str, Any]:
    """Representative journeys, without who it was and when."""
    mine = journeys.select(membership(journeys, persona_id))
    registry = ws.registry()
    found = examples(mine, goal_of(ws, journeys), max(1, min(count, 10)))
    few = len(mine) < PEOPLE
    model = registry.model(ws.settings.stage_model)
    stages = {stage.id: say(stage.title, lang) for stage in model.stages}

    def told(one: Example) -> dict[str, Any]:
        steps = []
        for step in one.steps:
            known = registry.find(step.touchpoint)
            steps.append(
                {
                    "touchpoint": step.touchpoint,
                    "title": say(known.title, lang) if known else step.touchpoint,
                    "channel": step.channel,
                    "stage": step.stage,
                    "stage_title": stages.get(step.stage or ""),
                    "after_us": step.after_us,
                    "after_text": word("persona.step.first", lang)
                    if step.after_us == 0
                    else word("persona.step.after", lang, time=duration(step.after_us, lang)),
                }
            )
        return {"touchpoints": one.touchpoints, "shown": len(steps), "distance": one.distance, "steps": steps}

    text = word("persona.journeys.few", lang, least=PEOPLE) if few else word("persona.journeys.how", lang)
    return {"n": len(mine), "text": text, "journeys": [told(one) for one in found]}


# -- what was found ---------------------------------------------------------------------------------------------------


def found_view(ws: "Workspace", told: Told | None, found: "Clusters", journeys: Journeys, lang: str) -> dict[str, Any]:
    """What was found, or that nothing was, and why; with what sets each kind apart."""
    model = found.model
    held = nearest(model, journeys)
    goal = goal_of(ws, journeys)
    money = currency_of(journeys, goal)
    owners = {p.centre: p for p in told.personas if p.kind == "found"} if told else {}
    centres = []
    for c, (centre, size) in enumerate(zip(model.centres, found.sizes, strict=True)):
        owner = owners.get(centre.id)
        share = size / len(journeys) if len(journeys) else None
        centres.append(
            {
                "id": centre.id,
                "persona": owner.id if owner else None,
                "title": say(owner.title, lang) if owner else word("persona.title", lang, number=int(centre.id[1:])),
                "customers": size,
                "share": share,
                "text": word("persona.size", lang, customers=number(size, lang), share=percent(share or 0, lang)),
                "stability": stability_view(centre, lang),
                "profile": [_trait(one, lang, money) for one in profile(journeys, held == c, goal)[:6]],
            }
        )
    best = max(found.choices, key=lambda one: one.gap, default=None)
    return {
        "state": "found" if model.centres else "none",
        "why": found.why or None,
        "text": _found_text(found, lang),
        "n": found.n,
        "fitted": found.fitted,
        "none": found.none,
        "none_text": word("persona.find.nobody", lang, count=number(found.none, lang)),
        "k": len(model.centres) or 1,
        "choices": [
            {"k": one.k, "gap": one.gap, "error": one.error, "best": best is not None and one.k == best.k}
            for one in found.choices
        ],
        "features": [{"name": name, "title": feature_word(name, lang)} for name in model.features],
        "centres": centres,
        "drift": drift_view(found.drift, lang),
    }


def _found_text(found: "Clusters", lang: str) -> str:
    if found.model.centres:
        return word("persona.find.found", lang, k=len(found.model.centres), n=number(found.n, lang))
    return word(f"persona.find.why.{found.why}", lang, n=number(found.n, lang))


def drift_view(drift: Drift | None, lang: str) -> dict[str, Any] | None:
    """How a search moved the personas of the one before."""
    if drift is None:
        return None
    share = "–" if drift.changed is None else percent(drift.changed, lang)
    return {
        "changed": drift.changed,
        "n": drift.n,
        "moved": drift.moved,
        "new": list(drift.new),
        "gone": list(drift.gone),
        "text": word("persona.find.drift", lang, share=share, n=number(drift.n, lang)),
    }
