"""Check: every fault of a map, each as one sentence for people with its place and line."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from etappe.errors import EtappeError
from etappe.expression import parse
from etappe.language import word
from etappe.maps.metrics import METRICS, base_name, parameters_of, units_of
from etappe.maps.model import Cell, Evidence, JourneyMap, Step, Window, nearest_line
from etappe.units import duration_us
from etappe.vocabulary import ATOMS, Atom, I18n

if TYPE_CHECKING:
    from etappe.journeys.stages import Registry

Level = Literal["error", "warning"]
LISTED: Final = 10

_PARTS: Final = {
    "persona": ("personas",), "touchpoint": ("touchpoints",), "step": ("stages",), "stage": ("stages",),
    "lane": ("lanes",), "evidence": ("evidence",), "opportunity": ("opportunities",),
    "evidence or cell": ("evidence", "cells"),
}  # fmt: skip
"""The keys of a map that hold what is referred to."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_BUYING: Final = ("kauf", "purchase", "buy", "aktion", "action", "bestell", "order", "checkout", "kasse", "abschluss")


class Fault(msgspec.Struct, frozen=True):
    """A fault: in which map, at which place and line, what is wrong, and what to do."""

    where: str
    place: str
    line: int | None
    what: str
    hint: str = ""
    level: Level = "error"
    key: str = ""
    """Of what the screens show: its sentence in the word lists."""
    values: dict[str, str] = {}

    def say(self, lang: str) -> str:
        """The fault in a language, without its place in the file; English where there is no other."""
        if not self.key:
            return f"{self.what} {self.hint}".strip()
        told = (word(f"map.fault.{self.key}{end}", lang, **self.values) for end in ("", ".hint"))
        return " ".join(told)

    @property
    def spot(self) -> str:
        """The map, the place in it and its line."""
        place = f"{self.where}: {self.place}" if self.place else self.where
        return f"{place} (line {self.line})" if self.line else place

    @property
    def text(self) -> str:
        """The fault as one sentence with its place, and what to do."""
        return f"{self.spot}: {self.what}{' ' + self.hint if self.hint else ''}"

    def __str__(self) -> str:
        return self.text


Found = Iterator[tuple[str, str, str, Level] | tuple[str, str, str, Level, str, dict[str, str]]]


def _warning(place: str, key: str, **values: str) -> tuple[str, str, str, Level, str, dict[str, str]]:
    what, hint = (word(f"map.fault.{key}{end}", "en", **values) for end in ("", ".hint"))
    return place, what, hint, "warning", key, values


def ids_text(kind: str, ids: Iterable[str]) -> str:
    """The known ids as a sentence: "Steps are s1 to s8." or "Lanes are pain, gain."."""
    known = list(ids)
    if not known:
        return f"There are no {kind} yet."
    numbered = [f"{known[0].rstrip('0123456789')}{i}" for i in range(1, len(known) + 1)]
    if len(known) > 2 and known == numbered:
        return f"{kind.capitalize()} are {known[0]} to {known[-1]}."
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"{kind.capitalize()} are {', '.join(known[:LISTED])}{more}."


def _unknown(m: JourneyMap, place: str, kind: str, name: str, known: Iterable[str], plural: str) -> Found:
    if not m.place.broken.isdisjoint(_PARTS[kind]):
        return
    ids = list(known)
    near = get_close_matches(name, ids, n=1, cutoff=0.75)
    hint = f"Did you mean '{near[0]}'?" if near and len(name) > 3 else ids_text(plural, ids)
    yield place, f"unknown {kind} '{name}'.", hint, "error"


def _doubled(name: str, ids: Iterable[str]) -> Found:
    seen: dict[str, str] = {}
    for i, id in enumerate(ids):
        place = f"{name}[{i}]"
        if not id:
            yield place, "the id is empty.", "Give it a short one.", "error"
        elif id in seen:
            yield place, f"the id '{id}' is taken by {seen[id]}.", "Give one of them another id.", "error"
        else:
            seen[id] = place


def _ids(m: JourneyMap) -> Found:
    for name in ("touchpoints", "stages", "lanes", "evidence", "opportunities", "studies", "annotations"):
        yield from _doubled(name, (part.id for part in getattr(m, name)))
    seen: dict[str, str] = {}
    for place, step in _steps(m):
        if step.id in seen:
            yield place, f"the id '{step.id}' is taken by {seen[step.id]}.", "Give one of them another id.", "error"
        seen.setdefault(step.id, place)


