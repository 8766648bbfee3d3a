"""Picking: one number out of the answer to a question in full, with base and interval; and all that can be picked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from etappe.analysis.answer import Answer, Question
from etappe.analysis.ask import ask, question_of
from etappe.analysis.show import SHARES, cells
from etappe.arrays import Column
from etappe.errors import BadQuestion, unknown
from etappe.expression import mask, parse
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.language import LANGUAGES, has_word, word
from etappe.maps.asking import Number, Request, Row, transition_interval, wait_interval
from etappe.maps.model import Evidence, Pick
from etappe.vocabulary import say

INTERVALS: Final = {
    "share": ("low", "high"),
    "conversion": ("low", "high"),
    "step_conversion": ("step_low", "step_high"),
    "median_us": ("median_low_us", "median_high_us"),
    "loss": ("loss_low", "loss_high"),
}
MEASURES: Final = ("journeys", "count", "sessions", "median_us", "mean_us", "mean_length", "value", "credit", "loss")
"""Columns that are worth a cell, besides shares."""
ENDS: Final = ("low", "high", "_low", "_high")
MOST_ROWS: Final = 12


def pick(
    journeys: Journeys, registry: Registry | None, question: Row, chosen: Pick, answer: Answer | None = None
) -> Number:
    """The number that a map takes out of the answer to a question in full, which is asked where it is not given."""
    answer = answer or ask(journeys, question, registry)
    rows = answer.rows()
    if chosen.column not in answer.table.column_names:
        raise unknown("value: column", "column", chosen.column, answer.table.column_names)
    kept = [i for i, row in enumerate(rows) if _fits(row, chosen.where)]
    if len(kept) != 1:
        hint = "Let `where` name one row, such as {touchpoint: web}."
        raise BadQuestion("value: where", f"{len(kept)} rows of the answer fit.", hint)
    row = rows[kept[0]]
    low, high = INTERVALS.get(chosen.column, ("", ""))
    base = answer.n
    if chosen.column.startswith("step_") and kept[0] > 0:
        base = rows[kept[0] - 1]["reached"]
    elif chosen.column == "share" and row.get("base") is not None:
        base = row["base"]
    elif question["question"] == "attribution":
        base = answer.denominators["conversions"]
    elif chosen.column == "loss":
        base = row["compared"]
    elif chosen.column.startswith("median_"):
        base = row.get("reached", row.get("count", row.get("journeys", answer.n)))
    value = row[chosen.column]
    if isinstance(value, str):
        raise BadQuestion("value: column", f"{chosen.column!r} holds texts.", "Choose a column of numbers.")
    ends = row.get(low), row.get(high)
    if question["question"] == "transitions" and question.get("by") is None and chosen.column in ("median_us", "share"):
        way = Request(journeys=journeys, registry=registry, start=row["from"], end=row["to"])
        ends = transition_interval(way) if chosen.column == "share" else wait_interval(way)
    return Number(
        value=value, n=base, low=ends[0], high=ends[1], currency=row.get("currency"), answer=answer,
        question=question, row=row,
    )  # fmt: skip


def _fits(row: Row, where: Mapping[str, Any] | str) -> bool:
    if not isinstance(where, str):
        return all(name in row and row[name] == value for name, value in where.items())
    if not where:
        return True
    expression = parse(where, "value: where")
    texts = {name: None if row.get(name) is None else str(row[name]) for name in expression.columns}
    columns = {name: Column(np.ones(1, np.uint8), (None, text)) for name, text in texts.items()}
    return bool(mask(expression, columns)[0])


def evidence_of(
    question: Row, answer: Answer, registry: Registry | None = None, most: int = MOST_ROWS
) -> Iterator[Evidence]:
    """What can be picked out of an answer: of each of its first rows the columns that are worth a cell."""
    asked = question_of(question)
    rows = answer.rows()
    for i, row in enumerate(rows[:most]):
        where = {key: value for key, value in row.items() if _names_it(key, value)}
        if sum(_fits(other, where) for other in rows) != 1:
            continue
        label = {lang: _label(row, where, registry, lang) for lang in LANGUAGES}
        for column in _measures(asked, answer.table.column_names, row):
            title = {
                lang: ": ".join(filter(None, (label[lang], word(f"answer.column.{column}", lang))))
                for lang in LANGUAGES
            }
            yield Evidence(
                id=f"{question['question']}-{i + 1}-{column.replace('_', '-')}", title=title, question=question,
                value=Pick(column=column, where=where),
            )  # fmt: skip


def _label(row: Row, where: Mapping[str, Any], registry: Registry | None, lang: str) -> str:
    """What a row is about: touchpoints by the titles of the registry, codes as words."""
    said = dict(zip(row, cells(row, lang), strict=True))

    def one(key: str, value: str) -> str:
        if has_word(f"ui.explore.signal.{value}") and key == "signal":
            return word(f"ui.explore.signal.{value}", lang)
        known = registry.find(value) if registry and said[key] == value else None
        return say(known.title, lang) if known else said[key]

    return " · ".join(one(key, value) for key, value in where.items() if key != "position")


def _names_it(key: str, value: Any) -> bool:
    return key == "position" or (isinstance(value, str) and key != "currency" and not key.endswith("_kind"))


def _measures(asked: Question, columns: Sequence[str], row: Row) -> list[str]:
    """The column that is drawn, then shares, then counts and times; those that have a number here."""
    shares = [name for name in columns if name in SHARES and not name.endswith(ENDS)]
    found = dict.fromkeys([*([asked.bar] if asked.bar in columns else []), *shares, *MEASURES])
    return [name for name in found if isinstance(row.get(name), int | float) and not isinstance(row[name], bool)][:3]
