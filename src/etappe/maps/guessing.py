"""Guessing: what a touchpoint that the registry does not know may be; a proposal for people, never a fact.

By its name where a known name is near, else by words that it shares with known names, else by its place in journeys:
what most of its neighbours are.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from etappe.analysis.ask import ask
from etappe.analysis.transitions import Transitions
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.vocabulary import Atom, Contact, Medium, Touchpoint, say

NEAR: Final = 0.75
"""From so much likeness (0 to 1) on two names are near."""
SHORTEST: Final = 4
"""Words of fewer letters say nothing."""


@dataclass(frozen=True)
class Guess:
    """What a touchpoint may be, and from what that was guessed; `like` is the known one that it may be."""

    of: Literal["name", "words", "position", "nothing"]
    like: str | None
    atom: Atom
    medium: Medium
    contact: Contact
    channel: str


def _words(name: str) -> frozenset[str]:
    apart = re.sub(r"([a-zäöü])([A-ZÄÖÜ])", r"\1 \2", name)
    return frozenset(word for word in re.split(r"[\W_]+", apart.casefold()) if len(word) >= SHORTEST)


def _folded(name: str) -> str:
    return " ".join(re.split(r"[\s_.\-]+", name.strip().casefold()))


def _names(point: Touchpoint) -> set[str]:
    return {point.id, *point.match, *(say(point.title, lang) for lang in ("de", "en"))}


def guesses(known: Journeys, registry: Registry) -> dict[str, Guess]:
    """A guess for each touchpoint that the registry does not know; journeys are under the registry's ids."""
    points = {point.id: point for point in registry.touchpoints}
    strange = [name for name in known.touchpoints if name not in points]
    if not strange:
        return {}
    rows = ask(known, Transitions(medians=False)).rows() if known.events else []
    channels = _channels(known, set(strange))
    folded = {_folded(name): point.id for point in reversed(registry.touchpoints) for name in sorted(_names(point))}
    words = {point.id: [_words(name) for name in _names(point)] for point in registry.touchpoints}
    known_by = _Known(points, folded, words, registry)
    return {name: known_by.guess(name, rows, channels.get(name)) for name in strange}


@dataclass(frozen=True)
class _Known:
    """What is known, in the forms in which names are compared."""

    points: Mapping[str, Touchpoint]
    folded: Mapping[str, str]
    words: Mapping[str, list[frozenset[str]]]
    registry: Registry

    def guess(self, name: str, rows: list[dict[str, Any]], channel: str | None) -> Guess:
        """What a name may be."""
        points, registry = self.points, self.registry
        near = get_close_matches(_folded(name), self.folded, n=1, cutoff=NEAR)
        if near:
            like = self.folded[near[0]]
            return _as("name", points[like], like, channel, registry)
        mine = _words(name)
        shared = max(((max(len(mine & one) for one in sets), id) for id, sets in self.words.items()), default=(0, ""))
        if shared[0]:
            return _as("words", points[shared[1]], None, channel, registry)
        around: Counter[str] = Counter()
        for row in rows:
            if row["from"] == name and row["to"] in points:
                around[row["to"]] += row["count"]
            elif row["to"] == name and row["from"] in points:
                around[row["from"]] += row["count"]
        if not around:
            return Guess("nothing", None, "research", "digital", "direct", _known(channel, registry) or "web")
        return Guess(
            "position",
            None,
            _most(around, {id: points[id].atom for id in around}),
            _most(around, {id: points[id].medium for id in around}),
            _most(around, {id: points[id].contact for id in around}),
            _known(channel, registry) or _most(around, {id: points[id].channel for id in around}),
        )


def _as(of: Literal["name", "words"], point: Touchpoint, like: str | None, channel: str | None, r: Registry) -> Guess:
    return Guess(of, like, point.atom, point.medium, point.contact, _known(channel, r) or point.channel)


def _known(channel: str | None, registry: Registry) -> str | None:
    return channel if channel in {one.id for one in registry.channels} else None


def _most(counts: Mapping[str, int], value_of: Mapping[str, Any]) -> Any:
    found: Counter[Any] = Counter()
    for id, count in counts.items():
        found[value_of[id]] += count
    return max(found, key=lambda value: (found[value], str(value)))


def _channels(known: Journeys, names: set[str]) -> dict[str, str]:
    """The channel in which most events of each touchpoint lie, where the data have channels."""
    import numpy as np

    if "channel" not in known.columns or not known.events:
        return {}
    column = known.column("channel")
    found: dict[str, str] = {}
    for code, name in enumerate(known.touchpoints):
        if name in names:
            counts = np.bincount(column.codes[known.touchpoint == code], minlength=len(column.names))
            top = column.names[int(counts.argmax())] if counts.any() else None
            if top is not None:
                found[name] = top
    return found
