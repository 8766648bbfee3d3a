"""Show: an answer as text for a terminal and as HTML for a notebook or a page, in German and English."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from importlib import import_module
from itertools import groupby
from math import floor
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from etappe.language import date, day, duration, has_word, number, percent, word
from etappe.units import MONEY, SECOND_US

if TYPE_CHECKING:
    from etappe.analysis.answer import Answer

SHARES: Final = frozenset(
    (
        "share", "low", "high", "conversion", "step_conversion", "step_low", "step_high", "cumulative", "time_share",
        "first_share", "second_share", "difference", "without_conversion", "comparable_conversion", "seamless",
        "seamless_low", "seamless_high", "remaining", "in_time_share", "in_time_low", "in_time_high", "again",
        "again_low", "again_high", "support", "confidence", "confidence_low", "confidence_high", "share_of_value",
        "alive", "reverse_confidence",
    )
)  # fmt: skip
"""Columns that are shares of 1; columns that end in _us are microseconds, and in value 1/10,000 of a currency."""
DECIMALS: Final = frozenset(
    (
        "p", "q", "lift", "lift_low", "lift_high", "weight", "friction", "loss", "loss_low", "loss_high",
        "mean_contacts", "estimate", "estimate_low", "estimate_high", "expected", "error", "naive_error", "fitness",
        "median_fitness",
    )
)  # fmt: skip
"""Columns of other decimal numbers, which may be without any."""
CHANCES: Final = ("p", "q", "estimate", "estimate_low", "estimate_high")
"""Columns in which the second decimal place is too coarse."""

ARROW: Final = " > "
CODES: Final = {
    "segment": "answer.segment", "signal": "ui.explore.signal", "model": "ui.explore.model", "test": "answer.test",
    "kind": "answer.kind", "from_kind": "answer.kind", "to_kind": "answer.kind",
    "deviation": "answer.deviation",
}  # fmt: skip
"""Columns of codes, which frames and JSON keep, and the list that has a person's words for them."""
NAMED: Final = {
    "touchpoint": "kind", "stage": "kind", "path": "kind", "from": "from_kind", "to": "to_kind",
}  # fmt: skip
"""Columns that name touchpoints or stages, and the column that tells of a name which is none, such as "exit"."""
UNTOUCHED: Final = "(none)"
"""The name of what no touch precedes (touches.NONE), which is said in words."""


def cell(name: str, value: Any, lang: str) -> str:
    """A value as a person reads it, by the unit in its column's name."""
    if value is None:
        return "–"
    if isinstance(value, str):
        key = f"{CODES[name]}.{value}" if name in CODES else "ui.explore.nothing" if value == UNTOUCHED else ""
        if has_word(key):
            return word(key, lang)
        if lang == "de" and name in ("period", "cohort"):  # English keeps the ISO form
            return day(value, lang)
        return path_text(value) if name == "path" else value
    if name.endswith("_us"):
        return duration(value, lang)
    if name in SHARES:
        return percent(value, lang)
    if name in ("value", "cost") or name.startswith("value_"):
        return number(value / MONEY, lang, 2)
    return number(value, lang, 0 if isinstance(value, int) else 4 if name in CHANCES else 2)


def cells(row: Mapping[str, Any], lang: str) -> list[str]:
    """A row as a person reads it; "exit" or "other" are words where they are no names."""
    return [_named(name, row, lang) or cell(name, value, lang) for name, value in row.items()]


def _named(name: str, row: Mapping[str, Any], lang: str) -> str:
    """The words for a name that is none (in a path, its first or its last one); "" where it is one."""
    kind, value = row.get(NAMED.get(name, "")), row[name]
    if kind in (None, "touchpoint", "stage") or not value or not has_word(f"answer.kind.{kind}"):
        return ""
    told = word(f"answer.kind.{kind}", lang)
    if value == kind:
        return told
    if name == "path" and value.endswith(f"{ARROW}{kind}"):
        return path_text(value.removesuffix(kind) + told)
    if name == "path" and value.startswith(f"{kind}{ARROW}"):
        return path_text(told + value.removeprefix(kind))
    return ""


def path_text(path: str, most: int = 120) -> str:
    """A path as a person reads it: repeats counted, the rest of a long one left to the table.

    Examples
    --------
    >>> path_text("visit > visit > visit > order")
    'visit × 3 > order'
    """
    runs = [(name, len(list(same))) for name, same in groupby(path.split(" > "))]
    shown = ARROW.join(name if count == 1 else f"{name} × {count}" for name, count in runs)
    return shown if len(shown) <= most else shown[:most].rsplit(" > ", 1)[0] + " > …"


def base_line(found: "Answer", lang: str) -> str:
    """The base in one line: journeys, subjects, touchpoints, date."""
    counts = {k: number(v, lang) for k, v in (("n", found.n), ("subjects", found.subjects), ("events", found.events))}
    if found.n == 1:
        line = word("answer.base.one", lang, n=counts["n"], events=counts["events"])
    else:
        line = word("answer.base", lang, **counts)
    if found.data_until is None:
        return line
    until_us = floor(datetime.fromisoformat(found.data_until).timestamp()) * SECOND_US
    return f"{line} {word('answer.until', lang, day=date(until_us, lang, found.timezone))}"


