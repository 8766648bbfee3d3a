"""Retention: of those who start in a period, how many return in it and in each of the periods after it.

Unit of count: the journey; all of a subject's touchpoints are one journey, unless journeys were split. A journey is in
the cohort of the calendar period in which it starts: with its first start touchpoint (`first`: in one cohort exactly),
or with the first one in each period (`recurring`: in several cohorts, counted in each).

Period 0 is the period of the start, period k the k-th after it: on the calendar of the data's time zone, or rolling,
24 hours, 7 days or 30 days long from the start itself, to the microsecond (Amplitude rounds down to the hour). A
journey is active in period k with a return touchpoint in it that is the start or comes after it. By default any
touchpoint starts and returns, so that all are active in period 0.

on: active in period k. on_or_after: active in k or in any later one. bracket: active in one of a range of periods.

A period is unfinished when it ends after the latest event of the data; rolling, when that of the cohort's latest
starter does. It is shown, marked, and left out of means. Periods that begin after the data are not shown. Where data
hold whole days without a time, their last day counts as unfinished.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, caution, listed
from etappe.analysis.funnel_rules import codes_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, plain
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.analysis.periods import ROLLING_US, Calendar, Unit, calendar_between, calendar_of
from etappe.analysis.retention_count import FAR, NO_ROW, count, spans
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

MOST_PERIODS: Final = 1_000
MOST_CELLS: Final = 2_000_000
"""Cohorts times periods."""
_BRACKET = re.compile(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?")


class Retention(Question, frozen=True, kw_only=True):
    """Of those who start in a period, how many return in each of the periods after it."""

    label: ClassVar[str] = "cohort"
    period: Unit = "week"
    """The length of periods, and of the cohorts' periods; weeks begin on Monday."""
    mode: Literal["on", "on_or_after", "bracket"] = "on"
    """Active in a period, in it or any later one, or in a range of periods."""
    start: str | None = None
    """The touchpoint that starts, or several: "signup | order"; by default any."""
    returns: str | None = None
    """The touchpoint that returns, or several; by default any."""
    occurrence: Literal["first", "recurring"] = "first"
    """One cohort for each journey, by its first start; or one for each period in which it starts."""
    calendar: bool = True
    """Periods of the calendar; else of 24 hours, 7 days or 30 days from each journey's own start."""
    periods: int = 12
    """The last period shown, counted from 0."""
    brackets: tuple[str, ...] = ()
    """Ranges of periods for mode bracket: "1-3", "4-7", or one period, "0"."""
    reference: Literal["first", "previous"] = "first"
    """A share is of the cohort, or of those who were active in the period before."""
    mean: Literal["weighted", "simple"] = "weighted"
    """The mean over cohorts: by their size, or each counting alike."""


@dataclass(frozen=True)
class _Plan:
    """A question as the kernel takes it."""

    periods: Calendar
    starts: NDArray[np.bool_]
    returns: NDArray[np.bool_]
    rolling: int
    ranges: list[tuple[int, int]]
    """First and last period of each row."""
    finished: NDArray[np.bool_]
    """(cohorts, rows) the last of its periods ends with the data, or before."""
    shown: NDArray[np.bool_]
    """(cohorts, rows) the first of its periods begins with the data, or before."""
    span: Int
    """(cohorts, 2) rolling: the earliest and the latest start in each; else nothing that counts."""


def _ranges(question: Retention) -> list[tuple[int, int]]:
    if not 0 <= question.periods <= MOST_PERIODS:
        what = f"{question.periods} is not between 0 and {MOST_PERIODS}."
        raise BadQuestion("retention: periods", what, "Write the number of the last period, such as 12.")
    if question.mode != "bracket":
        if question.brackets:
            hint = "Ask with mode='bracket', or leave them out."
            raise BadQuestion("retention: brackets", f"mode {question.mode!r} has none.", hint)
        return [(k, k) for k in range(question.periods + 1)]
    if not question.brackets:
        hint = 'Write ranges of periods, such as ["1-3", "4-7"].'
        raise BadQuestion("retention: brackets", "mode 'bracket' needs some.", hint)
    found: list[tuple[int, int]] = []
    for i, text in enumerate(question.brackets):
        where, match = f"retention: brackets[{i}]", _BRACKET.fullmatch(text)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not low <= high <= MOST_PERIODS:
            hint = f'Write its first and last period, up to {MOST_PERIODS}, such as "1-3".'
            raise BadQuestion(where, f"{text!r} is no range of periods.", hint)
        if found and low <= found[-1][1]:
            raise BadQuestion(where, f"{text!r} does not begin after the one before.", "Write them rising, apart.")
        found.append((low, high))
    return found