def _steps(m: JourneyMap) -> Iterator[tuple[str, Step]]:
    for i, stage in enumerate(m.stages):
        for k, step in enumerate(stage.steps):
            yield f"stages[{i}].steps[{k}]", step


def _frame(m: JourneyMap) -> Found:
    if m.basis is not None:
        yield _warning("basis", "basis")
    for key, meant in m.place.misspelt.items():
        yield key, "unknown key.", f"Did you mean '{meant}'?", "error"
    for place, hint in m.place.ignored:
        yield place, "unknown key, ignored.", hint, "warning"
    if "id" not in m.place.broken and not _SLUG.fullmatch(m.id):
        what = f"the id {m.id!r} is no short name."
        yield "id", what, "Use letters a to z, digits, '-' and '_', such as online-shop.", "error"
    if not m.stages and "stages" not in m.place.broken:
        yield "stages", "the map has no stages.", "Write at least one, with its steps.", "error"
    if not m.personas and m.kind != "template" and "personas" not in m.place.broken:
        yield _warning("personas", "persona")
    for i, lane in enumerate(m.lanes):
        if lane.persona is not None and lane.persona not in m.personas:
            yield from _unknown(m, f"lanes[{i}]", "persona", lane.persona, m.personas, "personas")
    points = [t.id for t in m.touchpoints]
    for place, step in _steps(m):
        if step.touchpoint is not None and step.touchpoint not in points:
            yield from _unknown(m, place, "touchpoint", step.touchpoint, points, "touchpoints")
    steps = [step.id for step in m.steps]
    for i, edge in enumerate(m.flow):
        for end in (edge.start, edge.end):
            if end not in steps:
                yield from _unknown(m, f"flow[{i}]", "step", end, steps, "steps")
    for i, note in enumerate(m.annotations):
        if note.step is not None and note.step not in steps:
            yield from _unknown(m, f"annotations[{i}]", "step", note.step, steps, "steps")


def _cell(m: JourneyMap, place: str, cell: Cell) -> Found:
    steps = [step.id for step in m.steps]
    stages = [stage.id for stage in m.stages]
    lanes = [lane.id for lane in m.lanes]
    if cell.lane not in lanes:
        yield from _unknown(m, place, "lane", cell.lane, lanes, "lanes")
    spans = cell.start is not None or cell.end is not None
    if (cell.step is not None) + (cell.stage is not None) + spans != 1:
        yield place, "a cell stands at one step, one stage, or from one step to another.", "Write one of them.", "error"
    for step in (cell.step, cell.start, cell.end):
        if step is not None and step not in steps:
            yield from _unknown(m, place, "step", step, steps, "steps")
    if cell.stage is not None and cell.stage not in stages:
        yield from _unknown(m, place, "stage", cell.stage, stages, "stages")
    if spans and (cell.start is None or cell.end is None):
        yield place, "a span needs both 'from' and 'to'.", "", "error"
    if cell.start in steps and cell.end in steps and steps.index(cell.end or "") < steps.index(cell.start or ""):
        yield place, f"the span runs backwards, from '{cell.start}' to '{cell.end}'.", "Swap 'from' and 'to'.", "error"
    for name, value, low, high in (
        ("score", cell.score, -2, 2),
        ("arc", cell.arc, 1, 5),
        ("severity", cell.severity, 1, 3),
    ):
        if value is not None and not low <= value <= high:
            yield f"{place}.{name}", f"{value:g} is outside {low} to {high}.", "", "error"
    for ref in cell.refs:
        if ref not in [e.id for e in m.evidence]:
            yield from _unknown(m, place, "evidence", ref, [e.id for e in m.evidence], "evidence ids")
    if cell.opportunity is not None and cell.opportunity not in [o.id for o in m.opportunities]:
        yield from _unknown(m, place, "opportunity", cell.opportunity, [o.id for o in m.opportunities], "opportunities")


def _cells(m: JourneyMap) -> Found:
    taken: dict[tuple[str, str], int] = {}
    keys = m.columns()
    for i, cell in enumerate(m.cells):
        yield from _cell(m, f"cells[{i}]", cell)
        if span := m.span(cell):
            for key in keys[span[0] : span[0] + span[1]]:
                other = taken.setdefault((cell.lane, key), i)
                if other != i:
                    yield _warning(f"cells[{i}]", "doubled", lane=cell.lane, other=f"cells[{other}]", at=key)
                    break


def _length(place: str, text: str | None) -> Found:
    if text is not None:
        try:
            duration_us(text, place)
        except EtappeError as error:
            yield place, error.what, error.hint, "error"


