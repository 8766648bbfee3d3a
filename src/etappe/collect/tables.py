"""Tables: rows of Parquet, Excel and JSON lines as batches of columns."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from etappe.arrays import Int
from etappe.collect.accept import Batch, texts_at
from etappe.collect.refusals import refusal
from etappe.collect.unpacked import refuse_large
from etappe.errors import BadFile, BadMapping

ROWS: Final = 1_000_000
MOST_BYTES: Final = 2_000_000_000
"""Of an unpacked spreadsheet: a full sheet of a million rows in 30 columns takes about as much."""


@dataclass(slots=True)
class Table:
    """A source of rows with typed columns: its header, its rows if known, and its batches for some of the columns."""

    file: str
    header: list[str]
    rows: int | None
    source: Any
    first_line: int = 1
    carry: list[Any] = field(default_factory=list)

    def batches(self, needed: tuple[int, ...]) -> Iterator[Batch]:
        """Batches of the columns at some positions; the line of a row is its number."""
        return self.source(self, needed)  # type: ignore[no-any-return]


def parquet(path: Path) -> Table:
    """A Parquet file.

    Raises
    ------
    BadFile
        It is no Parquet file.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise BadFile(path.name, "is no readable Parquet file.", "Check that it was written to its end.") from error
    names = list(file.schema_arrow.names)

    def batches(table: Table, needed: tuple[int, ...]) -> Iterator[Batch]:
        columns = [names[i] for i in needed]
        texts = [n for n in columns if pa.types.is_string(file.schema_arrow.field(n).type)]
        # Texts come as codes, so that each distinct text is stored and judged once.
        reader = pq.ParquetFile(path, read_dictionary=texts)
        at = 0
        try:
            for batch in reader.iter_batches(ROWS, columns=columns):
                start, here = at, {i: batch.column(names[i]) for i in needed}

                def raw(rows: Int, start: int = start, count: int = len(batch)) -> list[Sequence[Any]]:
                    return rows_at(_rows(file, start, count).columns, rows)

                yield Batch(table.file, here, np.arange(at + 1, at + 1 + len(batch)), raw)
                at += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise BadFile(path.name, f"breaks off at row {at + 1}.", "Write or download the file again.") from error

    return Table(path.name, names, file.metadata.num_rows, batches)


def rows_at(columns: Sequence[Any], rows: Int) -> list[Sequence[Any]]:
    """The texts of some rows of a table."""
    return list(zip(*(texts_at(column, pa.array(rows)) for column in columns), strict=True))


def _rows(file: Any, start: int, count: int) -> pa.Table:
    """All columns of some rows, read again where a row is refused."""
    at, parts = 0, []
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if at < start + count and at + rows > start:
            parts.append(file.read_row_group(group).slice(max(0, start - at), start + count - max(at, start)))
        at += rows
    return pa.concat_tables(parts)


def _column(cells: list[Any]) -> pa.Array:
    """Cells of a spreadsheet or of JSON as one column; kinds that do not go together become texts."""
    kinds = {type(cell) for cell in cells if cell is not None and cell != ""}
    filled = [None if cell == "" else cell for cell in cells]
    if kinds <= {datetime, date} and kinds:
        moments = [datetime(c.year, c.month, c.day) if type(c) is date else c for c in filled]  # noqa: DTZ001
        try:
            return pa.array([_whole_ms(m) for m in moments], pa.timestamp("us"))
        except (pa.ArrowException, OverflowError):
            return pa.array([None if c is None else _text(c) for c in filled], pa.string())
    if kinds <= {int} and kinds:
        try:
            return pa.array(filled, pa.int64())
        except (pa.ArrowException, OverflowError):
            return pa.array([None if c is None else str(c) for c in filled], pa.string())
    if kinds <= {int, float} and kinds and all(type(c) is not int or abs(c) < 2**53 for c in filled):
        return pa.array(filled, pa.float64())
    if kinds == {bool}:
        return pa.array(filled, pa.bool_())
    return pa.array([None if c is None else _text(c) for c in filled], pa.string())


def _whole_ms(moment: datetime | None) -> datetime | None:
    """A moment of a spreadsheet, which counts in parts of a day, rounded to milliseconds."""
    if moment is None:
        return None
    over = moment.microsecond % 1_000
    return moment - timedelta(microseconds=over) + timedelta(milliseconds=1 if over >= 500 else 0)


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell == cell // 1 and abs(cell) < 2**53:
        return f"{cell:.0f}"
    if isinstance(cell, dict | list):
        return json.dumps(cell, ensure_ascii=False)
    return str(cell).encode("utf-8", "replace").decode()