def _mask(journeys: Journeys, name: str | None, where: str) -> NDArray[np.bool_]:
    codes = slice(None) if name is None else codes_of(journeys, name, where)
    mask = np.zeros(max(1, len(journeys.touchpoints)), bool)
    mask[codes] = True
    return mask


def _row_of(question: Retention, ranges: list[tuple[int, int]]) -> Int:
    """The row of each period, as the kernel takes it; nothing where rows are periods."""
    if question.mode != "bracket":
        return np.zeros(0, np.int64)
    row_of = np.full(ranges[-1][1] + 2, NO_ROW, np.int64)
    for row, (low, high) in enumerate(ranges):
        row_of[low : high + 1] = row
    return row_of


def _plan(journeys: Journeys, question: Retention) -> _Plan:
    _ranges(question)
    if not question.calendar and question.period not in ROLLING_US:
        hint = "Roll by day (24 hours), week (7 days) or month (30 days), or ask for the calendar."
        raise BadQuestion("retention: period", f"a {question.period} has no fixed length to roll by.", hint)
    starts = _mask(journeys, question.start, "retention: start")
    returns = _mask(journeys, question.returns, "retention: returns")
    periods = calendar_of(journeys, question.period)
    span = _no_span(periods)
    if not question.calendar:
        offsets, time_us, touchpoint = arrays_of(journeys)
        edges, place, again = plain(periods.edges), plain(periods.place), question.occurrence == "recurring"
        ends = over_parts(
            offsets,
            lambda a, b: spans(offsets, time_us, touchpoint, starts, again, edges, place, periods.shift, a, b),
        )
        for one in ends:
            np.minimum(span[:, 0], one[:, 0], out=span[:, 0])
            np.maximum(span[:, 1], one[:, 1], out=span[:, 1])
    return _framed(question, periods, span, starts, returns)


def _no_span(periods: Calendar) -> Int:
    return np.tile(np.array([FAR, -FAR], np.int64), (len(periods), 1))


def _framed(
    question: Retention, periods: Calendar, span: Int, starts: NDArray[np.bool_], returns: NDArray[np.bool_]
) -> _Plan:
    """The plan, with the cells that are shown and finished."""
    ranges = _ranges(question)
    p, rolling = len(periods), 0 if question.calendar else ROLLING_US[question.period]
    if p * len(ranges) > MOST_CELLS:
        what = f"{p:,} cohorts with {len(ranges):,} periods each are too many."
        raise BadQuestion("retention: period", what, "Ask for longer periods, fewer of them, or a part of the time.")
    lows, highs = np.array(ranges, np.int64).T
    if rolling:
        finished = span[:, 1:] + (highs + 1) * rolling <= periods.until_us
        shown = span[:, :1] + lows * rolling <= periods.until_us
    else:
        cohort = np.arange(p)[:, None]
        shown = cohort + lows < p
        finished = (cohort + highs < p) & (periods.edges[np.minimum(cohort + highs + 1, p)] <= periods.until_us)
    return _Plan(periods, starts, returns, rolling, ranges, finished, shown, span)