def text(found: "Answer", lang: str = "en", most: int = 20, width: int | None = None) -> str:
    """The answer as lines of text: `most` rows (0: all), and the columns that a width holds; what is left out is said.

    The columns that stay are the first ones, and the rows' names among them are never cut.
    """
    names = found.table.column_names
    most = most or len(found)
    rows = found.table.slice(0, most).to_pylist()
    heads = [_heading(name, found, lang) for name in names]
    told = [heads, *(cells(row, lang) for row in rows)]
    widths = [max(len(line[i]) for line in told) for i in range(len(names))]
    fits = len(names)
    while width is not None and fits > 1 and sum(widths[:fits]) + 2 * (fits - 1) > width:
        fits -= 1
    left = [pa.types.is_string(field.type) for field in found.table.schema]
    lines = [
        "  ".join(
            v.ljust(w) if at_left else v.rjust(w)
            for v, w, at_left in zip(line[:fits], widths[:fits], left[:fits], strict=True)
        ).rstrip()
        for line in told
    ]
    if len(found) > most:
        lines.append(_more(len(found) - most, lang))
    if fits < len(names):
        lines.append(word("answer.wide", lang, columns=", ".join(heads[fits:])))
    return "\n".join([base_line(found, lang), *(c.say(lang) for c in found.warnings), *lines])


def _more(count: int, lang: str) -> str:
    """How many rows are not shown."""
    return word("answer.more.one" if count == 1 else "answer.more", lang, count=number(count, lang))


_STYLE: Final = (
    "<style>.etappe-answer{--ink:#1C1C1A;--mute:#5F5F58;--line:#E4E4E0;--accent:#0B5CAD;--warn:#8A5A00;"
    "color:var(--ink);font:13px/18px Inter,system-ui,sans-serif}"
    ".etappe-answer table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".etappe-answer th,.etappe-answer td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid var(--line);"
    "background:none;white-space:nowrap}"
    ".etappe-answer th{color:var(--mute);font-weight:400}.etappe-answer .text{text-align:left}"
    ".etappe-answer p{margin:4px 0;color:var(--mute)}.etappe-answer .caution{color:var(--warn)}"
    ".etappe-answer .flow{max-width:100%;height:auto;display:block}.etappe-answer .flow path{fill:none;"
    "stroke:var(--accent);stroke-opacity:.28}.etappe-answer .flow text{fill:var(--ink);font-size:11px}"
    ".etappe-answer rect{fill:var(--accent)}.etappe-answer .flow .other,.etappe-answer .flow .none{fill:var(--mute)}"
    ".etappe-answer .flow .exit,.etappe-answer .flow .start{fill:var(--ink)}.etappe-answer line{stroke:var(--ink)}"
    "@media(prefers-color-scheme:dark){.etappe-answer{--ink:#ECEDE8;--mute:#A8ACA1;--line:#32352F;--accent:#7DB7F2;"
    "--warn:#E0B15A}}</style>"
)
_BAR: Final = 120


def _bar(share: float | None, low: float | None, high: float | None) -> str:
    """A bar of `share` of the width, and its interval as a line."""
    drawn = f'<rect y="2" width="{share * _BAR:.1f}" height="8"/>' if share and share > 0 else ""
    if low is not None and high is not None:
        drawn += f'<line x1="{low * _BAR:.1f}" x2="{high * _BAR:.1f}" y1="6" y2="6"/>'
    return f'<svg width="{_BAR}" height="12" viewBox="0 0 {_BAR} 12" role="presentation">{drawn}</svg>'


def page(found: "Answer", lang: str, most: int = 50) -> str:
    """The answer as HTML with scoped style."""
    schema = found.table.schema
    rows = found.table.slice(0, most).to_pylist()
    drawn = type(found.question).bar
    largest = max((row[drawn] or 0 for row in rows), default=0) if drawn in schema.names else 0
    scale = 1.0 if drawn in SHARES or largest <= 0 else largest
    kind = {field.name: ' class="text"' if pa.types.is_string(field.type) else "" for field in schema}
    head = "".join(f'<th scope="col"{kind[n]}>{escape(_heading(n, found, lang))}</th>' for n in kind)
    body = []
    for row in rows:
        told = zip(kind, cells(row, lang), strict=True)
        line = "".join(f"<td{kind[name]}>{escape(shown)}</td>" for name, shown in told)
        if drawn in row:
            length = None if row[drawn] is None else row[drawn] / scale
            ends = (row.get("low"), row.get("high")) if drawn in SHARES else (None, None)
            line += f"<td>{_bar(length, *ends)}</td>"
        body.append(f"<tr>{line}</tr>")
    head += "<td></td>" if drawn in schema.names else ""
    notes = "".join(f'<p class="caution">{escape(c.say(lang))}</p>' for c in found.warnings)
    more = f"<p>{_more(len(found) - most, lang)}</p>" if len(found) > most else ""
    title = escape(word(f"answer.title.{found.question.__struct_config__.tag}", lang))
    draw = getattr(import_module(type(found.question).__module__), "picture", None)
    picture = draw(found, lang) if draw else ""
    return (
        f'{_STYLE}<div class="etappe-answer" lang="{lang}"><p><strong>{title}</strong><br>'
        f"{escape(base_line(found, lang))}</p>{notes}{picture}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}</div>"
    )


def _heading(name: str, found: "Answer", lang: str) -> str:
    """A column's word; a column of the data that names the rows may have none, and then its own name."""
    key = f"answer.column.{_key(name)}"
    return name if name == found.question.row_label() and not has_word(key) else word(key, lang)


def _key(name: str) -> str:
    """A column's key in the word list; columns of one currency each share a word."""
    return "value" if name.startswith("value_") and not has_word(f"answer.column.{name}") else name
