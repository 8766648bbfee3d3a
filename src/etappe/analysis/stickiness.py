"""Stickiness: on how many days of a week or a month journeys are active.

Unit of count: the journey in a period in which it is active on one day at least; all touchpoints of a subject are one
journey, unless journeys were split. Days, ISO weeks and months lie on the calendar of the data's time zone; many
touchpoints on one day are one active day.

The last period ends after the data: it is shown, marked, and left out of the rows over all periods. Those rows (period
null) count a journey once for each of its periods; `journeys` counts it once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, caution
from etappe.analysis.funnel_rules import codes_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.analysis.periods import LONGEST, Calendar, calendar_between, calendar_of, first_day
from etappe.arrays import Int, over_parts
from etappe.errors import unknown
from etappe.journeys.columns import Journeys


class Stickiness(Question, frozen=True, kw_only=True):
    """On how many days of a week or a month journeys are active."""

    label: ClassVar[str] = "days"
    period: Literal["week", "month"] = "week"
    """The calendar period whose active days are counted; weeks begin on Monday."""
    touchpoint: str | None = None
    """The touchpoint that counts as activity, or several: "order | subscribe"; by default any."""


@kernel
def _count(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], meant: NDArray[np.bool_], edges: Int,
    place: NDArray[np.int32], shift: int, period_of: Int, finished: NDArray[np.bool_], most: int,
    wanted: NDArray[np.bool_], days: int, out: NDArray[np.bool_], first: int, last: int,
) -> tuple[Int, Int]:  # fmt: skip
    """(periods, most + 1) journeys by active days; for each number of days the journeys in a finished period.

    `out` marks the journeys that are active on so many `days` of a wanted period. O(t).
    """
    counts = np.zeros((len(finished), most + 1), np.int64)
    once = np.zeros(most + 1, np.int64)
    seen = np.full(most + 1, -1, np.int64)
    marking = len(out) > 0
    for c in range(first, last):
        here, active = np.int64(-1), 0
        over = edges[0]
        begin, end = np.uint64(offsets[c]), np.uint64(offsets[c + 1])
        for i in range(begin, end + np.uint64(1)):
            p = np.int64(-1)  # after the last touchpoint its period is closed, too
            if i < end:
                time = time_us[i]
                if time < over or not meant[touchpoint[i]]:
                    continue
                # A table leads to the day, or to the one before.
                day = np.int64(place[np.uint64((time - edges[0]) >> shift)])
                day += time >= edges[np.uint64(day + 1)]
                over = edges[np.uint64(day + 1)]
                p = period_of[np.uint64(day)]
            if p == here:
                active += 1
                continue
            if here >= 0:
                counts[here, active] += 1
                if finished[here] and seen[active] != c:
                    seen[active] = c
                    once[active] += 1
                if marking and active == days and wanted[here]:
                    out[c] = True
            here, active = p, 1
    return counts, once


@dataclass(frozen=True)
class _Plan:
    """A question as the kernel takes it."""

    names: list[str]
    """The first days of the periods."""
    lengths: list[int]
    """How many days each has."""
    finished: NDArray[np.bool_]
    arrays: tuple[NDArray[np.bool_], Int, NDArray[np.int32], int, Int]
    """Which touchpoints count; days, as the kernel finds them; the period of each day."""
    most: int
    ends: Int


def _plan(journeys: Journeys, question: Stickiness) -> _Plan:
    name = question.touchpoint
    meant = np.zeros(max(1, len(journeys.touchpoints)), bool)
    meant[slice(None) if name is None else codes_of(journeys, name, "stickiness: touchpoint")] = True
    return _planned(calendar_of(journeys, "day"), question, meant)


def _planned(days: Calendar, question: Stickiness, meant: NDArray[np.bool_]) -> _Plan:
    """The periods in which the days lie."""
    firsts = [first_day(date.fromisoformat(day), question.period) for day in days.names]
    begins = sorted(set(firsts))
    index = {day: p for p, day in enumerate(begins)}
    period_of = np.array([index[day] for day in firsts], np.int64)
    longest = LONGEST[question.period]
    lengths = [(first_day(day + timedelta(days=longest), question.period) - day).days for day in begins]
    # The data end in the last period, so that it alone is not over.
    finished = np.arange(len(begins)) < len(begins) - 1
    arrays = (meant, plain(days.edges), plain(days.place), days.shift, period_of)
    return _Plan([day.isoformat() for day in begins], lengths, finished, arrays, longest, days.ends)


def _counted(
    journeys: Journeys, plan: _Plan, wanted: NDArray[np.bool_], days: int, out: NDArray[np.bool_]
) -> tuple[Int, Int]:
    """(periods, days) counts, and the journeys of the finished periods."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    parts = over_parts(
        offsets,
        lambda a, b: _count(
            offsets, time_us, touchpoint, *plan.arrays, plan.finished, plan.most, wanted, days, out, a, b
        ),
    )  # fmt: skip
    counts = sum((part[0] for part in parts), np.zeros((len(plan.names), plan.most + 1), np.int64))
    return counts[:, 1:], sum((part[1] for part in parts), np.zeros(plan.most + 1, np.int64))[1:]