def _counted(
    journeys: Journeys, question: Retention, plan: _Plan, wanted: NDArray[np.bool_], row: int, out: NDArray[np.bool_]
) -> tuple[Int, Int, Int]:
    """Sizes, active ones, and those for the first time; marks in `out` who is in the wanted cohorts and the row."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    periods, p, rows = plan.periods, len(plan.periods), len(plan.ranges)
    edges, place, later = plain(periods.edges), plain(periods.place), question.mode == "on_or_after"
    again, returns = question.occurrence == "recurring", plan.returns.astype(np.uint64)
    row_of = _row_of(question, plan.ranges)
    parts = over_parts(
        offsets,
        lambda a, b: count(
            offsets, time_us, touchpoint, plan.starts, returns, again, edges, place, periods.shift, plan.rolling,
            later, row_of, rows, wanted, row, out, a, b,
        ),
    )  # fmt: skip
    sizes = sum((part[0] for part in parts), np.zeros(p, np.int64))
    active = sum((part[1] for part in parts), np.zeros((p, rows), np.int64))
    return sizes, active, sum((part[2] for part in parts), np.zeros((p if again else 0, rows), np.int64))


def partial(journeys: Journeys, question: Retention) -> Partial:
    """What some journeys contribute: to each cohort its size, its earliest and latest start, and its active ones.

    Of recurring starts also those that are active for the first time, in no cohort before. Cohorts are finished one
    after the other, so a journey is active in a finished one if its first one is: it counts once over all of them.
    """
    plan = _plan(journeys, question)
    sizes, *active = _counted(journeys, question, plan, np.zeros(len(plan.periods), bool), 0, np.zeros(0, bool))
    held = active if question.occurrence == "recurring" else active[:1]
    rows = np.column_stack((plan.periods.edges[:-1], sizes, plan.span, *held))
    return {"ends": plan.periods.ends, "cohorts": rows[sizes > 0]}


def total(partials: Sequence[Partial], question: Retention, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, ("ends", "cohorts"))
    periods, rows = calendar_between(whole["ends"], base.origin, question.period), whole["cohorts"]
    at, span = np.searchsorted(periods.edges, rows[:, 0]), _no_span(periods)
    np.minimum.at(span[:, 0], at, rows[:, 2])
    np.maximum.at(span[:, 1], at, rows[:, 3])
    nothing = np.zeros(0, bool)
    plan = _framed(question, periods, span, nothing, nothing)
    k = len(plan.ranges)
    counts = np.zeros((len(periods), rows.shape[1] - 3), np.int64)
    np.add.at(counts, at, rows[:, [1, *range(4, rows.shape[1])]])
    once = np.where(plan.finished, counts[:, 1 + k :], 0).sum(axis=0) if question.occurrence == "recurring" else None
    return _found(question, plan, counts[:, 0], counts[:, 1 : 1 + k], once, base.journeys)


def find(journeys: Journeys, question: Retention) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def _found(question: Retention, plan: _Plan, sizes: Int, active: Int, once: Int | None, journeys: int) -> Finding:
    base = np.repeat(sizes[:, None], len(plan.ranges), axis=1)
    if question.reference == "previous":
        base[:, 1:] = active[:, :-1]
    # A share of those before is a part of them only where who is active in a period was so before it, too.
    proper = question.reference == "first" or question.mode == "on_or_after"
    held = plan.shown & (sizes > 0)[:, None]
    cohort, row = np.nonzero(held)
    means = _means(question, plan, (sizes, active, base), np.flatnonzero(held.any(axis=0)), proper)
    lows = np.array(plan.ranges, np.int64)[:, 0]
    share, low, high = _shares(active[held], base[held], proper)
    columns: dict[str, Any] = {
        "cohort": [None] * len(means["period"]) + [plan.periods.names[x] for x in cohort.tolist()],
        "period": np.concatenate((lows[means["period"]], lows[row])),
        "active": np.concatenate((means["active"], active[held])),
        "size": np.concatenate((means["size"], sizes[cohort])),
        "share": or_none(np.concatenate((means["share"], share))),
        "low": or_none(np.concatenate((means["low"], low))),
        "high": or_none(np.concatenate((means["high"], high))),
        "unfinished": np.concatenate((np.zeros(len(means["period"]), np.int64), ~plan.finished[held])).astype(np.int64),
        "cohorts": np.concatenate((means["cohorts"], np.ones(len(cohort), np.int64))),
    }
    if once is not None:
        columns["journeys"] = np.concatenate((once[means["period"]], active[held]))
    if question.mode == "bracket":
        texts = [question.brackets[x].strip() for x in (*means["period"].tolist(), *row.tolist())]
        columns = {"cohort": columns.pop("cohort"), "bracket": texts, **columns}
    open_ones = int(np.count_nonzero(held & ~plan.finished))
    cautions = (caution("unfinished", n=open_ones),) if open_ones else ()
    denominators = {"journeys": journeys, "started": int(sizes.sum()), "cohorts": int(np.count_nonzero(sizes))}
    return Finding(columns, denominators, [n for n in sizes.tolist() if n > 0], cautions)


def _shares(active: Int, base: Int, proper: bool) -> tuple[Any, Any, Any]:
    if proper:
        return shares(active, base)
    share = active / np.where(base > 0, base, np.nan)
    return share, np.full(len(share), np.nan), np.full(len(share), np.nan)


def _means(
    question: Retention, plan: _Plan, counts: tuple[Int, Int, Int], rows: Int, proper: bool
) -> dict[str, NDArray[Any]]:
    """For each row the mean over the cohorts in which it is finished."""
    sizes, active, base = counts
    over = plan.finished & (sizes > 0)[:, None]
    totals = {"active": np.where(over, active, 0).sum(axis=0)[rows]}
    totals["size"] = np.where(over, sizes[:, None], 0).sum(axis=0)[rows]
    based = np.where(over, base, 0).sum(axis=0)[rows]
    share, low, high = _shares(totals["active"], based, proper)
    if question.mean == "simple":
        with_base = over & (base > 0)
        each = np.where(with_base, active / np.maximum(base, 1), 0.0)
        n = with_base.sum(axis=0)[rows]
        share = each.sum(axis=0)[rows] / np.where(n > 0, n, np.nan)
        low = high = np.full(len(rows), np.nan)
    cohorts = over.sum(axis=0)[rows].astype(np.int64)
    return {"period": rows, **totals, "share": share, "low": low, "high": high, "cohorts": cohorts}


def who(journeys: Journeys, question: Retention, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys active in the row's cohort and period; without a cohort, in all finished ones."""

    def held(some: Journeys) -> Int:
        plan = _plan(some, question)
        lows = [low for low, _ in plan.ranges]
        if row.get("period") not in lows:
            raise unknown("retention: row", "period", str(row.get("period")), [str(low) for low in lows])
        at, cohort = lows.index(row["period"]), row.get("cohort")
        if cohort is not None and cohort not in plan.periods.names:
            raise unknown("retention: row", "cohort", str(cohort), plan.periods.names)
        named = np.array([name == cohort for name in plan.periods.names], bool)
        wanted = plan.finished[:, at] if cohort is None else named
        out = np.zeros(len(some), bool)
        _counted(some, question, plan, np.ascontiguousarray(wanted), at, out)
        return np.flatnonzero(out).astype(np.int64)

    return within_group(journeys, question.by, row, "retention", held)


