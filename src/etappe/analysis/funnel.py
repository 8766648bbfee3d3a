"""Funnel: how many journeys reach each of a series of steps, in order, within a window.

Unit of count: the journey, never the touchpoint. Three purchases in one journey are one conversion.

A chain is one touchpoint for each of the first m steps, each later in the journey than the one before, all of them
within the window measured from step 1 (the edge belongs to it). Other touchpoints may lie between; one touchpoint
serves one step; at the same instant the order of receipt counts. A journey reaches the largest m of its chains.

Times come from the journey's best chain: of the chains with the largest m the one that is complete first; of those the
one that starts last; from there on each step as early as it can be.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.kernel import arrays_of, kernel
from etappe.analysis.sieve import NEVER, levels_of
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

NO_WINDOW: Final = 2**60
MOST_STEPS: Final = 100


class Funnel(Question, frozen=True, kw_only=True):
    """How many journeys reach each step, in order, within a window."""

    label: ClassVar[str] = "step"
    bar: ClassVar[str] = "conversion"
    steps: tuple[str, ...]
    within: str | None = None
    """Measured from step 1, such as "7d"; none: the journey's whole length."""
    medians: bool = True
    """Also times and their medians; without them the answer is quicker."""


@kernel
def _times(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    start: Int,
    steps: Int,
    k: int,
    window: int,
    first: int,
    last: int,
    levels: NDArray[Any],
) -> Int:
    """The times of the best chain of each journey that reaches step 2. O(t + matches * k).

    A chain is kept for each step; it is replaced only by one that starts later, which keeps every step as early as
    it can be. The first time that the journey's level is reached ends the search.
    """
    count = 0
    for c in range(first, last):
        count += levels[c] >= 2
    out = np.zeros((count, k), np.int64)
    chain = np.empty((k + 1, k), np.int64)
    began = np.empty(k + 1, np.int64)
    row = 0
    for c in range(first, last):
        level = np.int64(levels[c])
        if level < 2:
            continue
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for s in range(k + 1):
            began[s] = NEVER
        done = False
        for i in range(len(codes)):
            own = name_of[codes[i]]
            if own == 0:
                continue
            moment = times[i]
            for x in range(start[own], start[own + 1]):
                s = steps[x]
                if s == 1:
                    began[1] = moment
                    chain[1, 0] = moment
                elif s <= level and moment - began[s - 1] <= window and began[s - 1] > began[s]:
                    began[s] = began[s - 1]
                    for j in range(s - 1):
                        chain[s, j] = chain[s - 1, j]
                    chain[s, s - 1] = moment
                    done = done or s == level
            if done:
                break
        for j in range(level):
            out[row, j] = chain[level, j]
        row += 1
    return out


def _plan(journeys: Journeys, question: Funnel) -> tuple[NDArray[Any], list[list[int]], int]:
    """Codes to numbers of step names, and each name's steps, the last first; the window."""
    k = len(question.steps)
    if k == 0:
        raise BadQuestion("funnel: steps", "a funnel needs a step.", 'Write steps such as ["visit", "order"].')
    if k > MOST_STEPS:
        raise BadQuestion("funnel: steps", f"{k} steps are more than {MOST_STEPS}.", "Ask for fewer.")
    codes = [journeys.code(step, f"funnel: steps[{i}]") for i, step in enumerate(question.steps)]
    window = NO_WINDOW if question.within is None else duration_us(question.within, "funnel: within")
    name_of = np.zeros(max(256, len(journeys.touchpoints)), np.uint8)
    names = list(dict.fromkeys(codes))
    name_of[names] = np.arange(1, len(names) + 1)
    steps_of = [[s + 1 for s in reversed(range(k)) if codes[s] == code] for code in names]
    return name_of, steps_of, min(window, NO_WINDOW)


def _reached(journeys: Journeys, question: Funnel) -> tuple[NDArray[np.uint8], Int]:
    """How far each journey gets, and how many reach each step."""
    name_of, steps_of, window = _plan(journeys, question)
    return levels_of(arrays_of(journeys), name_of, steps_of, len(question.steps), window)


