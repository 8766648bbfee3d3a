"""Arrays: coded columns, and slices of journeys that threads can take apart."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Codes = NDArray[Any]
"""uint8, uint16 or uint32, whichever is the narrowest that holds the names."""

T = TypeVar("T")
SMALL: Final = 200_000
"""Below so many touchpoints one thread is faster than two."""


@dataclass(frozen=True, slots=True)
class Column:
    """Texts as whole-number codes: `names[codes[i]]` is the text of row i, and code 0 (None) means there is none."""

    codes: Codes
    names: tuple[str | None, ...]

    def take(self, rows: Any) -> "Column":
        """The same names over some of the rows (positions, a slice or a mask)."""
        return Column(self.codes[rows], self.names)

    def texts(self) -> list[str | None]:
        """The text of every row."""
        return [self.names[code] for code in self.codes.tolist()]


def code_type(count: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest unsigned type for `count` codes."""
    return np.uint8 if count <= 256 else np.uint16 if count <= 65_536 else np.uint32


def column_of(texts: Iterable[str | None]) -> Column:
    """A column from texts, the names in order of appearance."""
    index: dict[str | None, int] = {None: 0}
    codes = [index.setdefault(text, len(index)) for text in texts]
    return Column(np.asarray(codes, code_type(len(index))), tuple(index))


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The different values, rising. By sorting: np.unique hashes, which takes a microsecond for each value.

    Examples
    --------
    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    if len(values) == 0:
        return values
    if not (values[1:] >= values[:-1]).all():
        values = np.sort(values)
    first = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return values[first]


def parts(offsets: Int, count: int) -> list[tuple[int, int]]:
    """Ranges of whole journeys with about equally many touchpoints each, at most `count` of them."""
    n = len(offsets) - 1
    cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], count + 1)[1:-1].astype(np.int64)).tolist()
    edges = [0, *cuts, n]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def cores() -> int:
    """How many cores to work on: as OMP_NUM_THREADS says, which Spark sets for each of its workers, or all."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) > 0 else os.cpu_count() or 1


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads kept for the next question, since starting them costs as much as a small one; a fork makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="etappe")


def over_parts(offsets: Int, work: Callable[[int, int], T]) -> Sequence[T]:
    """`work(first, last)` over ranges of whole journeys, in threads where it pays; the results in order."""
    threads = 1 if offsets[-1] < SMALL else min(8, cores())
    ranges = parts(offsets, 1 if threads == 1 else threads * 4)
    if len(ranges) <= 1:
        return [work(a, b) for a, b in ranges]
    return list(_pool(threads, os.getpid()).map(lambda edges: work(*edges), ranges))
