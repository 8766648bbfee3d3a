"""Partials: what some of the customers contribute to an answer, as arrays that add up.

A question that can be asked of parts has `partial(journeys, question)` and `total(partials, question, base)`. A partial
holds named arrays of whole numbers. Over disjoint customers they are added, name by name, or, where the module says so,
put one after the other (a name's first word counts: "times 2" is "times").

What is put one after the other may be long. `fit` makes it shorter without changing it, or within a bound that the
answer states; a module names the lists of times for it in `TIMES`, or has a `fit` of its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Caution, caution
from etappe.arrays import Int
from etappe.journeys.columns import Journeys, Origin

Partial = dict[str, NDArray[Any]]
BITS: Final = (16, 14, 12, 10, 8, 6, 4, 2)
"""How many leading bits of a time are kept, from the finest on, where all of it is too much."""
ROUNDED: Final = "bits"
"""The listed name under which a partial says that it rounded, and how many bits it kept."""
EXACT: Final = 64


@dataclass(frozen=True)
class Base:
    """What a total rests on, beside its partials: the names behind codes, and how much was counted."""

    touchpoints: tuple[str, ...]
    journeys: int
    events: int
    origin: Origin = field(default_factory=Origin)
    """Where the data end, and the time zone in which periods lie."""
    names_of: Callable[[str], tuple[str | None, ...]] = lambda name: (None,)
    """The names behind a column's codes; the same in all parts where a module names the column in `agreed`."""


def base_of(journeys: Journeys) -> Base:
    """The base of an answer over these journeys."""
    names, n = journeys.touchpoints, len(journeys)
    return Base(names, n, journeys.events, journeys.origin, lambda name: journeys.column(name).names)


def merged(partials: Sequence[Partial], listed: Collection[str] = ()) -> Partial:
    """Partials of disjoint customers as one; a name that is missing in one adds nothing.

    Examples
    --------
    >>> parts = [{"n": np.array([1, 2]), "times": np.array([5])}, {"n": np.array([3, 4]), "times": np.array([7])}]
    >>> {name: array.tolist() for name, array in merged(parts, ["times"]).items()}
    {'n': [4, 6], 'times': [5, 7]}
    """
    if len(partials) == 1:
        return partials[0]
    found: Partial = {}
    for name in dict.fromkeys(name for one in partials for name in one):
        arrays = [one[name] for one in partials if name in one]
        if name.split(" ")[0] in listed or name == ROUNDED:
            if any(array.ndim > 1 for array in arrays):
                arrays = [array if array.ndim > 1 else each_once(array) for array in arrays]
            found[name] = np.concatenate(arrays)
        else:
            found[name] = np.add.reduce(np.stack(arrays), axis=0, dtype=np.int64)
    return found


def each_once(values: Int) -> Int:
    """(m, 2) values, each with how often it stands there: once; `tallied` makes it fewer rows."""
    return np.column_stack((values, np.ones(len(values), np.int64)))


def _counted(values: Int) -> Int:
    """(m, 2) the different values, rising, each with its count."""
    values = np.sort(values)
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))) if len(values) else values
    return np.column_stack((values[starts], np.diff(starts, append=len(values))))


def tallied(rows: Int, keys: int = -1) -> Int:
    """Rows of keys and counts, each combination of keys once, rising; counts added. By default one count, the last.

    Examples
    --------
    >>> tallied(np.array([[7, 1], [5, 2], [7, 3]])).tolist()
    [[5, 2], [7, 4]]
    """
    if len(rows) == 0:
        return rows
    rows = rows[np.lexsort(rows[:, :keys].T[::-1])]
    new = np.ones(len(rows), bool)
    np.any(rows[1:, :keys] != rows[:-1, :keys], axis=1, out=new[1:])
    starts = np.flatnonzero(new)
    return np.column_stack((rows[starts, :keys], np.add.reduceat(rows[:, keys:], starts)))


def rounded(values: Int, bits: int) -> Int:
    """Values from 0 on, rounded down to their leading bits: too small by less than 1 part in 2 ** (bits - 1).

    Examples
    --------
    >>> rounded(np.array([3, 1000, 1023]), 2).tolist()
    [3, 768, 768]
    """
    _, length = np.frexp(values.astype(np.float64))
    # A float of more than 53 bits may round up to the next power of two: one bit less is kept there.
    length -= (length > 0) & (values >> np.maximum(length - 1, 0) == 0)
    drop = np.maximum(length - bits, 0)
    return cast(Int, (values >> drop) << drop)


def fit(partial: Partial, times: Collection[str], room: int) -> Partial:
    """A partial in which each list of times has at most `room` rows.

    First each time once, with its count: nothing is lost. Where that is not enough, times are rounded down to so many
    leading bits that they fit, and the partial says how many.
    """
    found, kept = dict(partial), EXACT
    for name, rows in partial.items():
        if name.split(" ")[0] not in times or len(rows) <= room:
            continue
        rows = tallied(rows) if rows.ndim > 1 else _counted(rows)
        bits = EXACT
        for bits in (EXACT, *BITS):
            if bits < EXACT:
                rows[:, -2] = rounded(rows[:, -2], bits)
                rows = tallied(rows)
            if len(rows) <= room:
                break
        kept = min(kept, bits)
        found[name] = rows
    if kept < EXACT:
        found[ROUNDED] = np.array([kept], np.int64)
    return found


def rounding(partial: Partial) -> tuple[Caution, ...]:
    """What an answer says of times that were rounded: by how much they may be too small."""
    if ROUNDED not in partial:
        return ()
    return (caution("rounded-times", parts=2 ** (int(partial[ROUNDED].min()) - 1)),)


def packed(partial: Mapping[str, NDArray[Any]]) -> bytes:
    """A partial as bytes, in NumPy's own format, for another process."""
    buffer = BytesIO()
    # The names of a zip's members are not free ("/", case, lengths): they travel as an array of their own.
    names = np.array(list(partial), np.str_)
    held: dict[str, Any] = {f"a{i}": array for i, array in enumerate(partial.values())}
    np.savez(buffer, allow_pickle=False, names=names, **held)
    return buffer.getvalue()


def unpacked(content: bytes) -> Partial:
    """The partial behind the bytes."""
    with np.load(BytesIO(content), allow_pickle=False) as held:
        return {name: held[f"a{i}"] for i, name in enumerate(held["names"].tolist())}
