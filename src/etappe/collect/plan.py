"""Plan: a mapping resolved against a file's header, so that every fault of the mapping is said before a row is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from etappe.collect.mapping import (
    EventMapping,
    Mapping,
    MoneyField,
    Ref,
    TextField,
    TimeField,
    check_timezone,
    inherit,
)
from etappe.collect.times import TimeFormat
from etappe.collect.values import NumberFormat
from etappe.errors import BadMapping
from etappe.expression import Expression, parse


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text comes from: a column (its position and its name), or a constant."""

    position: int | None
    name: str
    constant: str | None = None
    rename: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """A `where`, and the positions of its columns."""

    expression: Expression
    positions: dict[str, int]


@dataclass(frozen=True, slots=True)
class EventPlan:
    """One kind of event of a row."""

    customer: Source
    time: Source
    clock: Source | None
    form: TimeFormat
    touchpoint: Source
    channel: Source | None
    value: Source | None
    currency: Source | None
    order: Source | None
    properties: tuple[tuple[str, int], ...]
    where: Condition | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with a row; `many` says that an empty time is no event instead of a refusal ([[event]])."""

    events: tuple[EventPlan, ...]
    many: bool
    attributes: tuple[Source, tuple[tuple[str, int], ...]] | None
    where: Condition | None
    empty: tuple[str, ...]
    numbers: NumberFormat
    needed: tuple[int, ...]


class _Resolver:
    def __init__(self, header: Sequence[str], named: bool, where: str) -> None:
        self.header, self.named, self.where = header, named, where
        self.needed: set[int] = set()

    def position(self, ref: Ref, role: str) -> int:
        if isinstance(ref, int):
            if not 1 <= ref <= len(self.header):
                what = f"{role}: there is no column {ref}."
                raise BadMapping(self.where, what, f"The file has {len(self.header)} columns.")
            at = ref - 1
        else:
            if not self.named:
                what = f"{role}: column {ref!r} is named, but the file has no header."
                raise BadMapping(self.where, what, f"Give its number, 1 to {len(self.header)}.")
            found = [i for i, name in enumerate(self.header) if name == ref]
            if not found:
                raise BadMapping(self.where, f"{role}: the file has no column {ref!r}.", _near(ref, self.header))
            if len(found) > 1:
                numbers = " and ".join(str(i + 1) for i in found)
                raise BadMapping(
                    self.where, f"{role}: {len(found)} columns are named {ref!r}.", f"Give a number: {numbers}."
                )
            at = found[0]
        self.needed.add(at)
        return at

    def source(self, ref: Ref | TextField | None, role: str) -> Source | None:
        if ref is None:
            return None
        if isinstance(ref, TextField):
            if ref.column is None:
                return Source(None, role, (ref.value or "").strip() or None)
            return Source(self.position(ref.column, role), str(ref.column), None, ref.rename)
        return Source(self.position(ref, role), str(ref))

    def columns(self, refs: list[Ref] | dict[str, Ref] | None, role: str) -> tuple[tuple[str, int], ...]:
        pairs = refs.items() if isinstance(refs, dict) else ((str(ref), ref) for ref in refs or ())
        return tuple((name, self.position(ref, role)) for name, ref in pairs)

    def condition(self, text: str | None) -> Condition | None:
        if text is None:
            return None
        expression = parse(text, f"{self.where}: where")
        return Condition(expression, {c: self.position(_ref(c, self.named), "where") for c in expression.columns})


def _ref(name: str, named: bool) -> Ref:
    """In a condition a column without a name is written "3" in double quotes."""
    return int(name) if not named and name.isdecimal() else name


def _near(name: str, header: Sequence[str]) -> str:
    lower = {h.lower(): h for h in header}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {lower[near[0]]!r}?"
    shown = ", ".join(header[:12]) + (" …" if len(header) > 12 else "")
    return f"It has: {shown}."


def _event(resolver: _Resolver, event: EventMapping, mapping: Mapping, zone: str) -> EventPlan:
    time: Any = event.time if isinstance(event.time, TimeField) else TimeField(column=event.time or 0)
    money = event.value if isinstance(event.value, MoneyField) else None
    value = currency = None
    if money is not None and money.column is None:
        value = Source(None, "value", str(money.value))
    elif event.value is not None:
        column: Any = money.column if money else event.value
        value = resolver.source(column, "value")
    if money is not None and money.currency is not None:
        constant = TextField(value=money.currency) if isinstance(money.currency, str) else money.currency
        currency = resolver.source(constant, "currency")
    customer = resolver.source(event.customer, "customer")
    touchpoint = resolver.source(event.touchpoint, "touchpoint")
    moment = resolver.source(time.column, "time")
    assert customer is not None
    assert touchpoint is not None
    assert moment is not None
    return EventPlan(
        customer=customer,
        time=moment,
        clock=resolver.source(time.clock, "time.clock"),
        form=TimeFormat(time.format or mapping.format, zone),
        touchpoint=touchpoint,
        channel=resolver.source(event.channel, "channel"),
        value=value,
        currency=currency,
        order=resolver.source(event.order, "order"),
        properties=resolver.columns(event.properties, "properties"),
        where=resolver.condition(event.where),
    )


def by_name(mapping: Mapping) -> bool:
    """Whether a mapping names any column, so that the file must have a header."""
    if mapping.header is not None:
        return mapping.header
    if mapping.sql is not None:
        return True

    def named(ref: Any) -> bool:
        if isinstance(ref, str):
            return True
        if isinstance(ref, dict):
            return any(named(v) for v in ref.values())
        if isinstance(ref, list):
            return any(named(v) for v in ref)
        inner = ("column", "currency", "clock")
        return hasattr(ref, "column") and any(named(getattr(ref, name, None)) for name in inner)

    several: list[Mapping | EventMapping] = [mapping, *mapping.event]
    for event in several:
        if any(named(getattr(event, k)) for k in ("customer", "time", "touchpoint", "channel", "order", "properties")):
            return True
        if named(event.value.column if isinstance(event.value, MoneyField) else event.value):
            return True
    attributes = mapping.attributes
    return attributes is not None and (named(attributes.customer) or named(attributes.columns))


def plan(mapping: Mapping, header: Sequence[str], timezone: str, where: str, *, named: bool = True) -> Plan:
    """Resolve a mapping against the columns of a file.

    Raises
    ------
    BadMapping
        A mapped column is not there (the nearest is named), or its name stands twice in the header.
    """
    zone = mapping.timezone or timezone
    check_timezone(zone, where)
    resolver = _Resolver(header, named, where)
    events = [inherit(mapping, event) for event in mapping.event]
    if not events and mapping.time is not None:
        events = [inherit(mapping, EventMapping())]
    plans = tuple(_event(resolver, event, mapping, zone) for event in events)
    attributes = None
    if mapping.attributes is not None:
        customer = resolver.source(mapping.attributes.customer or mapping.customer, "attributes.customer")
        assert customer is not None
        attributes = (customer, resolver.columns(mapping.attributes.columns, "attributes.columns"))
    return Plan(
        events=plans,
        many=bool(mapping.event),
        attributes=attributes,
        where=resolver.condition(mapping.where),
        empty=tuple(mapping.empty),
        numbers=NumberFormat(mapping.decimal, mapping.thousands),
        needed=tuple(sorted(resolver.needed)),
    )
