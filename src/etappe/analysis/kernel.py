"""Kernel: how a Numba kernel takes its arrays, and sums that cannot overflow; compiled as the sort is.

A kernel knows arrays, no names. It calls only kernels of its own file: Numba's cache does not see a change in another.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Int
from etappe.journeys.columns import Journeys
from etappe.journeys.sorting import kernel as kernel

WORD: Final = 32
"""Sums are kept in two words, value >> 32 and value & (2**32 - 1): exact for any int64 and 2**31 summands."""


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array as kernels take it: no memory-map class, contiguous, read-only; so a kernel has one signature a type.

    Examples
    --------
    >>> plain(np.zeros(2)).flags.writeable
    False
    """
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def arrays_of(journeys: Journeys) -> tuple[Int, Int, NDArray[Any]]:
    """offsets, time_us and touchpoint, ready for kernels."""
    return plain(journeys.offsets), plain(journeys.time_us), plain(journeys.touchpoint)


def join(high: Any, low: Any) -> list[int]:
    """The exact sums behind two words, as Python integers."""
    return [(int(h) << WORD) + int(w) for h, w in zip(np.ravel(high), np.ravel(low), strict=True)]


def total(values: Int) -> int:
    """The exact sum of an int64 array, however large.

    Examples
    --------
    >>> total(np.full(4, 2**62))
    18446744073709551616
    """
    return (int((values >> WORD).sum()) << WORD) + int((values & (2**WORD - 1)).sum())
