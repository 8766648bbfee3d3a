"""Comparison: two groups of journeys, how far each touchpoint's reach and the conversion differ, and how surely.

Unit of count: the journey. A group is given by a condition or by a value of a column. A condition over touchpoints
(channel = 'web') takes in a journey that has such a touchpoint, and always the whole journey. Journeys that are in both
groups are in neither: they are left out and counted. A journey without a touchpoint counts as one that reaches nothing.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, caution
from etappe.analysis.groups import first_values, within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, kernel
from etappe.analysis.significance import adjusted, compare, difference
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.expression import read_condition
from etappe.journeys.columns import Journeys
from etappe.journeys.conditions import journeys_that, over_touchpoints, touchpoints_that
from etappe.units import duration_us

FOREVER = 2**62
FIRST, SECOND, NEITHER = 0, 1, 2


class Comparison(Question, frozen=True, kw_only=True):
    """Two groups of journeys: the reach of each touchpoint, the conversion, their difference and its test."""

    label: ClassVar[str] = "touchpoint"
    bar: ClassVar[str] = ""
    first: str
    """The first group: a condition such as "channel = 'web'" or "did cart then order"; with `column`, a value."""
    second: str | None = None
    """The second group, given in the same way; by default all other journeys."""
    column: str | None = None
    """A customer attribute, or a column read at the first touchpoint, whose values are the groups."""
    goal: str | None = None
    """Also compares the conversion: journeys that reach this touchpoint."""
    within: str | None = None
    """The longest time from a journey's first touchpoint to the goal, its edge included."""


@kernel
def _count(offsets: Int, touchpoint: NDArray[Any], group: NDArray[np.uint8], k: int, first: int, last: int) -> Int:
    """(2, k): journeys of each group that touch each touchpoint. O(t)."""
    found = np.zeros((3, k), np.int64)
    seen = np.full(k, -1, np.int64)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        g = group[c]
        for i in range(len(codes)):
            code = codes[i]
            if seen[code] != c:
                seen[code] = c
                found[g, code] += 1
    return found[:2]


@kernel
def _converted(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], goal: int, within: int, out: NDArray[np.bool_],
    first: int, last: int,
) -> None:  # fmt: skip
    """Which journeys reach the goal within so long of their first touchpoint. O(t)."""
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(len(codes)):
            if codes[i] == goal:
                out[c] = times[i] - times[0] <= within
                break


def _members(journeys: Journeys, condition: str, where: str) -> NDArray[np.bool_]:
    """Which journeys meet a condition; of one over touchpoints, those with such a touchpoint."""
    expression = read_condition(condition, where)
    if not over_touchpoints(journeys, expression.tree):
        return journeys_that(journeys, expression)
    met = np.concatenate(([0], np.cumsum(touchpoints_that(journeys, expression))))
    return np.diff(met[journeys.offsets]) > 0


def _groups(journeys: Journeys, question: Comparison) -> tuple[NDArray[np.uint8], int]:
    """The group of each journey, and how many would be in both."""
    if question.column is None:
        one = _members(journeys, question.first, "comparison: first")
        two = ~one if question.second is None else _members(journeys, question.second, "comparison: second")
    else:
        column = first_values(journeys, question.column, "comparison: column")

        def having(value: str, where: str) -> NDArray[np.bool_]:
            codes = [code for code, name in enumerate(column.names) if name == value]
            if not codes:
                raise unknown(where, f"value of {question.column!r}", value, [n for n in column.names if n])
            return np.isin(column.codes, codes)

        one = having(question.first, "comparison: first")
        two = ~one if question.second is None else having(question.second, "comparison: second")
    group = np.where(one & two | ~one & ~two, NEITHER, np.where(one, FIRST, SECOND)).astype(np.uint8)
    return group, int((one & two).sum())


def _conversion(journeys: Journeys, question: Comparison) -> NDArray[np.bool_]:
    goal = journeys.code(str(question.goal), "comparison: goal")
    within = FOREVER if question.within is None else duration_us(question.within, "comparison: within")
    out = np.zeros(len(journeys), bool)
    arrays = arrays_of(journeys)
    over_parts(arrays[0], lambda a, b: _converted(*arrays, goal, within, out, a, b))
    return out


def _refuse(journeys: Journeys, question: Comparison) -> None:
    if question.goal is None and question.within is not None:
        raise BadQuestion("comparison: within", "it limits the time to a goal, and there is none.", "Name a goal.")
    if question.first == question.second:
        raise BadQuestion("comparison: second", "it is the first group again.", "Name another, or leave it out.")
    if question.goal is not None:
        journeys.code(question.goal, "comparison: goal")
    if question.within is not None:
        duration_us(question.within, "comparison: within")


