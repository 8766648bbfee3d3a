"""Intervals: how far a number may be off, 95 %: Wilson's for shares, order statistics for medians."""

from functools import lru_cache
from math import ceil, lgamma, log, sqrt
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Int

Z: Final = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
TAIL: Final = 0.025

Float = NDArray[np.float64]


def shares(counts: Any, base: Any) -> tuple[Float, Float, Float]:
    """Share, low and high for counts out of a base, by Wilson's interval; NaN where the base is zero.

    References
    ----------
    Wilson 1927, Journal of the American Statistical Association 22, p. 209.

    Examples
    --------
    >>> [round(float(x[0]), 3) for x in shares([5], [10])]
    [0.5, 0.237, 0.763]
    """
    count, n = np.broadcast_arrays(np.asarray(counts, np.float64), np.asarray(base, np.float64))
    n = np.where(n > 0, n, np.nan)
    share = count / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # None out of n and n out of n have an exact end; rounding would leave 1e-17 there.
    low = np.where(count == 0, 0.0 * n, np.maximum(centre - half, 0.0))
    high = np.where(count == n, n / n, np.minimum(centre + half, 1.0))
    return share, low, high


def total_interval(values: Any) -> tuple[float, float]:
    """Low and high of a sum over customers, one value each: what it would be if other customers had come.

    The closed form of a Poisson bootstrap over customers: the sum's variance there is the sum of the squares.

    Examples
    --------
    >>> [round(x, 1) for x in total_interval([10.0] * 100)]
    [804.0, 1196.0]
    """
    x = np.asarray(values, np.float64)
    total, half = float(x.sum()), Z * sqrt(float((x * x).sum()))
    return total - half, total + half


def ratio_interval(parts: Any, wholes: Any) -> tuple[float, float] | None:
    """Low and high of a ratio of two sums over customers; None where the lower sum is zero.

    References
    ----------
    Cochran 1977, Sampling Techniques, 3rd edition, section 6.4 (linearised variance of a ratio, over clusters).

    Examples
    --------
    >>> low, high = ratio_interval([1, 0, 1, 0], [1, 1, 1, 1])
    >>> (round(low, 2), round(high, 2))
    (0.01, 0.99)
    """
    a, b = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    base = float(b.sum())
    if base == 0:
        return None
    ratio = float(a.sum()) / base
    half = Z * sqrt(float(((a - ratio * b) ** 2).sum())) / abs(base)
    return ratio - half, ratio + half


