"""Evidence: binds a map to journeys. Each number is computed with its base, interval and date; each cell gets a basis.

Units of count are those of the questions that are asked. A feeling counts as measured only where people reported it
themselves; signs of it (sentiment, rage clicks) are derived; what rests on nothing is assumed, and says so.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from etappe.analysis.ask import who
from etappe.arrays import Int
from etappe.errors import BadQuestion, EtappeError
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.language import LANGUAGES, percent, word
from etappe.language import number as number_text
from etappe.maps.asking import Number, in_unit, kind_of, period_for
from etappe.maps.binder import Binder, Missing, both, within_text
from etappe.maps.bound import SHOWN, Bound, BoundCell, BoundMap, Coverage
from etappe.maps.check import check
from etappe.maps.metrics import METRICS, SELF_REPORTED, base_name, feeling, parameters_of, units_of
from etappe.maps.model import BASES, Basis, Cell, Evidence, Held, JourneyMap, Lane, Pick
from etappe.units import iso
from etappe.vocabulary import I18n

NO_CLAIM: Final = frozenset(("owner", "channel", "image", "text", "frontstage", "backstage", "support", "goal"))
"""Lanes that say what we do or want: nothing about customers that could be measured."""


def _frame(e: Evidence) -> dict[str, Any]:
    """What a bound number has whether or not it could be computed."""
    metric = METRICS.get(base_name(e.metric or ""))
    label = e.title or (both(f"map.metric.{metric.name}") if metric else e.id)
    unit = e.unit or ("days" if metric and metric.unit == "duration" else metric.unit if metric else "count")
    return {"id": e.id, "label": label, "unit": unit, "metric": e.metric, "target": e.target, "better": e.better,
            "min_n": e.min_n, "sentence": "", "source": e.source}  # fmt: skip


def _verdict(e: Evidence, value: float | None) -> Any:
    """Good or bad against the target; undecided between `warn` and `target`, and without a direction."""
    if value is None or e.target is None or e.better is None:
        return None
    sign = 1 if e.better == "up" else -1
    if sign * value >= sign * e.target:
        return "good"
    return None if e.warn is not None and sign * value >= sign * e.warn else "bad"


def _held(e: Evidence, frame: dict[str, Any], why: I18n) -> Bound:
    """The number that stands in the file, or none and why."""
    held = e.snapshot
    if held is None or held.value is None:
        return Bound(**frame, state="none", why=why)
    if held.n is not None and held.n < e.min_n:
        return Bound(**frame, state="few", n=held.n)
    low, high = held.ci or (None, None)
    frame = {**frame, "sentence": both("map.how.held")}
    return Bound(
        **frame, state="held", value=held.value, n=held.n, low=low, high=high, at=held.at, data_until=held.data_until,
        verdict=_verdict(e, held.value), snapshot=held.query_hash,
    )  # fmt: skip


def _manual(e: Evidence, frame: dict[str, Any]) -> Bound:
    if not isinstance(e.value, float):
        return Bound(**frame, state="failed", why=both("map.failed.manual"))
    frame = {**frame, "sentence": both("map.how.manual", source=e.source or "–")}
    return Bound(**frame, state="fresh", value=e.value, n=e.n, verdict=_verdict(e, e.value))


def bind_one(e: Evidence, binder: Binder | None, entered: tuple[str, str] | None = None) -> Bound:
    """Compute one evidence, or say why it cannot be; without journeys it is the number held in the file.

    `entered` are the days in which what a funnel asks may begin; what follows may come later.
    """
    frame = _frame(e)
    metric = METRICS.get(base_name(e.metric or ""))
    if e.metric is not None and metric is None:
        return Bound(**frame, state="failed", why=both("map.failed.metric", name=e.metric))
    if metric is not None and metric.needs == "hand":
        return _manual(e, frame)
    if metric is not None and metric.needs not in ("data", "surveys"):
        return _held(e, frame, both(f"map.needs.{metric.needs}"))
    if binder is None:
        return _held(e, frame, both("map.needs.surveys" if metric and metric.needs == "surveys" else "map.none.data"))
    population = binder.map.population
    segment = e.segment or (population.segment if population else None)
    if segment is not None and not binder.knows(segment):
        return _held(e, frame, both("map.needs.segment", name=segment))
    try:
        parameters, condition, _ = parameters_of(e)
        if metric is not None and metric.needs == "surveys" and binder.survey(e, parameters) is None:
            return _held(e, frame, both("map.needs.surveys"))
        number, view, shown = binder.ask(e, parameters, condition, entered)
        question, conditions = binder.published(e, number, condition)
    except Missing as missing:
        return Bound(**frame, state="none", why=missing.why)
    except EtappeError as error:
        return Bound(**frame, state="failed", why=both("map.failed", why=str(error)))
    return _computed(e, frame, binder, number, view, shown, question, conditions)


def _computed(
    e: Evidence,
    frame: dict[str, Any],
    binder: Binder,
    number: Number,
    view: Journeys,
    shown: dict[str, Any],
    question: dict[str, Any] | None,
    conditions: dict[str, str],
) -> Bound:
    metric = METRICS.get(base_name(e.metric or ""))
    kind = metric.unit if metric else kind_of(e.value.column if isinstance(e.value, Pick) else "")
    fixed = e.unit if kind == "duration" and e.unit in ("days", "hours", "minutes", "seconds") else None
    unit = fixed or period_for(number.value) if kind == "duration" else e.unit or kind
    unit = unit if unit in units_of(kind) else kind
    value, low, high = (in_unit(x, kind, unit) for x in (number.value, number.low, number.high))
    titles = {t.id: t.title for t in binder.map.touchpoints}
    titles |= {s.id: s.title for s in binder.map.stages}
    words = {name: titles.get(str(value), value) for name, value in shown.items()}
    within = within_text(shown["within"]) if "within" in shown else {"de": "", "en": ""}
    how = f"map.how.{metric.how}" if metric else "map.how.question"
    sentence = both(how, within=within, n=number.n, **{k: v for k, v in words.items() if k != "within"})
    answer = number.answer
    frame = {**frame, "unit": unit, "sentence": sentence}
    common: dict[str, Any] = {
        "n": number.n,
        "data_until": answer.data_until if answer else None,
        "at": iso(binder.now_us),
        "timezone": binder.raw.origin.timezone,
        "share_of_data": view.events / binder.raw.events if binder.raw.events else None,
        "question": question,
        "counted": number.question,
        "row": number.row,
        "without": number.without,
        "parameters": shown | conditions,
        "snapshot": answer.snapshot if answer else None,
        "view": view,
        "registry": number.registry,
    }
    if number.n < e.min_n:
        return Bound(**frame, **common, state="few")
    if value is None:
        return Bound(**frame, **common, state="none", why=both("map.none.window"))
    common |= {"value": value, "low": low, "high": high, "currency": number.currency, "verdict": _verdict(e, value)}
    before = e.snapshot.ci if e.snapshot else None
    if before is not None and not before[0] <= value <= before[1]:
        was = e.snapshot.value if e.snapshot and e.snapshot.value is not None else before[0]
        numbers = {"value": was, "low": before[0], "high": before[1]}
        why = {
            lang: word("map.state.changed", lang, **{k: number_text(v, lang, 1) for k, v in numbers.items()})
            for lang in LANGUAGES
        }
        return Bound(**frame, **common, state="changed", why=why)
    return Bound(**frame, **common, state="stale" if binder.stale(e.window or binder.map.window) else "fresh")


def _basis(cell: Cell, lane: Lane, bound: list[Bound], document: JourneyMap, known: set[str]) -> Basis | None:
    """What a cell rests on, the strongest first; `known` are the evidences that have a value to show."""
    if lane.type in NO_CLAIM:
        return None
    shown = [b for b in bound if b.state in SHOWN]
    feeling_lane = lane.type in ("emotion", "arc")
    if feeling_lane:
        shown = [
            b for b in shown if base_name(b.metric or "") in (*SELF_REPORTED, "text.sentiment", "page.rage_click_rate")
        ]
    strength: list[Basis] = []
    for b in shown:
        name = base_name(b.metric or "")
        if name == "manual":
            strength.append("researched")
        elif (name in METRICS and METRICS[name].derived) or (feeling_lane and name not in SELF_REPORTED):
            strength.append("derived")
        else:
            strength.append("measured")
    if cell.researched or any(quote.source for quote in cell.quotes):
        strength.append("researched")
    if cell.opportunity and not strength:
        of = [o for o in document.opportunities if o.id == cell.opportunity]
        strength += ["derived" for o in of if any(ref in known for ref in o.addresses)]
    if strength:
        return min(strength, key=BASES.index)
    said = cell.text or cell.score is not None or cell.arc is not None or cell.quotes
    return "assumed" if said else None


def _cells(document: JourneyMap, evidence: dict[str, Bound]) -> Iterator[BoundCell]:
    lanes = {lane.id: lane for lane in document.lanes}
    known = {id for id, b in evidence.items() if b.state in SHOWN}
    for cell in document.cells:
        place = document.span(cell)
        if place is None or cell.lane not in lanes:
            continue
        lane = lanes[cell.lane]
        bound = [evidence[ref] for ref in cell.refs if ref in evidence]
        score, low, high = (cell.arc, None, None) if lane.type == "arc" else (cell.score, None, None)
        for b in bound:
            found = feeling(b.metric or "", b.value) if b.value is not None and b.state in SHOWN else None
            if lane.type == "emotion" and found is not None:
                score = found
                low = feeling(b.metric or "", b.low) if b.low is not None else None
                high = feeling(b.metric or "", b.high) if b.high is not None else None
                break
        if score is not None:
            score = min(5.0, max(1.0, score)) if lane.type == "arc" else min(2.0, max(-2.0, score))
        yield BoundCell(
            cell=cell, lane=lane, first=place[0], span=place[1], basis=_basis(cell, lane, bound, document, known),
            score=score, low=low, high=high,
        )  # fmt: skip


def _coverage(binder: Binder) -> Coverage | None:
    raw, seen = binder.view(None, binder.map.window, binder.segment(None))
    if raw.events == 0:
        return None
    loose = np.concatenate(([0], np.cumsum(~seen.mapped)))[raw.offsets]
    whole = np.diff(loose) == 0
    events, journeys = float(seen.mapped.mean()), float(whole.mean())
    counts = np.bincount(raw.touchpoint[~seen.mapped], minlength=len(raw.touchpoints))
    rest = Counter({name: int(counts[code]) for code, name in enumerate(raw.touchpoints) if counts[code]})
    said = {lang: word("map.coverage", lang, events=percent(events, lang, 0), journeys=percent(journeys, lang, 0))
            for lang in LANGUAGES}  # fmt: skip
    return Coverage(journeys=journeys, events=events, sentence=said, unmapped=tuple(rest.most_common()))


def whose(document: JourneyMap, binder: Binder | None) -> tuple[Evidence, ...]:
    """The evidence of a map; what stands only in lanes of one persona is about that persona's customers."""
    found = {ref: one for ref, one in _whose(document).items() if binder is not None and binder.knows(one)}
    return tuple(msgspec.structs.replace(e, segment=e.segment or found.get(e.id)) for e in document.evidence)


