"""Parts: what some customers contribute to an answer, and the answer that parts come to; the same on each engine.

A part holds partials (etappe.analysis.partials), one for each group of its journeys. Customers are whole in a part.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from etappe.analysis.answer import Answer, Finding, Question, answer_of
from etappe.analysis.ask import module_of
from etappe.analysis.groups import groups_of, refuse_many
from etappe.analysis.kinds import QUESTIONS
from etappe.analysis.partials import Partial, base_of, fit
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys, Origin
from etappe.journeys.stages import Registry

ROWS: Final = 16_000_000
"""So many rows of one list are held for all parts together; what is more is rounded, and the answer says so."""

WHY: Final = {
    "flow": "Its days have codes of their own in each part.",
    "attribution": "A bootstrap of a chain, or of Shapley values by rate, solves each repetition from the journeys.",
    "contacts": "Its price classes begin at the quartiles of all first purchases.",
    "rfm": "Its scores are ranks among all customers.",
    "clv": "Its model is fitted to all customers at once.",
}
"""Why parts do not add up, in a sentence."""


@dataclass(frozen=True)
class Contribution:
    """A group's share in a part; the group is None where the question has none, or for those without a value."""

    group: str | None
    journeys: int
    events: int
    partial: Partial


@dataclass(frozen=True)
class Part:
    """What some customers contribute."""

    journeys: int
    subjects: int
    events: int
    groups: tuple[Contribution, ...]


def adds_up(question: Question) -> bool:
    """Whether a question can be asked of parts; a module says with `adds` which of its questions can not."""
    module = module_of(str(question.__struct_config__.tag))
    return hasattr(module, "partial") and bool(getattr(module, "adds", lambda _: True)(question))


def refuse_what_does_not_add(question: Question, where: str) -> None:
    """Refuse a question whose parts do not add up.

    Raises
    ------
    BadQuestion
        With the questions that can be asked.
    """
    if adds_up(question):
        return
    name = str(question.__struct_config__.tag)
    rules = "with these rules " if hasattr(module_of(name), "partial") else ""
    what = f"{rules}the question {name!r} has no partial answers that add up."
    known = ", ".join(kind for kind in QUESTIONS if hasattr(module_of(kind), "partial"))
    why = WHY.get(name, "Its numbers rest on single journeys, or on how all customers compare, not on sums over parts.")
    what = f"{what} {why}"
    raise BadQuestion(where, what, f'Ask it with engine = "local"; here can be asked: {known}.')


def labelled(journeys: Journeys, question: Question, registry: Registry | None) -> Journeys:
    """The journeys with what the question reads of the registry."""
    module = module_of(str(question.__struct_config__.tag))
    return module.labelled(journeys, question, registry) if hasattr(module, "labelled") else journeys


def part_of(journeys: Journeys, question: Question, room: int) -> Part:
    """What some journeys contribute, with at most `room` rows in a list."""
    module = module_of(str(question.__struct_config__.tag))
    shorten: Callable[[Partial, int], Partial] = getattr(
        module, "fit", lambda partial, room: fit(partial, getattr(module, "TIMES", ()), room)
    )

    def contribution(group: str | None, some: Journeys, room: int) -> Contribution:
        return Contribution(group, len(some), some.events, shorten(module.partial(some, question), room))

    by = question.group_by()
    if by is None:
        groups = [contribution(None, journeys, room)]
    else:
        found = groups_of(journeys, by, str(question.__struct_config__.tag))
        groups = [contribution(name, journeys.select(at), max(1, room // len(found))) for name, at in found]
    return Part(len(journeys), journeys.subjects, journeys.events, tuple(groups))


def answer_from(
    parts: Iterable[Part], question: Question, nothing: Journeys, origin: Origin, registry: str = ""
) -> Answer:
    """The answer that parts come to; `nothing` are journeys without a touchpoint that know the names."""
    module = module_of(str(question.__struct_config__.tag))
    size = (0, 0, 0)
    found: dict[str | None, list[Contribution]] = {}
    for part in parts:
        size = (size[0] + part.journeys, size[1] + part.subjects, size[2] + part.events)
        for one in part.groups:
            found.setdefault(one.group, []).append(one)

    def total(each: Sequence[Contribution]) -> tuple[Finding, int]:
        n = sum(one.journeys for one in each)
        base = replace(base_of(nothing), journeys=n, events=sum(one.events for one in each))
        finding: Finding = module.total([one.partial for one in each], question, base)
        return finding, n

    by = question.group_by()
    if by is not None:
        refuse_many(len(found), by, str(question.__struct_config__.tag))
    if not found:
        found[None] = [Contribution(None, 0, 0, module.partial(nothing, question))]
    names = sorted(found, key=lambda name: (name is None, name or ""))
    groups = [(name, *total(found[name])) for name in names]
    return answer_of(question, groups, size, origin, registry)


def room_of(parts: int) -> int:
    """So many rows may each of the parts hold in a list."""
    return max(10_000, ROWS // max(1, parts))
