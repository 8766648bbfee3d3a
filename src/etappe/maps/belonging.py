"""Belonging: which customers a persona means, as columns over customers, computed when first asked for, stored nowhere.

- `persona`: the one found persona of a customer, by its id; where no persona was found in the data, the first rule, in
  order of ids, that fits. So it divides the customers: every question can be split and filtered by it.
- `persona.ID`: "yes" or "no" for every persona that is found or a rule; a customer may fit several rules.

A customer's whole journey counts, whatever filter comes after. A rule that asks for touchpoints means the customers
that have at least one of them. Where the data have an attribute `persona` of their own, that one stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.analysis.behaviour import Centres, nearest
from etappe.arrays import Column, Int, code_type
from etappe.errors import EtappeError
from etappe.journeys.columns import Journeys
from etappe.maps.persona import Persona

COLUMN: Final = "persona"
YES: Final = ("no", "yes")
Bool = NDArray[np.bool_]


class _Once:
    """What is computed when first asked for, by one thread while others wait."""

    def __init__(self, make: Callable[[], Int]) -> None:
        self._make, self._lock = make, Lock()
        self._held: Int | None = None

    def __call__(self) -> Int:
        with self._lock:
            if self._held is None:
                self._held = self._make()
            return self._held


def digest(personas: Sequence[Persona], centres: Centres | None) -> str:
    """What the columns depend on, beside the journeys."""
    rules = [(p.id, p.kind, p.rule, p.centre) for p in personas if p.kind != "hand"]
    return sha256(msgspec.json.encode([rules, centres])).hexdigest()[:16] if rules else ""


def with_personas(journeys: Journeys, personas: Sequence[Persona], centres: Centres | None) -> Journeys:
    """Journeys with the columns `persona` and `persona.ID`.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.persona import Persona
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> buyer = Persona(schema="persona/1", id="buyer", title="Buyer", kind="rule", rule="did order")
    >>> with_personas(shop, [buyer], None).where("persona = 'buyer'").subjects
    1
    """
    shown = sorted((p for p in personas if p.kind != "hand"), key=lambda p: p.id)
    if not shown:
        return journeys
    found = [p for p in shown if p.kind == "found"]
    near = _Once(lambda: nearest(centres, journeys) if centres is not None else np.full(len(journeys), -1, np.int64))

    def member(p: Persona) -> Bool:
        if p.kind == "rule":
            return by_rule(journeys, p)
        place = [centre.id for centre in centres.centres].index(p.centre or "") if _has(centres, p) and centres else -2
        return np.asarray(near() == place)

    def one(p: Persona) -> Callable[[], Column]:
        return lambda: Column(member(p).astype(np.uint8) + np.uint8(1), (None, *YES))

    def every() -> Column:
        of = found or shown
        codes = np.zeros(len(journeys), code_type(len(of) + 1))
        for code, p in reversed(list(enumerate(of, 1))):
            codes[member(p)] = code
        return Column(codes, (None, *(p.id for p in of)))

    # An attribute `persona` of the data stays: ours come with a `persona.ID`.
    ours = COLUMN not in journeys.attributes or any(name.startswith(f"{COLUMN}.") for name in journeys.attributes)
    own = dict(journeys.lazy_attributes)
    made = ({COLUMN: every} if ours else {}) | {f"{COLUMN}.{p.id}": one(p) for p in shown}
    lake = f"{journeys.origin.lake}+p{digest(personas, centres)}"
    return replace(journeys, lazy_attributes=own | made, origin=replace(journeys.origin, lake=lake))


def _has(centres: Centres | None, p: Persona) -> bool:
    return centres is not None and any(centre.id == p.centre for centre in centres.centres)


def by_rule(journeys: Journeys, p: Persona) -> Bool:
    """(n,) who fits a rule; nobody where the data cannot be asked so."""
    try:
        kept = journeys.where(p.rule or "")
    except EtappeError:
        return np.zeros(len(journeys), bool)
    return np.isin(journeys.subject, kept.subject)


def members(journeys: Journeys, p: Persona) -> Journeys:
    """The journeys of a persona's customers; none of a persona by hand."""
    name = f"{COLUMN}.{p.id}"
    if name not in journeys.attributes:
        return journeys.select(np.zeros(0, np.int64))
    return journeys.where(f"{name} = 'yes'")
