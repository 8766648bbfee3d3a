"""Periods: one number of a map in equally long periods, and the change from one to another with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil, isfinite
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from etappe.analysis.intervals import change_interval
from etappe.arrays import Int
from etappe.language import LANGUAGES, MINUS, word
from etappe.maps.binder import Binder
from etappe.maps.bound import Bound
from etappe.maps.evidence import bind_one
from etappe.maps.figures import amount, signed
from etappe.maps.metrics import METRICS, base_name, parameters_of
from etappe.maps.model import Evidence, Window
from etappe.units import DAY_US, SECOND_US, duration_us

WEEK: Final = 7
USUAL: Final = 29
"""Days that tell when events of a day begin and end."""
SLACK_US: Final = DAY_US // 12
"""A day that ends two hours earlier than others is whole all the same."""
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

    @property
    def follow(self) -> timedelta:
        """So long after a period what began in it is followed."""
        return follow_up(self.evidence)

    def of(self, first: date, phase: Phase, unit: str | None = None) -> Period:
        """The number in the period that begins on a day; what began in it is followed for as long as is asked."""
        last = first + timedelta(days=self.length - 1)
        own = self.evidence.window or self.binder.map.window
        end = (last + self.follow).isoformat()
        window = Window(start=first.isoformat(), end=end, timezone=own.timezone if own else None)
        e = msgspec.structs.replace(self.evidence, window=window, unit=unit or self.evidence.unit)
        entered = (first.isoformat(), last.isoformat()) if self.follow else None
        return Period(first=first, last=last, phase=phase, bound=bind_one(e, self.binder, entered))

    def change(self, before: date, after: date, unit: str) -> tuple[float | None, Bound, Bound]:
        """The change between two periods that begin on these days, if both have a number; and both."""
        a, b = self.of(before, "before", unit).bound, self.of(after, "after", unit).bound
        return difference(a, b)[0], a, b

    def around(self, started: date, finished: date, first: date, last: date, unit: str) -> Iterator[Period]:
        """The periods before `started` and from `finished` on, in order, as far as the data reach."""
        step = timedelta(days=self.length)
        for k in range(AROUND, 0, -1):
            if started - k * step >= first:
                yield self.of(started - k * step, "before", unit)
        for k in range(AROUND):
            if finished + (k + 1) * step - timedelta(days=1) + self.follow <= last:
                yield self.of(finished + k * step, "after", unit)


FOLLOWED: Final = ("conversion", "dropoff", "duration", "repeat")
"""Metrics that follow journeys from a step on."""


def follows(e: Evidence) -> bool:
    """Whether a number follows journeys from a beginning on."""
    if e.question is not None:
        return e.question.get("question") == "funnel"
    metric = METRICS.get(base_name(e.metric or ""))
    return metric is not None and metric.how in FOLLOWED


def follow_up(e: Evidence) -> timedelta:
    """So long a number follows journeys from a beginning on; 0 where it does not, or does not say how long.

    Examples
    --------
    >>> from etappe.maps.model import Parameters
    >>> follow_up(Evidence(id="e", metric="step.conversion", parameters=Parameters(start="s1", within="36h")))
    datetime.timedelta(days=2)
    """
    if not follows(e):
        return timedelta(0)
    within = e.question.get("within") if e.question is not None else parameters_of(e)[0].within
    return timedelta(days=ceil(duration_us(str(within), "within") / DAY_US)) if within else timedelta(0)


def covered(binder: Binder, e: Evidence) -> tuple[date | None, date | None]:
    """The first and the last whole day of the data.

    The last one is not whole where its events end hours earlier than on nearly all of the days before; the first alike.
    """
    raw = binder.raw
    if not raw.events or raw.origin.seen_until_us is None:
        return None, None
    own = e.window or binder.map.window
    zone = ZoneInfo((own.timezone if own else None) or raw.origin.timezone)

    def local(us: int) -> datetime:
        return datetime.fromtimestamp(us // SECOND_US, UTC).astimezone(zone)

    start, end = int(raw.time_us.min()), raw.origin.seen_until_us
    first, last = local(start), local(end)
    shift = round((last.utcoffset() or timedelta(0)).total_seconds()) * SECOND_US
    late = _of_days(raw.time_us[raw.time_us > end - USUAL * DAY_US], shift, np.maximum)
    early = _of_days(raw.time_us[raw.time_us < start + USUAL * DAY_US], shift, np.minimum)
    cut_first = len(early) > 1 and early[0] > np.quantile(early[1:], 0.9, method="higher") + SLACK_US
    cut_last = len(late) > 1 and late[-1] < np.quantile(late[:-1], 0.1, method="lower") - SLACK_US
    day = timedelta(days=1)
    return first.date() + (day if cut_first else 0 * day), last.date() - (day if cut_last else 0 * day)


def _of_days(times: Int, shift: int, extreme: np.ufunc) -> Int:
    """For each local day with events, in order, the time of day of its first or last one."""
    day, of = np.divmod(times + shift, DAY_US)
    _, at = np.unique(day, return_inverse=True)
    found = np.full(int(at.max()) + 1 if len(at) else 0, -1 if extreme is np.maximum else DAY_US, np.int64)
    extreme.at(found, at, of)
    return found


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
