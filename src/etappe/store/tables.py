"""Tables: what a workspace knows besides events: imports, refused rows, identifiers, documents.

Columns marked personal hold what can name a person; erasure and exports walk the marks.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    create_engine,
    event,
    select,
)

from etappe.errors import BadFile

SCHEMA: Final = "1"
PRAGMAS: Final = (
    "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000", "cache_size=-131072",
)  # fmt: skip
PERSONAL: Final = {"personal": True}
SAFE_SQLITE: Final = (3, 51, 3)
"""Older releases can lose commits when two connections write (FEASIBILITY D)."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

imports = Table(
    "imports",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("at_us", BigInteger, nullable=False),
    Column("files", Text, nullable=False),
    Column("source", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("status", String, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("events", BigInteger, nullable=False, default=0),
    Column("customers", BigInteger, nullable=False, default=0),
    Column("attributes", BigInteger, nullable=False, default=0),
    Column("refused", BigInteger, nullable=False, default=0),
    Column("first_us", BigInteger),
    Column("last_us", BigInteger),
    Column("next_seq", BigInteger, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("header", Text, nullable=False, default="[]"),
    Column("properties", Text, nullable=False, default="[]"),
)

refused = Table(
    "refused",
    metadata,
    Column("import_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("column", Text),
    Column("value", Text, info=PERSONAL),
    Column("code", String, nullable=False),
    Column("what", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("raw", Text, nullable=False, info=PERSONAL),
    PrimaryKeyConstraint("import_id", "position"),
    sqlite_with_rowid=False,
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("kind", String, nullable=False),
    Column("value", Text, nullable=False, info=PERSONAL),
    Column("actor", BigInteger, nullable=False),
    Column("import_id", String, nullable=False),
    PrimaryKeyConstraint("kind", "value"),
    sqlite_with_rowid=False,
)

documents = Table(
    "documents",
    metadata,
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("kind", "id", "revision"),
)

signatures = Table(
    "signatures",
    metadata,
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("author", String, nullable=False, info=PERSONAL),
    PrimaryKeyConstraint("kind", "id", "revision"),
)
"""Who wrote a revision of a document, by the name that they gave."""

comments = Table(
    "comments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("document", String, nullable=False),
    Column("place", String, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("author", String, nullable=False, info=PERSONAL),
    Column("text", Text, nullable=False, info=PERSONAL),
    Column("done", Integer, nullable=False, default=0),
)
"""What people say to each other about a document or a part of it."""

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("author", String, nullable=False, info=PERSONAL),
    Column("title", Text, nullable=False, info=PERSONAL),
    Column("text", Text, nullable=False, default="", info=PERSONAL),
    Column("department", String, nullable=False, default=""),
    Column("person", String, nullable=False, default="", info=PERSONAL),
    Column("due", String),
    Column("status", String, nullable=False, default="open"),
    Column("done_us", BigInteger),
    Column("map", String),
    Column("opportunity", String),
    Column("touchpoint", String),
    sqlite_autoincrement=True,
)
"""What a department is to do; about an opportunity of a map, a touchpoint, or neither."""

task_steps = Table(
    "task_steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("author", String, nullable=False, info=PERSONAL),
    Column("field", String, nullable=False),
    Column("before", Text, nullable=False, info=PERSONAL),
    Column("after", Text, nullable=False, info=PERSONAL),
    Column("note", Text, nullable=False, default="", info=PERSONAL),
)
"""What has happened to a task: made, handed over, moved, done, each with a note if there was one."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("map", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("opportunity", String, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("author", String, nullable=False, info=PERSONAL),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
    Column("note", Text, nullable=False, default="", info=PERSONAL),
)
"""Which opportunity was taken up, finished or dropped, when, by whom and why."""


def sqlite_module() -> Any:
    """A SQLite that does not lose commits: the standard library's where new enough, else pysqlite3."""
    if sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return sqlite3
    import pysqlite3

    if pysqlite3.sqlite_version_info < SAFE_SQLITE:
        safe = ".".join(map(str, SAFE_SQLITE))
        raise BadFile("SQLite", f"version {pysqlite3.sqlite_version} can lose commits.", f"Install {safe} or newer.")
    return pysqlite3


def open_tables(path: Path) -> Engine:
    """The control tables in a SQLite file, made when they are not there; deleted rows are overwritten with zeros."""
    engine = create_engine(f"sqlite:///{path}", module=sqlite_module(), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _: Any) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    try:
        metadata.create_all(engine)
        with engine.begin() as connection:
            found = connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
            if found is None:
                connection.execute(meta.insert().values(key="schema", value=SCHEMA))
    except Exception as fault:
        engine.dispose()
        raise BadFile(path.name, f"cannot be opened: {getattr(fault, 'orig', fault)}.") from fault
    if found not in (None, SCHEMA):
        engine.dispose()
        raise BadFile(path.name, f"was written by another Etappe (schema {found}).", "Update Etappe.")
    return engine


@contextmanager
def driver(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor within a transaction, for many rows at once."""
    raw = connection.connection.cursor()
    try:
        yield raw
    finally:
        raw.close()
