"""Parts: a map taken apart into what people change one at a time, and put together again.

A part is a step, a stage, a lane, a cell, an evidence and so on, each with a name that stays the same when others come,
go or move; what is left of the map are its own fields. The order of parts is kept beside them. Merging, differences and
edits all work on parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from etappe.maps.model import JourneyMap

Value = dict[str, Any]
Name = tuple[str, str]
"""The kind of a part and its id, such as ("step", "s4") or ("cell", "pain @ s4")."""

KINDS: Final = {
    "touchpoint": "touchpoints", "stage": "stages", "step": "", "lane": "lanes", "cell": "cells", "edge": "flow",
    "evidence": "evidence", "opportunity": "opportunities", "study": "studies", "note": "annotations",
}  # fmt: skip
"""Kinds of parts, each with the key of the map that lists them; steps stand inside their stages."""
MAP: Final[Name] = ("map", "")
"""The map's own fields: its title, scenario, personas, and so on."""
OF_EDGE: Final = ("from", "to", "kind")


@dataclass(frozen=True)
class Parts:
    """A map as its parts, and their orders: of each kind, and of stages with their steps as one row."""

    values: dict[Name, Value]
    orders: dict[str, list[Name]] = field(default_factory=dict)


def place_of(cell: Mapping[str, Any]) -> str:
    """Where a cell stands, in short: a step's id, `stage:id`, or `from..to`.

    Examples
    --------
    >>> place_of({"lane": "pain", "from": "s1", "to": "s3"})
    's1..s3'
    """
    if cell.get("step") is not None:
        return str(cell["step"])
    if cell.get("stage") is not None:
        return f"stage:{cell['stage']}"
    return f"{cell.get('from')}..{cell.get('to')}"


def place_fields(place: str) -> Value:
    """The fields of a cell that stands at a place, as `place_of` writes it.

    Examples
    --------
    >>> place_fields("s1..s3")
    {'from': 's1', 'to': 's3'}
    """
    if place.startswith("stage:"):
        return {"stage": place.removeprefix("stage:")}
    start, dots, end = place.partition("..")
    return {"from": start, "to": end} if dots else {"step": place}


def _named(kind: str, value: Value) -> str:
    if kind == "cell":
        return f"{value['lane']} @ {place_of(value)}"
    if kind == "edge":
        return f"{value['from']} > {value['to']} ({value.get('kind', 'next')})"
    return str(value["id"])


def taken_apart(document: JourneyMap) -> Parts:
    """The parts of a map; a name that occurs twice gets a number.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> taken_apart(template("five-stages")).orders["row"][:2]
    [('stage', 'awareness'), ('step', 's1')]
    """
    values = cast(Value, msgspec.to_builtins(document))
    found = Parts({})
    for kind, key in KINDS.items():
        if key:
            found.orders["row" if kind == "stage" else kind] = list(_listed(found, kind, values.pop(key, ())))
    values.pop("basis", None)  # always computed
    values.pop("revision", None)  # counted by the store
    found.values[MAP] = values
    return found


def _listed(parts: Parts, kind: str, listed: Any) -> Iterator[Name]:
    for value in listed:
        name, again = (kind, _named(kind, value)), 2
        while name in parts.values:
            name, again = (kind, f"{_named(kind, value)} #{again}"), again + 1
        steps = value.pop("steps", ()) if kind == "stage" else ()
        parts.values[name] = value
        yield name
        yield from _listed(parts, "step", steps)


def put_together(parts: Parts) -> JourneyMap:
    """The map that parts come to.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> shop = template("five-stages")
    >>> put_together(taken_apart(shop)) == shop
    True
    """
    return msgspec.convert(as_document(parts), JourneyMap)


def as_document(parts: Parts) -> Value:
    """The map of parts as plain values, not yet checked."""
    document: Value = dict(parts.values[MAP])
    for kind, key in KINDS.items():
        if kind == "stage":
            stages: list[Value] = []
            for name in parts.orders["row"]:
                if name[0] == "stage":
                    stages.append({**parts.values[name], "steps": []})
                else:
                    stages[-1]["steps"].append(parts.values[name])
            document[key] = stages
        elif key:
            document[key] = [parts.values[name] for name in parts.orders[kind]]
    return document


def stage_of(row: list[Name], step: Name) -> Name | None:
    """The stage in which a step stands: the last one before it."""
    before = [name for name in row[: row.index(step)] if name[0] == "stage"]
    return before[-1] if before else None


def refers(name: Name, value: Value) -> Iterator[Name]:
    """The parts that a part needs: a cell its lane, its step and its evidence; a step its touchpoint.

    Examples
    --------
    >>> list(refers(("cell", "pain @ s1"), {"lane": "pain", "step": "s1", "evidence": "e2"}))
    [('lane', 'pain'), ('step', 's1'), ('evidence', 'e2')]
    """
    kind = name[0]
    if kind == "cell":
        yield "lane", value["lane"]
    for key, of in REFERENCES.get(kind, ()):
        given = value.get(key)
        for one in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(one, str):
                yield of, one


REFERENCES: Final = {
    "cell": (
        ("step", "step"), ("from", "step"), ("to", "step"), ("stage", "stage"), ("evidence", "evidence"),
        ("opportunity", "opportunity"),
    ),
    "step": (("touchpoint", "touchpoint"),),
    "edge": (("from", "step"), ("to", "step")),
    "note": (("step", "step"), ("lane", "lane")),
}  # fmt: skip
"""Fields of a part that name another one."""
