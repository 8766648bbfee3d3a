"""Score card: what the data say of one touchpoint: reach, what comes of it, time, satisfaction, money, and the way on.

Unit of count: the journey, for the way on the transition, for satisfaction the score that somebody gave. Each number is
the answer of a question (reach, funnel, transitions) or of a metric of maps; none is defined here.

`onward`: of the journeys that touch it, how many go on to another touchpoint; `time`: from the last touch here before
the first other one to that. `conversion`: how many reach a goal of the workspace afterwards (at a goal: again).
`revenue`: the value of all that happened in the journeys that touch it, wherever in them: touched, not caused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from etappe.analysis.answer import MIN_N
from etappe.analysis.ask import ask, who
from etappe.analysis.funnel import Funnel
from etappe.analysis.reach import Reach
from etappe.analysis.transitions import Transitions
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.journeys.targets import Verdict, target_of, verdict
from etappe.maps.asking import HOW, Request
from etappe.maps.inventory import (
    Entry,
    Inventory,
    Period,
    Share,
    Sign,
    as_known,
    reaches,
    renamed,
    share_of,
)
from etappe.maps.playbook import Aid, Item, aids_for, items_for
from etappe.maps.scores import numbers_of, score
from etappe.units import SECOND_US, day_us
from etappe.vocabulary import Kpi

HERE, GOAL, OTHER = "here", "goal", "other"
NEXT: Final = 5
"""So many touchpoints that follow are listed."""
PERIODS: Final = 6


@dataclass(frozen=True)
class Amount:
    """A time (microseconds), a sum of money (1/10,000) or a mean, with base and interval; None where there is none."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    currency: str | None = None

    @property
    def few(self) -> bool:
        """Whether it rests on too few to be relied on."""
        return self.n < MIN_N


@dataclass(frozen=True)
class Way:
    """A touchpoint that directly follows: so many of all transitions from here."""

    to: str
    share: Share


@dataclass(frozen=True)
class Satisfaction:
    """The mean of the scores given here, the least and the most that anybody gives anywhere."""

    column: str
    mean: Amount
    least: float
    most: float


@dataclass(frozen=True)
class Point:
    """The reach in one period, [start, end)."""

    start_us: int
    end_us: int
    reach: Share


@dataclass(frozen=True)
class Target:
    """A target, what the card measures of it, and whether it is reached (open: the interval holds it)."""

    kpi: Kpi
    value: float
    text: str | float
    measured: Share | Amount | None
    verdict: Verdict
    due: date | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Card:
    """The score card of a touchpoint."""

    entry: Entry
    inventory: Inventory
    onward: Share
    time: Amount
    conversion: Share | None
    """None where the workspace has no goal in the data."""
    conversion_all: Share | None
    """How many of all journeys reach a goal."""
    ways: tuple[Way, ...]
    revenue: Amount | None
    """None where no event has a value."""
    mixed: tuple[str, ...]
    """The currencies, where they are several and cannot be added."""
    satisfaction: Satisfaction | None
    trend: tuple[Point, ...]
    signs: tuple[Sign, ...]
    target: Target | None
    items: tuple[Item, ...]
    aids: tuple[Aid, ...]

    def __repr__(self) -> str:
        reach = self.entry.reach
        return f"<Card: {self.entry.id}, {self.entry.state}; {reach.count:,} of {reach.n:,} journeys>"


def card(
    journeys: Journeys, registry: Registry, found: Inventory, name: str, *, everything: Journeys | None = None
) -> Card:
    """The score card of a touchpoint of an inventory, by its id or a name in the data.

    Raises
    ------
    UnknownName
        There is no such touchpoint; the message proposes the nearest.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.journeys.stages import default_registry
    >>> from etappe.maps.inventory import inventory
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "purchase"])
    >>> one = card(shop, default_registry(), inventory(shop, default_registry()), "visit")
    >>> one.onward.count, one.onward.n, one.time.value
    (1, 2, 5)
    """
    entry = found.find(name)
    if entry is None:
        raise unknown("touchpoints", "touchpoint", name, [one.id for one in found.entries])
    known = as_known(journeys, registry)
    onward, time = _onward(known, entry.id)
    conversion = _conversion(known, entry.id, found.goals) if found.goals else None
    overall = _overall(known, found.goals) if found.goals else None
    revenue, mixed = _revenue(known, registry, entry.id)
    satisfaction = _satisfaction(known, entry.id, found.score)
    signs = (*entry.signs, *_carries(entry, conversion, overall, found))
    measured: dict[Kpi, Share | Amount | None] = {
        "reach": entry.reach, "conversion": conversion, "onward": onward, "time": time,
        "exit": entry.friction.get("exit"), "revenue": revenue,
        "satisfaction": satisfaction.mean if satisfaction else None,
    }  # fmt: skip
    return Card(
        entry=entry,
        inventory=found,
        onward=onward,
        time=time,
        conversion=conversion,
        conversion_all=overall,
        ways=_ways(known, entry.id),
        revenue=revenue,
        mixed=mixed,
        satisfaction=satisfaction,
        trend=_trend(as_known(everything or journeys, registry), entry.id, found.period),
        signs=signs,
        target=_target(entry, measured),
        items=items_for(entry, signs),
        aids=aids_for(entry),
    )


def _seen_as(known: Journeys, id: str, goals: Sequence[str] = ()) -> Journeys:
    names = [HERE if name == id else GOAL if name in goals else OTHER for name in known.touchpoints]
    return renamed(known, names, f"seen from {id}")


