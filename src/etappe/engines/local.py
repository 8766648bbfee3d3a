"""Local: questions on one machine, over columns that are mapped into memory.

A question is asked of all customers at once, in threads over ranges of them, as long as what it holds beside the
columns fits into memory. Of more data it is asked range after range: the columns of a range may leave memory when it
is done, and only its partial stays. Questions that hold nothing that grows with the data need no ranges; those whose
parts do not add up have none.
"""

import os
from collections.abc import Mapping
from typing import Any, Final

from etappe.analysis.answer import Answer, Question
from etappe.analysis.ask import ask, module_of, question_of
from etappe.arrays import parts as ranges
from etappe.engines.parts import adds_up, answer_from, labelled, part_of, room_of
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry

BYTES: Final = 32
"""A question holds at most about so many bytes for each touchpoint: its time and what is derived from it, sorted."""


def at_once() -> int:
    """How many touchpoints a question may look at before what it holds could fill the machine's memory."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) // BYTES


def answer(
    journeys: Journeys,
    question: Question | Mapping[str, Any],
    registry: Registry | None = None,
    *,
    events: int | None = None,
) -> Answer:
    """Answer a question, over ranges of whole journeys with about `events` touchpoints each.

    Parameters
    ----------
    events : by default as many as fit into memory together with what the question holds

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> answer(shop, {"question": "reach"}, events=1).column("journeys")
    [2, 1]
    """
    asked = question_of(question) if isinstance(question, Mapping) else question
    most = events or at_once()
    light = getattr(module_of(str(asked.__struct_config__.tag)), "LIGHT", False) and asked.group_by() is None
    if journeys.events <= most or (light and events is None) or not adds_up(asked):
        return ask(journeys, asked, registry)
    journeys = labelled(journeys, asked, registry)
    cuts = [(a, b) for a, b in ranges(journeys.offsets, -(-journeys.events // most)) if b > a]
    nothing = journeys.part(0, 0)
    found = (part_of(journeys.part(a, b), asked, room_of(len(cuts))) for a, b in cuts)
    return answer_from(found, asked, nothing, journeys.origin)
