"""Imports: what was imported when, from which file, and which rows were refused; the ledger that undo works on.

States: writing -> done -> undoing -> undone. A workspace that finds `writing` or `undoing` at its next write was cut
off there, and clears it up first.
"""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from etappe.store.tables import driver, imports, refused


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One import as the ledger holds it."""

    id: str
    number: int
    at_us: int
    files: tuple[str, ...]
    source: str
    sha256: str
    """Of the file's bytes; empty after an undo."""
    status: str
    rows: int
    events: int
    customers: int
    attributes: int
    refused: int
    first_us: int | None
    last_us: int | None
    mapping: str
    header: tuple[str, ...]
    properties: tuple[str, ...]


def _record(row: Any) -> ImportRecord:
    values = {name: getattr(row, name) for name in ImportRecord.__struct_fields__}
    for name in ("files", "header", "properties"):
        values[name] = tuple(json.loads(values[name]))
    return ImportRecord(**values)


def all_imports(connection: Connection, *states: str) -> list[ImportRecord]:
    """The imports in the order of their numbers; all, or those in some states."""
    query = select(imports).order_by(imports.c.number)
    if states:
        query = query.where(imports.c.status.in_(states))
    return [_record(row) for row in connection.execute(query)]


def by_hash(connection: Connection, sha256: str) -> ImportRecord | None:
    """The import in force of a file with these bytes."""
    row = connection.execute(select(imports).where(imports.c.sha256 == sha256, imports.c.status == "done")).first()
    return _record(row) if row else None


def begin(
    connection: Connection, *, files: Sequence[str], source: str, sha256: str, mapping: str
) -> tuple[str, int, int]:
    """Enter an import as `writing`; its id, number and first seq."""
    number = int(connection.execute(select(func.coalesce(func.max(imports.c.number), 0))).scalar_one()) + 1
    seq = int(connection.execute(select(func.coalesce(func.max(imports.c.next_seq), 1))).scalar_one())
    import_id = f"i{number}"
    connection.execute(
        imports.insert().values(
            id=import_id,
            number=number,
            at_us=time.time_ns() // 1000,
            files=json.dumps(list(files), ensure_ascii=False),
            source=source,
            sha256=sha256,
            status="writing",
            next_seq=seq,
            mapping=mapping,
        )
    )
    return import_id, number, seq


def finish(connection: Connection, import_id: str, **counts: Any) -> None:
    """Enter an import as done, with its counts."""
    connection.execute(update(imports).where(imports.c.id == import_id).values(status="done", **counts))


def set_status(connection: Connection, import_id: str, status: str) -> None:
    """Enter a new state; an undone import gives its file free to be imported again."""
    values = {"status": status} | ({"sha256": ""} if status == "undone" else {})
    connection.execute(update(imports).where(imports.c.id == import_id).values(**values))


def forget(connection: Connection, import_id: str) -> None:
    """Strike an import that never became whole."""
    connection.execute(delete(imports).where(imports.c.id == import_id))
    forget_refused(connection, import_id)


def keep_refused(connection: Connection, import_id: str, start: int, rows: Iterable[Sequence[Any]]) -> None:
    """Keep refused rows (file, line, column, value, code, what, hint, raw), numbered from `start`."""
    with driver(connection) as cursor:
        cursor.executemany(
            'INSERT INTO refused (import_id, position, file, line, "column", value, code, what, hint, raw) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((import_id, start + i, *row) for i, row in enumerate(rows)),
        )


def refused_rows(connection: Connection, import_id: str, offset: int = 0, limit: int = -1) -> list[dict[str, Any]]:
    """Refused rows of an import, as dicts, in the order of the file."""
    query = select(refused).where(refused.c.import_id == import_id).order_by(refused.c.position)
    query = query.offset(offset).limit(limit) if limit >= 0 else query
    return [dict(row) for row in connection.execute(query).mappings()]


def forget_refused(connection: Connection, import_id: str) -> None:
    """Delete the refused rows of an import: they hold personal values."""
    connection.execute(delete(refused).where(refused.c.import_id == import_id))
