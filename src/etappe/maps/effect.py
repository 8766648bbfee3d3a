"""Effect: the numbers that an opportunity is about, before and after the change, with the interval of the difference.

Both periods are equally long and whole weeks; the first ends on the day before the change started, the second begins on
the day from which it reaches all. In between, some customers had it and some had not: that time counts for neither.
Before against after is no experiment. What else could have moved the number is said: the same weeks a year earlier, a
base that has changed, other changes of the map in that time, periods that are short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from math import isfinite
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from etappe.analysis.intervals import change_interval
from etappe.errors import BadQuestion
from etappe.language import LANGUAGES, MINUS, day, word
from etappe.maps.binder import Binder, both
from etappe.maps.bound import SHOWN, Bound
from etappe.maps.evidence import bind_one
from etappe.maps.figures import amount, signed, state_text
from etappe.maps.model import Evidence, JourneyMap, Opportunity, Window
from etappe.maps.opportunity import addressed
from etappe.units import SECOND_US
from etappe.vocabulary import I18n

DAYS: Final = 28
WEEK: Final = 7
YEAR: Final = timedelta(days=364)
"""Whole weeks, so that weekends fall on weekends."""
AROUND: Final = 3
"""So many periods are shown on each side of a change."""
MOVED: Final = 1.5
"""A base so many times as large, or as small, is another base."""

Verdict = Literal["better", "worse", "changed", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Period:
    """The number in one period; first and last day, both included."""

    first: date
    last: date
    phase: Literal["before", "after"]
    bound: Bound


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One number before and after a change, in its unit (per cent from 0 to 100)."""

    evidence: str
    label: I18n
    state: Literal["measured", "waiting", "undated", "none"]
    """measured · waiting: fewer than 7 days of data since · undated: no day on which it started or was finished · none:
    one of the two numbers cannot be said, and `why`."""
    why: I18n = ""
    ready: date | None = None
    """Of a waiting one: the day whose data make the first week whole."""
    before: Period | None = None
    after: Period | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None
    """unclear: the interval of the change holds 0, or there is none · changed: it does not, and nothing says which
    direction is better."""
    year_before: float | None = None
    """The change in the same weeks a year earlier, where the data reach back so far."""
    cautions: tuple[I18n, ...] = ()
    periods: tuple[Period, ...] = ()
    """Up to three such periods before the change and three after it, in order."""


def effects(document: JourneyMap, one: Opportunity, binder: Binder, days: int = DAYS) -> tuple[Effect, ...]:
    """What has become of each number that an opportunity is measured by.

    Parameters
    ----------
    binder : the map beside its journeys
    days : the length of the periods where the data suffice; else the longest possible one of whole weeks

    Raises
    ------
    BadQuestion
        `days` is below 7.
    """
    if days < WEEK:
        raise BadQuestion("days", f"{days} is less than a week.", "Compare 7 days or more, such as 28.")
    return tuple(_effect(document, one, e, binder, days) for e in addressed(document, one))


