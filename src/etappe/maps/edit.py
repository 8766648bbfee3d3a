"""Edit: a map after some edits; one that does not fit changes nothing."""

from collections.abc import Sequence
from typing import Any

import msgspec

from etappe.errors import BadDocument
from etappe.maps.applied import apply
from etappe.maps.edits import Edit
from etappe.maps.model import JourneyMap
from etappe.maps.parts import put_together, taken_apart


def edits_of(given: Any) -> list[Edit]:
    """Edits from JSON or YAML values.

    Raises
    ------
    BadDocument
        With the place of what is no edit.

    Examples
    --------
    >>> edits_of([{"edit": "remove", "kind": "step", "id": "s2"}])
    [Remove(kind='step', id='s2')]
    """
    try:
        return msgspec.convert(given, list[Edit])
    except msgspec.ValidationError as error:
        hint = "An edit is such as {edit: write, lane: pain, place: s4, fields: {text: …}}; docs/maps.md lists them."
        raise BadDocument("edits", f"{str(error).lower()}.", hint) from None


def edited(document: JourneyMap, edits: Sequence[Edit]) -> JourneyMap:
    """The map after some edits, in order.

    Raises
    ------
    UnknownName
        An edit names a part that the map does not have.
    BadDocument
        A value does not fit; the map then stays as it was.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.edits import Write
    >>> shop = edited(template("five-stages"), [Write(lane="pain", place="s4", fields={"text": "Versandkosten"})])
    >>> [cell.text["de"] for cell in shop.cells if cell.lane == "pain" and cell.step == "s4"]
    ['Versandkosten']
    """
    parts = taken_apart(document)
    for i, edit in enumerate(edits):
        where = f"edits[{i}]"
        apply(parts, edit, where)
        try:
            document = put_together(parts)
        except msgspec.ValidationError as error:
            raise BadDocument(where, f"{str(error).lower()}.", "Write a value that fits the field.") from None
        parts = taken_apart(document)
    return document
