"""Undoing: an import taken back exactly, and whatever was cut off cleared up."""

import shutil
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import OperationalError

from etappe.arrays import Int
from etappe.errors import NotWritten
from etappe.store import imports as ledger
from etappe.store.identifiers import KIND
from etappe.store.lake import LakeTable
from etappe.store.tables import driver, identifiers

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace


def undo(workspace: "Workspace", record: ledger.ImportRecord) -> None:
    """Take an import back; what a full disk stops is finished at the next change."""
    try:
        _undo(workspace, record)
    except (OSError, OperationalError) as fault:
        reason = getattr(fault, "strerror", None) or getattr(fault, "orig", None) or fault
        hint = "Make room or mend the disk; the next change finishes the undo."
        raise NotWritten(str(workspace.folder), f"the disk does not take the undo: {reason}.", hint) from fault


def _undo(workspace: "Workspace", record: ledger.ImportRecord) -> None:
    """First marked, then dropped from the lake, then struck from the tables."""
    with workspace.engine.begin() as connection:
        ledger.set_status(connection, record.id, "undoing")
    workspace.events.drop(record.id)
    workspace.attributes.drop(record.id)
    shutil.rmtree(workspace.folder / "journeys", ignore_errors=True)  # columns derived from what is gone
    with workspace.engine.begin() as connection:
        _forget_identifiers(workspace, connection, record.id)
        ledger.forget_refused(connection, record.id)
        ledger.set_status(connection, record.id, "undone")
    _checkpoint(workspace)


def recover(workspace: "Workspace") -> None:
    """Clear up what a cut-off import or undo left: a half import goes, a half undo is done."""
    with workspace.engine.connect() as connection:
        open_ends = ledger.all_imports(connection, "writing", "undoing")
    for record in open_ends:
        if record.status == "undoing":
            undo(workspace, record)
            continue
        for table in (workspace.events, workspace.attributes):
            table.drop(record.id)
        with workspace.engine.begin() as connection:
            ledger.forget(connection, record.id)


def _forget_identifiers(workspace: "Workspace", connection: Connection, import_id: str) -> None:
    """Delete the identifiers that came with an import, save those that another import uses: those become its own."""
    query = select(identifiers.c.value, identifiers.c.actor).where(identifiers.c.import_id == import_id)
    value_of = {actor: value for value, actor in connection.execute(query)}
    mine = np.asarray(sorted(value_of), np.int64)
    for other in ledger.all_imports(connection, "done"):
        used = [_actors(table, other.id) for table in (workspace.events, workspace.attributes)]
        kept = np.intersect1d(mine, np.concatenate(used))
        with driver(connection) as cursor:
            cursor.executemany(
                "UPDATE identifiers SET import_id = ? WHERE kind = ? AND value = ?",
                ((other.id, KIND, value_of[actor]) for actor in kept.tolist()),
            )
        mine = np.setdiff1d(mine, kept)
    connection.execute(delete(identifiers).where(identifiers.c.import_id == import_id))


def _actors(table: LakeTable, import_id: str) -> Int:
    found: Int = np.unique(table.read([import_id], ["actor"])["actor"].to_numpy())
    return found


def _checkpoint(workspace: "Workspace") -> None:
    """Empty SQLite's write-ahead file, in which deleted values would live on."""
    with workspace.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
