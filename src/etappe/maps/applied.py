"""Applied: what each edit does to the parts of a map, and to what stands at them."""

import re
from typing import Any, Final, cast

from etappe.errors import BadDocument, unknown
from etappe.maps.edits import Add, Bind, Change, Edit, Move, Remove, Span, Unbind, Write
from etappe.maps.parts import KINDS, MAP, REFERENCES, Name, Parts, Value, place_fields, place_of

_ROW: Final = ("stage", "step")
TEXTS: Final = frozenset(
    ("title", "text", "goal", "goal_customer", "goal_business", "scenario", "expectation", "notes", "label", "finding")
)
"""Fields that may say the same in several languages."""


def apply(parts: Parts, edit: Edit, where: str) -> None:
    """Do an edit to the parts of a map, in place."""
    _APPLY[type(edit)](parts, edit, where)


def new_id(title: str, taken: set[str], kind: str) -> str:
    """A short id for a part: a step the next number, others from their title.

    Examples
    --------
    >>> new_id("Pain points", {"pain-points"}, "lane"), new_id("", {"s1", "s7"}, "step")
    ('pain-points-2', 's8')
    """
    if kind == "step":
        return f"s{max((int(id[1:]) for id in taken if re.fullmatch(r's[0-9]{1,6}', id)), default=0) + 1}"
    plain = title.lower()
    for letter, plainly in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        plain = plain.replace(letter, plainly)
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or kind
    found, again = base, 2
    while found in taken:
        found, again = f"{base}-{again}", again + 1
    return found


# -- finding -----------------------------------------------------------------------------------------------------


def _find(parts: Parts, kind: str, id: str, where: str) -> Name:
    if kind == "map":
        return MAP
    if (kind, id) not in parts.values:
        raise unknown(where, kind, id, [name[1] for name in parts.values if name[0] == kind])
    return kind, id


def _cell(parts: Parts, lane: str, place: str, where: str) -> Name:
    name = ("cell", f"{lane} @ {place}")
    if name not in parts.values:
        raise unknown(where, "cell", name[1], [known[1] for known in parts.values if known[0] == "cell"])
    return name


def _order(parts: Parts, kind: str) -> list[Name]:
    return parts.orders["row" if kind in _ROW else kind]


def _with(value: Value, fields: dict[str, Any]) -> Value:
    """A value with some fields changed; None takes one away."""
    return {key: inner for key, inner in {**value, **fields}.items() if inner is not None}


def _said(parts: Parts, value: Value, fields: dict[str, Any], lang: str | None) -> dict[str, Any]:
    """Fields in which a plain text stands beside what the value says in other languages."""
    own = str(parts.values[MAP].get("language", "de"))
    lang = lang or own
    return {key: _one_text(value.get(key, ""), new, lang, own) if key in TEXTS else new for key, new in fields.items()}


def _one_text(old: Any, new: Any, lang: str, own: str) -> Any:
    if not isinstance(new, str) or not new or not old or (isinstance(old, str) and lang == own):
        return new  # who empties a text empties it in every language: another would show through
    return {**(old if isinstance(old, dict) else {own: old}), lang: new}


# -- cells -------------------------------------------------------------------------------------------------------


def _at(parts: Parts, place: str, where: str) -> Value:
    """The fields of a cell at a place; a span from a step to itself is that step, and runs from left to right."""
    at = place_fields(place)
    for key, id in at.items():
        _find(parts, "stage" if key == "stage" else "step", id, where)
    if "from" not in at:
        return at
    steps = [id for kind, id in parts.orders["row"] if kind == "step"]
    first, last = sorted(at.values(), key=steps.index)
    return {"step": first} if first == last else {"from": first, "to": last}


def _write(parts: Parts, edit: Write, where: str) -> None:
    _find(parts, "lane", edit.lane, where)
    at = _at(parts, edit.place, where)
    name = ("cell", f"{edit.lane} @ {place_of(at)}")
    old = parts.values.get(name, {"lane": edit.lane, **at})
    value = _with(old, _said(parts, old, edit.fields, edit.lang))
    said = {key for key in value if key != "lane" and key not in at and value[key] not in ("", [], ())}
    if said:
        parts.values[name] = value
        if name not in parts.orders["cell"]:
            parts.orders["cell"].append(name)
    else:
        _drop(parts, name)
        _drop_loose(parts)


