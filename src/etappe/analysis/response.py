"""Response: how long a customer's contact waits for the company's answer.

Unit of count: the contact. It waits until the next answer after it in the same journey (at the same instant the order
of receipt counts); one answer closes all contacts before it that are still open. A contact without a later answer is
open and counted apart: the times are those of answered contacts. Time is that of the clock: nights and Sundays count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis import answer as answers
from etappe.analysis.answer import Answer, Finding, Question
from etappe.analysis.funnel_rules import EITHER, codes_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, percentile, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.arrays import Int, distinct, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

NEITHER: Final = -1
ANSWER: Final = -2
OPEN: Final = -1
"""Stands for the time to the answer where there is none."""


class Response(Question, frozen=True, kw_only=True):
    """How long a customer's contact waits for the company's answer."""

    label: ClassVar[str] = "contact"
    bar: ClassVar[str] = "in_time_share"
    contact: str
    """The customer's contact; several, a row each: "mail | call"."""
    answer: str
    """The company's answer; any of several: "reply | call_back"."""
    target: str = "24h"
    """How soon a contact ought to be answered, edge included."""


@kernel
def _contacts(offsets: Int, touchpoint: NDArray[Any], role: Int, first: int, last: int) -> int:
    """How many contacts there are. O(t)."""
    count = 0
    for code in touchpoint[offsets[first] : offsets[last]]:
        count += role[code] >= 0
    return count


@kernel
def _waits(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], role: Int, until: int, which: Int, owner: Int, wait: Int,
    age: Int, first: int, last: int,
) -> None:  # fmt: skip
    """For each contact: which it is, whose, the time to its answer, and its age when the data end. O(t), backwards."""
    at = len(which)
    for c in range(last - 1, first - 1, -1):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        next_answer = 0
        answered = False
        for i in range(len(codes) - 1, -1, -1):
            own = role[codes[i]]
            if own == ANSWER:
                answered = True
                next_answer = times[i]
            elif own >= 0:
                at -= 1
                which[at] = own
                owner[at] = c
                wait[at] = next_answer - times[i] if answered else OPEN
                age[at] = until - times[i]


@dataclass(frozen=True)
class _Found:
    """A row for each contact, in the order of the journeys."""

    names: list[str]
    which: Int
    owner: Int
    wait: Int
    age: Int
    target: int


def _found(journeys: Journeys, question: Response) -> _Found:
    contacts = codes_of(journeys, question.contact, "response: contact")
    closing = codes_of(journeys, question.answer, "response: answer")
    both = [journeys.touchpoints[code] for code in contacts if code in closing]
    if both:
        what = f"{both[0]!r} is a contact as well as an answer."
        raise BadQuestion("response: answer", what, "Choose different touchpoints for the two sides.")
    target = duration_us(question.target, "response: target")
    role = np.full(len(journeys.touchpoints), NEITHER, np.int64)
    role[closing] = ANSWER
    role[contacts] = np.arange(len(contacts))
    role = plain(role)
    offsets, time_us, touchpoint = arrays_of(journeys)
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0

    def waits(first: int, last: int) -> Int:
        rows = np.empty((4, _contacts(offsets, touchpoint, role, first, last)), np.int64)
        _waits(offsets, time_us, touchpoint, role, until, rows[0], rows[1], rows[2], rows[3], first, last)
        return rows

    rows = np.concatenate([np.empty((4, 0), np.int64), *over_parts(offsets, waits)], axis=1)
    return _Found([journeys.touchpoints[code] for code in contacts], rows[0], rows[1], rows[2], rows[3], target)


def find(journeys: Journeys, question: Response) -> Finding:
    """Measure in one group of journeys."""
    found = _found(journeys, question)
    counts: list[tuple[int, ...]] = []
    times: list[tuple[int | None, ...]] = []
    for x in range(len(found.names)):
        mine = found.which == x
        wait, age = found.wait[mine], found.age[mine]
        answered = wait[wait != OPEN]
        due = len(answered) + int(((wait == OPEN) & (age > found.target)).sum())
        in_time = int((answered <= found.target).sum())
        counts.append((len(wait), len(distinct(found.owner[mine])), len(answered), in_time, due))
        times.append((*median(answered), percentile(answered, 90)))
    contacts, held, closed, in_time, due = np.array(counts, np.int64).T
    share, low, high = shares(closed, contacts)
    timely = shares(in_time, due)
    columns: dict[str, Any] = {
        "contact": found.names,
        "contacts": contacts,
        "journeys": held,
        "answered": closed,
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "open": contacts - closed,
        "in_time": in_time,
        "in_time_base": due,
        "in_time_share": or_none(timely[0]),
        "in_time_low": or_none(timely[1]),
        "in_time_high": or_none(timely[2]),
    }
    for i, name in enumerate(("median_us", "median_low_us", "median_high_us", "p90_us")):
        columns[name] = [row[i] for row in times]
    bases = {"contacts": int(contacts.sum()), "answered": int(closed.sum())}
    return Finding(columns, bases, contacts[contacts > 0].tolist())


def who(journeys: Journeys, question: Response, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have the row's contact; with part="open": one that is not answered yet."""
    part = row.get("part", "contacts")
    if part not in ("contacts", "open"):
        raise unknown("response: row", "part", str(part), ("contacts", "open"))

    def held(some: Journeys) -> Int:
        found = _found(some, question)
        if row["contact"] not in found.names:
            raise unknown("response: row", "contact", str(row["contact"]), found.names)
        mine = found.which == found.names.index(row["contact"])
        return distinct(found.owner[mine & (found.wait == OPEN) if part == "open" else mine])

    return within_group(journeys, question.by, row, "response", held)


def response(
    journeys: Journeys, contact: str | Sequence[str], answer: str | Sequence[str], *, target: str = "24h",
    by: str | None = None,
) -> Answer:  # fmt: skip
    """How long a customer's contact waits for the company's answer.

    Parameters
    ----------
    contact : the customer's contact, or several of them, each with a row
    answer : the company's answer, or several of them, of which any closes the contacts before it
    target : how soon a contact ought to be answered, edge included
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        contact; contacts; journeys with one; answered; share answered of all contacts with low and high (Wilson, 95 %);
        open, those without an answer when the data end; in_time, answered within the target, of in_time_base (answered,
        or open for longer than the target), as in_time_share with its interval; median_us of the answered with its
        interval, and p90_us: nine in ten of the answered waited no longer.

    Raises
    ------
    UnknownName
        A touchpoint is not in the data.
    BadQuestion
        A touchpoint is on both sides.
    BadDuration
        `target` has no unit.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> desk = journeys_of([0, 3, 4], [0, 5, 9, 1], [0, 0, 1, 0], ["mail", "reply"])
    >>> response(desk, "mail", "reply").column("answered")
    [2]
    """
    sides = {"contact": contact, "answer": answer}
    texts = {name: side if isinstance(side, str) else f" {EITHER} ".join(side) for name, side in sides.items()}
    return answers.answer(journeys, Response(**texts, target=target, by=by), find)
