"""Sample: the first rows of a file as texts, found under a report's title lines where there are any."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from etappe.collect.accept import coded
from etappe.collect.dialect import Dialect, open_bytes
from etappe.collect.files import Rows, opened
from etappe.collect.formats import find_format
from etappe.collect.mapping import Mapping

ROWS: Final = 300
TITLES: Final = 20
"""Lines in which a header is looked for."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The first rows of a file as texts, column by column, and the names of the columns (none without a header).

    `skip` lines stand before the header; `typed` are the positions of columns that hold numbers, not texts;
    `delimiter` is that of a text file.
    """

    file: str
    header: list[str]
    columns: list[list[str]]
    skip: int = 0
    typed: tuple[int, ...] = ()
    delimiter: str | None = None


def _looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first row holds values: one of them is a time or a number."""
    number = re.compile(r"[+-]?\d+([.,]\d+)?")
    return any(number.fullmatch(cell) or find_format([cell]) is not None for cell in cells if cell)


def _titles(rows: Sequence[tuple[int, Sequence[str]]], width: int) -> int:
    """Lines before the first row that is wide and filled enough to be a header; 0 where it is no header."""
    for line, cells in rows:
        texts = [cell.strip() for cell in cells if cell.strip()]
        full = len(texts) >= max(2, 0.8 * width)
        if len(cells) == width and full:
            return 0 if line > TITLES or _looks_like_data(texts) else line
        if full or (len(texts) > width // 2 and not _looks_like_data(texts)):
            return 0
    return 0


def _text_titles(path: Path, dialect: Dialect) -> int:
    with open_bytes(path) as file:
        head = file.read(1 << 16)[dialect.bom :]
    lines = head.decode(dialect.encoding, "replace").replace("\r\n", "\n").replace("\0", "").split("\n")[:200]
    reader = csv.reader((line + "\n" for line in lines), delimiter=dialect.delimiter)
    rows, line = [], 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num
    except csv.Error:
        return 0
    widths = Counter(len(cells) for _, cells in rows if len(cells) > 1)
    if not widths or dialect.delimiter == " ":
        return 0
    width, count = widths.most_common(1)[0]
    return _titles(rows, width) if count > 1 and rows[0][0] < TITLES else 0


def _sheet_titles(path: Path, header: Sequence[str]) -> int:
    if sum(1 for name in header if name) > len(header) // 2:
        return 0
    rows = opened(path, Mapping(), False)
    batch = next(rows.batches(tuple(range(len(rows.header)))), None)
    if batch is None:
        return 0
    columns = [_head(batch.columns[i]) for i in range(len(rows.header))]
    numbered = zip(batch.lines[: len(columns[0])].tolist(), zip(*columns, strict=True), strict=True)
    return _titles([(line - 1, cells) for line, cells in numbered], len(rows.header))


def _head(column: pa.Array) -> list[str]:
    texts = coded(column.slice(0, ROWS)).cast(pa.string()).to_pylist()
    return [text or "" for text in texts]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def sample(path: Path) -> Sample:
    """The first rows of a file.

    Raises
    ------
    BadFile
        It is missing, empty, or not what it should be.
    """
    rows: Rows = opened(path, Mapping(), True)
    skip = _text_titles(path, rows.dialect) if rows.dialect else _sheet_titles(path, rows.header)
    if skip:
        rows = opened(path, Mapping(skip=skip), True)
    named = not _looks_like_data(rows.header)
    if not named:
        rows = opened(path, Mapping(), False)
    columns: list[list[str]] = [[] for _ in rows.header]
    typed: tuple[int, ...] = ()
    batch = next(rows.batches(tuple(range(len(rows.header)))), None)
    if batch is not None:
        columns = [_head(batch.columns[i]) for i in range(len(rows.header))]
        typed = tuple(i for i in range(len(columns)) if _is_number(batch.columns[i].type))
    return Sample(
        file=rows.file,
        header=rows.header if named else [],
        columns=columns,
        skip=skip if named else 0,
        typed=typed,
        delimiter=rows.dialect.delimiter if rows.dialect else None,
    )
