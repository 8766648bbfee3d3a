"""Difference: what has changed from one revision of a map to another, part by part, in words."""

from typing import Any, Final, Literal

import msgspec

from etappe.language import number, word
from etappe.maps.merge import unmoved
from etappe.maps.model import JourneyMap
from etappe.maps.parts import MAP, Name, Parts, stage_of, taken_apart
from etappe.vocabulary import I18n, say

What = Literal["added", "removed", "changed", "moved"]
AT: Final = ("id", "lane", "step", "stage", "from", "to")
"""Fields that say which part it is."""


class FieldChange(msgspec.Struct, frozen=True):
    """A field before and after, as it stands in the map; None where it is not there."""

    field: str
    before: Any
    after: Any


class PartChange(msgspec.Struct, frozen=True):
    """What happened to one part."""

    kind: str
    id: str
    what: What
    fields: tuple[FieldChange, ...] = ()


def difference(before: JourneyMap, after: JourneyMap) -> list[PartChange]:
    """What has changed from one map to another, in the order of the map.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> shop = template("five-stages")
    >>> difference(shop, msgspec.structs.replace(shop, scenario="Lena"))[0].fields[0].after
    'Lena'
    """
    old, new = taken_apart(before), taken_apart(after)
    moved = _moved(old, new)
    found: list[PartChange] = []
    fields: list[tuple[str, Any, Any]]
    for name in dict.fromkeys((*_in_order(new), *_in_order(old))):
        was, now = old.values.get(name), new.values.get(name)
        if was is None or now is None:
            what: What = "added" if was is None else "removed"
            value = now or was or {}
            fields = [(key, None, inner) if now else (key, inner, None) for key, inner in value.items()]
            fields = [one for one in fields if one[0] not in AT]
        elif was == now and name not in moved:
            continue
        else:
            what = "moved" if was == now else "changed"
            keys = dict.fromkeys((*was, *now))
            fields = [(key, was.get(key), now.get(key)) for key in keys if was.get(key) != now.get(key)]
            if name in moved and name[0] == "step":
                homes = [stage_of(parts.orders["row"], name) for parts in (old, new)]
                if homes[0] != homes[1]:
                    fields.append(("stage", homes[0] and homes[0][1], homes[1] and homes[1][1]))
        found.append(PartChange(*name, what, tuple(FieldChange(*one) for one in fields)))
    return found


def _in_order(parts: Parts) -> list[Name]:
    return [MAP, *parts.orders["row"], *(name for kind, of in parts.orders.items() if kind != "row" for name in of)]


def _moved(old: Parts, new: Parts) -> set[Name]:
    """What has another place among the others."""
    found: set[Name] = set()
    for kind, order in old.orders.items():
        after = [name for name in new.orders[kind] if name in old.values]
        before = [name for name in order if name in new.values]
        if kind != "cell":  # the order of cells means nothing
            found |= set(before) - unmoved(before, after)
    return found


def told(changes: list[PartChange], before: JourneyMap, after: JourneyMap, lang: str) -> list[dict[str, Any]]:
    """Changes as people read them: which part, what happened, and each field before and after."""
    titles = _titles(before, lang) | _titles(after, lang)
    return [
        {
            "kind": change.kind,
            "id": change.id,
            "what": change.what,
            "label": _label(change, titles, lang),
            "text": word(f"map.change.{change.what}", lang),
            "fields": [
                {
                    "field": one.field,
                    "title": word(f"map.field.{one.field}", lang) if one.field in TITLED else one.field,
                    "before": _text(one.before, lang),
                    "after": _text(one.after, lang),
                }
                for one in change.fields
                if one.before not in ("", None) or one.after not in ("", None)
            ],
        }
        for change in changes
    ]


def _titles(m: JourneyMap, lang: str) -> dict[Name, str]:
    named: list[tuple[str, str, I18n]] = [
        *(("lane", lane.id, lane.title) for lane in m.lanes),
        *(("stage", stage.id, stage.title) for stage in m.stages),
        *(("step", step.id, step.title) for step in m.steps),
        *(("touchpoint", point.id, point.title) for point in m.touchpoints),
        *(("opportunity", one.id, one.title) for one in m.opportunities),
        *(("study", one.id, one.title) for one in m.studies),
        *(("evidence", one.id, one.title or one.metric or one.id) for one in m.evidence),
    ]
    return {(kind, id): say(title, lang) or id for kind, id, title in named}


def _label(change: PartChange, titles: dict[Name, str], lang: str) -> str:
    def place(at: str) -> str:
        if at.startswith("stage:"):
            return titles.get(("stage", at.removeprefix("stage:")), at)
        return " – ".join(titles.get(("step", id), id) for id in at.split(".."))

    if change.kind == "cell":
        lane, _, at = change.id.partition(" @ ")
        return f"{titles.get(('lane', lane), lane)} · {place(at)}"
    if change.kind == "edge":
        start, _, end = change.id.partition(" (")[0].partition(" > ")
        return f"{place(start)} → {place(end)}"
    kind = word(f"map.part.{change.kind}", lang)
    return kind if change.kind == "map" else f"{kind}: {titles.get((change.kind, change.id), change.id)}"


def _text(value: Any, lang: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return word("map.yes" if value else "map.no", lang)
    if isinstance(value, (int, float)):
        return number(value, lang, 0 if value == int(value) else 1)
    if isinstance(value, dict) and set(value) <= {"de", "en"}:
        return say(value, lang)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_text(one, lang)) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(inner, lang)}" for key, inner in value.items())
    return str(value)


TITLED: Final = frozenset(
    (
        "title", "text", "score", "arc", "severity", "quotes", "evidence", "researched", "validated", "opportunity",
        "stage", "touchpoint", "scenario", "expectation", "personas", "owner", "goal", "impact", "effort", "status",
        "review", "target", "metric", "window", "population", "finding", "started", "finished",
    )
)  # fmt: skip
"""Fields with a title in the languages; others are named as in the file."""
