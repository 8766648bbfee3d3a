"""Answer: one table of numbers with what a reader needs to trust them: the base, the date of the data, the cautions.

Unit of count: said by each question; `n` is always the number of journeys in the base. A break-down (`by`) divides the
journeys, never the touchpoints, so that the groups add up to the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from types import NoneType
from typing import Any, ClassVar, Final, TypeVar, get_args, get_type_hints

import msgspec
import numpy as np
import pyarrow as pa

import etappe
from etappe.analysis.groups import groups_of
from etappe.analysis.show import page, text
from etappe.analysis.table import arrow_table
from etappe.errors import BadQuestion, MissingExtra, unknown
from etappe.journeys.columns import Journeys, Origin
from etappe.language import LANGUAGES, day, duration, has_word, limit, number, word
from etappe.units import duration_us, iso

MIN_N: Final = 30
"""Below so many cases a share or a median is shown as unreliable."""


class Question(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="question", tag=str.lower
):
    """What every question can be asked with."""

    label: ClassVar[str] = ""
    """The column that names a row."""
    bar: ClassVar[str] = "share"
    """The column that is drawn."""

    by: str | None = None
    """A customer attribute, or a column read at the journey's first touchpoint: one answer a group."""

    def group_by(self) -> str | None:
        """By what `answer` divides the journeys; a question that means something else with `by` says None."""
        return self.by

    def row_label(self) -> str:
        """The column that names a row; a question whose rows are named by what is asked says so."""
        return self.label


Q = TypeVar("Q", bound=Question)


COUNTED: Final = ("n", "journeys", "count", "touches", "customers")
"""What a caution counts; of one alone it may speak in the singular (a text that ends in `.one`)."""
CODED: Final = {"low_model": "ui.explore.model", "high_model": "ui.explore.model", "part": "answer.kind"}
"""Codes within cautions, and the list that has a person's words for them."""


class Caution(msgspec.Struct, frozen=True):
    """What weakens an answer, in words; the code and the values are for other languages."""

    code: str
    text: str
    values: dict[str, str | int] = {}

    def say(self, lang: str) -> str:
        """The caution in a language; its numbers, days and lengths of time as that language writes them."""
        group = f"{self.values['group']}: " if "group" in self.values else ""
        key = f"answer.{self.code}"
        if next((self.values[name] for name in COUNTED if name in self.values), None) == 1 and has_word(f"{key}.one"):
            key += ".one"
        return group + word(key, lang, **{name: _said(name, value, lang) for name, value in self.values.items()})


def _said(name: str, value: str | int, lang: str) -> str:
    """A value within a sentence."""
    if isinstance(value, int):
        return duration(value, lang) if name.endswith("_us") else number(value, lang)
    key = f"{CODED.get(name, '')}.{value}"
    if has_word(key):
        return word(key, lang)
    if name == "within":
        return limit(duration_us(value, name), lang)
    return day(value, lang) if name == "period" else value


def caution(code: str, **values: str | int) -> Caution:
    """A caution in English, translatable."""
    return Caution(code, Caution(code, "", values).say("en"), values)


