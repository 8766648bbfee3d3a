"""Vocabulary: the field's words as structs. docs/vocabulary.md explains each, and a test holds the two together."""

from datetime import date
from typing import Final, Literal

import msgspec

I18n = str | dict[str, str]
"""A text, or a text for each language: {"de": "Kauf", "en": "Purchase"}."""

Medium = Literal["analog", "digital"]
Contact = Literal["direct", "indirect"]
Atom = Literal["aware", "research", "compare", "decide", "buy", "receive", "stay", "rate", "recommend"]

ATOMS: Final[tuple[Atom, ...]] = (
    "aware", "research", "compare", "decide", "buy", "receive", "stay", "rate", "recommend",
)  # fmt: skip
"""The nine atoms from which every stage model derives, in the order of a journey."""

Kpi = Literal["reach", "conversion", "onward", "time", "exit", "satisfaction", "revenue"]
"""Figures of a touchpoint's score card that a target can be set for."""


def say(text: I18n, lang: str) -> str:
    """A text in a language; a missing translation falls back to English, then to the first there is."""
    if isinstance(text, str):
        return text
    return text.get(lang) or text.get("en") or next(iter(text.values()), "")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a source sent about one customer at one moment."""

    customer: str
    time_us: int
    touchpoint: str
    channel: str | None = None
    value: int | None = None
    """In 1/10,000 of `currency`."""
    currency: str | None = None
    order: str | None = None
    properties: dict[str, str | int | float | bool | None] = {}


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a contact happens."""

    id: str
    title: I18n


class Touchpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact as the customer sees it; medium and contact, the 2x2 category of source 004, are mandatory."""

    id: str
    title: I18n
    medium: Medium
    contact: Contact
    channel: str
    atom: Atom
    owner: I18n
    """The department that answers for it."""
    goal: I18n
    match: tuple[str, ...] = ()
    """Names in the data that mean this touchpoint, besides its id."""
    kpi: Kpi | None = None
    """The figure by which the goal is judged."""
    target: str | float = ""
    """What the figure shall come to: "25 %", a time such as "2d", or a number."""
    due: date | None = None
    """The day by which: 2026-12-31."""


class AtomRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A touchpoint's atom where something came before it: a visit after a purchase is `stay`, not `research`."""

    touchpoint: str
    after: str
    atom: Atom


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named part of a journey, in one stage model."""

    id: str
    title: I18n
    text: I18n = ""


class StageModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to divide a journey: its stages in order, and the stage of each atom (None: not covered, never forced)."""

    id: str
    title: I18n
    source: str
    stages: tuple[Stage, ...]
    atoms: dict[Atom, str | None]
    labels: dict[Atom, I18n] = {}
    """A name within the stage, such as "Erwägung" within "Vorkaufphase"."""
    inferred: tuple[Atom, ...] = ()
    """Atoms whose stage is our inference: the source names no such case."""
    disputed: tuple[Atom, ...] = ()
    """Atoms whose stage other sources see elsewhere."""