def _ordinals(plan: _Plan) -> Int:
    """The first days of periods as numbers, the same in all parts."""
    return np.array([date.fromisoformat(name).toordinal() for name in plan.names], np.int64)


def partial(journeys: Journeys, question: Stickiness, *, alone: bool = False) -> Partial:
    """What some journeys contribute, by active days: to each period, and journeys that have a finished one.

    "once" begins with the part's last period: where the data go on after it (`alone`: they do not), it is finished, and
    the second half of the row counts.
    """
    plan = _plan(journeys, question)
    none, nobody = np.zeros(len(plan.names), bool), np.zeros(0, bool)
    counts, once = _counted(journeys, plan, none, 0, nobody)
    over = once
    if not alone and journeys.origin.data_until_us is None:
        _, over = _counted(journeys, replace(plan, finished=~none), none, 0, nobody)
    begins = _ordinals(plan)
    last = (
        np.concatenate((begins[-1:], once, over))[None] if len(begins) else np.empty((0, 1 + 2 * plan.most), np.int64)
    )
    return {"ends": plan.ends, "days": np.column_stack((begins, counts)), "once": last}


def total(partials: Sequence[Partial], question: Stickiness, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, ("ends", "days", "once"))
    plan = _planned(calendar_between(whole["ends"], base.origin, "day"), question, np.zeros(0, bool))
    begins, days, each = _ordinals(plan), whole["days"], whole["once"]
    counts = np.zeros((len(begins), plan.most), np.int64)
    np.add.at(counts, np.searchsorted(begins, days[:, 0]), days[:, 1:])
    over = np.isin(each[:, :1], begins[:-1])
    once = np.where(over, each[:, 1 + plan.most :], each[:, 1 : 1 + plan.most]).sum(axis=0)
    names: list[str | None] = [None, *plan.names]
    lengths = [plan.most, *plan.lengths]
    lines = np.vstack((counts[plan.finished].sum(axis=0), counts))
    people = np.vstack((once, counts))
    active = lines.sum(axis=1)
    shown = [p for p in range(len(names)) if plan.names and (p == 0 or active[p] > 0)]
    held = [(p, d) for p in shown for d in range(lengths[p])]
    at = np.array([p for p, _ in held], np.int64), np.array([d for _, d in held], np.int64)
    share, low, high = shares(lines[at], active[at[0]])
    least = lines[:, ::-1].cumsum(axis=1)[:, ::-1]
    unfinished = [int(p > 0 and not plan.finished[p - 1]) for p, _ in held]
    columns: dict[str, Any] = {
        "period": [names[p] for p, _ in held],
        "days": at[1] + 1,
        "count": lines[at],
        "journeys": people[at],
        "active": active[at[0]],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "cumulative": or_none(shares(least[at], active[at[0]])[0]),
        "unfinished": np.array(unfinished, np.int64),
    }
    cautions = (caution("unfinished-period", period=plan.names[-1]),) if any(unfinished) else ()
    denominators = {"journeys": base.journeys, "active": int(active[0])}
    return Finding(columns, denominators, [int(n) for n in active[shown] if n > 0], cautions)


def find(journeys: Journeys, question: Stickiness) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question, alone=True)], question, base_of(journeys))


def who(journeys: Journeys, question: Stickiness, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys active on so many days of the row's period; without one, of any finished period."""

    def held(some: Journeys) -> Int:
        plan = _plan(some, question)
        period, days = row.get("period"), row.get("days")
        if period is not None and period not in plan.names:
            raise unknown("stickiness: row", "period", str(period), plan.names)
        if days not in range(1, plan.most + 1):
            raise unknown("stickiness: row", "number of days", str(days), [str(d + 1) for d in range(plan.most)])
        named = np.array([name == period for name in plan.names], bool)
        out = np.zeros(len(some), bool)
        _counted(some, plan, plan.finished if period is None else named, int(str(days)), out)
        return np.flatnonzero(out).astype(np.int64)

    return within_group(journeys, question.by, row, "stickiness", held)


def stickiness(
    journeys: Journeys,
    *,
    period: Literal["week", "month"] = "week",
    touchpoint: str | None = None,
    by: str | None = None,
) -> Answer:
    """On how many days of a week or a month journeys are active.

    Parameters
    ----------
    period : "week" (from Monday) or "month", in the data's time zone
    touchpoint : what counts as activity, or several ("order | subscribe"); by default any
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        period, its first day (null: all finished periods together; these rows come first); days, from 1 to the period's
        length; count, journeys active on exactly so many days (in the rows over all periods once for each period);
        journeys, each counted once; active, the base: all that are active in the period; share with low and high
        (Wilson, 95 %); cumulative, the share active on so many days at least; unfinished, 1 or 0.

    Raises
    ------
    UnknownName
        A touchpoint, a period or `by` that is not there.

    References
    ----------
    PostHog and Amplitude, stickiness; docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> day = 86_400_000_000
    >>> found = stickiness(journeys_of([0, 2, 3, 4], [0, day, 0, 9 * day], [0, 0, 0, 0], ["visit"]))
    >>> [(row["days"], row["count"], row["cumulative"]) for row in found.rows()[:2]]
    [(1, 1, 1.0), (2, 1, 0.5)]
    """
    return answer(journeys, Stickiness(period=period, touchpoint=touchpoint, by=by), find)
