"""Documents: maps and registries as people write them (YAML), each change a new revision."""

import time

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from etappe.store.tables import comments, decisions, documents, signatures, tasks


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


def append(connection: Connection, kind: str, document_id: str, revision: int, body: str, author: str = "") -> bool:
    """Store a revision that must be new; False where somebody else was first, and then nothing is stored."""
    new = Document(kind, document_id, revision, time.time_ns() // 1000, body)
    try:
        with connection.begin_nested():
            connection.execute(documents.insert().values(**msgspec.structs.asdict(new)))
    except IntegrityError:
        return False
    if author:
        signed = {"kind": kind, "id": document_id, "revision": revision, "author": author}
        connection.execute(signatures.insert().values(**signed))
    return True


class Revision(msgspec.Struct, frozen=True):
    """That a document was changed, when and by whom (personal)."""

    revision: int
    at_us: int
    author: str


def revisions(connection: Connection, kind: str, document_id: str, limit: int = 200, offset: int = 0) -> list[Revision]:
    """The revisions of a document, the newest first."""
    of = (documents.c.kind == signatures.c.kind) & (documents.c.id == signatures.c.id)
    both = documents.outerjoin(signatures, of & (documents.c.revision == signatures.c.revision))
    query = select(documents.c.revision, documents.c.at_us, func.coalesce(signatures.c.author, "")).select_from(both)
    query = query.where(documents.c.kind == kind, documents.c.id == document_id)
    rows = connection.execute(query.order_by(documents.c.revision.desc()).limit(limit).offset(offset))
    return [Revision(*row) for row in rows]


def remove(connection: Connection, kind: str, document_id: str) -> bool:
    """Delete a document with all its revisions, and what was said and decided about it; whether there was one.

    Tasks about a map are kept: they are somebody's work. They are about nothing any more.
    """
    if kind == "map":
        connection.execute(decisions.delete().where(decisions.c.map == document_id))
        connection.execute(tasks.update().where(tasks.c.map == document_id).values(map=None, opportunity=None))
    connection.execute(signatures.delete().where(signatures.c.kind == kind, signatures.c.id == document_id))
    connection.execute(comments.delete().where(comments.c.kind == kind, comments.c.document == document_id))
    gone = connection.execute(documents.delete().where(documents.c.kind == kind, documents.c.id == document_id))
    return gone.rowcount > 0
