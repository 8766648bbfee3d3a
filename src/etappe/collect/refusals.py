"""Refusals: rows that were not taken, each with file, line, column, value, reason and remedy; and their export.

The texts stand in the locales under `import.refused.<code>`. A reason never repeats the value: what a person is called
stays in `value` and `raw`, which do not leave the workspace.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import msgspec

from etappe.collect.mapping import Mapping
from etappe.language import word

CODES: Final = (
    "bad-encoding", "nul", "byte-order-mark", "blank-row", "stray-quote", "unclosed-quote", "too-long", "extra-columns",
    "missing-columns", "bad-json", "no-customer", "invisible-character", "imprecise-id", "no-time", "other-time-format",
    "no-such-date", "no-such-time", "skipped-hour", "year-too-early", "year-too-late", "no-touchpoint", "not-a-number",
    "nan", "infinite", "wrong-decimal-mark", "ambiguous-amount", "value-too-large", "bad-currency", "other-currency",
)  # fmt: skip
FIELD_LIMIT: Final = 32_768
"""Bytes (UTF-8) of the longest field; a cell of a spreadsheet holds 32,767 characters."""

RAW_LIMIT: Final = 1_000_000
ADDED: Final = ("etappe_line", "etappe_column", "etappe_reason")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken.

    `line` is the physical line, from 1, where the record starts (the row's number in Parquet, Excel or a SELECT);
    `raw` holds the row's fields as one record of CSV, with commas.
    """

    file: str
    line: int
    column: str | None
    value: str | None
    code: str
    what: str
    hint: str
    raw: str


@cache
def explain(code: str, column: str | None, lang: str, example: str = "") -> tuple[str, str]:
    """What is wrong and what to do, in a language; `example` shows how the column writes it, where that is told.

    Examples
    --------
    >>> explain("no-time", "created_at", "en")[0]
    'The time is missing (column created_at).'
    """
    place = word("import.in_column", lang, column=column) if column else ""
    such = word("import.such_as", lang, example=example) if example else ""
    what, hint = (word(f"import.refused.{code}.{part}", lang, place=place, such=such) for part in ("what", "hint"))
    return what, hint


_SUCH: Final = re.compile(r", such as (.+?), or give")


def explained(row: "Refusal", lang: str) -> tuple[str, str]:
    """What is wrong with a refused row and what to do, in a language, with the example that its hint holds.

    Examples
    --------
    >>> row = refusal("a.csv", 2, "other-time-format", ["7", "2026-03-02"], "at", "2026-03-02", "22.11.2026 10:00")
    >>> explained(row, "de")[1].split(", oder")[0]
    'Schreiben Sie ihn wie die übrigen Zeilen, etwa 22.11.2026 10:00'
    """
    found = _SUCH.search(row.hint) if row.code == "other-time-format" else None
    return explain(row.code, row.column, lang, found[1] if found else "")


def record(fields: Iterable[object]) -> str:
    """Fields as one record of CSV, without a line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(["" if field is None else field for field in fields])
    return out.getvalue()[:RAW_LIMIT]


def is_refused_export(header: Sequence[str]) -> bool:
    """Whether the columns of a file are those of an export of refused rows.

    Examples
    --------
    >>> is_refused_export(["who", "at", "etappe_line", "etappe_column", "etappe_reason"]), is_refused_export(["who"])
    (True, False)
    """
    return set(ADDED) <= set(header)


def refusal(
    file: str,
    line: int,
    code: str,
    fields: Sequence[object],
    column: str | None = None,
    value: str | None = None,
    example: str = "",
) -> Refusal:
    """A refusal with its texts in English; `example` shows how the column writes it."""
    what, hint = explain(code, column, "en", example)
    short = value if value is None or len(value) <= 200 else value[:200] + "…"
    return Refusal(
        file=file, line=line, column=column, value=short, code=code, what=what, hint=hint, raw=record(fields)
    )


_NUMBER_LIKE = re.compile(r"[+-][\d\s.,:()/'-]*")


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and telephone numbers with a sign stay as they are."""
    if cell[:1] in ("=", "@", "\t", "\r") or (cell[:1] in ("+", "-") and not _NUMBER_LIKE.fullmatch(cell)):
        return "'" + cell
    return cell


def refusals_csv(refusals: Iterable[Refusal], header: Sequence[str], mapping: Mapping | None = None) -> bytes:
    """Refused rows as a CSV file to correct and import again with the same mapping.

    The original columns come first and in order, then etappe_line, etappe_column and etappe_reason. Delimiter and
    encoding are those that the mapping names, else UTF-8 with commas, or with semicolons where the decimal mark is a
    comma; without a header there, there is none here. UTF-8 with another delimiter than a comma begins with a
    byte-order mark: spreadsheets that write such files need it to read umlauts.
    What was too much in a row stands at the end of its last column, joined with "|". A cell that a spreadsheet would
    compute (it begins with = or @, or with a sign that no number follows) gets an apostrophe in front: take it off when
    correcting the row.

    Examples
    --------
    >>> row = refusal("a.csv", 2, "no-time", ["7", "", "visit"], "at", "")
    >>> print(refusals_csv([row], ["who", "at", "what"]).decode().splitlines()[0])
    who,at,what,etappe_line,etappe_column,etappe_reason
    """
    delimiter = (mapping.delimiter if mapping else None) or (";" if mapping and mapping.decimal == "," else ",")
    has_header = bool(header) and not (mapping is not None and mapping.header is False)
    out = io.StringIO()
    quoting: Final = csv.QUOTE_ALL if delimiter == " " else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    encoding = (mapping.encoding if mapping else None) or "utf-8"
    if encoding.lower() in ("utf-8", "utf8") and delimiter in (";", "\t", "|"):
        out.write("\ufeff")
    if mapping is not None:
        out.write("\r\n" * mapping.skip)
    if has_header:
        writer.writerow([*header, *ADDED])
    for row in refusals:
        fields = next(csv.reader([row.raw]), []) if "\n" not in row.raw else next(csv.reader(io.StringIO(row.raw, "")))
        width = len(header) or len(fields)
        if len(fields) > width:
            fields = [*fields[: width - 1], "|".join(fields[width - 1 :])]
        fields += [""] * (width - len(fields))
        cells = [_harmless(cell) for cell in fields]
        writer.writerow([*cells, row.line, row.column or "", f"{row.code}: {row.what}"])
    return out.getvalue().encode(encoding, "replace")