@dataclass(frozen=True)
class Finding:
    """What a question's own code finds in one group of journeys."""

    columns: Mapping[str, Any]
    """Name to array or list, all of one length, in the order of the table."""
    denominators: Mapping[str, int]
    bases: Sequence[int]
    """The counts on which shares and medians rest; the smallest above zero decides the caution."""
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """One for every question.

    Attributes
    ----------
    question : the struct that was asked, with all its parameters
    table : the numbers, one Arrow table; names are English and stable, units stand at their end
    n, subjects, events : the base: journeys, the subjects behind them, their touchpoints
    denominators : what shares are divided by
    data_until : time of the latest event in the data, before any filter
    snapshot : SHA-256 over data, filters, question and version: the same snapshot, the same answer
    warnings : what weakens the answer
    """

    question: Question
    table: pa.Table
    n: int
    subjects: int
    events: int
    denominators: dict[str, int]
    data_until: str | None
    snapshot: str
    warnings: tuple[Caution, ...] = ()
    timezone: str = "UTC"
    """Of the data: in it a reader's days begin."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def column(self, name: str) -> list[Any]:
        """One column as a list."""
        if name not in self.table.column_names:
            raise unknown(f"answer to {self.question.__struct_config__.tag}", "column", name, self.table.column_names)
        return list(self.table.column(name).to_pylist())

    def rows(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return list(self.table.to_pylist())

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "question": msgspec.to_builtins(self.question),
            "n": self.n,
            "subjects": self.subjects,
            "events": self.events,
            "denominators": self.denominators,
            "data_until": self.data_until,
            "snapshot": self.snapshot,
            "warnings": [msgspec.to_builtins(said) for said in self.warnings],
            "rows": self.rows(),
        }

    def to_arrow(self) -> pa.Table:
        """The table itself."""
        return self.table

    def to_pandas(self) -> Any:
        """A pandas frame; whole numbers with gaps stay whole numbers (Int64)."""
        frames = _extra("pandas", "to_pandas")
        whole = {pa.int64(): frames.Int64Dtype()}
        return self.table.to_pandas(types_mapper=whole.get)

    def to_polars(self) -> Any:
        """A Polars frame."""
        return _extra("polars", "to_polars").from_arrow(self.table)

    def to_html(self, lang: str = "en") -> str:
        """A table with bars that needs no script and no other file, in German ("de") or English."""
        if lang not in LANGUAGES:
            raise unknown("to_html", "language", lang, LANGUAGES)
        return page(self, lang)

    def chart(self) -> Any:
        """An Altair bar chart of the answer.

        Raises
        ------
        MissingExtra
            Altair is not installed.
        """
        altair = _extra("altair", "chart", "etappe[charts]")
        label = self.question.row_label()
        data = altair.Data(values=self.rows())
        order = self.column(label) if label in self.table.column_names else None
        chart = altair.Chart(data).mark_bar(color="#0B5CAD")
        encoded = {"x": altair.X(f"{self.question.bar}:Q"), "tooltip": [altair.Tooltip(n) for n in self._typed()]}
        if order is not None:
            encoded["y"] = altair.Y(f"{label}:N", sort=order)
        if "group" in self.table.column_names:
            encoded["row"] = altair.Row("group:N")
        return chart.encode(**encoded)

    def _typed(self) -> list[str]:
        texts = (pa.string(), pa.large_string())
        return [f"{field.name}:{'N' if field.type in texts else 'Q'}" for field in self.table.schema]


def _extra(module: str, where: str, package: str | None = None) -> Any:
    try:
        return import_module(module)
    except ImportError:
        install = f"Install it with: pip install '{package or module}'"
        raise MissingExtra(where, f"this needs {module}.", install) from None


def listed(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Names as a tuple; one text alone, which Python would take for a list of letters, is refused."""
    if isinstance(names, str):
        raise BadQuestion(where, f"{names!r} is one text, not a list.", f"Write [{names!r}].")
    if not isinstance(names, Iterable):
        raise BadQuestion(where, f"{names!r} is no list.", 'Write a list such as ["visit", "order"].')
    return tuple(names)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def checked(question: Q) -> Q:
    """The question, once each field holds what its type says: Python checks no struct when it is made.

    Raises
    ------
    UnknownName
        A value that is none of a field's choices.
    BadQuestion
        A value of another type, or a whole number beyond 32 bits.
    """
    kind = str(question.__struct_config__.tag)
    for name, hint in _hints(type(question)).items():
        value = getattr(question, name)
        refuse_choice(f"{kind}: {name}", hint, value)
        if isinstance(value, int) and not -(2**31) <= value < 2**31:
            raise BadQuestion(f"{kind}: {name}", f"{value} is beyond what is counted.", "Ask for less.")
    try:
        return msgspec.convert(msgspec.to_builtins(question, enc_hook=_plain), type(question))
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$").removeprefix(".")
        raise BadQuestion(f"{kind}: {place}", f"{what}.") from None
    except TypeError as error:  # what no question can hold at all
        raise BadQuestion(kind, f"{error}.", "Give texts, numbers, and lists of them.") from None


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is nothing that a question holds")


def refuse_choice(where: str, hint: Any, value: Any) -> None:
    """Refuse a text that is none of a field's choices, where it has some."""
    choices = [one for one in choices_of(hint) if isinstance(one, str)]
    if choices and isinstance(value, str) and value not in choices:
        raise unknown(where, "choice", value, choices)