def _whose(document: JourneyMap) -> dict[str, str]:
    lanes = {lane.id: lane.persona for lane in document.lanes}
    using: dict[str, set[str | None]] = {}
    for cell in document.cells:
        for ref in cell.refs:
            using.setdefault(ref, set()).add(lanes.get(cell.lane))
    return {ref: one for ref, (one, *more) in using.items() if one is not None and not more}


def bind(
    document: JourneyMap, journeys: Journeys | None = None, registry: Registry | None = None, now_us: int = 0
) -> BoundMap:
    """Compute every evidence of a map, the basis of each cell, and how much of the data the map explains.

    Without journeys the numbers are those held in the file, and say so. One evidence that cannot be computed does not
    stop the others: it says why.

    Parameters
    ----------
    now_us : the present, microseconds since 1970 UTC; a rolling window whose data ended before it is stale

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> bind(read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n")).evidence
    {}
    """
    binder = None if journeys is None else Binder(document, journeys, registry, now_us)
    evidence = {e.id: bind_one(e, binder) for e in whose(document, binder)}
    cells = tuple(_cells(document, evidence))
    claims = [c.basis for c in cells if c.basis is not None]
    shares: dict[Basis, float] = {b: claims.count(b) / len(claims) if claims else 0.0 for b in BASES}
    until = journeys.origin.data_until_us if journeys is not None else None
    return BoundMap(
        map=document, evidence=evidence, cells=cells, shares=shares,
        coverage=_coverage(binder) if binder else None, faults=tuple(check(document, registry)),
        data_until=iso(until) if until is not None else None, at=iso(now_us) if now_us else None,
        timezone=journeys.origin.timezone if journeys is not None else "UTC",
    )  # fmt: skip


