"""Mapping: what a row of a file means; which column is the customer, the time, the touchpoint. A TOML document.

A column is given by its name, or by its number (from 1) where there is no header.
"""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from etappe.collect.times import check_format
from etappe.errors import BadExpression, BadMapping
from etappe.expression import parse

Ref = str | int
Constant = str | int | float


class TextField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text: from a column, its values renamed where wanted, or the same `value` in every row."""

    column: Ref | None = None
    value: str | None = None
    rename: dict[str, str] = {}


class TimeField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A time: a column, its format where it is not found by itself, and a column that holds the time of day."""

    column: Ref
    clock: Ref | None = None
    format: str | None = None


class MoneyField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value: a column or a constant, with its currency (a code, or a column that holds the codes)."""

    column: Ref | None = None
    value: Constant | None = None
    currency: str | TextField | None = None


class EventMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One event of a row; what is not said here is taken from the mapping above it."""

    customer: Ref | TextField | None = None
    time: Ref | TimeField | None = None
    touchpoint: Ref | TextField | None = None
    channel: Ref | TextField | None = None
    value: Ref | MoneyField | None = None
    order: Ref | TextField | None = None
    properties: list[Ref] | dict[str, Ref] | None = None
    where: str | None = None


class AttributeMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a customer, one row a customer: age, income, segment."""

    columns: list[Ref] | dict[str, Ref]
    customer: Ref | TextField | None = None


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping file. The first keys say how the file is written; each is found by itself when not given.

    `folder` is the mapping file's own folder, where the files of `sql` are looked for; it is no key of the file.
    """

    timezone: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    header: bool | None = None
    skip: int = 0
    sheet: str | None = None
    empty: list[str] = []
    format: str | None = None
    sql: str | None = None
    customer: Ref | TextField | None = None
    time: Ref | TimeField | None = None
    touchpoint: Ref | TextField | None = None
    channel: Ref | TextField | None = None
    value: Ref | MoneyField | None = None
    order: Ref | TextField | None = None
    properties: list[Ref] | dict[str, Ref] | None = None
    where: str | None = None
    event: list[EventMapping] = []
    attributes: AttributeMapping | None = None
    folder: str = ""


_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    "customer": TextField, "touchpoint": TextField, "channel": TextField, "order": TextField, "currency": TextField,
    "time": TimeField, "value": MoneyField, "event": EventMapping, "attributes": AttributeMapping,
}  # fmt: skip
EVENT_KEYS: Final = EventMapping.__struct_fields__


def _known_keys(raw: dict[str, Any], struct: type[msgspec.Struct], where: str, path: str = "") -> None:
    """Refuse a key that is not there, naming the nearest one."""
    known = [name for name in struct.__struct_fields__ if name != "folder"]
    for key, value in raw.items():
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
            raise BadMapping(where, f"unknown key {path + key!r}.", hint)
        inner = _STRUCTS.get(key)
        if inner is None or (key == "value" and struct is not Mapping and struct is not EventMapping):
            continue
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(part, dict):
                place = f"{path}{key}[{index + 1}]." if isinstance(value, list) else f"{path}{key}."
                _known_keys(part, inner, where, place)


def _check(mapping: Mapping, where: str) -> None:
    """Refuse what reads well and cannot work."""

    def fault(what: str, hint: str) -> BadMapping:
        return BadMapping(where, what, hint)

    if mapping.timezone is not None:
        check_timezone(mapping.timezone, where)
    if mapping.encoding is not None:
        try:
            "".encode(mapping.encoding)
        except LookupError:
            raise fault(f"unknown encoding {mapping.encoding!r}.", "Write utf-8, utf-16 or cp1252.") from None
    if mapping.delimiter is not None and (len(mapping.delimiter) != 1 or mapping.delimiter in '"\r\n.'):
        raise fault(f"{mapping.delimiter!r} is no delimiter.", 'Write ",", ";", "\\t", "|", or " " for runs of blanks.')
    if mapping.decimal not in (None, ".", ","):
        raise fault(f"{mapping.decimal!r} is no decimal mark.", 'Write decimal = "," or decimal = ".".')
    if mapping.thousands is not None and mapping.thousands not in (".", ",", "'", " "):
        raise fault(f"{mapping.thousands!r} is no thousands mark.", 'Write ".", ",", "\'" or " ".')
    if mapping.thousands is not None and mapping.thousands == mapping.decimal:
        raise fault("decimal and thousands are the same mark.", "Give two different ones.")
    if mapping.skip < 0:
        raise fault("skip is below 0.", "Give the number of lines before the header.")
    several: list[Mapping | EventMapping] = [mapping, *mapping.event]
    for event in several:
        if isinstance(event.time, TimeField) and event.time.format is not None:
            check_format(event.time.format, where)
        if event.where is not None:
            try:
                parse(event.where, f"{where}: where")
            except BadExpression as error:
                raise BadMapping(error.where, error.what, error.hint) from error
        for name in ("customer", "touchpoint", "channel", "order"):
            _one_source(getattr(event, name), name, where)
        _one_source(event.value, "value", where)
        _once(event.properties, "properties", where)
    if mapping.format is not None:
        check_format(mapping.format, where)
    for index, event in enumerate(mapping.event):
        whole = inherit(mapping, event)
        _complete(whole, f"{where}: event[{index + 1}]")
    if (not mapping.event and mapping.attributes is None) or (
        not mapping.event and (mapping.time is not None or mapping.touchpoint is not None)
    ):
        _complete(inherit(mapping, EventMapping()), where)
    if mapping.attributes is not None:
        _once(mapping.attributes.columns, "attributes.columns", where)
        if not mapping.attributes.columns:
            raise fault("[attributes] names no column.", 'Write columns = ["age", "income"].')
        if mapping.attributes.customer is None and mapping.customer is None:
            raise fault("[attributes] does not say which column is the customer.", 'Add customer = "…".')