def _span(parts: Parts, edit: Span, where: str) -> None:
    name = _cell(parts, edit.lane, edit.place, where)
    lane = edit.to_lane or edit.lane
    _find(parts, "lane", lane, where)
    at = _at(parts, edit.to_place or edit.place, where)
    rest = {k: v for k, v in parts.values[name].items() if k not in ("lane", "step", "stage", "from", "to")}
    parts.values[name] = {"lane": lane, **at, **rest}


def _bind(parts: Parts, edit: Bind, where: str) -> None:
    id = _evidence(parts, edit.evidence, where)
    name = ("cell", f"{edit.lane} @ {place_of(_at(parts, edit.place, where))}")
    refs = _refs(parts.values.get(name, {}))
    both = [*refs, id] if id not in refs else refs
    _write(parts, Write(lane=edit.lane, place=edit.place, fields={"evidence": _as_written(both)}), where)


def _evidence(parts: Parts, given: Value, where: str) -> str:
    """The id of an evidence: of one that the map has, by its id or because it asks the same; else of a new one."""
    asked = {key: value for key, value in given.items() if key != "id"}
    known = {name[1]: value for name, value in parts.values.items() if name[0] == "evidence"}
    if given.get("id") in known or not asked:
        return _find(parts, "evidence", str(given.get("id")), where)[1]
    same = [id for id, value in known.items() if {k: v for k, v in value.items() if k != "id"} == asked]
    if same:
        return same[0]
    id = str(given.get("id") or new_id(str(given.get("metric") or "evidence"), set(known), "evidence"))
    parts.orders["evidence"].append(("evidence", id))
    parts.values["evidence", id] = {"id": id, **asked}
    return id


def _unbind(parts: Parts, edit: Unbind, where: str) -> None:
    name = _cell(parts, edit.lane, edit.place, where)
    rest = [ref for ref in _refs(parts.values[name]) if ref != edit.evidence]
    _write(parts, Write(lane=edit.lane, place=edit.place, fields={"evidence": _as_written(rest)}), where)
    _drop_loose(parts, edit.evidence)


def _refs(value: Value) -> list[str]:
    given = value.get("evidence") or []
    return [given] if isinstance(given, str) else list(given)


def _as_written(refs: list[str]) -> str | list[str] | None:
    return refs[0] if len(refs) == 1 else refs or None


def _drop_loose(parts: Parts, only: str | None = None) -> None:
    """Drop evidence that no cell and no opportunity names any more."""
    used = {ref for name, value in parts.values.items() if name[0] == "cell" for ref in _refs(value)}
    for name, value in parts.values.items():
        if name[0] == "opportunity":
            used |= {*value.get("addresses", ()), str(value.get("result"))}
    for name in list(parts.orders["evidence"]):
        if name[1] not in used and only in (None, name[1]):
            _drop(parts, name)


# -- other parts -------------------------------------------------------------------------------------------------


def _add(parts: Parts, edit: Add, where: str) -> None:
    order, value = _order(parts, edit.kind), dict(edit.value)
    if edit.kind == "edge":
        for key in ("from", "to"):
            _find(parts, "step", str(value.get(key)), f"{where}.value.{key}")
        name: Name = ("edge", f"{value['from']} > {value['to']} ({value.get('kind', 'next')})")
    else:
        taken = {known[1] for known in parts.values if known[0] == edit.kind}
        title = value.get("title", "")
        said = str(next(iter(title.values()), "")) if isinstance(title, dict) else str(title)
        value["id"] = str(value.get("id") or new_id(said, taken, edit.kind))
        name = (edit.kind, value["id"])
    if name in parts.values:
        raise BadDocument(f"{where}.value.id", f"the id '{name[1]}' is taken.", "Give it another one.")
    if edit.kind == "step":
        value.pop("stage", None)
    parts.values[name] = value
    order.insert(_behind(parts, edit.kind, edit.after, where), name)


def _behind(parts: Parts, kind: str, after: str | None, where: str, *, front: bool = False) -> int:
    """Where a part goes; a stage goes behind the last step of the one before it."""
    order = _order(parts, kind)
    if after is None:
        if kind == "step" and not any(name[0] == "stage" for name in order):
            raise BadDocument(where, "a step stands in a stage, and the map has none.", "Add a stage first.")
        return (1 if kind == "step" else 0) if front else len(order)
    if kind == "step" and ("stage", after) in parts.values and ("step", after) not in parts.values:
        return order.index(("stage", after)) + 1
    at = order.index(_find(parts, kind, after, where)) + 1
    while kind == "stage" and at < len(order) and order[at][0] == "step":
        at += 1
    return at


