"""Opportunity: from a finding to something that a department changes: what it addresses, its dates, its decisions."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from etappe.analysis.ask import question_of
from etappe.analysis.signals import SIGNALS
from etappe.errors import BadQuestion
from etappe.language import LANGUAGES, day, word
from etappe.maps.applied import new_id
from etappe.maps.binder import Binder
from etappe.maps.bound import SHOWN, Bound
from etappe.maps.edits import Add, Edit
from etappe.maps.evidence import bind_one, whose
from etappe.maps.figures import interval_text, n_text, value_text
from etappe.maps.model import Evidence, JourneyMap, Opportunity, Pick, Window
from etappe.maps.parts import place_of
from etappe.vocabulary import I18n, say

UNDER_WAY: Final = ("running", "done")


def addressed(document: JourneyMap, one: Opportunity, binder: Binder | None = None) -> tuple[Evidence, ...]:
    """The evidence that an opportunity addresses: its own, that of the cells it addresses and of those that name it.

    With journeys, evidence in the lanes of a persona is about that persona's customers, as on the map.

    Examples
    --------
    >>> shop = JourneyMap(schema="journey-map/1", id="shop", title="", evidence=(Evidence(id="e1"), Evidence(id="e2")))
    >>> [e.id for e in addressed(shop, Opportunity(id="o1", title="", addresses=("e2",)))]
    ['e2']
    """
    known = {e.id: e for e in whose(document, binder)}
    at: dict[str, list[str]] = {}
    for cell in document.cells:
        place = place_of(msgspec.to_builtins(cell))
        for key in {f"{cell.lane}/{place}", f"{cell.lane}/{cell.step or cell.stage or cell.start}"}:
            at.setdefault(key, []).extend(cell.refs)
    ids = [id for ref in one.addresses for id in ([ref] if ref in known else at.get(ref, []))]
    ids += [ref for cell in document.cells if cell.opportunity == one.id for ref in cell.refs]
    ids += [one.result] if one.result else []
    return tuple(known[id] for id in dict.fromkeys(ids) if id in known)


def measured_by(document: JourneyMap, one: Opportunity, binder: Binder | None = None) -> tuple[Evidence, ...]:
    """The evidence by which the effect of an opportunity is measured: its result, or all that it addresses."""
    found = addressed(document, one, binder)
    return tuple(e for e in found if e.id == one.result) or found


def dated(old: JourneyMap | None, new: JourneyMap, today: date) -> JourneyMap:
    """The map with the days of changes that have begun or ended since: where nobody gave a day, it is today."""
    before = {one.id: one for one in old.opportunities} if old else {}
    found = tuple(_dated(before.get(one.id), one, today.isoformat()) for one in new.opportunities)
    return new if found == new.opportunities else msgspec.structs.replace(new, opportunities=found)


def _dated(old: Opportunity | None, one: Opportunity, today: str) -> Opportunity:
    if old is None:
        return one
    if old.status == one.status:
        if not one.started or not one.finished or one.finished == old.finished or one.started != old.started:
            return one
        return msgspec.structs.replace(one, started=min(one.started, one.finished))
    given = {"started": one.started != old.started, "finished": one.finished != old.finished}
    started, finished = one.started, one.finished
    if one.status != "done" and not given["finished"]:
        finished = None  # what is taken up again reaches nobody for good yet
    if one.status not in UNDER_WAY and not given["started"]:
        started = None
    if one.status == "running":
        started = started or min(today, finished or today)
    if one.status == "done":
        finished = finished or today
        started = started if started and (given["started"] or started <= finished) else finished
    return msgspec.structs.replace(one, started=started, finished=finished)


def decided(old: JourneyMap | None, new: JourneyMap) -> Iterator[tuple[Opportunity, str]]:
    """The opportunities whose status has changed, each with the status before ("": there was none)."""
    before = {one.id: one.status for one in old.opportunities} if old else {}
    for one in new.opportunities:
        if before.get(one.id, "") != one.status:
            yield one, before.get(one.id, "")


def from_finding(
    document: JourneyMap,
    binder: Binder,
    question: Mapping[str, Any],
    row: Mapping[str, Any],
    *,
    column: str | None = None,
    condition: str | None = None,
    days: tuple[str | None, str | None] = (None, None),
    title: I18n = "",
    impact: int | None = None,
    effort: int | None = None,
    owner: I18n = "",
) -> tuple[Opportunity, list[Edit]]:
    """An opportunity out of a row of an answer, and the edits that put it and its evidence into a map.

    Parameters
    ----------
    question, row : what was asked, and the row that shows it
    column : the number of the row; by default the share of a friction, the step's conversion of a funnel
    condition : the filter under which it was asked
    days : first and last day of the period in which it was found; only the words of the finding are about it

    Raises
    ------
    BadQuestion
        The question cannot be asked so, or the row has no such number.
    """
    asked = {key: value for key, value in question.items() if value is not None}
    if asked.get("question") == "opportunities":
        loss = _evidence(binder, asked, row, column or "loss", "down", condition)
        keys = ("goal", "per", "errors", "support", "score", "low_score", "slow", "dwell", "near", "within")
        friction = {"question": "friction", **{key: asked[key] for key in keys if key in asked}}
        found = [_evidence(binder, friction, row, "share", "down", condition), loss]
    else:
        column = column or _COLUMNS.get(str(asked.get("question")), "")
        kind = str(asked.get("question"))
        better = "up" if "conversion" in column else "down" if kind == "friction" and column == "share" else None
        found = [_evidence(binder, asked, row, column, better, condition)]
    for e in found:
        question_of(e.question or {})
    bound = [bind_one(e, binder) for e in found]
    for b in bound:
        if b.state in ("failed", "none"):
            raise BadQuestion("row", f"has no such number: {say(b.why, 'en')}", "Send a row of the answer as it is.")
    known = {e.id for e in document.evidence}
    named, edits = [], list[Edit]()
    for e in found:
        same = [old.id for old in document.evidence if msgspec.structs.replace(old, id="") == e]
        id = same[0] if same else new_id(f"{e.question['question'] if e.question else 'evidence'}", known, "evidence")
        known.add(id)
        named.append(id)
        if not same:
            edits.append(Add(kind="evidence", value=msgspec.to_builtins(msgspec.structs.replace(e, id=id))))
    said = title or found[0].title
    taken = {one.id for one in document.opportunities}
    id = new_id(say(said, document.language), taken, "opportunity")
    one = Opportunity(
        id=id, title=said, addresses=tuple(named), impact=impact, effort=effort, owner=owner, result=named[0],
        finding=_found(found, binder, days) if any(days) else finding_text(bound),
    )  # fmt: skip
    return one, [*edits, Add(kind="opportunity", value=msgspec.to_builtins(one))]


_COLUMNS: Final = {"friction": "share", "funnel": "step_conversion", "transitions": "share"}
_KEYS: Final = {"friction": ("touchpoint", "to", "signal"), "opportunities": ("touchpoint", "to", "signal"),
                "funnel": ("position", "step"), "transitions": ("from", "to")}  # fmt: skip


def _evidence(
    binder: Binder, asked: dict[str, Any], row: Mapping[str, Any], column: str, better: Any, condition: str | None
) -> Evidence:
    kind = str(asked.get("question"))
    if kind not in _KEYS or not column:
        what = f"no opportunity is made from {kind!r}."
        raise BadQuestion("question", what, f"There are: {', '.join(sorted(_KEYS))}.")
    where = {key: row[key] for key in _KEYS[kind] if row.get(key) is not None}
    if asked.get("by"):
        if row.get("group") is None:
            raise BadQuestion("row: group", "is missing.", "Send the row of a group that has a name.")
        where["group"] = row["group"]
    return Evidence(
        id="", title=_label(binder, kind, row, column), question=asked, value=Pick(column=column, where=where),
        better=better, filter=condition or None,
    )  # fmt: skip


def _label(binder: Binder, kind: str, row: Mapping[str, Any], column: str) -> I18n:
    """What the number is, with the titles that the registry has for touchpoints."""

    def title(key: str, lang: str) -> str:
        name = str(row.get(key) or "")
        known = binder.registry.find(name) if binder.registry else None
        return say(known.title, lang) if known else name

    def said(lang: str) -> str:
        if row.get("signal") in SIGNALS:
            place = " → ".join(title(key, lang) for key in ("touchpoint", "to") if row.get(key))
            end = "loss" if column == "loss" else "signal"
            signal = word(f"ui.explore.signal.{row['signal']}", lang)
            return word(f"opportunity.label.{end}", lang, place=place, signal=signal)
        if kind == "funnel":
            return word("opportunity.label.funnel", lang, step=title("step", lang))
        return word("opportunity.label.transitions", lang, start=title("from", lang), end=title("to", lang))

    group = row.get("group")
    return {lang: said(lang) if group is None else f"{said(lang)} ({group})" for lang in LANGUAGES}


def finding_text(bound: list[Bound]) -> I18n:
    """The numbers of a finding in words, as they are today."""

    def one(b: Bound, lang: str) -> str:
        rest = [text for text in (interval_text(b, lang), n_text(b, lang)) if text]
        return f"{say(b.label, lang)}: {value_text(b, lang)}" + (f" ({', '.join(rest)})" if rest else "")

    return {lang: "; ".join(one(b, lang) for b in bound if b.state in SHOWN) for lang in LANGUAGES}


def _found(found: list[Evidence], binder: Binder, days: tuple[str | None, str | None]) -> I18n:
    """The numbers of a finding in the days in which it was found, and these days."""
    window = Window(start=days[0], end=days[1])
    told = finding_text([bind_one(msgspec.structs.replace(e, window=window), binder) for e in found])
    if not say(told, "en"):
        raise BadQuestion("from, to", "there is no such number in these days.", "Choose days that hold the finding.")
    ends = {lang: " – ".join(day(one, lang) if one else "" for one in days).strip() for lang in LANGUAGES}
    return {lang: f"{say(told, lang)} ({ends[lang]})" for lang in LANGUAGES}
