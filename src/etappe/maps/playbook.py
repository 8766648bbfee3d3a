"""Playbook: what the sources advise, as suggestions where a touchpoint's card shows the sign; never a measured fact.

The items stand in playbook.yaml, each with the requirement (a statement of a source) that it comes from. An item fits a
touchpoint of one of its atoms (any where it names none) that shows one of its signs. The aids there say how to see a
touchpoint that no log holds.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from etappe.documents import read
from etappe.vocabulary import Atom, Contact, I18n, Medium

if TYPE_CHECKING:
    from etappe.maps.inventory import Entry, Sign

SIGNS: Final = (
    "exit", "loop", "u-turn", "back-step", "long-wait", "support", "low-score", "narrow", "falling", "carries",
    "indirect", "no-goal", "dark", "unknown",
)  # fmt: skip


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of advice: for which atoms and medium, at which signs, and by what its success would be seen."""

    id: str
    requirement: str
    signs: tuple[str, ...]
    atoms: tuple[Atom, ...] = ()
    medium: Medium | None = None
    title: I18n
    text: I18n
    measure: I18n


class Aid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to see contacts of which no log is kept: for which category, and for which touchpoints in particular."""

    id: str
    requirement: str
    medium: Medium | None = None
    contact: Contact | None = None
    touchpoints: tuple[str, ...] = ()
    title: I18n
    text: I18n


class Playbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All items and aids."""

    items: tuple[Item, ...]
    aids: tuple[Aid, ...]


@cache
def playbook() -> Playbook:
    """The playbook of the package.

    Examples
    --------
    >>> [item.requirement for item in playbook().items][:4]
    ['002-07', '002-08', '002-08', '002-09']
    """
    name = "playbook.yaml"
    return read(files("etappe.maps").joinpath(name).read_text(encoding="utf-8"), Playbook, name)


def items_for(entry: "Entry", signs: "Sequence[Sign]") -> tuple[Item, ...]:
    """The advice that fits a touchpoint: its atom, or the guessed one, and a sign that it shows."""
    atom = entry.touchpoint.atom if entry.touchpoint else entry.guess.atom if entry.guess else None
    medium = entry.touchpoint.medium if entry.touchpoint else entry.guess.medium if entry.guess else None
    kinds = {sign.kind for sign in signs}

    def fits(item: Item) -> bool:
        mine = (not item.atoms or atom in item.atoms) and item.medium in (None, medium)
        return mine and bool(kinds & set(item.signs))

    return tuple(filter(fits, playbook().items))


def aids_for(entry: "Entry") -> tuple[Aid, ...]:
    """How a dark touchpoint could be seen; none for one that the data hold."""
    point = entry.touchpoint
    if entry.state != "dark" or point is None:
        return ()

    def fits(aid: Aid) -> bool:
        if aid.touchpoints:
            return point.id in aid.touchpoints
        return aid.medium in (None, point.medium) and aid.contact in (None, point.contact)

    return tuple(sorted(filter(fits, playbook().aids), key=lambda aid: not aid.touchpoints))