def _onward(known: Journeys, id: str) -> tuple[Share, Amount]:
    seen = _seen_as(known, id)
    if HERE not in seen.touchpoints:
        return Share(0, 0, None, None, None), Amount(None, 0)
    if OTHER not in seen.touchpoints:
        n = len(ask(seen, Reach(touchpoints=(HERE,))).rows()) and len(seen)
        return Share(0, n, 0.0 if n else None, 0.0 if n else None, None), Amount(None, 0)
    share, row = _funnel(seen, OTHER)
    return share, Amount(row["step_median_us"], row["reached"], row["step_median_low_us"], row["step_median_high_us"])


def _funnel(seen: Journeys, then: str) -> tuple[Share, dict[str, Any]]:
    rows = ask(seen, Funnel(steps=(HERE, then))).rows()
    row = rows[1]
    return Share(row["reached"], rows[0]["reached"], row["step_conversion"], row["step_low"], row["step_high"]), row


def _conversion(known: Journeys, id: str, goals: Sequence[str]) -> Share:
    seen = _seen_as(known, id, goals)
    if HERE not in seen.touchpoints:
        return Share(0, 0, None, None, None)
    ends = [name for name in (GOAL, HERE) if name in seen.touchpoints and (name == GOAL or id in goals)]
    return _funnel(seen, " | ".join(ends))[0]


def _overall(known: Journeys, goals: Sequence[str]) -> Share:
    seen = renamed(known, [GOAL if name in goals else OTHER for name in known.touchpoints], "goals")
    found = ask(seen, Reach(touchpoints=(GOAL,)))
    return share_of(found.rows()[0], "journeys", found.n)


def _ways(known: Journeys, id: str) -> tuple[Way, ...]:
    if not known.events:
        return ()
    leaving = [row for row in ask(known, Transitions(medians=False)).rows() if row["from"] == id]
    base = sum(row["count"] for row in leaving)
    return tuple(Way(row["to"], share_of(row, "count", base)) for row in leaving[:NEXT])


def _revenue(known: Journeys, registry: Registry, id: str) -> tuple[Amount | None, tuple[str, ...]]:
    if id not in known.touchpoints or known.lazy_value is None:
        return None, ()
    touched = known.select(who(known, Reach(), {"touchpoint": id}))
    rows = ask(touched, Reach()).rows() if touched.events else []
    mixed = [name.removeprefix("value_") for name in (rows[0] if rows else {}) if name.startswith("value_")]
    if mixed or all(row["value"] is None for row in rows):
        return None, tuple(mixed)
    try:
        number = HOW["revenue"](Request(journeys=touched, registry=registry))
    except BadQuestion:
        return None, tuple(sorted({str(row["currency"]) for row in rows if row["currency"]}))
    return Amount(number.value, number.n, number.low, number.high, number.currency), ()


def _satisfaction(known: Journeys, id: str, column: str | None) -> Satisfaction | None:
    if column is None or id not in known.touchpoints:
        return None
    numbers, found = numbers_of(known, column), score(known, "csat", column, id)
    if not found.n or numbers is None:
        return None
    mean = Amount(found.value, found.n, found.low, found.high)
    return Satisfaction(column, mean, float(np.nanmin(numbers)), float(np.nanmax(numbers)))


def _trend(known: Journeys, id: str, period: Period | None) -> tuple[Point, ...]:
    """The reach in the last periods, the newest last; only such as the data cover in full."""
    if period is None or id not in known.touchpoints or not known.events:
        return ()
    zone, first = known.origin.timezone, int(known.time_us.min())
    edges = [period.end_us, period.middle_us, period.start_us]
    while len(edges) <= PERIODS:
        begins = datetime.fromtimestamp(edges[-1] / SECOND_US, ZoneInfo(zone)).date()
        edges.append(day_us(begins - timedelta(days=period.days), zone))  # a day may have 23 or 25 hours
    points = []
    for end, start in pairwise(edges):
        if start < first and end <= period.start_us:
            break
        points.append(Point(start, end, reaches(known.between(start, end))[0][id]))
    return tuple(reversed(points))


def _carries(entry: Entry, here: Share | None, overall: Share | None, found: Inventory) -> tuple[Sign, ...]:
    """A chance, not a fault: who comes here reaches a goal more often than all, and few come."""
    reached = sorted(e.reach.value for e in found.entries if e.reach.count and e.reach.value is not None)
    if (
        here is None
        or overall is None
        or overall.value is None
        or here.low is None
        or here.few
        or entry.id in found.goals
    ):
        return ()
    few = bool(reached) and entry.reach.high is not None and entry.reach.high < reached[len(reached) // 2]
    return (Sign("carries", here, overall.value),) if few and here.low > overall.value else ()


def _target(entry: Entry, measured: dict[Kpi, Share | Amount | None]) -> Target | None:
    point = entry.touchpoint
    if point is None or point.kpi is None or not point.target:
        return None
    wanted, now = target_of(point.kpi, point.target), measured[point.kpi]
    scale = 10_000 if point.kpi == "revenue" else 1  # money is written in whole units, and counted in 1/10,000
    low, high = (now.low, now.high) if now is not None and not now.few else (None, None)
    return Target(
        point.kpi, wanted * scale, point.target, now, verdict(point.kpi, wanted * scale, low, high), point.due
    )