def _one_source(field: Any, name: str, where: str) -> None:
    if isinstance(field, TextField | MoneyField) and (field.column is None) == (field.value is None):
        raise BadMapping(
            where, f"{name} needs either a column or a value.", 'Write { column = "…" } or { value = "…" }.'
        )
    if isinstance(field, int) and field < 1:
        raise BadMapping(where, f"{name} = {field}: columns are counted from 1.", "Give its number or its name.")


def _once(columns: list[Ref] | dict[str, Ref] | None, name: str, where: str) -> None:
    if isinstance(columns, list):
        twice = next((c for i, c in enumerate(columns) if c in columns[:i]), None)
        if twice is not None:
            raise BadMapping(where, f"{name}: {twice!r} is named twice.", "Name each column once.")


def _complete(event: EventMapping, where: str) -> None:
    for name in ("customer", "time", "touchpoint"):
        if getattr(event, name) is None:
            raise BadMapping(where, f"no {name} is mapped.", f'Say which column it is: {name} = "…".')


def inherit(mapping: Mapping, event: EventMapping) -> EventMapping:
    """An event of `[[event]]` with what it leaves out taken from the mapping itself; `where` stays its own."""
    given = {k: getattr(event, k) if getattr(event, k) is not None else getattr(mapping, k) for k in EVENT_KEYS}
    return EventMapping(**{**given, "where": event.where})


def check_timezone(name: str, where: str) -> ZoneInfo:
    """The time zone of a name such as Europe/Berlin.

    Raises
    ------
    BadMapping
        There is no such time zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadMapping(where, f"unknown time zone {name!r}.", "Write one such as Europe/Berlin or UTC.") from None


def read_mapping(source: str | Path, where: str | None = None) -> Mapping:
    """Read a mapping from a file (a Path) or from TOML text (a str).

    Raises
    ------
    BadMapping
        No TOML, an unknown key (the nearest is named), a value of another type, or no customer, time or touchpoint.

    Examples
    --------
    >>> read_mapping('customer = "user_id"\\ntime = "at"\\ntouchpoint = "event"').customer
    'user_id'
    """
    folder = ""
    if isinstance(source, Path):
        where, folder = where or source.name, str(source.resolve().parent)
        try:
            text = source.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BadMapping(where, f"cannot be read: {reason}.", "Give a TOML file.") from error
    else:
        text = source
    where = where or "mapping"
    try:
        raw = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise BadMapping(where, f"is no TOML: {error}.", 'Write lines such as customer = "user_id".') from error
    _known_keys(raw, Mapping, where)
    try:
        mapping = msgspec.convert(raw, Mapping)
    except msgspec.ValidationError as error:
        raise BadMapping(where, f"{error}.", "See docs/import.md for what each key takes.") from error
    if "where" in raw and not raw["where"].strip():
        raise BadMapping(where, "where is empty.", "Leave it out, or write a condition.")
    _check(mapping, where)
    return msgspec.structs.replace(mapping, folder=folder)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\n" in value and "'''" not in value and "\r" not in value:
            return f"'''\n{value}'''"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


def _lines(table: dict[str, Any]) -> Iterable[str]:
    return (f"{_key(key)} = {_toml(value)}" for key, value in table.items())


def mapping_toml(mapping: Mapping) -> str:
    """A mapping as TOML; `read_mapping` reads it back.

    Examples
    --------
    >>> print(mapping_toml(Mapping(customer=1, time=3, touchpoint=TextField(value="purchase"))), end="")
    customer = 1
    time = 3
    touchpoint = { value = "purchase" }
    """
    raw: dict[str, Any] = msgspec.to_builtins(mapping)
    raw.pop("folder", None)
    events, attributes = raw.pop("event", []), raw.pop("attributes", None)
    lines = list(_lines(raw))
    for event in events:
        lines += ["", "[[event]]", *_lines(event)]
    if attributes:
        lines += ["", "[attributes]", *_lines(attributes)]
    return "\n".join(lines).lstrip("\n") + "\n"
