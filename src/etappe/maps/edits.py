"""Edits: what people do to a map, one small change at a time: write in a cell, add, change, move and remove its parts.

Each edit is a struct, the same in Python, over HTTP and in a file of edits. Edits follow what they touch: a span grows
and shrinks with its steps, a cell goes with what it stands at, an evidence nobody shows is dropped.
"""

from typing import Any, Literal

import msgspec

PartKind = Literal[
    "touchpoint", "stage", "step", "lane", "edge", "evidence", "opportunity", "study", "note"
]  # fmt: skip


class _Edit(msgspec.Struct, frozen=True, kw_only=True, tag_field="edit", forbid_unknown_fields=True):
    """One change of a map."""


class Write(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="write"):
    """Write fields of a cell; one that is not there yet is made, one that is left with nothing is removed."""

    lane: str
    place: str
    """A step's id, `stage:id`, or `from..to`."""
    fields: dict[str, Any]
    """Such as text, score, severity; null takes a field away."""
    lang: str | None = None
    """The language of plain texts; by default the map's own. Texts in other languages stay."""


class Span(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="span"):
    """Move a cell to another lane or place: to a step, a stage, or from one step to another."""

    lane: str
    place: str
    to_lane: str | None = None
    to_place: str | None = None


class Add(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="add"):
    """Add a part; without an id it gets one."""

    kind: PartKind
    value: dict[str, Any]
    after: str | None = None
    """The id of a part of the same kind, or of the stage for its first step; without it, at the end."""


class Change(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="change"):
    """Change fields of a part, or of the map itself (kind "map")."""

    kind: PartKind | Literal["map"]
    id: str = ""
    fields: dict[str, Any]
    """Null takes a field away."""
    lang: str | None = None
    """As for `write`."""


class Move(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="move"):
    """Move a part behind another, or, without `after`, to the front; a step behind a stage becomes its first."""

    kind: PartKind
    id: str
    after: str | None = None


class Remove(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="remove"):
    """Remove a part with what stands at it: a step with its cells, a stage with its steps, a lane with its cells."""

    kind: PartKind
    id: str


class Bind(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="bind"):
    """Bind an evidence to a cell: one that the map has, by its `id` or because it asks the same; else a new one."""

    lane: str
    place: str
    evidence: dict[str, Any]


class Unbind(_Edit, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unbind"):
    """Take an evidence from a cell; it is dropped where no other cell shows it."""

    lane: str
    place: str
    evidence: str


Edit = Write | Span | Add | Change | Move | Remove | Bind | Unbind