def clustered_median(values: Any, owner: Any) -> tuple[float, float] | None:
    """Low and high of a median over values of customers, where one customer's values vary together.

    The share of values below the median is a ratio over customers; where it may lie, the quantiles lie.

    References
    ----------
    Woodruff 1952, Journal of the American Statistical Association 47, p. 635.

    Examples
    --------
    >>> clustered_median(np.arange(100), np.arange(100))
    (40.0, 59.0)
    """
    x, code = np.asarray(values, np.float64), np.unique(owner, return_inverse=True)[1]
    n = len(x)
    if n < 2:
        return None
    ordered = np.sort(x)
    below = np.bincount(code, weights=x <= ordered[(n - 1) // 2]) - 0.5 * np.bincount(code)
    half = Z * sqrt(float((below**2).sum())) / n
    low, high = max(0.0, 0.5 - half), min(1.0, 0.5 + half)
    return float(ordered[max(0, ceil(low * n) - 1)]), float(ordered[min(n - 1, ceil(high * n) - 1)])


@lru_cache(maxsize=4096)
def median_ranks(n: int) -> tuple[int, int] | None:
    """Ranks (from 1) of the order statistics that hold the median with at least 95 %; None below 6 values.

    The lower rank is the largest r with P(Binomial(n, 1/2) < r) <= 2.5 %, the upper one its mirror. Exact for every n:
    the binomial terms are summed from ten standard deviations below the middle, where they are below 1e-23.

    References
    ----------
    David and Nagaraja, Order Statistics, 3rd edition, section 7.1.

    Examples
    --------
    >>> median_ranks(10)
    (2, 9)
    """
    first = max(0, n // 2 - ceil(5 * sqrt(n)))
    k = np.arange(first, n // 2 + 1)
    start = lgamma(n + 1) - lgamma(first + 1) - lgamma(n - first + 1) - n * log(2)
    terms = np.concatenate(([0.0], np.cumsum(np.log((n - k[:-1]) / (k[:-1] + 1)))))
    rank = int(np.searchsorted(np.cumsum(np.exp(start + terms)), TAIL, side="right"))
    rank += first
    return (rank, n - rank + 1) if rank >= 1 else None


def median(values: Int) -> tuple[int | None, int | None, int | None]:
    """Median, low and high of whole numbers. Of an even count: the mean of the middle two, rounded down. O(n).

    Rows of two are a value and how often it occurs.

    Examples
    --------
    >>> median(np.array([5, 1, 3, 2]))
    (2, None, None)
    >>> median(np.array([[1, 1], [2, 2], [5, 1]]))
    (2, None, None)
    """
    if values.ndim > 1:
        return _tallied_median(values)
    n = len(values)
    if n == 0:
        return None, None, None
    ranks = median_ranks(n)
    places = {(n - 1) // 2, n // 2} | ({ranks[0] - 1, ranks[1] - 1} if ranks else set())
    ordered = np.partition(values, sorted(places))
    middle, upper = int(ordered[(n - 1) // 2]), int(ordered[n // 2])
    centre = middle + (upper - middle) // 2
    if ranks is None:
        return centre, None, None
    return centre, int(ordered[ranks[0] - 1]), int(ordered[ranks[1] - 1])


def _tallied_median(rows: Int) -> tuple[int | None, int | None, int | None]:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    ends = np.cumsum(rows[:, 1])
    n = int(ends[-1]) if len(ends) else 0
    if n == 0:
        return None, None, None

    def ranked(rank: int) -> int:
        """The value of a rank, from 0."""
        return int(rows[np.searchsorted(ends, rank, side="right"), 0])

    middle, upper, ranks = ranked((n - 1) // 2), ranked(n // 2), median_ranks(n)
    centre = middle + (upper - middle) // 2
    return (centre, ranked(ranks[0] - 1), ranked(ranks[1] - 1)) if ranks else (centre, None, None)


def medians_by_key(rows: Int) -> Int:
    """The median of each key, rising, from rows of key, value and how often it occurs.

    Examples
    --------
    >>> medians_by_key(np.array([[7, 5, 1], [7, 2, 2], [3, 1, 1], [3, 4, 1]])).tolist()
    [2, 2]
    """
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    ends = np.cumsum(rows[:, 2])
    lasts = np.flatnonzero(np.diff(rows[:, 0], append=-1))  # keys are never below zero
    n = np.diff(ends[lasts], prepend=0)
    before = ends[lasts] - n
    lower, upper = (rows[np.searchsorted(ends, before + rank, side="right"), 1] for rank in ((n - 1) // 2, n // 2))
    return cast(Int, lower + (upper - lower) // 2)


def percentile(values: Int, percent: int) -> int | None:
    """The smallest value that so many per cent of the values do not exceed.

    Examples
    --------
    >>> percentile(np.array([5, 1, 3, 2]), 75)
    3
    """
    n = len(values)
    rank = (n * percent + 99) // 100 - 1
    return int(np.partition(values, rank)[rank]) if n else None


def or_none(values: Any) -> list[float | None]:
    """Floats for a table, with None where there is no number."""
    return [None if value != value else value for value in np.asarray(values, np.float64).tolist()]


def change_interval(before: tuple[Any, Any, Any], after: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """after - before, with low and high, from two numbers (or arrays) that each have theirs: (value, low, high).

    For numbers that are independent of each other. Where the same customers are behind both they mostly go up and down
    together, and the interval is then too wide rather than too narrow.

    References
    ----------
    Zou and Donner 2008, Statistics in Medicine 27, p. 1693; for shares that is Newcombe 1998, method 10.

    Examples
    --------
    >>> [round(float(x), 3) for x in change_interval((0.5, 0.4, 0.6), (0.6, 0.5, 0.7))]
    [0.1, -0.041, 0.241]
    """
    (old, old_low, old_high), (new, new_low, new_high) = before, after
    change = new - old
    return change, change - np.hypot(new - new_low, old_high - old), change + np.hypot(new_high - new, old - old_low)
