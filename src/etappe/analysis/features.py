"""Features: how each customer behaves, as numbers: how much, how often, where, when, and for how much.

Unit of count: the journey, one row each. The name of a feature says all that is needed to measure it again:

- `touchpoints`, `sessions` (pauses longer than 30 minutes), `purchases`: counts
- `span`: days from the first touchpoint to the last; `recency`: days from the last one to the end of the data
- `gap`: the typical pause in days, the geometric mean of all pauses, each of at least a minute; 0 with one touchpoint
- `pause`: the mean pause in days, span / (touchpoints - 1); 0 with one touchpoint
- `value`: the sum of purchases with a value; `basket`: the geometric mean of them; 0 without one. In whole currency
- `channel:web`, `stage:purchase`, `category:digital, direct`, `touchpoint:visit`, and any other column: the share of
  the journey's touchpoints that have this text in the column
- `hours:0` to `hours:18`: the share within six hours of the local day; `weekend`: the share on Saturday or Sunday

An empty journey is 0 in all of them. Shares are of all touchpoints of the journey, so those of one column may add up to
less than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.purchases import purchases_of
from etappe.arrays import Codes, Int, over_parts
from etappe.errors import MixedCurrencies, unknown
from etappe.journeys.clock import HOUR_US, MONDAYS, local_us
from etappe.journeys.columns import Journeys
from etappe.units import DAY_US, MONEY, NO_VALUE

Float32 = NDArray[np.float32]
ACTIVITY: Final = ("touchpoints", "span", "recency", "gap", "pause", "sessions")
MONEYED: Final = ("purchases", "value", "basket")
HOURS: Final = ("hours:0", "hours:6", "hours:12", "hours:18")
SHARED: Final = ("channel", "stage", "category")
"""Columns of which every text becomes a share, beside the touchpoints themselves."""
SESSION_US: Final = 30 * 60 * 1_000_000
LEAST_GAP_US: Final = 60 * 1_000_000
MOST: Final = 12
"""Texts of one column that get a share: the most frequent."""
SMALLEST: Final = 0.002
"""A text with a smaller share of all touchpoints gets none."""


@dataclass(frozen=True, eq=False)
class Features:
    """Customers in rows, features in columns."""

    names: tuple[str, ...]
    values: Float32
    """(n, f)"""

    def column(self, name: str) -> Float32:
        """One feature of all customers."""
        if name not in self.names:
            raise unknown("features", "feature", name, self.names)
        return self.values[:, self.names.index(name)]


def kind_of(name: str) -> str:
    """What a feature is: count, days, money or share.

    Examples
    --------
    >>> kind_of("span"), kind_of("channel:web")
    ('days', 'share')
    """
    if name in ("span", "recency", "gap", "pause"):
        return "days"
    if name in ("value", "basket"):
        return "money"
    return "count" if name in ("touchpoints", "sessions", "purchases") else "share"


@kernel
def _activity(offsets: Int, time_us: Int, until: int, out: Float32, first: int, last: int) -> None:
    """Touchpoints, span, recency, gap, pause and sessions of each journey. O(t)."""
    day = 86_400_000_000.0
    for c in range(first, last):
        times = time_us[offsets[c] : offsets[c + 1]]
        n = len(times)
        if n == 0:
            continue
        sessions = 1
        logs = 0.0
        for i in range(1, n):
            gap = times[i] - times[i - 1]
            sessions += gap > SESSION_US
            logs += np.log(max(gap, LEAST_GAP_US) / day)
        out[c, 0] = n
        out[c, 1] = (times[n - 1] - times[0]) / day
        out[c, 2] = (until - times[n - 1]) / day
        if n > 1:
            out[c, 3] = np.exp(logs / (n - 1))
            out[c, 4] = (times[n - 1] - times[0]) / day / (n - 1)
        out[c, 5] = sessions


@kernel
def _shares(offsets: Int, codes: Codes, place: Int, out: Float32, first: int, last: int) -> None:
    """The share of each journey's touchpoints whose code has a place; place -1 has none. O(t)."""
    for c in range(first, last):
        held = codes[offsets[c] : offsets[c + 1]]
        for i in range(len(held)):
            at = place[held[i]]
            if at >= 0:
                out[c, at] += 1
        if len(held):
            for at in range(out.shape[1]):
                out[c, at] /= len(held)


