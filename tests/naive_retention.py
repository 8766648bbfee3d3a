"""Naive: periods on a local calendar day by day, and who is active in them; the kernels are held against it.

A journey is a list of (time, touchpoint) in the order of the journey, as in naive.py.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Journey = list[tuple[int, str]]
Range = tuple[int, int]
LENGTHS = {"day": 1, "week": 7, "month": 30}


def local_day(time_us: int, zone: str) -> date:
    """The date on a clock on the wall."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).astimezone(ZoneInfo(zone)).date()


def begins(day: date, period: str) -> date:
    """The first day of the period that holds a day: back day by day until it would be another."""

    def name(one: date) -> tuple[int, ...]:
        if period == "week":
            return one.isocalendar()[:2]
        parts = {"day": (one.month, one.day), "month": (one.month,), "quarter": ((one.month + 2) // 3,), "year": ()}
        return (one.year, *parts[period])

    here = name(day)
    while name(day - timedelta(days=1)) == here:
        day -= timedelta(days=1)
    return day


def after(first: date, period: str, k: int) -> date:
    """The first day of the k-th period after one."""
    for _ in range(k):
        here = first
        while begins(first, period) == here:
            first += timedelta(days=1)
    return first


def starts_of(journey: Journey, start: str | None, recurring: bool, period: str, zone: str) -> dict[date, int]:
    """Cohort to the position of the start in it."""
    found: dict[date, int] = {}
    for i, (time, name) in enumerate(journey):
        if start in (None, name) and (recurring or not found):
            found.setdefault(begins(local_day(time, zone), period), i)
    return found


def within(journey: Journey, at: int, cohort: date, period: str, zone: str, rolling: bool, place: Range) -> list[int]:
    """Positions from the start on in periods low to high after it; high -1: no end."""
    low, high = place
    found = []
    for i in range(at, len(journey)):
        time = journey[i][0]
        if rolling:
            length = LENGTHS[period] * 86_400_000_000
            begun = time >= journey[at][0] + low * length
            over = high >= 0 and time >= journey[at][0] + (high + 1) * length
        else:
            day = local_day(time, zone)
            begun = day >= after(cohort, period, low)
            over = high >= 0 and day >= after(cohort, period, high + 1)
        if begun and not over:
            found.append(i)
    return found


def retention(
    journeys: list[Journey],
    until: int,
    zone: str,
    ranges: list[Range],
    *,
    period: str,
    mode: str = "on",
    start: str | None = None,
    returns: str | None = None,
    occurrence: str = "first",
    calendar: bool = True,
) -> dict[tuple[str, int], tuple[set[int], int, bool]]:
    """(cohort, first period of the row) to (journeys active, size, unfinished), of those that begin within the data."""
    members: dict[date, dict[int, int]] = {}
    for number, journey in enumerate(journeys):
        for cohort, at in starts_of(journey, start, occurrence == "recurring", period, zone).items():
            members.setdefault(cohort, {})[number] = at
    found = {}
    for cohort, held in members.items():
        for low, high in ranges:
            if calendar:
                today = begins(local_day(until, zone), period)
                begun, open_end = today >= after(cohort, period, low), today <= after(cohort, period, high)
            else:
                length = LENGTHS[period] * 86_400_000_000
                since = [journeys[number][at][0] for number, at in held.items()]
                begun = any(time + low * length <= until for time in since)
                open_end = any(time + (high + 1) * length > until for time in since)
            if not begun:
                continue
            place = (low, -1) if mode == "on_or_after" else (low, high)
            active = {
                number
                for number, at in held.items()
                for i in within(journeys[number], at, cohort, period, zone, not calendar, place)
                if returns in (None, journeys[number][i][1])
            }
            found[cohort.isoformat(), low] = (active, len(held), open_end)
    return found


def active_days(
    journeys: list[Journey], zone: str, period: str, touchpoint: str | None
) -> Counter[tuple[str, int, int]]:
    """(period, number of days, journey) for each journey in each period in which it is active."""
    found: Counter[tuple[str, int, int]] = Counter()
    for number, journey in enumerate(journeys):
        days = {local_day(time, zone) for time, name in journey if touchpoint in (None, name)}
        for first, count in Counter(begins(day, period) for day in days).items():
            found[first.isoformat(), count, number] += 1
    return found


def states(
    journeys: list[Journey], until: int, zone: str, period: str, touchpoint: str | None
) -> dict[str, dict[str, set[int]]]:
    """Period to state to the journeys in it, from the first period with activity to the one in which the data end."""
    active = [
        {begins(local_day(time, zone), period) for time, name in journey if touchpoint in (None, name)}
        for journey in journeys
    ]
    every = set().union(*active)
    found: dict[str, dict[str, set[int]]] = {}
    if not every:
        return found
    here, last = min(every), begins(local_day(until, zone), period)
    while here <= last:
        before = begins(here - timedelta(days=1), period)
        found[here.isoformat()] = {
            "active": {n for n, periods in enumerate(active) if here in periods},
            "new": {n for n, periods in enumerate(active) if periods and min(periods) == here},
            "returning": {n for n, periods in enumerate(active) if here in periods and before in periods},
            "resurrecting": {
                n
                for n, periods in enumerate(active)
                if here in periods and before not in periods and any(one < here for one in periods)
            },
            "dormant": {n for n, periods in enumerate(active) if before in periods and here not in periods},
        }
        here = after(here, period, 1)
    return found
