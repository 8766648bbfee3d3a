"""Patterns: how many journeys hold a stretch of touchpoints that fits a pattern, such as cart->[^support]*->purchase.

Unit of count: the journey for `journeys` and `share`, the match for `matches`. Matches do not overlap: the first begins
as early as it can and is as long as it can be, the next is sought after its end (leftmost-longest). A match holds at
least one touchpoint. With `within` only stretches that last no longer (edge included) are matches: the longest of them.
The language is described in automaton.py.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.automaton import tables_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

ALWAYS: Final = 2**62
"""No limit in time."""


class Patterns(Question, frozen=True, kw_only=True):
    """How many journeys hold a stretch of touchpoints that fits a pattern."""

    label: ClassVar[str] = "pattern"
    pattern: str
    """Such as "cart->[^support]*->purchase": names, . any, [a b] one of, [^a b] none of, * + ? repeats, (a|b) ways."""
    within: str | None = None
    """From the first to the last touchpoint of a match, edge included; none: any time."""


@kernel
def _match(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], classes: NDArray[Any], start: int, accept: int,
    table: NDArray[Any], search_start: int, search_accept: int, search: NDArray[Any], at_start: bool, at_end: bool,
    window: int, first: int, last: int,
) -> tuple[Int, Int, int]:  # fmt: skip
    """The journeys that match, how long the first match of each lasts, and all matches.

    O(t) to find the journeys; in those that match O(length * longest try).
    """
    owner = np.empty(last - first, np.int64)
    lasts = np.empty(last - first, np.int64)
    found, matches = 0, 0
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        until = len(codes)
        if len(search) > 0:
            state, until = np.int64(search_start), 0
            for i in range(len(codes)):
                state = np.int64(search[np.uint64(state + classes[codes[i]])])
                until = i + 1 if state >= search_accept else until
            if at_end and until < len(codes):
                continue
        if until == 0:
            continue
        times = time_us[offsets[c] : offsets[c + 1]]
        begin, here = 0, 0
        while begin < until:
            state, end = np.int64(start), 0
            for i in range(begin, until):
                state = np.int64(table[np.uint64(state + classes[codes[i]])])
                if state == 0 or times[i] - times[begin] > window:
                    break
                end = i + 1 if state >= accept else end
            if end > 0 and (not at_end or end == len(codes)):
                if here == 0:
                    owner[found] = c
                    lasts[found] = times[end - 1] - times[begin]
                    found += 1
                here += 1
                begin = end
            else:
                begin += 1
            if at_start:
                break
        matches += here
    return owner[:found].copy(), lasts[:found].copy(), matches


def _matched(journeys: Journeys, question: Patterns) -> tuple[Int, Int, int]:
    """The journeys that match, how long the first match of each lasts, and all matches."""
    window = ALWAYS if question.within is None else duration_us(question.within, "patterns: within")
    made = tables_of(question.pattern, journeys.touchpoints, "patterns: pattern")
    offsets, time_us, touchpoint = arrays_of(journeys)
    classes, table, search = plain(made.classes), plain(made.table), plain(made.search)

    def work(first: int, last: int) -> tuple[Int, Int, int]:
        return _match(
            offsets, time_us, touchpoint, classes, made.start, made.accept, table, made.search_start,
            made.search_accept, search, made.at_start, made.at_end, window, first, last,
        )  # fmt: skip

    partials = over_parts(offsets, work)
    none = np.empty(0, np.int64)
    owner = np.concatenate([none, *(part[0] for part in partials)])
    lasts = np.concatenate([none, *(part[1] for part in partials)])
    return owner, lasts, sum(part[2] for part in partials)


def find(journeys: Journeys, question: Patterns) -> Finding:
    """Count in one group of journeys."""
    owner, lasts, matches = _matched(journeys, question)
    n = len(journeys)
    share, low, high = shares([len(owner)], n)
    centre, shortest, longest = median(lasts)
    columns = {
        "pattern": [question.pattern],
        "journeys": np.array([len(owner)], np.int64),
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "matches": np.array([matches], np.int64),
        "median_us": [centre],
        "median_low_us": [shortest],
        "median_high_us": [longest],
    }
    return Finding(columns, {"journeys": n, "matches": matches}, (n,))


def who(journeys: Journeys, question: Patterns, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that match at least once."""
    return within_group(journeys, question.by, row, "patterns", lambda some: _matched(some, question)[0])


def patterns(journeys: Journeys, pattern: str, *, within: str | None = None, by: str | None = None) -> Answer:
    """How many journeys hold a stretch of touchpoints that fits a pattern.

    Parameters
    ----------
    pattern : names joined by `->` (directly followed by); `'add to cart'` quotes a name with other characters;
        `.` any touchpoint; `[a b]` or `[a|b]` one of; `[^a b]` none of; `(a->b|c)` one of these ways; after any of them
        `*` any number of times, `+` at least once, `?` at most once; `^` before all: at the start of the journey;
        `$` after all: at its end
    within : a match lasts no longer than this, from its first to its last touchpoint
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        One row: pattern; journeys that match at least once; share of all journeys with low and high (Wilson, 95 %);
        matches, without overlap, each as early and then as long as it can be; median_us from the first to the last
        touchpoint of a journey's first match, with its interval.

    Raises
    ------
    BadQuestion
        The pattern cannot be read; the message points to the position.
    UnknownName
        A name in the pattern is no touchpoint of these journeys.
    BadDuration
        `within` has no unit.

    References
    ----------
    Glushkov 1961, Russian Mathematical Surveys 16 (5), p. 1: from the pattern to the automaton.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 5], [0, 4, 9, 1, 2], [0, 2, 1, 0, 1], ["cart", "order", "visit"])
    >>> patterns(shop, "cart->[^order]*->order").column("median_us")
    [5]
    """
    return answer(journeys, Patterns(pattern=pattern, within=within, by=by), find)
