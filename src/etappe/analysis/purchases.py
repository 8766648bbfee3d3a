"""Purchases: the touchpoints that are orders, with their local day and value, for the questions on customers' worth.

Touchpoints of one journey with the same number in the column `order` are one purchase, as the lines of an invoice are:
their values are added, and the first one's time counts. Values of several currencies are refused, since they cannot be
added or compared.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.funnel_rules import codes_of
from etappe.arrays import Column, Int, distinct
from etappe.errors import BadQuestion, MixedCurrencies
from etappe.journeys.clock import local_us
from etappe.journeys.columns import Journeys
from etappe.units import DAY_US, NO_VALUE

ORDER: Final = "order"
MOST_VALUE: Final = 2.0**62


@dataclass(frozen=True)
class Purchases:
    """A row for each purchase, in the order of the journeys and within them in time.

    Attributes
    ----------
    rows : (m,) int64, positions among the touchpoints; of several that are one purchase, the first
    owner : (m,) int64, positions of the journeys
    time_us, day : (m,) int64; day is the local one, counted from 1970-01-01
    value : (m,) int64 in 1/10,000; NO_VALUE where there is none
    currency : the one of all values, where the data name it
    """

    rows: Int
    owner: Int
    time_us: Int
    day: Int
    value: Int
    currency: str | None

    def starts(self) -> Int:
        """Where each journey's purchases begin."""
        new = np.ones(len(self.owner), bool)
        np.not_equal(self.owner[1:], self.owner[:-1], out=new[1:])
        return np.flatnonzero(new)

    def by_day(self) -> "Purchases":
        """A journey's purchases of one local day as one, their values added."""
        new = np.ones(len(self.owner), bool)
        new[1:] = (self.owner[1:] != self.owner[:-1]) | (self.day[1:] != self.day[:-1])
        return self._joined(np.flatnonzero(new), np.cumsum(new) - 1)

    def by_order(self, orders: Column) -> "Purchases":
        """Purchases of one journey with the same order as one, their values added."""
        number = orders.codes[self.rows].astype(np.int64)
        named = np.array([name is not None for name in orders.names])[number]
        if not named.any():
            return self
        # Those without an order are each one of their own.
        key = np.where(named, self.owner * len(orders.names) + number, -1 - np.arange(len(number)))
        _, first, of = np.unique(key, return_index=True, return_inverse=True)
        at = np.sort(first)
        return self._joined(at, np.searchsorted(at, first)[of])

    def _joined(self, at: Int, of: Int) -> "Purchases":
        """Those at some positions, with the values of all that belong to them; `of` says to which each does."""
        if len(at) == len(self.owner):
            return self
        known = self.value != NO_VALUE
        sums, some = np.zeros(len(at), np.int64), np.zeros(len(at), bool)
        np.add.at(sums, of[known], self.value[known])
        some[of[known]] = True
        return replace(self.take(at), value=np.where(some, sums, NO_VALUE))

    def take(self, which: Int | NDArray[np.bool_]) -> "Purchases":
        """Some of them: positions in rising order, or a mask."""
        return Purchases(
            self.rows[which], self.owner[which], self.time_us[which], self.day[which], self.value[which], self.currency
        )  # fmt: skip


def purchases_of(journeys: Journeys, goal: str, where: str) -> Purchases:
    """All purchases; `goal` may name several touchpoints: "purchase | renewal".

    Raises
    ------
    UnknownName
        A touchpoint is not in the data.
    MixedCurrencies
        Their values are in several currencies.
    """
    chosen = np.zeros(len(journeys.touchpoints), bool)
    chosen[codes_of(journeys, goal, f"{where}: goal")] = True
    rows = np.flatnonzero(chosen[journeys.touchpoint]).astype(np.int64)
    owner = (np.searchsorted(journeys.offsets, rows, side="right") - 1).astype(np.int64)
    value = np.full(len(rows), NO_VALUE, np.int64)
    currency = None
    if journeys.lazy_value is not None:
        value = np.asarray(journeys.value)[rows]
        currency = _currency(journeys, rows[value != NO_VALUE], goal, where)
    if float(np.abs(value[value != NO_VALUE].astype(np.float64)).sum()) >= MOST_VALUE:
        raise BadQuestion(f"{where}: value", "the values are beyond what 64 bits hold.", "Ask for a shorter time.")
    time_us = np.asarray(journeys.time_us)[rows]
    day = local_us(time_us, journeys.origin.timezone) // DAY_US
    found = Purchases(rows, owner, time_us, day, value, currency)
    return found.by_order(journeys.column(ORDER)) if ORDER in journeys.columns else found


def _currency(journeys: Journeys, rows: Int, goal: str, where: str) -> str | None:
    if "currency" not in journeys.columns:
        return None
    column = journeys.column("currency")
    named = sorted({column.names[code] or "?" for code in distinct(column.codes[rows]).tolist()})
    if len(named) > 1:
        one = next(name for name in named if name != "?")
        # What is no purchase has no currency, and has to stay.
        others = " and ".join(f"touchpoint <> '{journeys.touchpoints[c]}'" for c in codes_of(journeys, goal, where))
        hint = f"""Ask for one: where="{others} or currency = '{one}'"."""
        raise MixedCurrencies(f"{where}: value", f"purchases have values in {', '.join(named)}.", hint)
    return next((one for one in named if one != "?"), None)


def until_day(journeys: Journeys) -> int:
    """The local day on which the data end, counted from 1970-01-01."""
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(journeys.time_us.max()) if journeys.events else 0
    return int(local_us(np.array([until], np.int64), journeys.origin.timezone)[0] // DAY_US)
