"""Decisions: which opportunity was taken up, finished or dropped, when, by whom and why."""

import time
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from etappe.store.tables import decisions


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an opportunity's status (personal: its author and its note)."""

    id: int
    map: str
    revision: int
    """The map's revision that holds it."""
    opportunity: str
    at_us: int
    author: str
    before: str
    """The status before; empty: it was recorded."""
    after: str
    note: str = ""


def keep(
    connection: Connection, map_id: str, revision: int, changed: Iterable[tuple[str, str, str]], author: str, note: str
) -> None:
    """Keep changes of status: opportunity, before, after."""
    now = time.time_ns() // 1000
    values: list[dict[str, Any]] = [
        {"map": map_id, "revision": revision, "opportunity": one, "at_us": now, "author": author, "before": before,
         "after": after, "note": note}
        for one, before, after in changed
    ]  # fmt: skip
    if values:
        connection.execute(decisions.insert(), values)


def every(connection: Connection, map_id: str | None = None) -> list[Decision]:
    """All decisions, or those of a map, the newest first."""
    query = select(decisions).order_by(decisions.c.id.desc())
    if map_id is not None:
        query = query.where(decisions.c.map == map_id)
    return [Decision(**row._mapping) for row in connection.execute(query)]
