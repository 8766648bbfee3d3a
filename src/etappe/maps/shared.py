"""Shared: a map as it may be passed on. What could point at a few people is hidden, and so is who said and wrote what.

A number is hidden where fewer than k people are behind it, or fewer than k are left beside it: 95 of 100 tells of the
other five, too. Then its value, interval, base and the sentence that names the base go together.

A condition may name a customer. In a file that carries the document, a number that is computed under one (a filter, a
population, a question) stands as the number that it is, without the condition; where it is not to be seen, it goes.
"""

from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from etappe.errors import EtappeError
from etappe.expression import parse
from etappe.language import LANGUAGES, word
from etappe.maps.binder import both
from etappe.maps.bound import SHOWN, Bound, BoundCell, BoundMap
from etappe.maps.figures import day
from etappe.maps.metrics import feeling, parameters_of
from etappe.maps.model import Cell, Evidence, JourneyMap, Opportunity, Owner, Population, Touchpoint
from etappe.vocabulary import say

K: Final = 10
"""People; below it a value is hidden from viewers, exports and shared pages (DESIGN, two thresholds)."""
MANUAL: Final = "manual"


def for_sharing(bound: BoundMap, k: int = K) -> tuple[BoundMap, int]:
    """A bound map as it may leave the house, and how many of its numbers are hidden.

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> from etappe.maps.evidence import bind
    >>> for_sharing(bind(read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n")))[1]
    0
    """
    evidence = {name: _hidden(b, k) if too_few(b, k) else _plain(b) for name, b in bound.evidence.items()}
    document = _public(bound.map, evidence)
    cells = tuple(_cell(c, evidence) for c in bound.cells)
    coverage = replace(bound.coverage, unmapped=()) if bound.coverage else None
    hidden = sum(b.state == "hidden" for b in evidence.values())
    found = replace(bound, map=document, evidence=evidence, cells=cells, coverage=coverage, faults=())
    return found, hidden


def too_few(b: Bound, k: int) -> bool:
    """Whether a number tells of fewer than k people.

    Examples
    --------
    >>> share = Bound(id="e", state="fresh", unit="percent", label="", sentence="", value=95.0, n=100)
    >>> too_few(share, 10), too_few(share, 5)
    (True, False)
    """
    if b.n is None or b.metric == "manual":
        return False
    if b.n < k:
        return True
    if b.value is None:
        return False
    people = b.value / 100 * b.n if b.unit == "percent" else b.value if b.unit in ("journeys", "count") else None
    if people is None:
        return False
    return 0.5 <= people < k - 0.5 or 0.5 <= b.n - people < k - 0.5


def _hidden(b: Bound, k: int) -> Bound:
    return Bound(
        id=b.id, state="hidden", unit=b.unit, label=b.label, sentence="", metric=b.metric, min_n=b.min_n,
        data_until=b.data_until, at=b.at, timezone=b.timezone, why=both("map.state.hidden", k=k),
    )  # fmt: skip


def _plain(b: Bound) -> Bound:
    """A number without the journeys behind it, and without the conditions it was asked under."""
    why = both("map.shared.failed") if b.state == "failed" else b.why  # which says where in a condition it failed
    return replace(
        b, view=None, registry=None, question=None, counted=None, row=None, without=None, parameters={}, why=why
    )


def _cell(c: BoundCell, evidence: Mapping[str, Bound]) -> BoundCell:
    refs = [evidence[ref] for ref in c.cell.refs if ref in evidence]
    felt = any(b.state == "hidden" and feeling(b.metric or "", 0.0) is not None for b in refs)
    cell = _unsigned(c.cell)
    return replace(c, cell=cell, score=c.cell.score, low=None, high=None) if felt else replace(c, cell=cell)


def _unsigned(cell: Cell) -> Cell:
    """A cell whose quotes do not say whose they are."""
    quotes = tuple(msgspec.structs.replace(quote, source="") for quote in cell.quotes)
    return msgspec.structs.replace(cell, quotes=quotes)


