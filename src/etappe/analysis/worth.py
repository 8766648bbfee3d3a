"""Worth: what customers have been worth so far, how often they bought, and how many bought again.

Unit of count: the customer, a journey with a purchase (journeys must not be split). Each purchase counts, also several
of one day; touchpoints with the same number in the column `order` are one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.purchases import Purchases, purchases_of
from etappe.arrays import Int
from etappe.errors import unknown
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE

ALL: Final = "all"
MOST: Final = 5
TENTHS: Final = 10

Mask = NDArray[np.bool_]


class Worth(Question, frozen=True, kw_only=True):
    """What customers have been worth so far, how often they bought, and how many bought again."""

    label: ClassVar[str] = "name"
    bar: ClassVar[str] = "share_of_value"
    goal: str = "purchase"
    """The touchpoint that is a purchase; any of several: "purchase | renewal"."""
    per: Literal["orders", "value"] = "orders"
    """Rows: customers with 1, 2, 3, 4, 5+ orders, or tenths of the customers by value, the highest first."""


@dataclass(frozen=True)
class _Customers:
    """Customers in the order of their journeys, and the pauses between the orders of each."""

    bought: Purchases
    owner: Int
    orders: Int
    value: Int
    valued: Int
    """(n,) orders that have a value."""
    pause: Int
    whose: Int
    """(p,) for each pause, whose it is (a position in `owner`)."""
    after: Int
    """(p,) for each pause, how many orders there were before it."""
    tenth: Int


def _customers(journeys: Journeys, question: Worth) -> _Customers:
    bought = purchases_of(journeys, question.goal, "worth")
    starts = bought.starts()
    orders = np.diff(np.append(starts, len(bought.owner)))
    known = bought.value != NO_VALUE
    whose = np.repeat(np.arange(len(starts)), orders)
    value, valued = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    np.add.at(value, whose[known], bought.value[known])
    np.add.at(valued, whose[known], 1)
    later = np.ones(len(bought.owner), bool)
    later[starts] = False
    at = np.flatnonzero(later)
    tenth = np.empty(len(starts), np.int64)
    tenth[np.argsort(-value, kind="stable")] = 1 + np.arange(len(starts)) * TENTHS // max(len(starts), 1)
    return _Customers(
        bought, bought.owner[starts], orders, value, valued,
        bought.time_us[at] - bought.time_us[at - 1], whose[at], at - starts[whose[at]], tenth,
    )  # fmt: skip


def _names(question: Worth) -> tuple[str, ...]:
    if question.per == "value":
        return (*map(str, range(1, TENTHS + 1)), ALL)
    return (*map(str, range(1, MOST)), f"{MOST}+", ALL)


def _mine(found: _Customers, question: Worth, name: str) -> Mask:
    """The customers of a row."""
    if name == ALL:
        mine: Mask = found.orders > 0
    elif question.per == "value":
        mine = found.tenth == int(name)
    else:
        mine = found.orders >= MOST if name.endswith("+") else found.orders == int(name)
    return mine


def _row(found: _Customers, question: Worth, name: str) -> dict[str, Any]:
    mine = _mine(found, question, name)
    # The ladder: of those that came to their k-th order, how many came to the next.
    least = 1 if name == ALL or question.per == "value" else int(name.rstrip("+"))
    reached = found.orders >= least if question.per == "orders" else mine
    steps = found.after >= least if name in (ALL, f"{MOST}+") else found.after == least
    pauses = found.pause[steps if question.per == "orders" else mine[found.whose]]
    orders, valued = int(found.orders[mine].sum()), int(found.valued[mine].sum())
    value = int(found.value[mine].sum()) if valued else None
    n = int(mine.sum())
    middle = dict(zip(("median_us", "median_low_us", "median_high_us"), median(pauses), strict=True))
    return {
        "name": name,
        "customers": n,
        "orders": orders,
        "value": value,
        "value_mean": None if value is None else value // valued,
        "value_customer": None if value is None else value // n,
        "reached": int(reached.sum()),
        "bought_again": int((reached & (found.orders > least)).sum()),
        **middle,
    }


def find(journeys: Journeys, question: Worth) -> Finding:
    """Count in one group of journeys."""
    found = _customers(journeys, question)
    rows = [_row(found, question, name) for name in _names(question)]
    held: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]}
    n, whole = len(found.owner), rows[-1]["value"]
    share, low, high = shares(held["customers"], n)
    again = shares(held["bought_again"], held["reached"])
    columns: dict[str, Any] = {
        "name": held["name"],
        "customers": held["customers"],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "orders": held["orders"],
        "value": held["value"],
        "share_of_value": [value / whole if value is not None and whole else None for value in held["value"]],
        "value_mean": held["value_mean"],
        "value_customer": held["value_customer"],
        "reached": held["reached"],
        "bought_again": held["bought_again"],
        "again": or_none(again[0]),
        "again_low": or_none(again[1]),
        "again_high": or_none(again[2]),
        **{name: held[name] for name in ("median_us", "median_low_us", "median_high_us")},
    }
    if found.bought.currency is not None:
        columns["currency"] = [None if value is None else found.bought.currency for value in held["value"]]
    bases = {"customers": n, "orders": len(found.bought.owner), "bought_again": rows[-1]["bought_again"]}
    return Finding(columns, bases, [n])


def who(journeys: Journeys, question: Worth, row: Mapping[str, Any]) -> Int:
    """Positions of the customers of a row."""
    name = str(row["name"])
    if name not in _names(question):
        raise unknown("worth: row", "name", name, _names(question))

    def held(some: Journeys) -> Int:
        found = _customers(some, question)
        return found.owner[_mine(found, question, name)]

    return within_group(journeys, question.by, row, "worth", held)


def worth(
    journeys: Journeys, goal: str = "purchase", *, per: Literal["orders", "value"] = "orders", by: str | None = None
) -> Answer:
    """What customers have been worth so far, how often they bought, and how many bought again.

    Parameters
    ----------
    goal : the touchpoint that is a purchase; any of several: "purchase | renewal"
    per : rows of customers with 1, 2, 3, 4, 5+ orders, or of tenths of the customers by value, the highest first
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        name (the number of orders, or the tenth; last `all`); customers; share of all customers with low and high
        (Wilson, 95 %); orders; value in 1/10,000 and share_of_value; value_mean an order that has a value;
        value_customer; reached, customers with at least so many orders, and bought_again, of these those with one more:
        again is the share with its interval, in the row `all` the repeat purchase rate; median_us from that order to
        the next one, in 5+ and all between all later ones, with its interval. In a tenth, again and the times are those
        of its customers. Values are null where no order has one.

    Raises
    ------
    UnknownName
        `goal` is not in the data.
    MixedCurrencies
        The values are in several currencies.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 0, 0], ["purchase"])
    >>> worth(shop).column("again")[-1]
    0.5
    """
    return answer(journeys, Worth(goal=goal, per=per, by=by), find)
