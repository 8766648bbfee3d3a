"""Groups: journeys divided by a customer attribute, or by what a column says at their first touchpoint.

Unit of count: the journey; each is in exactly one group, so that the groups add up to the whole.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from etappe.arrays import Column, Int, code_type
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

MAX_GROUPS: Final = 200


def groups_of(journeys: Journeys, by: str, where: str) -> list[tuple[str | None, Int]]:
    """Groups of journeys (name, positions) sorted by name, those without a value last; every journey is in one.

    Raises
    ------
    UnknownName
        `by` is neither a customer attribute nor a column.
    BadQuestion
        More than 200 groups: a break-down that no one can read.
    """
    column = first_values(journeys, by, f"{where}: by")
    order = np.argsort(column.codes, kind="stable")
    rising = column.codes[order]
    starts = np.flatnonzero(np.concatenate(([True], rising[1:] != rising[:-1]))) if len(order) else order
    codes = rising[starts]
    refuse_many(len(codes), by, where)
    # Two codes may carry one name (a code for "no value" and None): they are one group.
    merged: dict[str | None, list[Int]] = {}
    for code, start, end in zip(codes.tolist(), starts, np.append(starts[1:], len(order)), strict=False):
        merged.setdefault(column.names[code], []).append(order[start:end])
    ordered = sorted(merged, key=lambda name: (name is None, name or ""))
    return [(name, np.sort(np.concatenate(merged[name])).astype(np.int64)) for name in ordered]


def refuse_many(groups: int, by: str, where: str) -> None:
    """Refuse a break-down that no one can read."""
    if groups > MAX_GROUPS:
        what = f"{by!r} has {groups:,} different values, more than {MAX_GROUPS}."
        raise BadQuestion(f"{where}: by", what, "Break down by a column with fewer values.")


def first_values(journeys: Journeys, by: str, where: str) -> Column:
    """A value for each journey: a customer attribute, or what a column says at the first touchpoint."""
    if by in journeys.attributes:
        return journeys.attribute(by)
    if by in journeys.readable:
        return _first(journeys, journeys.column(by))
    raise unknown(where, "customer attribute or column", by, (*journeys.attributes, *journeys.readable))


def distinct(column: Column, name: str, where: str) -> Column:
    """A column with one code for each name, 0 for none; refused where it has more values than anyone reads."""
    names = tuple(dict.fromkeys((None, *column.names)))
    if len(names) - 1 > MAX_GROUPS:
        what = f"{name!r} has {len(names) - 1:,} different values, more than {MAX_GROUPS}."
        raise BadQuestion(where, what, "Choose a column with fewer values.")
    if names == column.names:
        return column
    at = {one: code for code, one in enumerate(names)}
    return Column(np.array([at[one] for one in column.names], np.uint8)[column.codes], names)


def _first(journeys: Journeys, column: Column) -> Column:
    """The column's value at each journey's first touchpoint; none for an empty journey."""
    names = (*column.names, None)
    starts, ends = journeys.offsets[:-1], journeys.offsets[1:]
    codes = np.full(len(journeys), len(names) - 1, code_type(len(names)))
    held = np.flatnonzero(ends > starts)
    codes[held] = column.codes[starts[held]]
    return Column(codes, names)


def within_group(
    journeys: Journeys, by: str | None, row: Mapping[str, Any], where: str, find: Callable[[Journeys], Int]
) -> Int:
    """Positions found in the row's group of journeys, as positions in all of them."""
    if by is None:
        return find(journeys)
    groups = dict(groups_of(journeys, by, where))
    name = row.get("group")
    if name not in groups:
        raise unknown(f"{where}: row", "group", str(name), [known or "null" for known in groups])
    positions = groups[name]
    return positions[find(journeys.select(positions))]
