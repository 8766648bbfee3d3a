"""Significance: two shares against each other, their ratio, exact and approximate tests, and many tests at once.

All take counts as whole numbers and cases as independent. Where a base is zero there is no number (NaN).
"""

from math import erfc, lgamma, sqrt
from typing import Any, Final

import numpy as np

from etappe.analysis.intervals import Float, Z, change_interval, shares

EXPECTED: Final = 5
"""Where a cell of the 2 x 2 table expects fewer cases, the exact test is made instead of chi-square."""
TIE: Final = 1 + 1e-7
"""Tables this close to the observed one's probability are as extreme: rounding must not decide (as R does)."""


def difference(first: Any, n: Any, second: Any, m: Any) -> tuple[Float, Float, Float]:
    """first / n - second / m with low and high: Newcombe's interval from the two of Wilson, without correction.

    References
    ----------
    Newcombe 1998, Statistics in Medicine 17, p. 873, method 10.

    Examples
    --------
    >>> [round(float(x[0]), 4) for x in difference([56], [70], [48], [80])]
    [0.2, 0.0524, 0.3339]
    """
    return change_interval(shares(second, m), shares(first, n))


def ratio(first: Any, n: Any, second: Any, m: Any) -> tuple[Float, Float, Float]:
    """(first / n) / (second / m) with low and high, on the logarithm; no interval where a count is zero.

    References
    ----------
    Katz, Baptista, Azen, Pike 1978, Biometrics 34, p. 469.

    Examples
    --------
    >>> [round(float(x[0]), 2) for x in ratio([189], [11034], [104], [11037])]
    [1.82, 1.43, 2.31]
    """
    a, n, b, m = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (first, n, second, m)))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where((b > 0) & (n > 0), (a / n) / (b / m), np.nan)
        half = Z * np.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
        held = (a > 0) & (b > 0)
        low, high = np.where(held, found * np.exp(-half), np.nan), np.where(held, found * np.exp(half), np.nan)
    return found, low, high


def two_sided(chi_square: float) -> float:
    """The tail of chi-square with one degree of freedom.

    Examples
    --------
    >>> round(two_sided(3.841459), 4)
    0.05
    """
    return erfc(sqrt(chi_square / 2))


def fisher(first: int, n: int, second: int, m: int) -> float:
    """Fisher's exact test, two-sided: all tables with these margins that are no more probable. O(smallest margin).

    Examples
    --------
    >>> round(fisher(3, 4, 1, 4), 4)
    0.4857
    """
    k = first + second
    least, most = max(0, k - m), min(n, k)
    x = np.arange(least, most, dtype=np.float64)
    steps = np.log((n - x) * (k - x)) - np.log((x + 1) * (m - k + x + 1))
    start = _log_choose(n, least) + _log_choose(m, k - least) - _log_choose(n + m, k)
    chance = np.exp(start + np.concatenate(([0.0], np.cumsum(steps))))
    return min(1.0, float(chance[chance <= chance[first - least] * TIE].sum()))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def compare(first: int, n: int, second: int, m: int) -> tuple[float | None, str | None]:
    """p of two shares being equal, two-sided, and the test: chi-square (no correction), Fisher where cells are small.

    Examples
    --------
    >>> compare(3, 4, 1, 4)[1], compare(56, 70, 48, 80)[1]
    ('fisher', 'chi-square')
    """
    if n == 0 or m == 0:
        return None, None
    hits, all_ = first + second, n + m
    if min(n, m) * min(hits, all_ - hits) < EXPECTED * all_:
        return fisher(first, n, second, m), "fisher"
    cross = first * (m - second) - second * (n - first)
    return two_sided(cross / n * cross / m * all_ / hits / (all_ - hits)), "chi-square"


def adjusted(p: Any) -> list[float | None]:
    """q of many tests: the share of false alarms if all rows with at most this q are believed; None where no p is.

    References
    ----------
    Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57, p. 289.

    Examples
    --------
    >>> adjusted([0.5, None, 0.25])
    [0.5, None, 0.5]
    """
    places = [i for i, one in enumerate(p) if one is not None]
    held = np.array([p[i] for i in places], np.float64)
    order = np.argsort(-held, kind="stable")
    rising = np.minimum.accumulate(held[order] * len(held) / np.arange(len(held), 0, -1))
    found: list[float | None] = [None] * len(p)
    for at, q in zip(order.tolist(), rising.tolist(), strict=True):
        found[places[at]] = min(1.0, q)
    return found
