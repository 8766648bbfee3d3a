"""Document: a journey map as a file, `journey-map/1`, in YAML or JSON: read, checked, written."""

import io
import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from etappe.errors import BadDocument
from etappe.maps.check import Fault, check, order_of
from etappe.maps.model import JourneyMap, Place, nearest_line

if TYPE_CHECKING:
    from etappe.journeys.stages import Registry

__all__ = ["BadMap", "Fault", "JourneyMap", "check", "dump_map", "faults_of", "json_schema", "read_map"]

LISTS: Final = (
    "touchpoints", "stages", "lanes", "cells", "flow", "evidence", "opportunities", "studies", "annotations",
)  # fmt: skip
MOST_NODES: Final = 200_000
"""More parts than any map has: stops a file whose aliases unfold without end."""
LENGTHS: Final = ("within", "rolling", "duration_hint")
"""Keys that hold a length of time."""

_KINDS: Final = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "a mapping",
    "array": "a list", "null": "nothing", "dict": "a mapping",
}  # fmt: skip


@cache
def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(struct)


class BadMap(BadDocument):
    """A map file that cannot be read; `faults` holds every error found, the message the first."""

    def __init__(self, where: str, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        more = f" ({len(faults) - 1} more in this file.)" if len(faults) > 1 else ""
        super().__init__(first.spot, first.what, first.hint + more)


class _Reader:
    """Turns YAML's nodes into plain values and these into structs; notes lines, faults, and what is incomplete."""

    def __init__(self, where: str) -> None:
        self.where, self.lines, self.nodes = where, dict[str, int](), 0
        self.faults: list[Fault] = []
        self.inside: set[str] = set()
        """The parts with a fault in them: what else is wrong with them may follow from it."""
        self.broken: set[str] = set()
        """Keys of the map of which an id is unknown, or that are not there: what refers to them is not checked."""

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
        self.inside.add(re.sub(r"\.\w+$", "", path))

    def built(self, value: Any, hint: Any, path: str) -> Any:
        """A value as its type; of what does not fit each fault is noted, and the rest is kept (UNSET: nothing is)."""
        try:
            return msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            struct = next(_structs(hint), None)
            many = get_origin(hint) is tuple
            if struct is not None and many and isinstance(value, list):
                return tuple(self.built(item, struct, f"{path}[{i}]") for i, item in enumerate(value))
            if struct is not None and not many and isinstance(value, dict):
                return self.struct(value, struct, path)
            message, _, spot = str(error).partition(" - at `")
            deep = path + spot.strip("`").removeprefix("$")
            self.fault(deep, *_sentence(message, deep, hint, value))
            if struct is not None and not many and get_origin(hint) is None:
                self.broken.add(path.split("[")[0])
                return struct(**{field.name: "" for field in msgspec.structs.fields(struct) if field.required})
            if struct is not None:
                self.broken.add(path)
            return msgspec.UNSET

    def struct(self, value: dict[str, Any], struct: type[msgspec.Struct], path: str) -> msgspec.Struct:
        hints, fields = _types(struct), msgspec.structs.fields(struct)
        found = {}
        for field in fields:
            name, inside = field.encode_name, f"{path}.{field.encode_name}" if path else field.encode_name
            if name in value:
                found[field.name] = self.built(value[name], hints[field.name], inside)
            elif field.required:
                found[field.name] = msgspec.UNSET
                loose = [key for key in value if key not in {other.encode_name for other in fields}]
                near = get_close_matches(name, loose, n=1)
                self.fault(path, f"the key '{name}' is missing.", f"Is '{near[0]}' meant for it?" if near else "")
        known = {name: inner for name, inner in found.items() if inner is not msgspec.UNSET}
        lacking = [field.name for field in fields if field.required and field.name not in known]
        if "id" in lacking:
            self.broken.add(path.split("[")[0] or "id")
        return struct(**known, **dict.fromkeys(lacking, ""))


def _sentence(message: str, path: str, hint: Any, value: Any) -> tuple[str, str]:
    """A validation message for people, and what to do."""
    name = ([*re.findall(r"[a-z_]+", path)] or ["part"])[-1]
    if found := re.match(r"Invalid enum value '(.*)'", message):
        allowed = sorted({text for literal in _literals(hint) for text in get_args(literal)})
        near = get_close_matches(found[1], allowed, n=1)
        return (
            f"'{found[1]}' is no {name}.",
            f"Did you mean '{near[0]}'?" if near else f"Write one of: {', '.join(allowed)}.",
        )
    if found := re.match(r"Expected `(.*)`, got `(.*)`", message):
        wanted = [_KINDS.get(part.strip(), part.strip()) for part in found[1].split("|") if part.strip() != "null"]
        what = f"expected {' or '.join(wanted)}, got {_KINDS.get(found[2], found[2])}."
        if "a text" in wanted and isinstance(value, (int, float)):
            return what, f"Write it with its unit, such as {value:g}d." if name in LENGTHS else f"Write '{value}'."
        return what, ""
    return message.lower() + ".", ""


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


def _misspelt(tree: dict[str, Any]) -> dict[str, str]:
    """Keys of a map that are no keys of one, but nearly: as they are written, and what is meant."""
    known = [field.encode_name for field in msgspec.structs.fields(JourneyMap)]
    near = {key: get_close_matches(key.lower(), known, n=1, cutoff=0.75) for key in tree if key not in known}
    return {key: found[0] for key, found in near.items() if found}


def _ignored(value: Any, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    """Keys that the structs do not know, with what to say."""
    struct = next(_structs(hint), None)
    if struct is None:
        return
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _ignored(item, struct, f"{path}[{i}]")
    elif isinstance(value, dict):
        hints = {field.encode_name: _types(struct)[field.name] for field in msgspec.structs.fields(struct)}
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


def load_yaml(text: str, where: str) -> Any:
    """A text as YAML with its comments, or as JSON."""
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


def _text(source: str | Path, where: str) -> tuple[str, str]:
    """The text of a file, or the text itself, and what it is called."""
    if not isinstance(source, Path) and ("\n" in source or source.lstrip().startswith("{")):
        return source, where or "map"
    path = Path(source)
    where = where or f"map {path.name}"
    try:
        return path.read_text(encoding="utf-8-sig"), where
    except FileNotFoundError:
        raise BadMap(where, [Fault(where, "", None, "there is no such file.")]) from None
    except UnicodeDecodeError:
        raise BadMap(where, [Fault(where, "", None, "is not written in UTF-8.", "Save it as UTF-8.")]) from None


def _read(source: str | Path, where: str) -> tuple[JourneyMap, _Reader]:
    """A map, or what can be read of it, and its reader with what cannot."""
    text, where = _text(source, where)
    reader = _Reader(where)
    try:
        tree = reader.plain(load_yaml(text, where), "")
    except RecursionError:
        raise BadMap(where, [Fault(where, "", None, "its parts stand too deep inside each other.")]) from None
    if not isinstance(tree, dict):
        raise BadMap(where, [Fault(where, "", None, "is no map.", "A map starts with 'schema: journey-map/1'.")])
    misspelt = _misspelt(tree)
    if tree.get("schema") != "journey-map/1":
        place = next((key for key, meant in misspelt.items() if meant == "schema"), "schema")
        what = f"is {tree.get('schema')!r}." if place == "schema" else "unknown key."
        reader.fault(place, what, "Etappe reads 'schema: journey-map/1'.")
        raise BadMap(where, reader.faults)
    tree = {key: value for key, value in tree.items() if value is not None or key not in LISTS}
    reader.broken |= set(misspelt.values()) - set(tree)
    found = cast(JourneyMap, reader.built(tree, JourneyMap, ""))
    # A key that is only misspelt is told once, as that.
    told = {f"the key '{meant}' is missing." for meant in misspelt.values()}
    reader.faults = [fault for fault in reader.faults if fault.place or fault.what not in told]
    ignored = tuple((spot, hint) for spot, hint in _ignored(tree, JourneyMap, "") if spot not in misspelt)
    found.__dict__["place_read"] = Place(where, reader.lines, ignored, misspelt, frozenset(reader.broken))
    return found, reader


def _all_faults(document: JourneyMap, reader: _Reader, registry: "Registry | None") -> list[Fault]:
    """What cannot be read and what does not fit; not what only follows from something that cannot be read."""
    inside = tuple(reader.inside - {""})
    rest = [f for f in check(document, registry) if not inside or re.sub(r"\.\w+$", "", f.place) not in inside]
    return sorted([*reader.faults, *rest], key=order_of(document))


def read_map(source: str | Path, where: str = "") -> JourneyMap:
    """Read a journey map from a file, or from its text (YAML or JSON).

    Parts that cannot be read are refused, all in one go; what can be read but does not fit is found by `check`.

    Raises
    ------
    BadMap
        With every error, each with its place and line.

    Examples
    --------
    >>> read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n").title
    'Shop'
    """
    document, reader = _read(source, where)
    if reader.faults or not reader.broken.isdisjoint(("id", "title")):
        errors = [fault for fault in _all_faults(document, reader, None) if fault.level == "error"]
        raise BadMap(reader.where, errors)
    return document


def faults_of(source: str | Path, where: str = "", registry: "Registry | None" = None) -> list[Fault]:
    """Every fault of a map file or text, also of one that cannot be read: errors before warnings.

    A misspelt key of the map stands first, and what would only follow from it is left out.

    Examples
    --------
    >>> text = "schema: journey-map/1\\nid: shop\\ntitle: Shop\\nstagse: []\\n"
    >>> faults_of(text, "shop.yaml")[0].text
    "shop.yaml: stagse (line 4): unknown key. Did you mean 'stages'?"
    """
    try:
        document, reader = _read(source, where)
    except BadMap as error:
        return list(error.faults)
    return _all_faults(document, reader, registry)


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
    return written(arranged(document))


def arranged(document: JourneyMap) -> dict[str, Any]:
    """The values of a map in the order and the style in which they are written."""
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
    return out


def written(values: Any) -> str:
    """Arranged values as YAML."""
    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `journey-map/1`.

    Examples
    --------
    >>> json_schema()["$ref"]
    '#/$defs/JourneyMap'
    """
    return msgspec.json.schema(JourneyMap)
