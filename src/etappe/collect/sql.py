"""SQL: the rows of one DuckDB SELECT over files; for the command line and Python, never from an uploaded mapping."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from etappe.collect.accept import Batch
from etappe.collect.tables import ROWS, Table, rows_at
from etappe.errors import BadMapping

_FILE: Final = re.compile(r".+\.(parquet|csv|tsv|txt|json|jsonl|ndjson)(\.gz|\.zst)?", re.IGNORECASE)
_CSV: Final = re.compile(r"\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)


def sql_files(sql: str, folders: Sequence[Path], where: str) -> list[Path]:
    """The files that a SELECT reads, in the order of their names.

    Raises
    ------
    BadMapping
        It is not one SELECT, or a file is not there.
    """
    found: set[Path] = set()
    for name in _names(_tree(sql, where)):
        if not _FILE.fullmatch(name):
            continue
        matches = next((m for folder in folders if (m := sorted(_glob(folder, name)))), None)
        if not matches:
            raise BadMapping(where, f"sql: there is no file {name!r}.", "Paths start at the mapping file's folder.")
        found.update(path.resolve() for path in matches)
    return sorted(found, key=lambda path: (path.name, str(path)))


def _glob(folder: Path, name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_absolute():
        folder, name = path.parent, path.name
    yield from folder.glob(name) if any(c in name for c in "*?[") else [p for p in [folder / name] if p.exists()]


def _tree(sql: str, where: str) -> dict[str, Any]:
    import duckdb

    con = duckdb.connect(":memory:")
    try:
        row = con.execute("select json_serialize_sql($1)", [sql]).fetchone()
    finally:
        con.close()
    tree: dict[str, Any] = json.loads(row[0]) if row else {}
    if tree.get("error"):
        message = str(tree.get("error_message", "")).strip()
        raise BadMapping(where, f"sql: {message}.", "Write one SELECT.")
    if len(tree.get("statements", [])) != 1:
        raise BadMapping(where, "sql: there is more than one statement.", "Write one SELECT.")
    return tree


def _names(node: Any) -> Iterator[str]:
    """The names of tables, and the texts given to functions in the place of a table."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield str(node.get("table_name", ""))
        if node.get("type") == "TABLE_FUNCTION":
            yield from _constants(node.get("function"))
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)


def _constants(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        literal = node.get("literal")
        if isinstance(literal, dict) and literal.get("kind") == "STRING":
            yield str(literal.get("text", ""))
        for value in node.values():
            yield from _constants(value)
    elif isinstance(node, list):
        for value in node:
            yield from _constants(value)


def _keep_zeros(con: Any, sql: str, folders: Sequence[Path], where: str) -> None:
    """Keep texts such as "007" in CSV files, also where DuckDB's sample of them holds whole numbers only."""
    names = {name for name in _names(_tree(sql, where)) if _CSV.search(name)}
    for name in sorted(names):
        path = next((str(p) for folder in folders for p in _glob(folder, name)), name)
        kinds = con.execute("select column_name, column_type from (describe from read_csv($1))", [path]).fetchall()
        whole = [column for column, kind in kinds if kind in ("BIGINT", "INTEGER", "HUGEINT", "UBIGINT")]
        if not whole:
            continue
        tests = ", ".join(f"bool_or(regexp_matches({_quoted(c)}, '^\\s*0[0-9]'))" for c in whole)
        found = con.execute(f"select {tests} from read_csv($1, all_varchar = true)", [path]).fetchall()[0]
        kept = [column for column, zero in zip(whole, found, strict=True) if zero]
        if kept:
            kinds_text = ", ".join(f"{_literal(c)}: 'VARCHAR'" for c in kept)
            reader = f"read_csv({_literal(path)}, types = {{{kinds_text}}})"
            con.execute(f"create or replace view {_quoted(name)} as from {reader}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ordered(sql: str, where: str) -> tuple[str | None, bool]:
    """The SELECT in the order of rows (a group: of its first), None where that cannot be; whether it says an order."""
    node = _tree(sql, where)["statements"][0]["node"]
    if any(m.get("type") == "ORDER_MODIFIER" for m in node.get("modifiers", [])):
        return None, True
    if node.get("modifiers") or node.get("type") != "SELECT_NODE":
        return None, False
    table = node.get("from_table") or {}
    while table.get("type") == "JOIN":
        table = table["left"]
    name = table.get("alias") or table.get("table_name")
    if table.get("type") != "BASE_TABLE" or not name:
        return None, False
    row = _quoted(str(name)) + ".file_row_number"
    grouped = bool(node.get("group_expressions"))
    return f"{sql.strip().rstrip(';')}\norder by {f'min({row})' if grouped else row}", False


def select(sql: str, folders: Sequence[Path], where: str, *, header_only: bool = False) -> Table:
    """The rows of one SELECT over files; ties keep the order of rows, a group that of its first row.

    Raises
    ------
    BadMapping
        It is not one SELECT, a file is not there, or DuckDB refuses it.
    """
    import duckdb

    sql_files(sql, folders, where)
    rewritten, ordered = (None, True) if header_only else _ordered(sql, where)
    text = f"select * from ({sql.strip().rstrip(';')}\n) limit 0" if header_only else sql
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    con.execute("set file_search_path = $1", [",".join(str(folder) for folder in folders)])
    con.execute("set timezone = 'UTC'")
    try:
        _keep_zeros(con, sql, folders, where)
        result = None
        if rewritten is not None:
            with suppress(duckdb.BinderException):  # no row numbers, as in CSV
                result = con.sql(rewritten).to_arrow_table()
        if result is None:
            if not ordered:
                con.execute("set threads = 1")  # without an order of rows, at least the same one each time
            result = con.sql(text).to_arrow_table()
    except duckdb.Error as error:
        raise BadMapping(where, f"sql: {error}.", "Try the SELECT in DuckDB.") from error
    finally:
        con.close()

    def batches(table: Table, needed: tuple[int, ...]) -> Iterator[Batch]:
        at = 0
        for part in result.combine_chunks().to_batches(ROWS):
            columns = {i: part.column(i) for i in needed}
            yield Batch(
                table.file,
                columns,
                np.arange(at + 1, at + 1 + len(part)),
                partial(rows_at, part.columns),
            )
            at += len(part)

    return Table("sql", list(result.column_names), len(result), batches)