def find(journeys: Journeys, question: Comparison) -> Finding:
    """Count in one group of journeys."""
    _refuse(journeys, question)
    group, both = _groups(journeys, question)
    offsets, _, touchpoint = arrays_of(journeys)
    k, names = len(journeys.touchpoints), journeys.touchpoints
    n, m = int((group == FIRST).sum()), int((group == SECOND).sum())
    partials = over_parts(offsets, lambda a, b: _count(offsets, touchpoint, group, k, a, b))
    first, second = sum(partials, np.zeros((2, k), np.int64)).tolist()
    rows = [("reach", name, a, b) for name, a, b in zip(names, first, second, strict=True)]
    if question.goal is not None:
        done = _conversion(journeys, question)
        hits = [int((done & (group == g)).sum()) for g in (FIRST, SECOND)]
        rows.append(("conversion", question.goal, hits[0], hits[1]))
    tests = [compare(a, n, b, m) for _, _, a, b in rows]
    q = adjusted([p for p, _ in tests])
    ones, others = (np.array([row[at] for row in rows], np.int64) for at in (2, 3))
    apart, low, high = difference(ones, n, others, m)

    def rank(r: int) -> tuple[Any, ...]:
        p, _ = tests[r]
        return rows[r][0] == "reach", 2.0 if p is None else p, -abs(np.nan_to_num(apart[r])), rows[r][1]

    order = sorted(range(len(rows)), key=rank)
    columns = {
        "measure": [rows[r][0] for r in order],
        "touchpoint": [rows[r][1] for r in order],
        "journeys": (ones + others)[order],
        "first": ones[order],
        "first_share": or_none(shares(ones, n)[0][order]),
        "second": others[order],
        "second_share": or_none(shares(others, m)[0][order]),
        "difference": or_none(apart[order]),
        "low": or_none(low[order]),
        "high": or_none(high[order]),
        "p": [tests[r][0] for r in order],
        "q": [q[r] for r in order],
        "test": [tests[r][1] for r in order],
    }
    said = (caution("in-both-groups", journeys=both),) if both else ()
    return Finding(columns, {"journeys": n + m, "first": n, "second": m}, (n, m), said)


def who(journeys: Journeys, question: Comparison, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys of both groups that touch the row's touchpoint, or convert."""

    def held(some: Journeys) -> Int:
        group, _ = _groups(some, question)
        if row["measure"] == "conversion":
            done = _conversion(some, question)
        else:
            done = np.zeros(len(some), bool)
            rows = np.flatnonzero(some.touchpoint == some.code(row["touchpoint"], "comparison: row"))
            done[np.searchsorted(some.offsets, rows, side="right") - 1] = True
        return np.flatnonzero(done & (group != NEITHER)).astype(np.int64)

    return within_group(journeys, question.by, row, "comparison", held)


def comparison(
    journeys: Journeys, first: str, second: str | None = None, *, column: str | None = None, goal: str | None = None,
    within: str | None = None, by: str | None = None,
) -> Answer:  # fmt: skip
    """Two groups of journeys: the reach of each touchpoint, the conversion, their difference and its test.

    A difference is an association: the groups may differ in more than what divides them.

    Parameters
    ----------
    first, second : conditions ("did cart then order within 7d"), or with `column` two of its values; `second` is by
        default all other journeys
    column : a customer attribute, or a column read at the journey's first touchpoint
    goal : also compares the share of journeys that reach it
    within : the longest time from the first touchpoint to the goal
    by : a customer attribute, or a column read at the first touchpoint; q is then over the rows of one group

    Returns
    -------
    Answer
        measure (conversion, or reach); touchpoint; journeys of both groups that reach it; first, first_share, second,
        second_share; difference of the shares (first less second) with low and high (Newcombe, 95 %); p of the test,
        q (Benjamini and Hochberg over all rows) and which test: chi-square without correction, or Fisher's exact one
        where a cell expects fewer than 5. The conversion first, then the surest difference.

    Raises
    ------
    BadExpression, UnknownName
        A condition cannot be read, or it, `column`, a value or `goal` is not in the data.

    References
    ----------
    Newcombe 1998, Statistics in Medicine 17, p. 873; Benjamini and Hochberg 1995, JRSS B 57, p. 289.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> comparison(shop, "did order", goal="order").rows()[0]["first_share"]
    1.0
    """
    question = Comparison(first=first, second=second, column=column, goal=goal, within=within, by=by)
    return answer(journeys, question, find)
