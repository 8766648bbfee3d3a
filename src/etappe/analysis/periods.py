"""Periods: days, ISO weeks, months, quarters and years on the calendar of a time zone, as edges in microseconds.

A period begins with the first instant of its first local day, and ends where the next one begins; a day on which the
clock changes has 23 or 25 hours. Kernels compare whole numbers only.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import arrays_of, kernel
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys, Origin
from etappe.units import DAY_US, SECOND_US

FOREVER: Final = 2**62
Unit = Literal["day", "week", "month", "quarter", "year"]
LONGEST: Final = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
"""Days; so long after the first day of a period the next one has begun, and is not over."""
SHIFT: Final = {"day": 36, "week": 39, "month": 41, "quarter": 42, "year": 44}
"""2**shift microseconds are shorter than the period, so that it holds one edge at most (a day has 23 hours or more)."""


def first_day(day: date, period: str) -> date:
    """The first day of the period in which a day lies.

    Examples
    --------
    >>> first_day(date(2026, 11, 26), "quarter").isoformat()
    '2026-10-01'
    """
    if period == "week":
        return day - timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}.get(period)
    return day if month is None else day.replace(month=month, day=1)


@dataclass(frozen=True)
class Calendar:
    """The periods from the earliest touchpoint to the end of the data, without a gap.

    Attributes
    ----------
    names : (p,) their first days, ISO
    edges : (p+1,) int64, where each begins, and where the last one ends
    place : the period in which each stretch of 2**shift microseconds begins, counted from the first edge
    until_us : where the data end
    low_us : the earliest touchpoint
    """

    names: tuple[str, ...]
    edges: Int
    place: NDArray[np.int32]
    shift: int
    until_us: int
    low_us: int = 0

    @property
    def ends(self) -> Int:
        """(1, 2) what `calendar_between` makes it from again; no row where there is no touchpoint."""
        return np.array([[self.low_us, self.until_us]] if self.names else np.empty((0, 2)), np.int64)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def unfinished(self) -> NDArray[np.int64]:
        """(p,) 1 where a period ends after the data."""
        return (self.edges[1:] > self.until_us).astype(np.int64)


@kernel
def _ends(time_us: Int) -> tuple[int, int]:
    """The first and the last instant. To read all is quicker than to pick each journey's own. O(t)."""
    low, high = FOREVER, -FOREVER
    for i in range(len(time_us)):
        low = min(low, time_us[i])
        high = max(high, time_us[i])
    return low, high


def calendar_of(journeys: Journeys, period: str) -> Calendar:
    """All periods in which the journeys' touchpoints and the end of the data lie; none where there is no touchpoint."""
    return calendar_between(ends_of(journeys), journeys.origin, period)


def ends_of(journeys: Journeys) -> Int:
    """(1, 2) the first and the last instant of a touchpoint; no row where there is none."""
    if journeys.events == 0:
        return np.empty((0, 2), np.int64)
    offsets, time_us, _ = arrays_of(journeys)
    found = over_parts(offsets, lambda a, b: _ends(time_us[offsets[a] : offsets[b]]))
    return np.array([[min(one for one, _ in found), max(one for _, one in found)]], np.int64)


def calendar_between(ends: Int, origin: Origin, period: str) -> Calendar:
    """All periods in which the ends (of several parts) and the end of the data lie."""
    if len(ends) == 0:
        return Calendar((), np.zeros(1, np.int64), np.zeros(1, np.int32), SHIFT[period], 0)
    low, high = int(ends[:, 0].min()), int(ends[:, 1].max())
    return _calendar(low, max(high, origin.seen_until_us or high), origin.timezone, period)


@lru_cache(maxsize=16)
def _calendar(low: int, high: int, timezone: str, period: str) -> Calendar:
    """Kept, since parts and their total ask for the same one."""
    zone = ZoneInfo(timezone)
    begins = first_day(datetime.fromtimestamp(low // SECOND_US, UTC).astimezone(zone).date(), period)
    days: list[str] = []
    edges: list[int] = []
    while not edges or edges[-1] <= high:
        # A midnight that the clock leaves out is the instant of the change; of two midnights the first one counts.
        edge = round(datetime(begins.year, begins.month, begins.day, tzinfo=zone).timestamp()) * SECOND_US
        if edges and edge <= edges[-1]:  # Samoa left out a whole day
            days[-1] = begins.isoformat()
        else:
            days.append(begins.isoformat())
            edges.append(edge)
        begins = first_day(begins + timedelta(days=LONGEST[period]), period)
    held, shift = np.array(edges, np.int64), SHIFT[period]
    stretches = held[0] + (np.arange(((high - edges[0]) >> shift) + 1) << shift)
    place = np.searchsorted(held, stretches, side="right") - 1
    return Calendar(tuple(days[:-1]), held, place.astype(np.int32), shift, high, low)


ROLLING_US: Final = {"day": DAY_US, "week": 7 * DAY_US, "month": 30 * DAY_US}
"""Periods that begin with a journey's own start."""