def _medians(journeys: Journeys, question: Funnel, levels: NDArray[np.uint8]) -> dict[str, list[int | None]]:
    """Medians with low and high of the times from step 1 and from the step before, one row a step."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    name_of, steps_of, window = _plan(journeys, question)
    start = np.concatenate(([0, 0], np.cumsum([len(s) for s in steps_of]))).astype(np.int64)
    steps = np.concatenate([np.array(s, np.int64) for s in steps_of])
    k = len(question.steps)
    times = np.concatenate(
        [
            np.zeros((0, k), np.int64),
            *over_parts(
                offsets,
                lambda a, b: _times(offsets, time_us, touchpoint, name_of, start, steps, k, window, a, b, levels),
            ),
        ]
    )
    level = levels[levels >= 2]
    names = ("median_us", "median_low_us", "median_high_us")
    columns: dict[str, list[int | None]] = {name: [None] for name in (*names, *(f"step_{name}" for name in names))}
    for j in range(1, k):
        here = times[level > j]
        for prefix, since in (("", 0), ("step_", j - 1)):
            for name, value in zip(names, median(here[:, j] - here[:, since]), strict=True):
                columns[prefix + name].append(value)
    return columns


def find(journeys: Journeys, question: Funnel) -> Finding:
    """Count in one group of journeys."""
    levels, reached = _reached(journeys, question)
    k = len(question.steps)
    share, low, high = shares(reached, reached[0])
    before = np.concatenate(([0], reached[:-1]))
    step_share, step_low, step_high = shares(reached, before)
    low[0] = high[0] = np.nan  # step 1 is its own base: nothing is estimated
    columns = {
        "position": np.arange(1, k + 1),
        "step": list(question.steps),
        "reached": reached,
        "conversion": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "step_conversion": or_none(step_share),
        "step_low": or_none(step_low),
        "step_high": or_none(step_high),
    }
    if question.medians:
        columns.update(_medians(journeys, question, levels))
    entered = int(reached[0])
    bases = [int(base) for base in (entered, *reached[1:-1]) if base > 0] or [entered]
    return Finding(columns, {"journeys": len(journeys), "entered": entered}, bases)


def who(journeys: Journeys, question: Funnel, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that reach the row's step (named by `position`, or by `step` alone)."""
    position = row.get("position")
    if position is None:
        try:
            position = question.steps.index(row["step"]) + 1
        except (KeyError, ValueError):
            steps = ", ".join(question.steps)
            raise BadQuestion("funnel: row", "the row names no step of the funnel.", f"Steps are: {steps}.") from None

    def held(some: Journeys) -> Int:
        return np.flatnonzero(_reached(some, question)[0] >= position).astype(np.int64)

    return within_group(journeys, question.by, row, "funnel", held)


def funnel(
    journeys: Journeys, steps: Sequence[str], *, within: str | None = None, medians: bool = True, by: str | None = None
) -> Answer:
    """How many journeys reach each step, in order, within a window.

    Parameters
    ----------
    steps : names of touchpoints; a name that stands twice needs two touchpoints
    within : window such as "7d", from step 1 on, its edge included; by default none
    medians : also the times (see above); without them the answer is quicker
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        position; step; reached; conversion (reached / entered step 1) with low and high; step_conversion (reached /
        reached the step before) with step_low and step_high (Wilson, 95 %); median_us, the median time from step 1,
        and step_median_us, from the step before, over the journeys that reach the step, each with its interval.
        Step 1 has no step_conversion and no times.

    Raises
    ------
    UnknownName
        A step or `by` is not in the data.
    BadDuration
        `within` has no unit.

    References
    ----------
    ClickHouse windowFunnel, with order of receipt at ties; docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> funnel(shop, ["visit", "order"]).column("reached")
    [2, 1]
    """
    question = Funnel(steps=listed(steps, "funnel: steps"), within=within, medians=medians, by=by)
    return answer(journeys, question, find)
