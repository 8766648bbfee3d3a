"""Periods: one number of a map in equally long periods, and the change from one to another with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from etappe.analysis.intervals import change_interval
from etappe.language import LANGUAGES, MINUS, word
from etappe.maps.binder import Binder
from etappe.maps.bound import Bound
from etappe.maps.evidence import bind_one
from etappe.maps.figures import amount, signed
from etappe.maps.model import Evidence, Window
from etappe.units import SECOND_US

WEEK: Final = 7
AROUND: Final = 3
"""So many periods are shown on each side of a change."""

Phase = Literal["before", "after"]
Verdict = Literal["better", "worse", "changed", "unclear"]
"""unclear: the interval of the change holds 0, or there is none · changed: it does not, and nothing says which
direction is better."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """The number in one period; first and last day, both included."""

    first: date
    last: date
    phase: Phase
    bound: Bound


@dataclass(frozen=True)
class Measured:
    """One evidence in periods of one length."""

    evidence: Evidence
    binder: Binder
    length: int

    def of(self, first: date, phase: Phase, unit: str | None = None) -> Period:
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


def covered(binder: Binder, e: Evidence) -> tuple[date | None, date | None]:
    """The first and the last whole day of the data."""
    raw = binder.raw
    if not raw.events or raw.origin.seen_until_us is None:
        return None, None
    own = e.window or binder.map.window
    zone = ZoneInfo((own.timezone if own else None) or raw.origin.timezone)

    def local(us: int) -> date:
        return datetime.fromtimestamp(us // SECOND_US, UTC).astimezone(zone).date()

    return local(int(raw.time_us.min())), local(raw.origin.seen_until_us)


def difference(a: Bound, b: Bound) -> tuple[float | None, float | None, float | None]:
    """The change from one number to another, with low and high where both have theirs."""
    if a.value is None or b.value is None or a.currency != b.currency:
        return None, None, None
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return b.value - a.value, None, None
    found = change_interval((a.value, a.low, a.high), (b.value, b.low, b.high))
    change, low, high = (float(x) for x in found)
    return (change, low, high) if isfinite(low) and isfinite(high) else (change, None, None)


def verdict(e: Evidence, low: float | None, high: float | None) -> Verdict:
    """What a change is worth: certain only where its interval does not hold 0."""
    if low is None or high is None or low <= 0 <= high:
        return "unclear"
    if e.better is None:
        return "changed"
    return "better" if (low > 0) == (e.better == "up") else "worse"


def change_text(change: float, bound: Bound) -> dict[str, str]:
    """A change with its sign and its unit, in each language; of per cent in points."""
    return {lang: _change(change, bound, lang) for lang in LANGUAGES}


def _change(change: float, bound: Bound, lang: str) -> str:
    if bound.unit == "percent":
        return word("effect.points", lang, points=signed(change, lang))
    text = amount(abs(change), bound.unit, lang, bound.currency)
    sign = "" if not any(c in "123456789" for c in text) else MINUS if change < 0 else "+"
    return f"{sign}{text}"