def people(bound: Bound) -> tuple[Journeys, Int]:
    """The journeys behind a number: those that were asked, and the positions of those that it counts.

    Examples
    --------
    >>> from etappe.maps.bound import Bound
    >>> people(Bound(id="e", state="none", unit="count", label="", sentence=""))
    Traceback (most recent call last):
    etappe.errors.BadQuestion: evidence e: there are no people behind this number.
    """
    if bound.view is None or bound.counted is None:
        raise BadQuestion(f"evidence {bound.id}", "there are no people behind this number.")
    if bound.row is None:
        return bound.view, np.arange(len(bound.view), dtype=np.int64)
    found = who(bound.view, bound.counted, bound.row, bound.registry)
    if bound.without is not None:
        found = np.setdiff1d(found, who(bound.view, bound.counted, bound.without, bound.registry))
    return bound.view, found


def hold(document: JourneyMap, bound: BoundMap) -> JourneyMap:
    """The map with its present numbers written into it ("Stand festhalten"), so that a print can be reproduced."""

    def held(e: Evidence) -> Evidence:
        b = bound.evidence[e.id]
        if b.value is None or b.state not in SHOWN or b.state == "held":
            return e
        ci = (b.low, b.high) if b.low is not None and b.high is not None else None
        snapshot = Held(value=b.value, n=b.n, ci=ci, at=b.at, query_hash=b.snapshot, data_until=b.data_until)
        return msgspec.structs.replace(e, snapshot=snapshot)

    return msgspec.structs.replace(document, evidence=tuple(held(e) for e in document.evidence))