def _change(parts: Parts, edit: Change, where: str) -> None:
    name = _find(parts, edit.kind, edit.id, where)
    if "id" in edit.fields or (edit.kind == "map" and set(edit.fields) & {"schema", *KINDS.values(), "revision"}):
        raise BadDocument(f"{where}.fields", "an id and whole lists are not changed so.", "Add, move and remove parts.")
    old = parts.values[name]
    parts.values[name] = _with(old, _said(parts, old, edit.fields, edit.lang))


def _move(parts: Parts, edit: Move, where: str) -> None:
    name = _find(parts, edit.kind, edit.id, where)
    order = _order(parts, edit.kind)
    if edit.after == edit.id:
        return
    with_steps = [name]
    if edit.kind == "stage":
        at = order.index(name) + 1
        while at < len(order) and order[at][0] == "step":
            with_steps.append(order[at])
            at += 1
    order[:] = [one for one in order if one not in with_steps]
    at = _behind(parts, edit.kind, edit.after, where, front=True)
    order[at:at] = with_steps
    _mend_spans(parts)


def _mend_spans(parts: Parts) -> None:
    """A span whose ends have changed sides runs from left to right again."""
    steps = [id for kind, id in parts.orders["row"] if kind == "step"]
    for name, value in parts.values.items():
        if name[0] == "cell" and "from" in value and steps.index(value["from"]) > steps.index(value["to"]):
            value["from"], value["to"] = value["to"], value["from"]


def _remove(parts: Parts, edit: Remove, where: str) -> None:
    name = _find(parts, edit.kind, edit.id, where)
    row = parts.orders["row"]
    if edit.kind == "stage":
        at = row.index(name) + 1
        while at < len(row) and row[at][0] == "step":
            _remove(parts, Remove(kind="step", id=row[at][1]), where)
    if edit.kind == "step":
        _shrink_spans(parts, name[1])
    _drop(parts, name)
    _let_go(parts, name)
    _drop_loose(parts)


def _shrink_spans(parts: Parts, step: str) -> None:
    steps = [id for kind, id in parts.orders["row"] if kind == "step"]
    at = steps.index(step)
    for name, value in parts.values.items():
        if name[0] != "cell" or "from" not in value or step not in (value["from"], value["to"]):
            continue
        if value["from"] != value["to"]:
            key, near = ("from", at + 1) if value["from"] == step else ("to", at - 1)
            value[key] = steps[near]
        if value["from"] == value["to"] != step:
            value["step"] = value.pop("from")
            value.pop("to")


def _let_go(parts: Parts, gone: Name) -> None:
    """Remove what stood at a part, and the names of it in what stays."""
    for name, value in list(parts.values.items()):
        if name[0] == "cell" and value["lane"] == gone[1] and gone[0] == "lane":
            _drop(parts, name)
            continue
        for key, kind in REFERENCES.get(name[0], ()):
            if kind != gone[0] or key not in value:
                continue
            if key in ("step", "stage", "from", "to") and name[0] in ("cell", "edge"):
                if value[key] == gone[1]:
                    _drop(parts, name)
            elif key == "evidence":
                parts.values[name] = _with(value, {key: _as_written([r for r in _refs(value) if r != gone[1]])})
            elif value[key] == gone[1]:
                parts.values[name] = _with(value, {key: None})
    for name, value in parts.values.items():
        if name[0] == "opportunity":
            at = f"/{gone[1]}"
            left = [ref for ref in value.get("addresses", ()) if ref != gone[1] and not ref.endswith(at)]
            parts.values[name] = _with(value, {"addresses": left or None})


def _drop(parts: Parts, name: Name) -> None:
    if parts.values.pop(name, None) is not None:
        _order(parts, name[0]).remove(name)


_APPLY: Final = cast(
    dict[type, Any],
    {
        Write: _write,
        Span: _span,
        Add: _add,
        Change: _change,
        Move: _move,
        Remove: _remove,
        Bind: _bind,
        Unbind: _unbind,
    },
)
