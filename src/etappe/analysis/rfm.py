"""RFM: customers by how lately they bought (recency), how often (frequency), and for how much (monetary).

Unit of count: the customer, a journey with a purchase (journeys must not be split). Recency is the time from the last
purchase to the end of the data, frequency the number of purchases, monetary the sum of their values. Each gets a score
of 1 to 5, 5 the best: 1 + 5 * (customers that are worse) / customers, rounded down. Equal customers have equal scores,
those of the worst of them: where most bought once, all of these have frequency 1, and fifths are not equally large.

Segments are read from two scores: R, and FM, the mean of frequency and monetary (a half is rounded up; without values,
frequency alone):

====  ===========  =============================
R     FM           segment
====  ===========  =============================
5     4, 5         champions
3, 4  4, 5         loyal
4, 5  2, 3         potential_loyalists
5     1            new
4     1            promising
3     3            need_attention
3     1, 2         about_to_sleep
1, 2  5            cannot_lose
1, 2  3, 4         at_risk
1, 2  1, 2         hibernating
====  ===========  =============================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import total
from etappe.analysis.purchases import purchases_of
from etappe.arrays import Int
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE

FIFTHS: Final = 5
SEGMENTS: Final = (
    "champions", "loyal", "potential_loyalists", "new", "promising", "need_attention", "about_to_sleep", "cannot_lose",
    "at_risk", "hibernating",
)  # fmt: skip
SEGMENT_OF: Final = (
    (9, 9, 8, 8, 7),
    (9, 9, 8, 8, 7),
    (6, 6, 5, 1, 1),
    (4, 2, 2, 1, 1),
    (3, 2, 2, 0, 0),
)
"""Segment for R (row) and FM (column), each from 1 to 5."""


class Rfm(Question, frozen=True, kw_only=True):
    """Customers by how lately they bought, how often, and for how much."""

    label: ClassVar[str] = "segment"
    bar: ClassVar[str] = "share"
    goal: str = "purchase"
    """The touchpoint that is a purchase; any of several: "purchase | renewal"."""
    per: Literal["segment", "score"] = "segment"
    """Rows: the ten named segments, or each score that occurs, such as 5-4-3."""

    def row_label(self) -> str:
        """Segments, or scores."""
        return self.per


@dataclass(frozen=True)
class _Customers:
    """Customers in the order of their journeys, with their three measures and scores."""

    owner: Int
    recency: Int
    orders: Int
    value: Int
    scores: Int
    """(n, 3) recency, frequency, monetary; without any value two columns."""
    valued: bool
    currency: str | None

    def rows(self, per: str) -> tuple[Int, list[str]]:
        """For each customer its row, and the names of the rows."""
        if per == "score":
            key = (self.scores * 10 ** np.arange(self.scores.shape[1] - 1, -1, -1)).sum(axis=1)
            distinct, row = np.unique(-key, return_inverse=True)  # the best first
            return row, ["-".join(str(-one)) for one in distinct.tolist()]
        fm = (self.scores[:, 1] + self.scores[:, -1] + 1) // 2
        return np.array(SEGMENT_OF)[self.scores[:, 0] - 1, fm - 1], list(SEGMENTS)


def fifths(values: Int) -> Int:
    """Scores of 1 to 5: 1 + 5 * (values that are smaller) / n, rounded down; equal values have equal scores.

    Examples
    --------
    >>> fifths(np.array([1, 1, 1, 2, 9])).tolist()
    [1, 1, 1, 4, 5]
    """
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    scores: Int = 1 + below * FIFTHS // max(len(values), 1)
    return scores


def _customers(journeys: Journeys, question: Rfm) -> _Customers:
    bought = purchases_of(journeys, question.goal, "rfm")
    starts = bought.starts()
    orders = np.diff(np.append(starts, len(bought.owner)))
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(journeys.time_us.max()) if journeys.events else 0
    recency = until - bought.time_us[starts + orders - 1]
    has = bought.value != NO_VALUE
    value = np.zeros(len(starts), np.int64)
    np.add.at(value, np.repeat(np.arange(len(starts)), orders)[has], bought.value[has])
    scores = [fifths(-recency), fifths(orders), *([fifths(value)] if has.any() else [])]
    return _Customers(
        bought.owner[starts], recency, orders, value, np.column_stack(scores), bool(has.any()), bought.currency
    )  # fmt: skip


def find(journeys: Journeys, question: Rfm) -> Finding:
    """Score in one group of journeys."""
    found = _customers(journeys, question)
    row, names = found.rows(question.per)
    n, k = len(found.owner), len(names)
    customers = np.bincount(row, minlength=k)
    share, low, high = shares(customers, n)
    value, orders = np.zeros(k, np.int64), np.zeros(k, np.int64)
    np.add.at(value, row, found.value)
    np.add.at(orders, row, found.orders)
    held, whole = customers.tolist(), int(found.value.sum())
    mean = [total(found.recency[row == i]) // held[i] if held[i] else None for i in range(k)]
    columns: dict[str, Any] = {
        question.per: names,
        "customers": customers,
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "orders": orders,
        "value": [one if found.valued else None for one in value.tolist()],
        "share_of_value": [one / whole if found.valued and whole else None for one in value.tolist()],
        "value_customer": [v // c if found.valued and c else None for v, c in zip(value.tolist(), held, strict=True)],
        "mean_recency_us": mean,
    }
    if found.currency is not None:
        columns["currency"] = [found.currency] * k
    return Finding(columns, {"customers": n, "orders": int(orders.sum())}, (n,))


def who(journeys: Journeys, question: Rfm, row: Mapping[str, Any]) -> Int:
    """Positions of the customers of a segment or a score."""
    name = row.get(question.per)
    if name is None:
        raise BadQuestion("rfm: row", f"the row has no {question.per}.", "Take a row of the answer.")

    def held(some: Journeys) -> Int:
        found = _customers(some, question)
        rows, names = found.rows(question.per)
        if name not in names:
            raise unknown("rfm: row", question.per, str(name), names)
        mine: Int = found.owner[rows == names.index(name)]
        return mine

    return within_group(journeys, question.by, row, "rfm", held)


def rfm(
    journeys: Journeys, goal: str = "purchase", *, per: Literal["segment", "score"] = "segment", by: str | None = None
) -> Answer:
    """Customers by how lately they bought, how often, and for how much.

    Parameters
    ----------
    goal : the touchpoint that is a purchase; any of several: "purchase | renewal"
    per : rows of the ten named segments (those of none stay, with 0), or of each score that occurs, the best first
    by : a customer attribute, or a column read at the journey's first touchpoint; each group has fifths of its own

    Returns
    -------
    Answer
        segment, or score ("5-4-3": recency, frequency, monetary; without values the first two); customers; share of all
        customers with low and high (Wilson, 95 %); orders; value in 1/10,000, share_of_value and value_customer (null
        where no order has a value); mean_recency_us since the last purchase.

    Raises
    ------
    UnknownName
        `goal` is not in the data.
    MixedCurrencies
        The values are in several currencies.

    References
    ----------
    Hughes 1994, Strategic Database Marketing; the segments are those in common use, read from R and FM.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 0, 0], ["purchase"])
    >>> rfm(shop, per="score").column("score")
    ['3-3', '1-1']
    """
    return answer(journeys, Rfm(goal=goal, per=per, by=by), find)
