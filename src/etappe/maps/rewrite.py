"""Rewrite: a map's file after a change, with the comments that people wrote in it."""

from collections.abc import Sequence
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from etappe.maps.document import arranged, dump_map, load_yaml, written
from etappe.maps.model import JourneyMap
from etappe.maps.parts import place_of


def rewritten(text: str, document: JourneyMap) -> str:
    """The text of a map after a change: comments stay with the parts that they stand at.

    What a comment stands behind may be removed; the comment goes with it. Lines of which nothing changed stay as they
    are, except that keys at their default are left out.

    Examples
    --------
    >>> import msgspec
    >>> from etappe.maps.document import read_map
    >>> old = "schema: journey-map/1\\nid: shop\\ntitle: Shop # as on the door\\n"
    >>> print(rewritten(old, msgspec.structs.replace(read_map(old), language="en")), end="")
    schema: journey-map/1
    id: shop
    title: Shop # as on the door
    language: en
    kind: as_is
    """
    if text.lstrip().startswith("{"):
        return dump_map(document)
    old, new = load_yaml(text, "map"), arranged(document)
    return written(_patched(old, new))


def _patched(old: Any, new: Any) -> Any:
    """The old node with the new values in it."""
    if isinstance(old, CommentedMap) and isinstance(new, dict):
        for key in [key for key in old if key not in new]:
            del old[key]
        for i, (key, value) in enumerate(new.items()):
            if key in old:
                old[key] = _patched(old[key], value)
            else:
                old.insert(i, key, value)
        return old
    if isinstance(old, CommentedSeq) and isinstance(new, (list, tuple)):
        return _patched_list(old, new)
    return old if type(new) in (str, int, float, bool) and old == new else new


def _patched_list(old: CommentedSeq, new: Sequence[Any]) -> CommentedSeq:
    """A list with the old nodes of the parts that stay, each with its comment."""
    places: dict[Any, list[int | None]] = {}
    for i, item in enumerate(old):
        places.setdefault(_identity(item), []).append(i)
    kept = [(places.get(_identity(item)) or [None]).pop(0) for item in new]
    found = CommentedSeq(item if at is None else _patched(old[at], item) for at, item in zip(kept, new, strict=True))
    if old.fa.flow_style():
        found.fa.set_flow_style()
    found.ca.comment = old.ca.comment
    found.ca.items.update({i: old.ca.items[at] for i, at in enumerate(kept) if at in old.ca.items})
    return found


def _identity(item: Any) -> Any:
    """What makes an item of a list the same one after a change."""
    if not isinstance(item, dict):
        return item
    if "id" in item:
        return "id", item["id"]
    if "lane" in item:
        return "cell", item["lane"], place_of(item)
    if "from" in item and "to" in item:
        return "edge", item["from"], item["to"], item.get("kind")
    return "value", repr(dict(item))
