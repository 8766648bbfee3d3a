"""Files: rows of export files as chunks of accepted events and attributes, and of refused rows.

Every row is accepted, left out by `where`, or refused with its place and its reason: together they are all rows.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from etappe.collect import tables
from etappe.collect.accept import ATTRIBUTE_SCHEMA, EVENT_SCHEMA, Batch, Chunk, accept
from etappe.collect.dialect import HEAD, Dialect, find_dialect, open_bytes, utf8_blocks
from etappe.collect.foreign import refuse_bytes, refuse_document, refuse_text
from etappe.collect.mapping import Mapping
from etappe.collect.plan import by_name, plan
from etappe.collect.refusals import Refusal
from etappe.collect.sql import select, sql_files
from etappe.collect.text import Records
from etappe.errors import BadFile

__all__ = ["ATTRIBUTE_SCHEMA", "EVENT_SCHEMA", "Chunk", "Refusal", "content_hash", "header", "read"]

Progress = Callable[[int, int | None], None]
_EXCEL: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_JSON: Final = (".jsonl", ".ndjson", ".json")


@dataclass(slots=True)
class Rows:
    """An opened file: its header, whether that came from the file, and its batches for the columns of a plan."""

    file: str
    header: list[str]
    named: bool
    batches: Callable[[tuple[int, ...]], Iterator[Batch]]
    total: Callable[[int], int | None]
    dialect: Dialect | None = None


def _kind(path: Path, head: bytes) -> str:
    """The kind of a file, by its first bytes where they tell, else by its name."""
    name = path.name.lower().removesuffix(".gz")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or name.endswith(_EXCEL):
        return "excel"
    if name.endswith((".parquet", ".pq")):
        return "parquet"
    return "json" if name.endswith(_JSON) else "text"


def opened(path: Path, mapping: Mapping, named: bool) -> Rows:
    """A file, opened as what it is: its columns, and batches of their rows; `named` says that it has a header."""
    with open_bytes(path) as file:
        try:
            head = file.read(HEAD)
        except (OSError, EOFError) as error:
            raise BadFile(path.name, f"is a broken archive: {error}.", "Pack or download it again.") from error
    if not head:
        raise BadFile(path.name, "is empty.", "Give a file with rows.")
    refuse_bytes(head, path.name)
    kind = _kind(path, head)
    if kind == "excel" and not head.startswith((b"PK", b"\xd0\xcf")):
        refuse_text(head.decode("utf-8", "replace"), path.name)
    if kind in ("parquet", "excel"):
        table = tables.parquet(path) if kind == "parquet" else tables.excel(path, mapping.sheet, mapping.skip, named)
        return Rows(path.name, table.header, named or kind == "parquet", table.batches, lambda _: table.rows)
    if kind == "json":
        dialect = find_dialect(head, Mapping(encoding=mapping.encoding, delimiter=","))
        blocks = utf8_blocks(path, dialect)
        text = head[dialect.bom :].decode(dialect.encoding, "replace")
        refuse_text(text, path.name)
        refuse_document(text, len(head) < HEAD, path.name)
        if text.lstrip().startswith("["):
            blocks = iter([tables.list_as_lines(path.name, b"".join(blocks))])
        table = tables.json_lines(path.name, blocks)
        return Rows(path.name, table.header, True, table.batches, lambda _: None)
    dialect = find_dialect(head, mapping)
    refuse_text(head[dialect.bom :][:8192].decode(dialect.encoding, "replace"), path.name)
    records = Records(path.name, utf8_blocks(path, dialect), dialect.delimiter)
    first = records.first(mapping.skip)
    if first is None:
        raise BadFile(path.name, "is empty.", "Give a file with rows.")
    if named:
        records.drop_first()
    size = path.stat().st_size

    def total(rows: int) -> int | None:
        """An estimate by the share of bytes read; none for a packed file."""
        packed = path.name.lower().endswith(".gz")
        return None if packed or not records.consumed else max(rows, int(rows * size / records.consumed))

    return Rows(path.name, first, named, records.batches, total, dialect)


def folders_of(paths: Sequence[Path], mapping: Mapping) -> list[Path]:
    """Where the files of a SELECT are looked for: beside the mapping, then beside the files that were given."""
    parents = [Path(path).resolve().parent for path in paths]
    own = [Path(mapping.folder)] if mapping.folder else []
    return list(dict.fromkeys([*own, *parents])) or [Path()]


def _sources(paths: Sequence[Path], mapping: Mapping) -> Iterator[Callable[[], Rows]]:
    if mapping.sql is not None:
        sql = mapping.sql

        def selected() -> Rows:
            table = select(sql, folders_of(paths, mapping), "mapping")
            name = Path(paths[0]).name if len(paths) == 1 else table.file
            table.file = name
            return Rows(name, table.header, True, table.batches, lambda _: table.rows)

        yield selected
        return
    named = by_name(mapping)
    for path in paths:
        yield lambda path=Path(path): opened(path, mapping, named)  # type: ignore[misc]


def header(paths: Sequence[Path], mapping: Mapping) -> list[str]:
    """The names of the columns of the first file (or of the SELECT); empty where it has no header."""
    if mapping.sql is not None:
        return select(mapping.sql, folders_of(paths, mapping), "mapping", header_only=True).header
    rows = next(iter(_sources(paths, mapping)))()
    return rows.header if rows.named else []


def read(
    paths: Sequence[Path], mapping: Mapping, *, timezone: str = "UTC", progress: Progress | None = None
) -> Iterator[Chunk]:
    """Read files by a mapping, chunk by chunk.

    Every file's columns are checked against the mapping before a row of any is read. `progress` is told the rows read
    so far and the rows there are (for text files an estimate, None where there is none).

    Raises
    ------
    BadFile
        A file is missing, empty, a folder, or not what it should be.
    BadMapping
        A mapped column is not in the file.
    """
    makers = list(_sources(paths, mapping))
    for make in makers:
        source = make()
        plan(mapping, source.header, timezone, source.file, named=source.named)
    if len(makers) == 1:  # a SELECT or a workbook need not be read twice
        makers = [lambda: source]
    return _chunks(makers, mapping, timezone, progress)


def _chunks(
    makers: Sequence[Callable[[], Rows]], mapping: Mapping, timezone: str, progress: Progress | None
) -> Iterator[Chunk]:
    done = 0
    for make in makers:
        source = make()
        what = plan(mapping, source.header, timezone, source.file, named=source.named)
        before = done
        for batch in source.batches(what.needed):
            chunk = accept(batch, what)
            done += chunk.rows
            if progress is not None:
                total = source.total(done - before)
                progress(done, None if total is None or len(makers) > 1 else total)
            yield chunk


def content_hash(paths: Sequence[Path], mapping: Mapping | None = None) -> str:
    """SHA-256 of a file's bytes; of several files, or of those that a SELECT reads, of all their hashes in order.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_bytes(b"abc")
    >>> content_hash([path])[:8]
    'ba7816bf'
    """
    files = [Path(path) for path in paths]
    if mapping is not None and mapping.sql is not None:
        files = sql_files(mapping.sql, folders_of(paths, mapping), "mapping") or files
    hashes = []
    for path in files:
        if path.is_dir():
            raise BadFile(path.name, "is a folder.", "Give the files in it.")
        try:
            with path.open("rb") as file:
                hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise BadFile(str(path), "cannot be read.", "Check the path and its rights.") from error
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
