"""Clock: the local day, hour and weekday of touchpoints, as columns that a condition can compare.

`day` is an ISO date ('2026-01-31'), `hour` 00 to 23, `weekday` 1 (Monday) to 7 (Sunday), as ISO 8601 numbers them.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from etappe.arrays import Column, Int, code_type
from etappe.units import DAY_US, SECOND_US

HOUR_US: Final = 3_600 * SECOND_US
EPOCH: Final = date(1970, 1, 1)
MONDAYS: Final = 3
"""1970 began on a Thursday, three days after a Monday."""


def local_us(time_us: Int, timezone: str) -> Int:
    """What a clock on the wall shows, as microseconds since 1970 there. O(t * changes of the clock)."""
    if not len(time_us):
        return time_us
    low, high = int(time_us.min()), int(time_us.max())
    zone = ZoneInfo(timezone)

    def offset(second: int) -> int:
        shift = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() or timedelta()
        return round(shift.total_seconds())

    second, end = low // SECOND_US, high // SECOND_US
    now = offset(second)
    shown = time_us + now * SECOND_US
    while second < end:  # day by day; within a day in which the clock changed, the second is searched
        later = min(second + 86_400, end)
        then = offset(later)
        if then != now:
            before = second
            while later - before > 1:
                middle = (before + later) // 2
                before, later = (middle, later) if offset(middle) == now else (before, middle)
            then = offset(later)
            shown[time_us >= later * SECOND_US] += (then - now) * SECOND_US
            now = then
        second = later
    return shown


def day(time_us: Int, timezone: str) -> Column:
    """The local day."""
    days = local_us(time_us, timezone) // DAY_US
    low, high = (int(days.min()), int(days.max())) if len(days) else (0, -1)
    names = [(EPOCH + timedelta(days=number)).isoformat() for number in range(low, high + 1)]
    return Column((days - (low - 1)).astype(code_type(len(names) + 1)), (None, *names))


def hour(time_us: Int, timezone: str) -> Column:
    """The local hour."""
    hours = local_us(time_us, timezone) % DAY_US // HOUR_US
    return Column((hours + 1).astype(np.uint8), (None, *(f"{number:02}" for number in range(24))))


def weekday(time_us: Int, timezone: str) -> Column:
    """The local day of the week."""
    days = (local_us(time_us, timezone) // DAY_US + MONDAYS) % 7
    return Column((days + 1).astype(np.uint8), (None, *"1234567"))


CLOCK: Final[Mapping[str, Callable[[Int, str], Column]]] = {"day": day, "hour": hour, "weekday": weekday}
