"""Sorting: the one stable sort of the rows by (subject, time, order of receipt), and texts as codes.

Input in time order costs a counting sort, O(t).
"""

import atexit
import gc
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import pyarrow as pa

from etappe.arrays import Codes, Column, Int, code_type
from etappe.errors import BadFile

MOST_TOUCHPOINTS: Final = 65_535

# An interpreter that ends goes through every object again, and Numba's take it a fifth of a second.
atexit.register(gc.freeze)

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile for one core, without the interpreter's lock and without fastmath; kept in Numba's cache."""
    return cast(F, numba.njit(cache=True, nogil=True)(function))


@kernel
def _group(group: Int, groups: int) -> tuple[Int, Int]:
    """Offsets of each group, and the rows in the order of groups, rows of a group in their own order. O(t + groups)."""
    offsets = np.zeros(groups + 1, np.int64)
    for i in range(len(group)):
        offsets[group[i] + 1] += 1
    for g in range(groups):
        offsets[g + 1] += offsets[g]
    place = offsets[:-1].copy()
    rows = np.empty(len(group), np.int64)
    for i in range(len(group)):
        rows[place[group[i]]] = i
        place[group[i]] += 1
    return offsets, rows


@kernel
def _order(offsets: Int, time_us: Int, rows: Int) -> None:
    """Sort each group's rows by time, stable; groups in order already cost one look. O(t) to O(t log t)."""
    for g in range(len(offsets) - 1):
        part = rows[offsets[g] : offsets[g + 1]]
        sorted_already = True
        for i in range(1, len(part)):
            if time_us[part[i]] < time_us[part[i - 1]]:
                sorted_already = False
                break
        if not sorted_already:
            times = np.empty(len(part), np.int64)
            for i in range(len(part)):
                times[i] = time_us[part[i]]
            part[:] = part[np.argsort(times, kind="mergesort")]


def sort_rows(group: Int, groups: int, time_us: Int) -> tuple[Int, Int, Int]:
    """Offsets and rows of the groups that are not empty, and which those are."""
    offsets, rows = _group(group, groups)
    _order(offsets, time_us, rows)
    present = np.flatnonzero(np.diff(offsets))
    return np.append(offsets[present], offsets[-1]), rows, present


def coded(texts: pa.ChunkedArray) -> Column:
    """A column from Arrow texts: names sorted, so that codes do not depend on the order of receipt."""
    array = texts.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        return Column(np.empty(0, np.uint8), (None,))
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
    names = array.dictionary.cast(pa.string()).to_pylist()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    used = np.zeros(len(names) + 1, bool)
    used[codes] = True
    listed = sorted({name for name, use in zip(names, used[:-1].tolist(), strict=True) if use and name is not None})
    place = {name: i + 1 for i, name in enumerate(listed)}
    table = np.asarray([*(place.get(name, 0) for name in names), 0], code_type(len(listed) + 1))
    return Column(table[codes], (None, *listed))


def coded_touchpoints(texts: pa.ChunkedArray) -> tuple[Codes, tuple[str, ...]]:
    """Codes into the names of touchpoints, and the names; more than two bytes hold are refused."""
    column = coded(texts)
    names = tuple(str(name) for name in column.names[1:])
    if len(names) > MOST_TOUCHPOINTS:
        hint = "Map a column with few different values, such as the kind of event, and make this one a property."
        raise BadFile("touchpoint", f"has {len(names):,} different names; {MOST_TOUCHPOINTS:,} are possible.", hint)
    return (column.codes - 1).astype(np.uint8 if len(names) <= 256 else np.uint16), names
