"""Units: a length of time enters with its unit ("30m", "7d") and is int64 microseconds inside; money is 1/10,000."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from etappe.errors import BadDuration, BadQuestion

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
UNITS_US: Final = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": DAY_US,
    "w": 7 * DAY_US,
}
MONEY: Final = 10_000
"""A value is a whole number of 1/10,000 of a currency: sums are exact and every engine agrees."""

NO_VALUE: Final = -(2**63)
"""Stands in a value column where an event has no value."""

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d|w)\s*")


def duration_us(text: str, where: str = "duration") -> int:
    """Microseconds of a duration such as "30m", "7d" or "1.5h".

    Raises
    ------
    BadDuration
        No unit, no number, or not above zero.

    Examples
    --------
    >>> duration_us("30m")
    1800000000
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    us = round(Decimal(match[1]) * UNITS_US[match[2]]) if match else 0
    if us <= 0 or us >= 2**62:
        hint = "Write a number and a unit: 30s, 30m, 12h, 7d, 2w."
        if match and us <= 0:
            hint = "It must be longer than nothing, such as 30s, 30m, 12h, 7d, 2w."
        raise BadDuration(where, f"{text!r} is no duration.", hint)
    return us


def duration_text(us: int) -> str:
    """The shortest exact text of a duration; `duration_us` reads it back.

    Examples
    --------
    >>> duration_text(1_800_000_000)
    '30m'
    """
    for unit in ("w", "d", "h", "m", "s", "ms"):
        if us % UNITS_US[unit] == 0:
            return f"{us // UNITS_US[unit]}{unit}"
    return f"{us}us"


def iso(us: int) -> str:
    """A point in time, microseconds since 1970 UTC, as ISO 8601.

    Examples
    --------
    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    seconds, rest = divmod(us, SECOND_US)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return moment.isoformat().replace("+00:00", "Z")


def read_day(day: str | date) -> date:
    """A day from its text.

    Raises
    ------
    BadQuestion
        It is no day, or not between the years 1900 and 2200.

    Examples
    --------
    >>> read_day("2026-11-23").year
    2026
    """
    try:
        found = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        raise BadQuestion("day", f"{day!r} is no day.", "Write it as 2026-11-23.")
    return found


def day_us(day: str | date, timezone: str, *, after: bool = False) -> int:
    """When a day begins (or, with `after`, when it has ended) in a time zone.

    Examples
    --------
    >>> iso(day_us("2026-11-23", "Europe/Berlin"))
    '2026-11-22T23:00:00Z'
    """
    found = read_day(day) + timedelta(days=1 if after else 0)
    moment = datetime(found.year, found.month, found.day, tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp()) * SECOND_US
