"""Contacts: how many contacts come before the first purchase, by what it costs; dear things take more of them.

Unit of count: the journey with a `goal`. Its contacts are the touchpoints before its first `goal` (at the same instant
the order of receipt counts), all of them or those asked for; a journey without one counts with 0. The price is the
value of that first purchase, the lines of one order added up. Journeys without the goal are not counted, nor is what
came later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, listed
from etappe.analysis.funnel_rules import codes_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, percentile
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.purchases import purchases_of
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import MONEY, NO_VALUE

NOWHERE: Final = -1
ALL: Final = "all"
QUARTILES: Final = (25, 50, 75)


class Contacts(Question, frozen=True, kw_only=True):
    """How many contacts come before the first purchase, by what it costs."""

    label: ClassVar[str] = "price_class"
    bar: ClassVar[str] = "mean_contacts"
    goal: str = "purchase"
    """The touchpoint that is a purchase; any of several: "purchase | renewal"."""
    touch: tuple[str, ...] = ()
    """The touchpoints that count as contacts; all but the goal when empty."""
    classes: str = ""
    """Where price classes begin, in the currency: "50, 200" for below 50, from 50, from 200; quartiles when empty."""


@kernel
def _before(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], counts: NDArray[np.bool_], stop: Int, count: Int, delay: Int,
    first: int, last: int,
) -> None:  # fmt: skip
    """For each journey with a stop: contacts before it, and the time from the first of them to it. O(t)."""
    for c in range(first, last):
        if stop[c] == NOWHERE:
            continue
        codes = touchpoint[offsets[c] : stop[c]]
        for i in range(len(codes)):
            if counts[codes[i]]:
                if count[c] == 0:
                    delay[c] = time_us[stop[c]] - time_us[offsets[c] + i]
                count[c] += 1


@dataclass(frozen=True)
class _Bought:
    """Journeys that bought, in their order: contacts, the time from the first one, price, and its class."""

    owner: Int
    contacts: Int
    delay: Int
    price: Int
    row: Int
    """The class of each; the number of classes where there is no price."""
    edges: list[int]
    currency: str | None

    def names(self) -> list[str | None]:
        """The classes, cheap first; then those without a price, then all."""
        if not self.edges:
            priced = self.price[self.price != NO_VALUE]
            return [*([f"≥ {_text(int(priced.min()))}"] if len(priced) else []), None, ALL]
        texts = [_text(edge) for edge in self.edges]
        between = [f"{low} … < {high}" for low, high in pairwise(texts)]
        return [f"< {texts[0]}", *between, f"≥ {texts[-1]}", None, ALL]

    def mine(self, at: int) -> NDArray[np.bool_]:
        """The journeys of a row."""
        found: NDArray[np.bool_] = self.row >= 0 if at == len(self.names()) - 1 else self.row == at
        return found


def _text(edge: int) -> str:
    whole, rest = divmod(abs(edge), MONEY)
    return f"{'−' if edge < 0 else ''}{whole}" + f".{rest:04}".rstrip("0").rstrip(".")


def edges_of(classes: str) -> list[int]:
    """Where classes begin, in 1/10,000, from a text such as "50, 199.90".

    Examples
    --------
    >>> edges_of("50, 199.90")
    [500000, 1999000]
    """
    try:
        edges = [int(Decimal(part.strip()) * MONEY) for part in classes.split(",") if classes.strip()]
    except (InvalidOperation, ValueError, OverflowError):
        what = f"{classes!r} are no prices."
        raise BadQuestion("contacts: classes", what, 'Write where classes begin, such as "50, 200".') from None
    if any(edge <= 0 or edge >= 2**62 for edge in edges) or sorted(set(edges)) != edges:
        what = f"{classes!r} do not rise from above 0."
        raise BadQuestion("contacts: classes", what, 'Write where classes begin, such as "50, 200".')
    return edges


def _bought(journeys: Journeys, question: Contacts) -> _Bought:
    edges = edges_of(question.classes)
    goals = codes_of(journeys, question.goal, "contacts: goal")
    counts = np.zeros(len(journeys.touchpoints), bool)
    if question.touch:
        counts[[journeys.code(name, f"contacts: touch[{i}]") for i, name in enumerate(question.touch)]] = True
        both = [name for name in question.touch if journeys.code(name) in goals]
        if both:
            what = f"{both[0]!r} is the goal itself."
            raise BadQuestion("contacts: touch", what, "Leave it out: contacts come before the first goal.")
    else:
        counts[:] = True
        counts[goals] = False
    bought = purchases_of(journeys, question.goal, "contacts")
    bought = bought.take(bought.starts())
    stop = np.full(len(journeys), NOWHERE, np.int64)
    stop[bought.owner] = bought.rows
    count, delay = np.zeros(len(journeys), np.int64), np.zeros(len(journeys), np.int64)
    offsets, time_us, touchpoint = arrays_of(journeys)
    stop, counts = plain(stop), plain(counts)
    over_parts(offsets, lambda a, b: _before(offsets, time_us, touchpoint, counts, stop, count, delay, a, b))
    priced = bought.value[bought.value != NO_VALUE]
    if not question.classes.strip() and len(priced):
        # A class that begins with the lowest price would leave nothing below it.
        least = int(priced.min())
        edges = sorted({int(percentile(priced, q) or 0) for q in QUARTILES} - {least})
    row = np.searchsorted(np.array(edges, np.int64), bought.value, side="right").astype(np.int64)
    row[bought.value == NO_VALUE] = len(edges) + 1 if len(edges) or len(priced) else 0
    return _Bought(
        bought.owner, count[bought.owner], delay[bought.owner], bought.value, row, edges, bought.currency
    )  # fmt: skip


def find(journeys: Journeys, question: Contacts) -> Finding:
    """Count in one group of journeys."""
    found = _bought(journeys, question)
    names = found.names()
    limits = [None, *found.edges, None] if found.edges or len(names) > 2 else [None]
    rows: list[dict[str, Any]] = []
    for at, name in enumerate(names):
        mine = found.mine(at)
        n = int(mine.sum())
        if name is None and n == 0:
            continue
        contacts, times = found.contacts[mine], found.delay[mine & (found.contacts > 0)]
        priced = name not in (None, ALL)
        middle, low, high = median(contacts)
        wait = dict(zip(("median_us", "median_low_us", "median_high_us"), median(times), strict=True))
        rows.append({
            "price_class": name,
            "value_from": limits[at] if priced else None,
            "value_to": limits[at + 1] if priced else None,
            "journeys": n,
            "contacts": int(contacts.sum()),
            "mean_contacts": contacts.sum() / n if n else np.nan,
            "median_contacts": middle,
            "low_contacts": low,
            "high_contacts": high,
            "p90_contacts": percentile(contacts, 90),
            "with_contact": len(times),
            **wait,
        })  # fmt: skip
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    columns["mean_contacts"] = or_none(columns["mean_contacts"])
    if found.currency is not None:
        columns["currency"] = [found.currency] * len(rows)
    bases = {"journeys": len(found.owner), "contacts": int(found.contacts.sum())}
    return Finding(columns, bases, [row["journeys"] for row in rows if row["journeys"]])


def who(journeys: Journeys, question: Contacts, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys of a price class; of `all`, or of those without a price (null)."""
    name = row.get("price_class")

    def held(some: Journeys) -> Int:
        found = _bought(some, question)
        names = found.names()
        if name not in names:
            raise unknown("contacts: row", "price class", str(name), [one or "null" for one in names])
        return found.owner[found.mine(names.index(name))]

    return within_group(journeys, question.by, row, "contacts", held)


