"""Documents: YAML texts (JSON is YAML too) into structs; a fault names the line, the path and what would be right."""

import io
import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from etappe.errors import BadDocument

T = TypeVar("T")
Path = tuple[str | int, ...]

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

_WRITING: Final = "Indent each level by two spaces, and quote texts that hold a colon or start with a sign."


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)  # the C reader, where there is one, reads YAML 1.1: "no" would become false
    yaml.max_depth = 100
    return yaml


def path_text(path: Path) -> str:
    """A path as people write it.

    Examples
    --------
    >>> path_text(("touchpoints", 3, "medium"))
    'touchpoints[3].medium'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def line_of(text: str, path: Path) -> int:
    """The 1-based line of a document where a path stands; of its nearest parent where it does not."""
    node: Node | None = _yaml().compose(text)
    line = 1
    for step in path:
        found: Node | None = None
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.value == step:
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def fault(text: str, where: str, path: Path, what: str, hint: str = "", key: str = "") -> BadDocument:
    """The refusal of a document: "shop.yaml:12: touchpoints[3].medium: 'paper' is not allowed here."."""
    place = f"{where}:{line_of(text, (*path, key))}"
    return BadDocument(f"{place}: {path_text(path)}" if path else place, what, hint)


def load(text: str, where: str = "document") -> Any:
    """The plain data of a YAML text.

    Raises
    ------
    BadDocument
        The text is no YAML, or a key stands twice.

    Examples
    --------
    >>> load("steps: [visit, order]")
    {'steps': ['visit', 'order']}
    """
    try:
        return _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        problem = (error.problem or str(error)).split("\n")[0].rstrip(".")
        hints = {"found duplicate key": "Keep one of the two.", "maximum depth": "Nest less deeply."}
        hint = next((hints[start] for start in hints if problem.startswith(start)), _WRITING)
        what = re.sub(r" with value .*| \(101\).*", "", problem)
        raise BadDocument(place, f"{what}.", hint) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BadDocument(where, f"{str(error).splitlines()[0]}.", "Is it the right file?") from None


def read(text: str, kind: type[T], where: str = "document") -> T:
    """A YAML text as a struct.

    Raises
    ------
    BadDocument
        The first thing that does not fit `kind`, with its line, its path, and what would be right.

    Examples
    --------
    >>> from etappe.vocabulary import Channel
    >>> read("{id: web, titel: Web}", Channel, "shop.yaml")
    Traceback (most recent call last):
    etappe.errors.BadDocument: shop.yaml:1: unknown key 'titel'. Did you mean 'title'?
    """
    data = load(text, where)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        path = tuple(_steps(data, place.rstrip("`")))
        raise _human(text, where, message, path, kind) from None


def _steps(data: Any, place: str) -> Iterator[str | int]:
    for name, index in _STEP.findall(place):
        if index == "...":  # msgspec does not say which key of a mapping it means
            return
        yield int(index) if index else name


def _human(text: str, where: str, message: str, path: Path, kind: Any) -> BadDocument:
    """msgspec's messages as sentences with a remedy."""
    names = re.findall(r"[`'](.+?)[`']", message)
    if message.startswith("Object missing required field"):
        return fault(text, where, path, f"{names[0]!r} is missing.", _choices(_type_at(kind, (*path, names[0]))))
    if message.startswith("Object contains unknown field"):
        known = list(get_type_hints(_type_at(kind, path))) if hasattr(_type_at(kind, path), "__struct_fields__") else []
        near = get_close_matches(names[0], known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}." if known else ""
        return fault(text, where, path, f"unknown key {names[0]!r}.", hint, key=names[0])
    if message.startswith("Invalid enum value"):
        return fault(text, where, path, f"{names[0]!r} is not allowed here.", _choices(_type_at(kind, path)))
    message = message.replace("`object`", "a mapping (key: value)").replace("`array`", "a list (- item)")
    expected = message[0].lower() + message[1:].replace("`", "")
    return fault(text, where, path, f"{expected}.", _choices(_type_at(kind, path)))


def _choices(kind: Any) -> str:
    kind = get_args(kind)[0] if get_origin(kind) is dict else kind
    return f"One of {', '.join(map(str, get_args(kind)))}." if get_origin(kind) is Literal else ""


def _type_at(kind: Any, path: Path) -> Any:
    """The declared type at a path; None where the declaration leaves it open."""
    kind = _one_arm(kind)
    for step in path:
        if hasattr(kind, "__struct_fields__"):
            kind = get_type_hints(kind).get(str(step))
        elif get_origin(kind) in (tuple, list):
            kind = get_args(kind)[0]
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            return None
        kind = _one_arm(kind)
    return kind


def _one_arm(kind: Any) -> Any:
    """Of a union (`Stage | None`), the arm that has an inside."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    return next((arm for arm in get_args(kind) if hasattr(arm, "__struct_fields__") or get_args(arm)), None)


def dump(document: msgspec.Struct) -> str:
    """The YAML text of a document, without what stands at its default.

    Examples
    --------
    >>> from etappe.maps.persona import Persona
    >>> print(dump(Persona(schema="persona/1", id="lena", title="Lena")), end="")
    schema: persona/1
    id: lena
    title: Lena
    """
    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(msgspec.to_builtins(document), stream)
    return stream.getvalue()