def retention(
    journeys: Journeys,
    *,
    period: Unit = "week",
    mode: Literal["on", "on_or_after", "bracket"] = "on",
    start: str | None = None,
    returns: str | None = None,
    occurrence: Literal["first", "recurring"] = "first",
    calendar: bool = True,
    periods: int = 12,
    brackets: Sequence[str] = (),
    reference: Literal["first", "previous"] = "first",
    mean: Literal["weighted", "simple"] = "weighted",
    by: str | None = None,
) -> Answer:
    """Of those who start in a period, how many return in each of the periods after it.

    Parameters
    ----------
    period : day, week (from Monday), month, quarter or year, in the data's time zone
    mode : "on": active in period k; "on_or_after": in k or later; "bracket": in a range of periods
    start, returns : a touchpoint, or several ("signup | order"); by default any
    occurrence : "first": one cohort for each journey; "recurring": one for each period in which it starts
    calendar : False: periods of 24 hours, 7 days or 30 days from each journey's own start
    periods : the last period shown, counted from 0
    brackets : for mode "bracket", ranges of periods such as ["1-3", "4-7"]
    reference : a share is of the cohort ("first"), or of those active in the row before ("previous")
    mean : over cohorts, "weighted" by size or "simple"
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        cohort, the day on which its period begins (null: the mean over the cohorts in which the row is finished; these
        rows come first); period, from 0; active, journeys; size of the cohort; share with low and high (Wilson, 95 %;
        none where the share is of others or a simple mean); unfinished, 1 or 0; cohorts, how many the row rests on.
        With recurring starts: journeys, each counted once. With brackets: bracket; period is then its first one.

    Raises
    ------
    UnknownName
        A touchpoint, a choice or `by` that is not there.
    BadQuestion
        Brackets that are none, rolling quarters or years, too many periods.

    References
    ----------
    PostHog, retention (on, on or after, brackets); Amplitude (rolling); docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> day = 86_400_000_000
    >>> found = retention(journeys_of([0, 2, 3], [0, day, 0], [0, 0, 0], ["visit"]), period="day")
    >>> [(row["cohort"], row["period"], row["active"], row["size"]) for row in found.rows()][2:]
    [('1970-01-01', 0, 2, 2), ('1970-01-01', 1, 1, 2)]
    """
    question = Retention(
        period=period, mode=mode, start=start, returns=returns, occurrence=occurrence, calendar=calendar,
        periods=periods, brackets=listed(brackets, "retention: brackets"), reference=reference, mean=mean, by=by,
    )  # fmt: skip
    return answer(journeys, question, find)