def contacts(
    journeys: Journeys, goal: str = "purchase", *, touch: Sequence[str] = (), classes: str = "", by: str | None = None
) -> Answer:
    """How many contacts come before the first purchase, by what it costs.

    Parameters
    ----------
    goal : the touchpoint that is a purchase; any of several: "purchase | renewal"
    touch : the touchpoints that count as contacts; by default all but the goal
    classes : where price classes begin, in the currency ("50, 200"); by default at the quartiles of the first
        purchases' prices (with `by`, those of each group)
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        price_class, cheap first, then null (no price, where there are any) and `all`; value_from and value_to, its
        limits in 1/10,000, the lower one included; journeys; contacts before their first purchase; mean_contacts;
        median_contacts with low_contacts and high_contacts (95 %) and p90_contacts: nine in ten had no more;
        with_contact, the journeys with one, and median_us, the time from their first contact to the purchase, with its
        interval.

    Raises
    ------
    UnknownName
        A touchpoint is not in the data.
    BadQuestion
        The classes are no rising prices, or the goal is among the contacts.
    MixedCurrencies
        The prices are in several currencies.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 4], [0, 5, 9, 1], [0, 0, 1, 1], ["visit", "purchase"])
    >>> contacts(shop).column("mean_contacts")
    [1.0, 1.0]
    """
    question = Contacts(goal=goal, touch=listed(touch, "contacts: touch"), classes=classes, by=by)
    return answer(journeys, question, find)
