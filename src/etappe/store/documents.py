"""Documents: maps and registries as people write them (YAML), each change a new revision."""

import time

import msgspec
from sqlalchemy import Connection, select

from etappe.store.tables import documents


class Document(msgspec.Struct, frozen=True):
    """The text of a document at one revision."""

    kind: str
    id: str
    revision: int
    at_us: int
    body: str


def get(connection: Connection, kind: str, document_id: str, revision: int | None = None) -> Document | None:
    """A document at its newest revision, or at a given one."""
    query = select(documents).where(documents.c.kind == kind, documents.c.id == document_id)
    if revision is not None:
        query = query.where(documents.c.revision == revision)
    row = connection.execute(query.order_by(documents.c.revision.desc()).limit(1)).first()
    return Document(*row) if row else None


def newest(connection: Connection, kind: str) -> list[Document]:
    """The newest revision of each document of a kind, by id."""
    rows = connection.execute(
        select(documents).where(documents.c.kind == kind).order_by(documents.c.id, documents.c.revision)
    )
    return list({row.id: Document(*row) for row in rows}.values())


def put(connection: Connection, kind: str, document_id: str, body: str) -> Document:
    """Store a new revision; the same text again changes nothing."""
    old = get(connection, kind, document_id)
    if old is not None and old.body == body:
        return old
    new = Document(kind, document_id, old.revision + 1 if old else 1, time.time_ns() // 1000, body)
    connection.execute(documents.insert().values(**msgspec.structs.asdict(new)))
    return new


def remove(connection: Connection, kind: str, document_id: str) -> bool:
    """Delete a document with all its revisions; whether there was one."""
    gone = connection.execute(documents.delete().where(documents.c.kind == kind, documents.c.id == document_id))
    return gone.rowcount > 0
