"""Sequences: which journeys hold touchpoints in an order within a window, and how many of them a window holds.

Unit of count: the journey. The order is that of the funnel: each step later in the journey than the one before, one
touchpoint for one step, at the same instant the order of receipt, the window measured from the first step, its edge
included. A touchpoint comes as a code, and a table says which steps a code may serve, one bit a step.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Int, over_parts
from etappe.journeys.sorting import kernel

NO_WINDOW: Final = 2**60
NEVER: Final = -(2**61)
"""A start so long ago that no window reaches it."""


@kernel
def _followed(
    offsets: Int,
    time_us: Int,
    codes: NDArray[Any],
    serves: NDArray[np.uint16],
    k: int,
    window: int,
    first: int,
    last: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether each journey holds all k steps in order. For each step the latest start is kept. O(t + matches * k)."""
    began = np.empty(k + 1, np.int64)
    for c in range(first, last):
        own = codes[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        began[:] = NEVER
        for i in range(len(own)):
            steps = serves[own[i]]
            if steps == 0:
                continue
            began[0] = times[i]
            for s in range(k, 0, -1):  # the last step first, so that one touchpoint never serves two
                if steps >> (s - 1) & 1 and times[i] - began[s - 1] <= window:
                    began[s] = began[s - 1]
            if began[k] != NEVER:
                out[c] = True
                break


@kernel
def _fullest(
    offsets: Int,
    time_us: Int,
    codes: NDArray[Any],
    serves: NDArray[np.uint16],
    window: int,
    first: int,
    last: int,
    out: Int,
) -> None:
    """How many touchpoints the fullest window of each journey holds. Two pointers, O(t)."""
    for c in range(first, last):
        own = codes[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        held = most = oldest = 0
        for i in range(len(own)):
            if serves[own[i]] == 0:
                continue
            held += 1
            while times[i] - times[oldest] > window:
                held -= serves[own[oldest]] != 0
                oldest += 1
            most = max(most, held)
        out[c] = most


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """No memory-map class, contiguous, read-only, so that a kernel has one signature a type."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def followed(
    offsets: Int, time_us: Int, codes: NDArray[Any], serves: NDArray[np.uint16], k: int, window: int = NO_WINDOW
) -> NDArray[np.bool_]:
    """Which journeys hold k steps in order, from the first to the last within the window.

    `serves[code]` has bit s - 1 where a touchpoint of this code may be step s; at most 16 steps.

    Examples
    --------
    >>> visit_order = np.asarray([1, 2], np.uint16)
    >>> followed(np.asarray([0, 2, 4]), np.asarray([0, 7, 0, 8]), np.asarray([0, 1, 0, 1], np.uint8), visit_order, 2, 7)
    array([ True, False])
    """
    out = np.zeros(len(offsets) - 1, bool)
    arrays = _plain(offsets), _plain(time_us), _plain(codes), _plain(serves)
    over_parts(arrays[0], lambda a, b: _followed(*arrays, k, min(window, NO_WINDOW), a, b, out))
    return out


def fullest(
    offsets: Int, time_us: Int, codes: NDArray[Any], serves: NDArray[np.uint16], window: int = NO_WINDOW
) -> Int:
    """How many touchpoints that serve a step the fullest window of each journey holds, its edge included.

    Examples
    --------
    >>> order = np.asarray([1], np.uint16)
    >>> fullest(np.asarray([0, 3]), np.asarray([0, 5, 9]), np.zeros(3, np.uint8), order, 5)
    array([2])
    """
    out = np.zeros(len(offsets) - 1, np.int64)
    arrays = _plain(offsets), _plain(time_us), _plain(codes), _plain(serves)
    over_parts(arrays[0], lambda a, b: _fullest(*arrays, min(window, NO_WINDOW), a, b, out))
    return out