def _public(m: JourneyMap, bound: Mapping[str, Bound]) -> JourneyMap:
    """The document without conditions, people's names, remarks among colleagues, and numbers held from other days."""
    evidence = [found for e in m.evidence if (found := _evidence(e, m, bound.get(e.id)))]
    gone = {e.id for e in m.evidence} - {e.id for e in evidence}
    return msgspec.structs.replace(
        m,
        owner=Owner(department=m.owner.department) if m.owner else None,
        population=Population(segment=m.population.segment) if m.population and m.population.segment else None,
        touchpoints=tuple(_touchpoint(point) for point in m.touchpoints),
        stages=tuple(msgspec.structs.replace(stage, entry=None) for stage in m.stages),
        flow=tuple(msgspec.structs.replace(edge, condition=None) for edge in m.flow),
        annotations=(),
        cells=tuple(_without(_unsigned(cell), gone) for cell in m.cells),
        evidence=tuple(evidence),
        opportunities=tuple(_opportunity(one, gone) for one in m.opportunities),
        studies=tuple(msgspec.structs.replace(study, notes="", link="") for study in m.studies),
    )


def _evidence(e: Evidence, m: JourneyMap, bound: Bound | None) -> Evidence | None:
    """An evidence without its condition; of one that has none, only the number that is held goes."""
    free, condition = msgspec.structs.replace(e, snapshot=None), e.filter
    with suppress(EtappeError):
        parameters, condition, lifted = parameters_of(e)
        if lifted:
            free = msgspec.structs.replace(free, parameters=parameters, filter=None)
    population = m.population.event_filter if m.population else None
    if e.metric == MANUAL or not (condition or population or e.question):
        return msgspec.structs.replace(free, filter=None)
    if bound is None or bound.value is None or bound.state not in SHOWN:
        return None
    return Evidence(
        id=e.id, title=e.title or bound.label, metric=MANUAL, value=float(bound.value), n=bound.n,
        source=say(bound.sentence, m.language), unit=bound.unit, better=e.better, target=e.target, warn=e.warn,
        min_n=e.min_n,
    )  # fmt: skip


def _touchpoint(point: Touchpoint) -> Touchpoint:
    """A touchpoint; of what it matches stay the names of events, where it asks for nothing else."""
    if point.match is None:
        return point
    with suppress(EtappeError):
        if parse(point.match, journeys=True).columns <= {"touchpoint"}:
            return point
    return msgspec.structs.replace(point, match=None)


def _without(cell: Cell, gone: Set[str]) -> Cell:
    kept = tuple(ref for ref in cell.refs if ref not in gone)
    if kept == cell.refs:
        return cell
    return msgspec.structs.replace(cell, evidence=kept[0] if len(kept) == 1 else kept or None)


def _opportunity(one: Opportunity, gone: Set[str]) -> Opportunity:
    """An opportunity without who answers for it, and without what was found, which tells numbers."""
    return msgspec.structs.replace(
        one,
        owner="",
        finding="",
        addresses=tuple(ref for ref in one.addresses if ref not in gone),
        result=None if one.result in gone else one.result,
    )


def note(bound: BoundMap, hidden: int, lang: str, k: int = K) -> str:
    """What stands at the end of a page that is passed on: when it was made, until when the data go, what is hidden."""
    lang = lang if lang in LANGUAGES else "en"
    made = word("map.shared.made", lang, day=day(bound.at, lang, bound.timezone)) if bound.at else ""
    until = word("map.until", lang, day=day(bound.data_until, lang, bound.timezone)) if bound.data_until else ""
    few = word("map.shared.hidden.one" if hidden == 1 else "map.shared.hidden.other", lang, count=hidden, k=k)
    return " · ".join(part for part in (made, until, few if hidden else word("map.shared.rule", lang, k=k)) if part)
