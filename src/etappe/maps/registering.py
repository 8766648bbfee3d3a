"""Registering: a touchpoint written into a workspace's registry file; the rest of the file, comments too, stays."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from etappe.documents import load
from etappe.errors import BadDocument, EtappeError
from etappe.journeys.stages import Registry, default_registry, extend
from etappe.maps.applied import new_id
from etappe.maps.document import load_yaml, written
from etappe.maps.guessing import Guess
from etappe.units import read_day
from etappe.vocabulary import ATOMS, I18n, Touchpoint

EMPTY: Final = "extends: default\ntouchpoints: []\n"
FIELDS: Final = tuple(name for name in Touchpoint.__struct_fields__ if name != "id")
TEXTS: Final = ("title", "owner", "goal")


def changed(point: Touchpoint, fields: Mapping[str, Any], lang: str | None = None) -> Touchpoint:
    """A touchpoint with other values; a text in a language leaves those in others.

    Raises
    ------
    BadDocument
        A field is not there, or a value is not of its kind.

    Examples
    --------
    >>> stall = Touchpoint(id="stall", title={"de": "Stand", "en": "Stand"}, medium="analog", contact="direct",
    ...     channel="event", atom="aware", owner="Sales", goal="")
    >>> changed(stall, {"title": "Stall"}, "en").title
    {'de': 'Stand', 'en': 'Stall'}
    """
    for name in fields:
        if name not in FIELDS:
            raise BadDocument(f"touchpoint: {name}", "there is no such field.", f"Fields are {', '.join(FIELDS)}.")
    values = {name: getattr(point, name) for name in FIELDS}
    for name, value in fields.items():
        text = value.strip() if isinstance(value, str) else value
        values[name] = _text(values[name], text, lang) if name in TEXTS and isinstance(text, str) else text
    if values["kpi"] in ("", None):
        values["kpi"], values["target"] = None, values["target"] if values["kpi"] is None else ""
    if isinstance(values["due"], str):
        values["due"] = _day(values["due"])
    try:
        return msgspec.convert({"id": point.id, **values}, Touchpoint)
    except msgspec.ValidationError as error:
        raise BadDocument("touchpoint", f"{str(error)[0].lower()}{str(error)[1:]}.") from None


def _day(text: str) -> date | None:
    try:
        return read_day(text) if text else None
    except EtappeError as error:
        raise BadDocument("touchpoint: due", error.what, error.hint) from None


def _text(old: I18n, text: str, lang: str | None) -> I18n:
    if lang is None or isinstance(old, str):
        return text
    return {**old, lang: text}


def beginning(name: str, guess: Guess, registry: Registry) -> Touchpoint:
    """A touchpoint for a name in the data that nobody described, as it is guessed; it has no goal and no owner yet."""
    taken = {point.id for point in registry.touchpoints} | set(ATOMS)
    plain = name if name not in taken and name.isidentifier() else new_id(name, taken, "touchpoint")
    return Touchpoint(
        id=plain, title=name, medium=guess.medium, contact=guess.contact, channel=guess.channel, atom=guess.atom,
        owner="", goal="", match=() if plain == name else (name,),
    )  # fmt: skip


def registered(text: str | None, point: Touchpoint, where: str = "registry") -> str:
    """The registry file with a touchpoint in it, in the place of the one with its id.

    Raises
    ------
    BadDocument
        The file would have a fault: an unknown channel, a name that means another touchpoint, a target that is none.

    Examples
    --------
    >>> stall = Touchpoint(id="stall", title="Stall", medium="analog", contact="direct", channel="event", atom="aware",
    ...     owner="Sales", goal="People stop")
    >>> text = registered("# ours\\nextends: default # and more\\n", stall)
    >>> text.splitlines()[:3]
    ['# ours', 'extends: default # and more', 'touchpoints:']
    """
    source = EMPTY if text is None or not load(text, where) else text
    data = load_yaml(source, where)
    listed = data.get("touchpoints")
    if listed is None or (isinstance(listed, CommentedSeq) and not listed):
        listed = data["touchpoints"] = CommentedSeq()
    at = next((i for i, one in enumerate(listed) if one["id"] == point.id), None)
    values = _values(point)
    if at is None:
        listed.append(_mapping(values))
    else:
        old = listed[at]
        for name in [name for name in old if name not in values]:
            del old[name]
        for name, value in values.items():
            if name not in old or old[name] != value:
                old[name] = _node(value)
    made = written(data)
    extend(default_registry(), made, where)
    return made


def _values(point: Touchpoint) -> dict[str, Any]:
    """The fields that are written: those that must be, and the others where they say something."""
    kept: dict[str, Any] = {"id": point.id}
    for name in FIELDS:
        value = getattr(point, name)
        if name in ("match", "kpi", "target", "due") and not value:
            continue
        kept[name] = list(value) if isinstance(value, tuple) else value
    return kept


def _mapping(values: Mapping[str, Any]) -> CommentedMap:
    return CommentedMap({name: _node(value) for name, value in values.items()})


def _node(value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    node = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    node.fa.set_flow_style()
    return node