def names_of(journeys: Journeys, goal: str | None = None) -> tuple[str, ...]:
    """The features that these journeys have: activity, purchases where a goal is given, and shares of frequent texts.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2], [0, 5], [0, 1], ["visit", "order"])
    >>> names_of(shop, "order")[6:9]
    ('purchases', 'touchpoint:visit', 'touchpoint:order')
    """
    names = list(ACTIVITY)
    if goal is not None:
        names.append("purchases")
        if journeys.lazy_value is not None and _valued(journeys, goal):
            names += ["value", "basket"]
    for column in ("touchpoint", *(name for name in SHARED if name in journeys.columns)):
        held = journeys.column(column)
        counts = np.bincount(held.codes, minlength=len(held.names))
        frequent = sorted(
            (code for code in range(len(counts)) if counts[code] >= SMALLEST * journeys.events and counts[code]),
            key=lambda code: (-counts[code], code),
        )
        texts = [held.names[code] for code in frequent if held.names[code] is not None]
        names += [f"{column}:{text}" for text in texts[:MOST]]
    return (*names, *HOURS, "weekend")


def _valued(journeys: Journeys, goal: str) -> bool:
    """Whether purchases have values that can be added."""
    try:
        return bool((purchases_of(journeys, goal, "features").value != NO_VALUE).any())
    except MixedCurrencies:
        return False


def measure(journeys: Journeys, names: Sequence[str], goal: str | None = None) -> Features:
    """These features of every journey.

    Parameters
    ----------
    names : as `names_of` gives them
    goal : the touchpoints that are purchases: "purchase | renewal"

    Raises
    ------
    UnknownName
        A feature, its column or the goal is not there. A text that the column never holds has the share 0.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 86_400_000_000, 5], [0, 1, 0], ["visit", "order"])
    >>> measure(shop, ["touchpoints", "span", "touchpoint:visit"]).values.tolist()
    [[2.0, 1.0, 0.5], [1.0, 0.0, 1.0]]
    """
    n = len(journeys)
    values = np.zeros((n, len(names)), np.float32)
    at = {name: i for i, name in enumerate(names)}
    if any(name in ACTIVITY for name in names):
        _put(values, at, ACTIVITY, _active(journeys))
    if any(name in MONEYED for name in names):
        _put(values, at, MONEYED, _money(journeys, goal))
    for column in dict.fromkeys(name.partition(":")[0] for name in names if ":" in name or name == "weekend"):
        mine = [name for name in names if name.partition(":")[0] == column]
        codes, texts = _coded(journeys, column)
        place = np.array([mine.index(f"{column}:{t}") if f"{column}:{t}" in mine else -1 for t in texts], np.int64)
        if column == "weekend":
            place = np.array([-1, 0], np.int64)
        _put(values, at, tuple(mine), _shared(journeys.offsets, codes, place, len(mine)))
    known = {*ACTIVITY, *MONEYED, "weekend"}
    for name in names:
        if name not in known and ":" not in name:
            raise unknown("features", "feature", name, known)
    return Features(tuple(names), values)


def _put(values: Float32, at: dict[str, int], names: tuple[str, ...], found: Float32) -> None:
    for i, name in enumerate(names):
        if name in at:
            values[:, at[name]] = found[:, i]


def _active(journeys: Journeys) -> Float32:
    offsets, time_us, _ = arrays_of(journeys)
    until = journeys.origin.seen_until_us
    if until is None:
        until = int(time_us.max()) if len(time_us) else 0
    out = np.zeros((len(journeys), len(ACTIVITY)), np.float32)
    over_parts(offsets, lambda first, last: _activity(offsets, time_us, until, out, first, last))
    return out


def _money(journeys: Journeys, goal: str | None) -> Float32:
    out = np.zeros((len(journeys), len(MONEYED)), np.float32)
    if goal is None:
        return out
    bought = purchases_of(journeys, goal, "features")
    known = bought.value > 0
    owner, value = bought.owner[known], bought.value[known] / MONEY
    n = len(journeys)
    out[:, 0] = np.bincount(bought.owner, minlength=n)
    out[:, 1] = np.bincount(owner, value, minlength=n)
    held = np.bincount(owner, minlength=n)
    logs = np.bincount(owner, np.log(value), minlength=n) / np.maximum(held, 1)
    out[:, 2] = np.where(held > 0, np.exp(logs), 0)
    return out


def _coded(journeys: Journeys, column: str) -> tuple[Codes, Sequence[str | None]]:
    """The codes behind a family of shares, and what each code means."""
    if column in ("hours", "weekend"):
        local = local_us(journeys.time_us, journeys.origin.timezone)
        if column == "hours":
            return (local % DAY_US // (6 * HOUR_US)).astype(np.uint8), ("0", "6", "12", "18")
        return ((local // DAY_US + MONDAYS) % 7 >= 5).astype(np.uint8), (None, "weekend")
    held = journeys.column(column, "features")
    return held.codes, held.names


def _shared(offsets: Any, codes: Codes, place: Int, count: int) -> Float32:
    offsets, codes = plain(offsets), plain(codes)
    out = np.zeros((len(offsets) - 1, count), np.float32)
    over_parts(offsets, lambda first, last: _shares(offsets, codes, place, out, first, last))
    return out
