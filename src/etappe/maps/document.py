"""Document: a journey map as a file, `journey-map/1`, in YAML or JSON: read, checked, written."""

import io
import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from etappe.errors import BadDocument
from etappe.maps.check import Fault, check
from etappe.maps.model import JourneyMap, Place, nearest_line

__all__ = ["BadMap", "Fault", "JourneyMap", "check", "dump_map", "json_schema", "read_map"]

LISTS: Final = ("touchpoints", "stages", "lanes", "cells", "flow", "evidence", "opportunities", "annotations")
MOST_NODES: Final = 200_000
"""More parts than any map has: stops a file whose aliases unfold without end."""

_KINDS: Final = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "a mapping",
    "array": "a list", "null": "nothing", "dict": "a mapping",
}  # fmt: skip


class BadMap(BadDocument):
    """A map file that cannot be read; `faults` holds every fault found, the message the first."""

    def __init__(self, where: str, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        more = f" ({len(faults) - 1} more in this file.)" if len(faults) > 1 else ""
        spot = f"{where}: {first.place}" if first.place else where
        super().__init__(spot, first.what, first.hint + more)


class _Reader:
    """Turns YAML's nodes into plain values and notes the line of each path."""

    def __init__(self, where: str) -> None:
        self.where, self.lines, self.nodes = where, dict[str, int](), 0
        self.faults: list[Fault] = []

    def plain(self, node: Any, path: str) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            fault = Fault(self.where, "", None, "the file unfolds into too many parts.", "Write aliases out.")
            raise BadMap(self.where, [fault])
        if isinstance(node, dict):
            return {str(key): self.inner(node, key, f"{path}.{key}" if path else str(key)) for key in node}
        if isinstance(node, list):
            return [self.inner(node, i, f"{path}[{i}]") for i in range(len(node))]
        if isinstance(node, float) and not isfinite(node):
            self.fault(path, "is no finite number.", "Write a number, or leave the key out.")
            return 0.0
        for kind in (bool, int, float, str):
            if isinstance(node, kind):
                return kind(node)
        return node

    def inner(self, node: Any, key: Any, path: str) -> Any:
        if isinstance(node, CommentedMap):
            self.lines[path] = node.lc.key(key)[0] + 1 if key in (node.lc.data or {}) else 0
        elif isinstance(node, CommentedSeq):
            self.lines[path] = node.lc.item(key)[0] + 1 if key in (node.lc.data or {}) else 0
        return self.plain(node[key], path)

    def fault(self, path: str, what: str, hint: str = "") -> None:
        self.faults.append(Fault(self.where, path, nearest_line(self.lines, path), what, hint))

    def convert(self, value: Any, kind: Any, path: str) -> Any:
        """A part as its struct, or None and a fault."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            message, _, spot = str(error).partition(" - at `")
            inside = spot.strip("`").removeprefix("$")
            full = (path + inside).lstrip(".") if not inside.startswith("[") else path + inside
            self.fault(full, *_sentence(message, full, kind))
            return None


def _sentence(message: str, path: str, kind: Any) -> tuple[str, str]:
    """A validation message for people."""
    name = re.split(r"[.\]]", path)[-1] or path
    if found := re.match(r"Object missing required field `(\w+)`", message):
        return f"the key '{found[1]}' is missing.", ""
    if found := re.match(r"Invalid enum value '(.*)'", message):
        allowed = sorted(_allowed(kind, name))
        near = get_close_matches(found[1], allowed, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Write one of: {', '.join(allowed)}."
        return f"'{found[1]}' is no {name}.", hint
    if found := re.match(r"Expected `(.*)`, got `(.*)`", message):
        wanted = [_KINDS.get(part.strip(), part.strip()) for part in found[1].split("|") if part.strip() != "null"]
        got = _KINDS.get(found[2], found[2])
        return f"expected {' or '.join(wanted)}, got {got}.", ""
    return message.lower() + ".", ""


def _allowed(kind: Any, name: str) -> set[str]:
    """Every text that a Literal of a field of this name admits, in a struct or the structs within it."""
    found: set[str] = set()
    for struct in _structs(kind):
        for field, hint in get_type_hints(struct).items():
            if field == name:
                found |= {text for literal in _literals(hint) for text in get_args(literal)}
            found |= _allowed(hint, name)
    return found


def _literals(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Literal:
        yield hint
    else:
        for part in get_args(hint):
            yield from _literals(part)


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    elif get_origin(hint) in (tuple, Union, UnionType):
        for part in get_args(hint):
            yield from _structs(part)


def _ignored(value: Any, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    """Keys that the structs do not know, with what to say."""
    struct = next(_structs(hint), None)
    if struct is None:
        return
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _ignored(item, struct, f"{path}[{i}]")
    elif isinstance(value, dict):
        hints = {field.encode_name: get_type_hints(struct)[field.name] for field in msgspec.structs.fields(struct)}
        for key, inner in value.items():
            spot = f"{path}.{key}" if path else key
            if key in hints:
                yield from _ignored(inner, hints[key], spot)
            else:
                yield spot, _place_of(key, hints)


def _place_of(key: str, hints: dict[str, Any]) -> str:
    """What to do with a key that a part does not know: it may belong one level deeper, or be misspelt."""
    for name, hint in hints.items():
        for struct in _structs(hint):
            if key in struct.__struct_encode_fields__:
                return f"Write it under '{name}'."
    near = get_close_matches(key, hints, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known keys are {', '.join(hints)}."


class _Constructor(RoundTripConstructor):
    """Reads days as texts: what is no day is then told with its place, as any other fault."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def _load(text: str, where: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            try:
                return json.loads(text)
            except ValueError:
                pass  # a map may also be YAML in braces; YAML's error names the line
        yaml = YAML()
        yaml.Constructor = _Constructor
        return yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        what = f"cannot be read as YAML: {(error.problem or 'unreadable').strip()}."
        raise BadMap(where, [Fault(where, "", line, what, "Check quotes, commas and indentation there.")]) from None
    except (YAMLError, ValueError) as error:
        what = f"cannot be read as YAML: {str(error).splitlines()[0]}."
        raise BadMap(where, [Fault(where, "", None, what)]) from None


def read_map(source: str | Path, where: str = "") -> JourneyMap:
    """Read a journey map from a file, or from its text (YAML or JSON).

    Parts that cannot be read are refused, all in one go; what can be read but does not fit is found by `check`.

    Raises
    ------
    BadMap
        With every fault, each with its place and line.

    Examples
    --------
    >>> read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n").title
    'Shop'
    """
    if isinstance(source, Path) or ("\n" not in source and not source.lstrip().startswith("{")):
        path = Path(source)
        where = where or f"map {path.name}"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise BadMap(where, [Fault(where, "", None, "there is no such file.")]) from None
        except UnicodeDecodeError:
            raise BadMap(where, [Fault(where, "", None, "is not written in UTF-8.", "Save it as UTF-8.")]) from None
    else:
        text, where = source, where or "map"
    reader = _Reader(where)
    tree = reader.plain(_load(text, where), "")
    if not isinstance(tree, dict):
        raise BadMap(where, [Fault(where, "", None, "is no map.", "A map starts with 'schema: journey-map/1'.")])
    if tree.get("schema") != "journey-map/1":
        reader.fault("schema", f"is {tree.get('schema')!r}.", "Etappe reads 'schema: journey-map/1'.")
        raise BadMap(where, reader.faults)
    hints = get_type_hints(JourneyMap)
    parts: dict[str, tuple[Any, ...]] = {}
    for name in LISTS:
        items = tree.pop(name, None) or []
        if not isinstance(items, list):
            reader.fault(name, "expected a list.")
            continue
        struct = next(_structs(hints[name]))
        parts[name] = tuple(reader.convert(item, struct, f"{name}[{i}]") for i, item in enumerate(items))
        tree[name] = items
    ignored = tuple(_ignored(tree, JourneyMap, ""))
    found = reader.convert({key: value for key, value in tree.items() if key not in LISTS}, JourneyMap, "")
    if reader.faults:
        reader.faults.sort(key=lambda fault: fault.line or 0)
        raise BadMap(where, reader.faults)
    document = cast(JourneyMap, msgspec.structs.replace(found, **parts))
    document.__dict__["place_read"] = Place(where, reader.lines, ignored)
    return document


def _flow(value: Any) -> Any:
    """A value that is written on one line."""
    if isinstance(value, dict):
        mapping = CommentedMap((key, _flow(inner)) for key, inner in value.items())
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, (list, tuple)):
        sequence = CommentedSeq(_flow(inner) for inner in value)
        sequence.fa.set_flow_style()
        return sequence
    return value


def dump_map(document: JourneyMap) -> str:
    """The YAML text of a map: keys in a fixed order, one cell or step a line, nothing that stands at its default.

    Examples
    --------
    >>> print(dump_map(read_map("id: shop\\nschema: journey-map/1\\ntitle: Shop\\n")), end="")
    schema: journey-map/1
    id: shop
    title: Shop
    language: de
    kind: as_is
    """
    values = cast(dict[str, Any], msgspec.to_builtins(document))
    out: dict[str, Any] = {"schema": "journey-map/1", "id": document.id, "title": _flow(values["title"])}
    out |= {"language": document.language, "kind": document.kind}
    for key, value in values.items():
        if key in out or key == "basis":
            continue
        if key == "stages":
            out[key] = [
                {
                    name: [_flow(step) for step in inner] if name == "steps" else _flow(inner)
                    for name, inner in s.items()
                }
                for s in value
            ]
        elif key in LISTS:
            out[key] = [_flow(item) for item in value]
        else:
            out[key] = _flow(value)
    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(out, stream)
    return stream.getvalue()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `journey-map/1`.

    Examples
    --------
    >>> json_schema()["$ref"]
    '#/$defs/JourneyMap'
    """
    return msgspec.json.schema(JourneyMap)
