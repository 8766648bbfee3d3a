"""Merge: two people changed a map at the same time; both changes are kept, part by part and field by field.

Only where both changed the same field of the same part in different ways is there a conflict: the saved one stands, and
the other is told, so that nothing is lost. What one deleted and the other changed, or came to need, stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from etappe.maps.model import JourneyMap
from etappe.maps.parts import Name, Parts, Value, put_together, refers, stage_of, taken_apart


class Conflict(msgspec.Struct, frozen=True):
    """A field that both changed: what it was, what is saved now, and what was wanted."""

    kind: str
    id: str
    field: str
    """Empty where one deleted the part that the other changed."""
    was: Any
    saved: Any
    wanted: Any


def merge(base: JourneyMap, saved: JourneyMap, wanted: JourneyMap) -> tuple[JourneyMap, tuple[Conflict, ...]]:
    """The map with both changes since `base`, and where they cannot both be.

    Parameters
    ----------
    base : the map as it was before either change
    saved : as it is stored now
    wanted : as it should be stored

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> base = template("five-stages")
    >>> named = msgspec.structs.replace(base, title="Shop")
    >>> told = msgspec.structs.replace(base, scenario="Lena buys shoes.")
    >>> both, conflicts = merge(base, named, told)
    >>> (both.title, both.scenario, conflicts)
    ('Shop', 'Lena buys shoes.', ())
    """
    if saved == base:
        return wanted, ()
    was, theirs, mine = taken_apart(base), taken_apart(saved), taken_apart(wanted)
    conflicts: list[Conflict] = []
    values: dict[Name, Value] = {}
    for name in dict.fromkeys((*theirs.values, *mine.values)):
        found = _part(name, was.values.get(name), theirs.values.get(name), mine.values.get(name), conflicts)
        if found is not None:
            values[name] = found
    homes = _homes(was, theirs, mine, conflicts)
    _keep_what_is_needed(values, homes, (theirs, mine, was), conflicts)
    orders = {
        kind: _order(_of_kind(was, kind), _of_kind(theirs, kind), _of_kind(mine, kind), list(values))
        for kind in (*(key for key in theirs.orders if key != "row"), "stage", "step")
    }
    stages, steps = orders.pop("stage"), orders.pop("step")
    orders["row"] = [name for stage in stages for name in (stage, *(step for step in steps if homes[step] == stage))]
    return put_together(Parts(values, orders)), tuple(conflicts)


def _of_kind(parts: Parts, kind: str) -> list[Name]:
    return [name for name in parts.orders["row" if kind in ("stage", "step") else kind] if name[0] == kind]


def _homes(was: Parts, theirs: Parts, mine: Parts, conflicts: list[Conflict]) -> dict[Name, Name]:
    """The stage of each step: where both moved it, the saved one."""
    old, saved, wanted = (
        {step: stage_of(parts.orders["row"], step) for step in _of_kind(parts, "step")} for parts in (was, theirs, mine)
    )
    found: dict[Name, Name] = {}
    for step in dict.fromkeys((*old, *saved, *wanted)):
        before, a, b = (of.get(step) for of in (old, saved, wanted))
        if a and b and a != b and before not in (a, b):
            conflicts.append(Conflict(*step, "stage", before and before[1], a[1], b[1]))
        stage = (b if a == before else a) or a or b or before
        if stage is not None:
            found[step] = stage
    return found


def _part(
    name: Name, was: Value | None, saved: Value | None, wanted: Value | None, conflicts: list[Conflict]
) -> Value | None:
    """One part, or None where it is gone."""
    if saved == wanted or wanted == was:
        return saved
    if saved == was:
        return wanted
    if saved is None or wanted is None:
        conflicts.append(Conflict(*name, "", was, saved, wanted))
        return saved or wanted
    old = was or {}
    found: Value = {}
    for key in dict.fromkeys((*saved, *wanted)):
        a, b, c = saved.get(key), wanted.get(key), old.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            # A text in several languages, or a struct: its own fields are merged.
            inner: list[Conflict] = []
            before = c if isinstance(c, dict) else {}
            found[key] = _part(name, before, a, b, inner)
            conflicts += [msgspec.structs.replace(one, field=f"{key}.{one.field}".rstrip(".")) for one in inner]
            continue
        if a != b and c not in (a, b):
            conflicts.append(Conflict(*name, key, c, a, b))
        value = b if a == c else a
        if value is not None:
            found[key] = value
    return found


def _keep_what_is_needed(
    values: dict[Name, Value], homes: Mapping[Name, Name], sources: Sequence[Parts], conflicts: list[Conflict]
) -> None:
    """Put back what one deleted and a part of the other needs."""
    todo = list(values)
    while todo:
        name = todo.pop()
        home = [homes[name]] if name in homes else []
        for needed in (*refers(name, values[name]), *home):
            found = next((source.values[needed] for source in sources if needed in source.values), None)
            if needed not in values and found is not None:
                values[needed] = found
                conflicts.append(Conflict(*needed, "", found, found, None))
                todo.append(needed)


def _order(was: Sequence[Name], saved: Sequence[Name], wanted: Sequence[Name], names: Sequence[Name]) -> list[Name]:
    """One order of those names: the saved one, into which go what is new in the wanted one and what was moved there."""
    known = set(was)
    stay = unmoved([name for name in was if name in wanted], [name for name in wanted if name in known])
    moved = [name for name in wanted if name not in stay]
    found = [name for name in saved if name not in moved]
    _put_back(found, moved, wanted)
    kept = [name for name in found if name in names]
    _put_back(kept, [name for name in was if name in names and name not in kept], was)
    return kept


def unmoved(before: Sequence[Name], after: Sequence[Name]) -> set[Name]:
    """What kept its place among the others: a longest common subsequence of two orders of the same names."""
    at = {name: i for i, name in enumerate(before)}
    best: list[
        tuple[int, int]
    ] = []  # for each name of `after`: length of the longest rise that ends here, and from where
    for i, name in enumerate(after):
        ends = [(best[k][0], k) for k in range(i) if at[after[k]] < at[name]]
        length, link = max(ends, default=(0, -1))
        best.append((length + 1, link))
    found: set[Name] = set()
    i = max(range(len(best)), key=lambda k: best[k][0], default=-1)
    while i >= 0:
        found.add(after[i])
        i = best[i][1]
    return found


def _put_back(order: list[Name], names: Sequence[Name], model: Sequence[Name]) -> None:
    """Put names into an order, each after the nearest one that stands before it in the model."""
    place: Mapping[Name, int] = {name: i for i, name in enumerate(model)}
    for name in names:
        before = [one for one in model[: place.get(name, 0)] if one in order]
        order.insert(order.index(before[-1]) + 1 if before else 0, name)
