"""Stages: from touchpoint to atom to stage, by the registry of touchpoints, channels, rules and stage models.

Each touchpoint has one default atom; ordered rules may override it by what came before in the journey. Every stage
model derives from the nine atoms by its table. What matches nothing is unassigned and counted; what a model has no
stage for is not covered, and never forced into a neighbour.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property, partial
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Column, column_of
from etappe.documents import Path, fault, read
from etappe.errors import BadDocument, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.targets import fault_of
from etappe.vocabulary import ATOMS, Atom, AtomRule, Channel, StageModel, Touchpoint, say

UNASSIGNED: Final = 255
"""The atom of a touchpoint that matches nothing in the registry."""


def _folded(name: str) -> str:
    """A name as `find` compares it: in small letters, its words joined in one way."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


class Registry(msgspec.Struct, frozen=True, dict=True):
    """The touchpoints a workspace knows, their channels, the rules for atoms (first fit wins) and the stage models."""

    touchpoints: tuple[Touchpoint, ...]
    rules: tuple[AtomRule, ...]
    channels: tuple[Channel, ...]
    models: tuple[StageModel, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that it says: part of every snapshot that rests on it."""
        return sha256(msgspec.json.encode(self)).hexdigest()

    @cached_property
    def _index(self) -> dict[str, Touchpoint]:
        by_match = {name: touchpoint for touchpoint in self.touchpoints for name in touchpoint.match}
        return by_match | {touchpoint.id: touchpoint for touchpoint in self.touchpoints}

    @cached_property
    def _folded_index(self) -> dict[str, Touchpoint]:
        return {_folded(name): touchpoint for name, touchpoint in self._index.items()}

    def find(self, name: str) -> Touchpoint | None:
        """The touchpoint that a name in the data means: by id, or by `match`.

        Where no name is written just so, capitals and what joins words (a blank, "_", "-") make no difference.

        Examples
        --------
        >>> default_registry().find("visit").id, default_registry().find("Add to cart").id
        ('page_view', 'add_to_cart')
        """
        return self._index.get(name) or self._folded_index.get(_folded(name))

    def model(self, id: str, where: str = "model") -> StageModel:
        """A stage model by its id: m1 to m6, or one of the workspace's own.

        Raises
        ------
        UnknownName
            There is no such model; the message proposes the nearest.
        """
        models = {model.id: model for model in self.models}
        if id not in models:
            raise unknown(where, "stage model", id, models)
        return models[id]


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file: each of the touchpoints after each of the others."""

    touchpoint: str | tuple[str, ...]
    after: str | tuple[str, ...]
    atom: Atom


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    extends: Literal["default", "nothing"] = "default"
    channels: tuple[Channel, ...] = ()
    touchpoints: tuple[Touchpoint, ...] = ()
    rules: tuple[_Rule, ...] = ()
    models: tuple[StageModel, ...] = ()


def _listed(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


class _Check:
    """The refusals of one file, each with its line and path."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where

    def refuse(self, path: Path, what: str, hint: str) -> BadDocument:
        return fault(self.text, self.where, path, what, hint)

    def known(self, path: Path, kind: str, name: str, known: Iterable[str]) -> None:
        names = set(known)
        if name not in names:
            problem = unknown("", kind, name, names)
            raise self.refuse(path, problem.what, problem.hint)

    def once(self, part: str, ids: Iterable[str], path: Path = ()) -> None:
        seen: dict[str, int] = {}
        for at, id in enumerate(ids):
            if id in seen:
                hint = "Each id stands once; rename or remove one of the two."
                raise self.refuse((*path, part, at, "id"), f"{id!r} is the id of {part}[{seen[id]}] already.", hint)
            seen[id] = at

    def touchpoints(self, file: _File, channels: Iterable[str], others: Iterable[str]) -> None:
        owners = {id: f"the id of touchpoint {id!r}" for id in others}
        owners |= {touchpoint.id: f"the id of touchpoint {touchpoint.id!r}" for touchpoint in file.touchpoints}
        channels = set(channels)
        for at, touchpoint in enumerate(file.touchpoints):
            if touchpoint.id in ATOMS:
                hint = "Rules name both, and could not tell them apart."
                raise self.refuse(("touchpoints", at, "id"), f"{touchpoint.id!r} is the name of an atom.", hint)
            self.known(("touchpoints", at, "channel"), "channel", touchpoint.channel, channels)
            if (wrong := fault_of(touchpoint)) is not None:
                raise self.refuse(("touchpoints", at, wrong.where), wrong.what, wrong.hint)
            for m, name in enumerate(touchpoint.match):
                if name in owners:
                    hint = f"A name means one touchpoint. To change what {name!r} is, give the entry that id."
                    raise self.refuse(("touchpoints", at, "match", m), f"{name!r} is {owners[name]} already.", hint)
                owners[name] = f"matched by touchpoint {touchpoint.id!r}"

    def rules(self, file: _File, touchpoints: Iterable[str]) -> None:
        names = {*touchpoints, *ATOMS}
        for at, rule in enumerate(file.rules):
            for name in _listed(rule.touchpoint):
                self.known(("rules", at, "touchpoint"), "touchpoint or atom", name, names)
            for name in _listed(rule.after):
                self.known(("rules", at, "after"), "touchpoint or atom", name, names)

    def models(self, file: _File) -> None:
        for at, model in enumerate(file.models):
            self.once("stages", (stage.id for stage in model.stages), ("models", at))
            missing = [atom for atom in ATOMS if atom not in model.atoms]
            if missing:
                what = f"the atom {missing[0]!r} is missing."
                raise self.refuse(("models", at, "atoms"), what, "Give its stage, or null where the model has none.")
            stages = [stage.id for stage in model.stages]
            for atom, stage in model.atoms.items():
                if stage is not None:
                    self.known(("models", at, "atoms", atom), "stage", stage, stages)


def _by_id(old: Iterable[Any], new: Iterable[Any]) -> tuple[Any, ...]:
    """The old entries with the new ones in the place of those that have the same id, the rest behind them."""
    return tuple(({entry.id: entry for entry in old} | {entry.id: entry for entry in new}).values())


def _without(touchpoint: Touchpoint, names: set[str]) -> Touchpoint:
    kept = tuple(name for name in touchpoint.match if _folded(name) not in names)
    return msgspec.structs.replace(touchpoint, match=kept)


def extend(registry: Registry, yaml_text: str, where: str = "registry") -> Registry:
    """A registry with a workspace's own touchpoints, channels, rules and stage models.

    `extends: default` adds to `registry` and replaces entries that have the same id; the file's rules come first, and a
    name that the file matches is no longer matched by an entry of before. `extends: nothing` starts without
    touchpoints and rules; channels and stage models stay as long as the file names none of its own.

    Raises
    ------
    BadDocument
        The first fault, with its line and path: a double id, an unknown atom, channel or stage, a missing category.

    Examples
    --------
    >>> shop = extend(default_registry(), "rules: [{touchpoint: survey, after: complaint, atom: receive}]", "shop.yaml")
    >>> shop.rules[0].after
    'complaint'
    """
    file = read(yaml_text, _File, where)
    check = _Check(yaml_text, where)
    check.once("channels", (channel.id for channel in file.channels))
    check.once("touchpoints", (touchpoint.id for touchpoint in file.touchpoints))
    check.once("models", (model.id for model in file.models))
    if file.extends == "nothing":
        registry = Registry((), (), () if file.channels else registry.channels, () if file.models else registry.models)
    channels = _by_id(registry.channels, file.channels)
    taken = {_folded(name) for touchpoint in file.touchpoints for name in (touchpoint.id, *touchpoint.match)}
    kept = [_without(touchpoint, taken) for touchpoint in registry.touchpoints]
    touchpoints = _by_id(kept, file.touchpoints)
    check.touchpoints(file, (channel.id for channel in channels), (old.id for old in registry.touchpoints))
    check.rules(file, (touchpoint.id for touchpoint in touchpoints))
    check.models(file)
    rules = tuple(
        AtomRule(touchpoint=touchpoint, after=after, atom=rule.atom)
        for rule in file.rules
        for touchpoint in _listed(rule.touchpoint)
        for after in _listed(rule.after)
    )
    return Registry(touchpoints, rules + registry.rules, channels, _by_id(registry.models, file.models))


def read_defaults() -> Registry:
    """The default registry from the package's YAML files, which are what people read and change."""
    registry = Registry((), (), (), ())
    for name in ("stage_models.yaml", "touchpoints.yaml"):
        registry = extend(registry, _data(name).decode(), name)
    return registry


@cache
def default_registry() -> Registry:
    """The touchpoints of REQUIREMENTS 6 and the six stage models of REQUIREMENTS 7, from the package's data.

    Read from `defaults.json`, which `make docs` writes from the YAML files: reading these
    takes nearly a tenth of a second in every new process.

    Examples
    --------
    >>> [model.id for model in default_registry().models]
    ['m1', 'm2', 'm3', 'm4', 'm5', 'm6']
    """
    return msgspec.json.decode(_data("defaults.json"), type=Registry)


def _data(name: str) -> bytes:
    return files("etappe.journeys").joinpath("data", name).read_bytes()


def atoms_of(journeys: Journeys, registry: Registry) -> NDArray[np.uint8]:
    """The atom of every touchpoint: its default, or that of the first rule that fits what came before it.

    "Before" is the order of the journey: earlier, or at the same instant and received earlier. O(t * rules that apply).

    Returns
    -------
    (t,) uint8, positions in ATOMS; UNASSIGNED where the registry does not know the touchpoint.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3], [0, 1, 2], [0, 1, 0], ["visit", "order"])
    >>> [ATOMS[atom] for atom in atoms_of(shop, default_registry())]
    ['research', 'buy', 'stay']
    """
    from etappe.journeys.atoms import atoms_after

    found = [registry.find(name) for name in journeys.touchpoints]
    defaults = [UNASSIGNED if touchpoint is None else ATOMS.index(touchpoint.atom) for touchpoint in found]

    @cache
    def meant(name: str) -> NDArray[np.bool_]:
        return np.asarray([touchpoint is not None and name in (touchpoint.id, touchpoint.atom) for touchpoint in found])

    rules = [(meant(rule.touchpoint), meant(rule.after), ATOMS.index(rule.atom)) for rule in registry.rules]
    apply = [rule for rule in rules if rule[0].any() and rule[1].any()]
    return atoms_after(journeys.offsets, journeys.touchpoint, np.asarray(defaults, np.uint8), apply)


def labels(journeys: Journeys, registry: Registry, model: str, lang: str = "en") -> dict[str, Callable[[], Column]]:
    """What the registry says of each touchpoint, as columns that are made when first asked for.

    `atom`; `stage` of the default model and `stage.m2` of any other; `medium`, `contact`, `category` (both: "digital,
    direct") and `owner`. There is none where the registry does not know the touchpoint, and no stage where the model
    does not cover the atom.
    """

    @cache
    def atoms() -> NDArray[np.uint8]:
        return atoms_of(journeys, registry)

    def by_atom(value_of: Callable[[Atom], str | None]) -> Column:
        column = column_of([None, *(value_of(atom) for atom in ATOMS)])
        table = np.zeros(256, column.codes.dtype)
        table[: len(ATOMS)] = column.codes[1:]
        return Column(table[atoms()], column.names)

    def by_touchpoint(value_of: Callable[[Touchpoint], str]) -> Column:
        found = [registry.find(name) for name in journeys.touchpoints]
        column = column_of([None, *(None if touchpoint is None else value_of(touchpoint) for touchpoint in found)])
        return Column(column.codes[1:][journeys.touchpoint], column.names)

    def stage(id: str) -> Column:
        return by_atom(lambda atom: registry.model(id, "stage_model").atoms.get(atom))

    return {
        "atom": lambda: by_atom(str),
        "stage": partial(stage, model),
        **{f"stage.{known.id}": partial(stage, known.id) for known in registry.models},
        "medium": lambda: by_touchpoint(lambda touchpoint: touchpoint.medium),
        "contact": lambda: by_touchpoint(lambda touchpoint: touchpoint.contact),
        "category": lambda: by_touchpoint(lambda touchpoint: f"{touchpoint.medium}, {touchpoint.contact}"),
        "owner": lambda: by_touchpoint(lambda touchpoint: say(touchpoint.owner, lang)),
    }


def stage_sequence(atoms: Sequence[Atom], model: StageModel) -> list[str | None]:
    """The stage of each atom in a model, by its id; None where the model does not cover it.

    Examples
    --------
    >>> stage_sequence(["aware", "buy", "receive"], default_registry().model("m4"))
    ['awareness', 'purchase', None]
    """
    return [model.atoms[atom] for atom in atoms]


def undiscovered(journeys: Journeys, registry: Registry) -> list[tuple[str, int, int]]:
    """Touchpoints in the data that the registry does not know: name, events, journeys; the most frequent first.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> undiscovered(journeys_of([0, 3], [0, 1, 2], [0, 1, 0], ["kiosk", "order"]), default_registry())
    [('kiosk', 2, 1)]
    """
    names = journeys.touchpoints
    here = np.asarray([registry.find(name) is None for name in names], bool)[journeys.touchpoint]
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))[here]
    codes = journeys.touchpoint[here].astype(np.int64)
    once_a_journey = np.unique(owner * len(names) + codes) % len(names) if len(names) else codes
    events = np.bincount(codes, minlength=len(names)).tolist()
    holders = np.bincount(once_a_journey, minlength=len(names)).tolist()
    rows = [row for row in zip(names, events, holders, strict=True) if row[1]]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