def _effect(document: JourneyMap, one: Opportunity, e: Evidence, binder: Binder, days: int) -> Effect:
    plain = msgspec.structs.replace(e, snapshot=None, target=None)
    label = bind_one(plain, None).label
    if one.finished is None:
        return Effect(evidence=e.id, label=label, state="undated", why=both("effect.undated"))
    finished = date.fromisoformat(one.finished)
    started = date.fromisoformat(one.started) if one.started else finished
    first, last = _covered(binder, e)
    if first is None or last is None:
        return Effect(evidence=e.id, label=label, state="none", why=both("map.none.data"))
    length = min(days, (last - finished).days + 1, (started - first).days) // WEEK * WEEK
    if (last - finished).days + 1 < WEEK:
        ready = finished + timedelta(days=WEEK - 1)
        why = both("effect.waiting", day=_day(ready))
        return Effect(evidence=e.id, label=label, state="waiting", why=why, ready=ready)
    if length < WEEK:
        return Effect(evidence=e.id, label=label, state="none", why=both("effect.no_before", day=_day(first)))
    found = _Measured(plain, binder, length)
    before = found.of(started - timedelta(days=length), "before")
    unit = before.bound.unit  # a duration would else be said in hours before and in days after
    after = found.of(finished, "after", unit)
    for period in (before, after):
        if period.bound.state not in SHOWN:
            why = both(f"effect.none.{period.phase}", why=_why(period.bound))
            return Effect(evidence=e.id, label=label, state="none", why=why, before=before, after=after)
    a, b = before.bound, after.bound
    change, low, high = _difference(a, b)
    back = started - timedelta(days=length) - YEAR
    year = found.change(back, finished - YEAR, unit) if back >= first else None
    said = chain(_other_causes(document, one, before, after, year), _weak(before, after, length, days))
    return Effect(
        evidence=e.id, label=label, state="measured", before=before, after=after, change=change, low=low, high=high,
        verdict=_verdict(e, low, high), year_before=year, cautions=tuple(said),
        periods=tuple(found.around(started, finished, first, last, unit)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """One evidence in periods of one length."""

    evidence: Evidence
    binder: Binder
    length: int

    def of(self, first: date, phase: Literal["before", "after"], unit: str | None = None) -> Period:
        """The number in the period that begins on a day."""
        last = first + timedelta(days=self.length - 1)
        own = self.evidence.window or self.binder.map.window
        window = Window(start=first.isoformat(), end=last.isoformat(), timezone=own.timezone if own else None)
        e = msgspec.structs.replace(self.evidence, window=window, unit=unit or self.evidence.unit)
        return Period(first=first, last=last, phase=phase, bound=bind_one(e, self.binder))

    def change(self, before: date, after: date, unit: str) -> float | None:
        """The change between two periods that begin on these days; None where one has no number."""
        a, b = self.of(before, "before", unit).bound, self.of(after, "after", unit).bound
        return b.value - a.value if a.value is not None and b.value is not None else None

    def around(self, started: date, finished: date, first: date, last: date, unit: str) -> Iterator[Period]:
        """The periods before and after, in order, as far as the data reach."""
        step = timedelta(days=self.length)
        for k in range(AROUND, 0, -1):
            if started - k * step >= first:
                yield self.of(started - k * step, "before", unit)
        for k in range(AROUND):
            if finished + (k + 1) * step - timedelta(days=1) <= last:
                yield self.of(finished + k * step, "after", unit)


def _covered(binder: Binder, e: Evidence) -> tuple[date | None, date | None]:
    """The first and the last whole day of the data."""
    raw = binder.raw
    if not raw.events or raw.origin.seen_until_us is None:
        return None, None
    own = e.window or binder.map.window
    zone = ZoneInfo((own.timezone if own else None) or raw.origin.timezone)

    def local(us: int) -> date:
        return datetime.fromtimestamp(us // SECOND_US, UTC).astimezone(zone).date()

    return local(int(raw.time_us.min())), local(raw.origin.seen_until_us)


def _difference(a: Bound, b: Bound) -> tuple[float | None, float | None, float | None]:
    if a.value is None or b.value is None or a.currency != b.currency:
        return None, None, None
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return b.value - a.value, None, None
    found = change_interval((a.value, a.low, a.high), (b.value, b.low, b.high))
    change, low, high = (float(x) for x in found)
    return (change, low, high) if isfinite(low) and isfinite(high) else (change, None, None)


def _verdict(e: Evidence, low: float | None, high: float | None) -> Verdict:
    if low is None or high is None or low <= 0 <= high:
        return "unclear"
    if e.better is None:
        return "changed"
    return "better" if (low > 0) == (e.better == "up") else "worse"


def _other_causes(
    document: JourneyMap, one: Opportunity, before: Period, after: Period, year: float | None
) -> Iterator[I18n]:
    """What else could have moved the number."""
    yield both("effect.caution.no_experiment")
    if year is None:
        yield both("effect.caution.no_year")
    else:
        yield both("effect.caution.year", change=change_text(year, after.bound))
    others = [
        other.title
        for other in document.opportunities
        if other.id != one.id
        and any(d and before.first <= date.fromisoformat(d) <= after.last for d in (other.started, other.finished))
    ]
    for title in others:
        yield both("effect.caution.other", title=title)


def _weak(before: Period, after: Period, length: int, days: int) -> Iterator[I18n]:
    """What makes the comparison less sure than it looks."""
    if length < days:
        yield both("effect.caution.short", days=length, wanted=days)
    n, m = before.bound.n, after.bound.n
    if n and m and not 1 / MOVED <= m / n <= MOVED:
        yield both("effect.caution.base", before=n, after=m)
    if before.bound.low is None or after.bound.low is None:
        yield both("effect.caution.no_interval")


def change_text(change: float, bound: Bound) -> dict[str, str]:
    """A change with its sign and its unit, in each language; of per cent in points."""
    return {lang: _change(change, bound, lang) for lang in LANGUAGES}


def _change(change: float, bound: Bound, lang: str) -> str:
    if bound.unit == "percent":
        return word("effect.points", lang, points=signed(change, lang))
    text = amount(abs(change), bound.unit, lang, bound.currency)
    sign = "" if not any(c in "123456789" for c in text) else MINUS if change < 0 else "+"
    return f"{sign}{text}"


def _day(when: date) -> I18n:
    return {lang: day(when.isoformat(), lang) for lang in LANGUAGES}


def _why(bound: Bound) -> I18n:
    return {lang: state_text(bound, lang) for lang in LANGUAGES}
