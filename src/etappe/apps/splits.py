"""Splits: by what an answer can be broken down, and the words of codes that stand in answers for people.

A column is read at the journey's first touchpoint; an attribute belongs to the customer. Offered is what has from two
values to as many as someone reads side by side.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec
import pyarrow as pa

from etappe.analysis.answer import Answer
from etappe.apps.workspace import Workspace
from etappe.errors import UnknownName
from etappe.journeys.columns import Journeys
from etappe.language import word
from etappe.vocabulary import say

MOST: Final = 24
"""Values of a column that is offered."""
COLUMNS: Final = (
    "channel",
    "touchpoint",
    "stage",
    "category",
    "medium",
    "contact",
    "owner",
    "source",
    "weekday",
    "hour",
)
"""Columns that Etappe knows, with words of their own, the most asked for first."""
APART: Final = frozenset(("order", "import", "value", "day", "atom", "currency"))
"""Columns that nobody breaks down by: identifiers, amounts, days, and what others are made of."""


def stages(ws: Workspace, lang: str) -> dict[str, str]:
    """The titles of the workspace's stages, by their ids."""
    return _stages(ws, "", lang)


def splits(journeys: Journeys, lang: str) -> list[dict[str, str]]:
    """The columns and attributes that a question can be broken down by: name, title, and whether it is an attribute.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 1, 2], [0, 1, 0], ["visit", "order"])
    >>> [one["name"] for one in splits(shop, "en")]
    ['touchpoint', 'weekday', 'hour']
    """
    known = [name for name in COLUMNS if name in journeys.readable]
    further = sorted(set(journeys.columns) - {*COLUMNS, *APART})
    # A column that is made of another one, such as "stage.m2", is asked for as that one.
    columns = [*known, *(name for name in further if "." not in name)]
    found = [
        {"name": name, "title": word(f"split.{name}", lang) if name in COLUMNS else name, "of": "column"}
        for name in columns
        if name in ("weekday", "hour") or _few(journeys.column(name).names)
    ]
    people = [name for name in sorted(journeys.attributes) if _few(journeys.attribute(name).names)]
    # An attribute goes before a column of the same name, as in the question itself.
    found = [one for one in found if one["name"] not in people]
    return [*found, *({"name": name, "title": name, "of": "attribute"} for name in people)]


def _few(names: Any) -> bool:
    return 2 <= len({name for name in names if name is not None}) <= MOST


def titles(ws: Workspace, found: Answer, lang: str) -> dict[str, dict[str, str]]:
    """The words of the codes in an answer's columns: its stages by their titles."""
    question: Any = found.question
    words = {}
    if question.__struct_config__.tag == "flow" and question.level == "stage":
        words = dict.fromkeys(("from", "to"), _stages(ws, question.model or "", lang))
    if question.by is not None and question.by.partition(".")[0] == "stage":
        words["group"] = _stages(ws, question.by.partition(".")[2], lang)
    return words


def _stages(ws: Workspace, model: str, lang: str) -> dict[str, str]:
    """Stages by their ids; none where a column of the data only has such a name."""
    try:
        return {
            stage.id: say(stage.title, lang) for stage in ws.registry().model(model or ws.settings.stage_model).stages
        }
    except UnknownName:
        return {}


def translated(found: Answer, words: dict[str, dict[str, str]]) -> Answer:
    """The answer with words for codes, for sentences and tables; the data keep the codes."""
    table = found.table
    for name in set(words) & set(table.column_names):
        known = words[name]
        told = [known.get(value, value) for value in table.column(name).to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(told, pa.string()))
    question: Any = found.question
    if "from" in words:  # a flow that begins at a stage
        ends = {
            name: words["from"].get(getattr(question, name)) or getattr(question, name) for name in ("start", "end")
        }
        question = msgspec.structs.replace(question, **ends)
    return replace(found, question=question, table=table)