def choices_of(hint: Any) -> Iterator[Any]:
    """What a field's type allows, one by one: types, and the values of a Literal."""
    if not get_args(hint):
        yield hint
    for one in get_args(hint):
        if one not in (NoneType, ...):
            yield from (one,) if isinstance(one, str | int | float) else choices_of(one)


def answer(journeys: Journeys, question: Q, find: Callable[[Journeys, Q], Finding], *, registry: str = "") -> Answer:
    """Ask `find` of all journeys, or of each group, and put the findings into one table.

    `registry` is the digest of what else the numbers depend on (touchpoint registry and stage model).
    """
    name = str(question.__struct_config__.tag)
    if not hasattr(journeys, "offsets"):
        hint = "Give journeys first: ws.journeys(), or etappe.journeys_from(frame, ...)."
        raise BadQuestion(name, f"{type(journeys).__name__} is no journeys.", hint)
    question = checked(question)
    by = question.group_by()
    groups: list[tuple[str | None, Finding, int]]
    if by is None:
        groups = [(None, find(journeys, question), len(journeys))]
    else:
        groups = [(group, find(journeys.select(at), question), len(at)) for group, at in groups_of(journeys, by, name)]
        groups = groups or [(None, find(journeys, question), 0)]
    size = (len(journeys), journeys.subjects, journeys.events)
    return answer_of(question, groups, size, journeys.origin, registry)


def answer_of(
    question: Question,
    groups: Sequence[tuple[str | None, Finding, int]],
    size: tuple[int, int, int],
    origin: Origin,
    registry: str = "",
) -> Answer:
    """The answer that findings make: one alone, or each with its group's name and number of journeys.

    `size` are the journeys, subjects and touchpoints of the base.
    """
    n, subjects, events = size
    if question.group_by() is None:
        found = groups[0][1]
        table = arrow_table(found.columns)
        cautions = _cautions(events, [("", found)], origin)
        denominators = dict(found.denominators)
    else:
        tables = []
        for group, part, count in groups:
            one = arrow_table(part.columns)
            one = one.add_column(0, "group_n", arrow_table({"n": np.full(one.num_rows, count, np.int64)}).column(0))
            tables.append(one.add_column(0, "group", arrow_table({"group": [group] * one.num_rows}).column(0)))
        table = pa.concat_tables(tables, promote_options="permissive")
        cautions = _cautions(events, [(group or "–", part) for group, part, _ in groups], origin)
        keys = dict.fromkeys(key for _, part, _ in groups for key in part.denominators)
        denominators = {key: sum(part.denominators.get(key, 0) for _, part, _ in groups) for key in keys}
    until = None if origin.data_until_us is None else iso(origin.data_until_us)
    facts = [origin.lake, origin.events, until, origin.filters, n, events]
    identity = msgspec.json.encode([*facts, question, registry, etappe.__version__])
    return Answer(
        question=question,
        table=table,
        n=n,
        subjects=subjects,
        events=events,
        denominators=denominators,
        data_until=until,
        snapshot=sha256(identity).hexdigest(),
        warnings=cautions,
        timezone=origin.timezone,
    )


def _strange(column: str, value: str, near: str) -> Caution:
    """What to say of a value that a filter asks for and the data do not have."""
    told = {"column": column, "value": value}
    return caution("value-unknown-near", **told, near=near) if near else caution("value-unknown", **told)


def _cautions(events: int, parts: list[tuple[str, Finding]], origin: Origin) -> tuple[Caution, ...]:
    """What to say about strange filters, small or empty bases; of many small groups, one sentence."""
    every = [list(part.cautions) for _, part in parts]
    alike = [said for said in every[0] if all(said in others for others in every)] if every else []
    found = [*(_strange(*one) for one in origin.strange), *alike]
    for (group, _), own in zip(parts, every, strict=True):  # what is said of some groups alone names them
        found += [
            caution(said.code, **said.values, group=group) if group else said for said in own if said not in alike
        ]
    if events == 0:
        return (caution("empty"), *found)
    small = [(group, min(part.bases)) for group, part in parts if part.bases and min(part.bases) < MIN_N]
    if not small:
        return tuple(found)
    if small[0][0] == "" and len(parts) == 1:
        return (caution("small-base", n=small[0][1], min_n=MIN_N), *found)
    names = ", ".join(f"{group} ({n})" for group, n in small[:5]) + (", …" if len(small) > 5 else "")
    return (caution("small-groups", groups=names, count=len(small), min_n=MIN_N), *found)
