"""Comments: what people say to each other about a document, or about a part of it."""

import time
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from etappe.store.tables import comments


class Comment(msgspec.Struct, frozen=True):
    """A comment (personal: its author and its text)."""

    id: int
    kind: str
    document: str
    place: str
    """A part, such as "cell pain @ s4"; empty for the whole."""
    at_us: int
    author: str
    text: str
    done: bool = False


def add(connection: Connection, kind: str, document: str, place: str, author: str, text: str) -> Comment:
    """Add a comment."""
    values: dict[str, Any] = {
        "kind": kind, "document": document, "place": place, "at_us": time.time_ns() // 1000, "author": author,
        "text": text, "done": 0,
    }  # fmt: skip
    made = connection.execute(comments.insert().values(**values))
    return Comment(id=int((made.inserted_primary_key or (0,))[0]), **{**values, "done": False})


def of(connection: Connection, kind: str, document: str) -> list[Comment]:
    """All comments on a document, the oldest first."""
    query = select(comments).where(comments.c.kind == kind, comments.c.document == document).order_by(comments.c.id)
    return [Comment(**{**row._mapping, "done": bool(row.done)}) for row in connection.execute(query)]


def mark(connection: Connection, kind: str, document: str, comment_id: int, done: bool) -> bool:
    """Mark a comment as done, or open again; whether there is one."""
    which = (comments.c.kind == kind) & (comments.c.document == document) & (comments.c.id == comment_id)
    return connection.execute(comments.update().where(which).values(done=int(done))).rowcount > 0


def remove(connection: Connection, kind: str, document: str, comment_id: int) -> bool:
    """Delete a comment; whether there was one."""
    which = (comments.c.kind == kind) & (comments.c.document == document) & (comments.c.id == comment_id)
    return connection.execute(comments.delete().where(which)).rowcount > 0