def _window(place: str, window: Window | None) -> Found:
    if window is None:
        return
    if window.rolling is not None:
        if window.start or window.end:
            yield place, "a window is either 'rolling' or 'from' and 'to'.", "Remove one of them.", "error"
        yield from _length(f"{place}.rolling", window.rolling)
    days: list[date] = []
    for name, text in (("from", window.start), ("to", window.end)):
        if text is not None:
            try:
                days.append(date.fromisoformat(text))
            except ValueError:
                yield f"{place}.{name}", f"'{text}' is no day.", "Write it such as 2026-11-22.", "error"
    if len(days) == 2 and days[1] < days[0]:
        yield place, f"the window runs backwards, from {days[0]} to {days[1]}.", "Swap 'from' and 'to'.", "error"
    if window.timezone is not None:
        try:
            ZoneInfo(window.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            yield (
                f"{place}.timezone",
                f"unknown time zone '{window.timezone}'.",
                "Write it such as Europe/Berlin.",
                "error",
            )


def _condition(place: str, text: str | None) -> Found:
    if text is not None:
        try:
            parse(text, place, journeys=True)
        except EtappeError as error:
            yield place, error.what, error.hint, "error"


def _one_evidence(m: JourneyMap, place: str, e: Evidence) -> Found:
    if (e.metric is None) == (e.question is None):
        yield place, "evidence asks either a metric or a question.", "Write one of them.", "error"
    if e.question is not None and (e.value is None or isinstance(e.value, float)):
        what = "a question needs 'value': which column and row of the answer."
        yield place, what, "Such as value: {column: share, where: {touchpoint: web}}.", "error"
    yield from _condition(f"{place}.filter", e.filter)
    yield from _window(f"{place}.window", e.window)
    if e.min_n < 1:
        yield f"{place}.min_n", f"{e.min_n} is below 1.", "", "error"
    if e.target is not None and e.better is None:
        yield _warning(place, "target")
    if e.metric is not None:
        yield from _metric(m, place, e, e.metric)


def _metric(m: JourneyMap, place: str, e: Evidence, name: str) -> Found:
    """Faults of an evidence that asks a metric: its name, unit and parameters."""
    metric = METRICS.get(base_name(name))
    if metric is None:
        near = get_close_matches(name, METRICS, n=1, cutoff=0.4)
        hint = f"Did you mean '{near[0]}'?" if near else ids_text("metrics", METRICS)
        yield place, f"unknown metric '{name}'.", hint, "error"
        return
    if metric.needs == "hand" and not isinstance(e.value, float):
        yield place, "the metric 'manual' needs a number as 'value', and 'source'.", "", "error"
    try:
        parameters, _, lifted = parameters_of(e)
    except EtappeError:
        return
    if lifted:
        yield _warning(f"{place}.filter", "lifted", names=", ".join(lifted))
    given = {
        "from": parameters.start,
        "to": parameters.end,
        "touchpoint": parameters.touchpoint,
        "stage": parameters.stage,
    }
    if metric.needs == "data" and e.unit is not None and e.unit not in units_of(metric.unit):
        yield _warning(place, "unit", metric=name, unit=e.unit, known=", ".join(units_of(metric.unit)))
    for field in msgspec.structs.fields(parameters):
        unused = field.encode_name not in (*metric.parameters, *metric.optional)
        if unused and metric.needs == "data" and getattr(parameters, field.name) is not None:
            yield _warning(place, "unused", metric=name, parameter=field.encode_name)
    steps, points = [step.id for step in m.steps], [t.id for t in m.touchpoints]
    for key in metric.parameters:
        if given[key] is None:
            yield place, f"the metric '{name}' needs the parameter '{key}'.", "", "error"
    for key in ("from", "to", "touchpoint"):
        value = given[key]
        looks_local = value is not None and value not in steps and value not in points
        if value is not None and looks_local and (near := get_close_matches(value, [*steps, *points], n=1, cutoff=0.7)):
            yield _warning(place, "looked_up", name=value, near=near[0])


def _evidence(m: JourneyMap) -> Found:
    yield from _window("window", m.window)
    if m.population:
        yield from _condition("population.event_filter", m.population.event_filter)
    for i, t in enumerate(m.touchpoints):
        yield from _condition(f"touchpoints[{i}].match", t.match)
    for i, e in enumerate(m.evidence):
        yield from _one_evidence(m, f"evidence[{i}]", e)
    known = {e.id for e in m.evidence} | {f"{c.lane}/{c.step or c.stage or c.start}" for c in m.cells}
    for i, o in enumerate(m.opportunities):
        for name, value in (("impact", o.impact), ("effort", o.effort)):
            if value is not None and not 1 <= value <= 5:
                yield f"opportunities[{i}].{name}", f"{value} is outside 1 to 5.", "", "error"
        for ref in (*o.addresses, *([o.result] if o.result else [])):
            if ref not in known:
                yield from _unknown(
                    m, f"opportunities[{i}]", "evidence or cell", ref, sorted(known), "known references"
                )
        days = [*_day(f"opportunities[{i}].started", o.started), *_day(f"opportunities[{i}].finished", o.finished)]
        yield from days
        if not days and o.started and o.finished and o.started > o.finished:
            yield f"opportunities[{i}].finished", "is before the day on which it started.", "", "error"


def _day(place: str, text: str | None) -> Found:
    if text is not None:
        try:
            date.fromisoformat(text)
        except ValueError:
            yield place, f"'{text}' is no day.", "Write it such as 2026-11-22.", "error"


def _care(m: JourneyMap, registry: "Registry | None") -> Found:
    """What keeps a map true: goals at its touchpoints (002-16), studies (002-17), a date of review (002-18)."""
    for i, study in enumerate(m.studies):
        yield from _day(f"studies[{i}].date", study.date)
    if m.review is not None:
        yield from _day("review.last", m.review.last)
        yield from _length("review.every", m.review.every)
        if not 0 < m.review.drift <= 1:
            yield "review.drift", f"{m.review.drift:g} is no share.", "Write a number above 0, at most 1.", "error"
    lanes = {lane.id for lane in m.lanes if lane.type == "goal"}
    told = {column for cell in m.cells if cell.lane in lanes for column in _columns(m, cell)}
    used = {step.touchpoint for step in m.steps if step.id not in told}
    for i, point in enumerate(m.touchpoints):
        known = registry.find(point.id) if registry is not None else None
        if point.id in used and registry is not None and not (point.goal or (known and known.goal)):
            yield _warning(f"touchpoints[{i}]", "goal", touchpoint=point.id)


def _columns(m: JourneyMap, cell: Cell) -> list[str]:
    first, count = m.span(cell) or (0, 0)
    return m.columns()[first : first + count]


def _words(text: I18n) -> str:
    return (text if isinstance(text, str) else " ".join(text.values())).lower()


def ends_at_purchase(m: JourneyMap, registry: "Registry | None" = None) -> bool:
    """Whether the last stage is the purchase: by its atoms, its touchpoints' atoms, or else its name (001-14)."""
    if not m.stages:
        return False
    last: list[Atom] = list(m.stages[-1].atoms)
    if not last and registry is not None:
        names = [t for step in m.stages[-1].steps if (t := step.touchpoint)]
        last = [found.atom for name in names if (found := registry.find(name))]
    if last:
        return max(ATOMS.index(atom) for atom in last) <= ATOMS.index("buy")
    words = f"{m.stages[-1].id} {_words(m.stages[-1].title)}".lower()
    after = ("nach", "after", "post", "wieder", "again", "re-")
    return any(word in words for word in _BUYING) and not any(word in words for word in after)


def _end(m: JourneyMap, registry: "Registry | None") -> Found:
    if ends_at_purchase(m, registry):
        yield _warning(f"stages[{len(m.stages) - 1}]", "end")


def order_of(document: JourneyMap) -> Callable[[Fault], tuple[bool, bool, int]]:
    """The order in which faults are told: errors first, of them misspelt keys of the map, then by line."""
    misspelt = document.place.misspelt
    return lambda fault: (fault.level == "warning", fault.place not in misspelt, fault.line or 0)


def check(document: JourneyMap, registry: "Registry | None" = None) -> list[Fault]:
    """Every fault of a map, errors before warnings, each in the order of the file.

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> m = read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\npersonas: [lena]\\n", "map shop.yaml")
    >>> check(m)[0].text
    'map shop.yaml: stages: the map has no stages. Write at least one, with its steps.'
    """
    place = document.place
    faults = [
        Fault(place.where, spot, nearest_line(place.lines, spot), *rest)
        for found in (
            _frame(document),
            _ids(document),
            _cells(document),
            _evidence(document),
            _care(document, registry),
            _end(document, registry),
        )
        for spot, *rest in found
    ]
    return sorted(faults, key=order_of(document))