def excel(path: Path, sheet: str | None, skip: int, has_header: bool) -> Table:
    """A sheet of a spreadsheet (xlsx, xls, xlsb, ods); empty rows are no rows.

    Raises
    ------
    BadFile
        It is no spreadsheet, is locked with a password, or unpacks to more than 2 GB.
    BadMapping
        It has no sheet of that name.
    """
    import python_calamine as calamine

    try:
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                refuse_large(file, path.name, MOST_BYTES)
        book = calamine.load_workbook(path)
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise BadMapping(path.name, f"there is no sheet {sheet!r}.", f"It has: {', '.join(names)}.")
        cells = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False)
    except (calamine.CalamineError, OSError, IndexError, ValueError) as error:
        raise BadFile(path.name, "is no readable spreadsheet.", "Save it as .xlsx, without a password.") from error
    rows = [(line, row) for line, row in enumerate(cells, 1) if line > skip and any(cell != "" for cell in row)]
    if not rows:
        raise BadFile(path.name, "is empty.", "Give a sheet with rows.")
    header = [_text(cell).strip() for cell in rows[0][1]]
    if has_header:
        rows = rows[1:]
    while header and not header[-1] and all(row[len(header) - 1] == "" for _, row in rows):
        header.pop()

    def batches(table: Table, needed: tuple[int, ...]) -> Iterator[Batch]:
        if rows:
            columns = {i: _column([row[i] for _, row in rows]) for i in needed}
            lines = np.asarray([line for line, _ in rows], np.int64)

            def raw(wanted: Int) -> list[Sequence[Any]]:
                return [[_text(c) for c in rows[row][1][: len(header)]] for row in wanted.tolist()]

            yield Batch(table.file, columns, lines, raw)

    return Table(path.name, header, len(rows), batches)


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def json_lines(name: str, blocks: Iterator[bytes]) -> Table:
    """JSON objects, one a line; the members of an inner object are columns such as "context.page".

    The header is made of the members of the first 1,000 objects.
    """
    lines = _lines(blocks)
    head = [pair for _, pair in zip(range(1_000), lines, strict=False)]
    header: dict[str, None] = {}
    for _, text in head:
        found = _object(text)
        header.update(dict.fromkeys(found) if isinstance(found, dict) else {})

    def batches(table: Table, needed: tuple[int, ...]) -> Iterator[Batch]:
        part: list[tuple[int, bytes]] = list(head)
        while part:
            yield _json_batch(table, needed, part)
            part = [pair for _, pair in zip(range(100_000), lines, strict=False)]

    return Table(name, list(header), None, batches)


def list_as_lines(name: str, text: bytes) -> bytes:
    """A JSON list as lines, one member a line.

    Raises
    ------
    BadFile
        It is no JSON list.
    """
    try:
        members = msgspec.json.decode(text, type=list[msgspec.Raw])
        return b"\n".join(msgspec.json.format(bytes(member), indent=-1) for member in members)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFile(name, f"is a broken JSON list: {error}.", "Write JSON lines: one object a line.") from error


def _lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without those that are empty."""
    rest, number = b"", 0
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            if line.rstrip(b"\r"):
                yield number, line
    if rest:
        yield number + 1, rest


def _object(line: bytes) -> dict[str, Any] | str:
    """The members of a JSON object, or the code of its fault."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "bad-encoding"
    if not text.strip():
        return "blank-row"
    if "\ufeff" in text:
        return "byte-order-mark"
    if "\0" in text:
        return "nul"
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "bad-json"
    if not isinstance(value, dict):
        return "bad-json"
    try:
        flat = dict(_flat(value))
    except RecursionError:
        return "bad-json"
    long = any(isinstance(v, str) and len(v) > 32_768 for v in flat.values())
    return "too-long" if long else flat


def _json_batch(table: Table, needed: tuple[int, ...], part: Sequence[tuple[int, bytes]]) -> Batch:
    good: list[dict[str, Any]] = []
    lines, broken = [], []
    for line, text in part:
        found = _object(text)
        if isinstance(found, dict):
            good.append(found)
            lines.append(line)
        else:
            broken.append(refusal(table.file, line, found, [text.decode("utf-8", "replace")]))
    names = table.header
    columns = {i: _column([row.get(names[i]) for row in good]) for i in needed}
    for i in needed:  # whole times of JSON are texts; a column without any value is a column of texts
        if pa.types.is_null(columns[i].type):
            columns[i] = columns[i].cast(pa.string())

    def raw(rows: Int) -> list[Sequence[Any]]:
        picked = [good[row] for row in rows.tolist()]
        return [[None if row.get(name) is None else _text(row[name]) for name in names] for row in picked]

    return Batch(table.file, columns, np.asarray(lines, np.int64), raw, broken)
