"""Identifiers: what sources call a customer, and the whole number (actor) that stands for it inside.

The lake and the columns hold actors only; the identifiers, which can name a person, live in this one table.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, func, select

from etappe.arrays import Int
from etappe.store.tables import driver, identifiers

KIND: Final = "customer"


class Actors:
    """Actors of customers' identifiers within one transaction; unknown identifiers get the next numbers."""

    def __init__(self, connection: Connection, import_id: str) -> None:
        self.connection, self.import_id = connection, import_id
        with driver(connection) as cursor:
            cursor.execute("SELECT value, actor FROM identifiers WHERE kind = ?", (KIND,))
            rows = cursor.fetchall()
        self.known = pa.array([row[0] for row in rows], pa.string())
        self.actors = np.asarray([row[1] for row in rows], np.int64)
        self.next = int(connection.execute(select(func.max(identifiers.c.actor))).scalar() or 0) + 1
        self.new: list[tuple[pa.Array, Int]] = []

    def of(self, customers: pa.ChunkedArray) -> Int:
        """The actor of each customer, (rows,) int64. O(rows + known customers)."""
        coded = customers.combine_chunks()
        if isinstance(coded, pa.ChunkedArray):  # no chunk at all
            return np.empty(0, np.int64)
        if not pa.types.is_dictionary(coded.type):
            coded = coded.dictionary_encode()
        names = coded.dictionary.cast(pa.string())
        places = pc.index_in(names, value_set=self.known).fill_null(-1).to_numpy(zero_copy_only=False)
        actors = np.where(places >= 0, self.actors[places] if len(self.actors) else -1, -1)
        fresh = np.flatnonzero(places < 0)
        if len(fresh):
            codes = coded.indices.to_numpy(zero_copy_only=False)
            used = np.zeros(len(names), bool)
            used[codes] = True
            fresh = fresh[used[fresh]]
            numbers = np.arange(self.next, self.next + len(fresh), dtype=np.int64)
            self.next += len(fresh)
            actors[fresh] = numbers
            added = names.take(pa.array(fresh))
            self.new.append((added, numbers))
            self.known = pa.concat_arrays([self.known, added])
            self.actors = np.concatenate((self.actors, numbers))
        found: Int = actors[coded.indices.to_numpy(zero_copy_only=False)]
        return found

    def save(self) -> None:
        """Write the new identifiers, in the table's own order: a sorted insert touches each page once."""
        if not self.new:
            return
        names = pa.concat_arrays([names for names, _ in self.new])
        order = pc.sort_indices(names)
        actors = np.concatenate([actors for _, actors in self.new])[order.to_numpy()].tolist()
        values = names.take(order).to_pylist()
        with driver(self.connection) as cursor:
            cursor.executemany(
                f"INSERT INTO identifiers (kind, value, actor, import_id) VALUES ('{KIND}', ?, ?, '{self.import_id}')",
                zip(values, actors, strict=True),
            )
        self.new.clear()


def names_of(connection: Connection, actors: Sequence[int]) -> dict[int, str]:
    """The identifiers of some actors (personal). A scan: an index by actor would double the time of large imports."""
    found: dict[int, str] = {}
    for at in range(0, len(actors), 10_000):
        some = [int(actor) for actor in actors[at : at + 10_000]]
        query = select(identifiers.c.actor, identifiers.c.value).where(identifiers.c.actor.in_(some))
        found.update((actor, value) for actor, value in connection.execute(query))
    return found
