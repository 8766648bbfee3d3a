"""Spark rows: what Spark reads of a lake: its events, its customers' attributes, and the names of a column."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from etappe.journeys.build import BASE_COLUMNS, Store, property_of
from etappe.journeys.columns import money_texts
from etappe.journeys.sorting import coded
from etappe.units import NO_VALUE

EVENT: Final = (
    "seq bigint, actor bigint, time timestamp, touchpoint string, channel string, value bigint, currency string, "
    "`order` string, source string, properties string, import string"
)
ATTRIBUTE: Final = "actor bigint, name string, value string, import string"


def events_of(session: Any, lake: Store, files: Sequence[str]) -> Any:
    """The rows of events."""
    reader = session.read.schema(EVENT).option("basePath", str(lake.events.folder))
    return reader.parquet(*files) if files else session.createDataFrame([], EVENT)


def names_of(events: Any, name: str) -> tuple[str | None, ...]:
    """The names behind a column's codes, as the local engine has them."""
    if name == "value":
        found = [NO_VALUE if row.value is None else row.value for row in events.select("value").distinct().collect()]
        return money_texts(np.array(found, np.int64)).names
    if name in BASE_COLUMNS:
        return texts_of(events.select(f"`{name}`"))

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            held = property_of(pa.chunked_array([batch.column(0)]), name).names
            yield pa.RecordBatch.from_arrays([pa.array(held, pa.string())], names=["value"])

    return texts_of(events.select("properties").mapInArrow(read, "value string"))


def texts_of(frame: Any) -> tuple[str | None, ...]:
    """The different texts of a frame's one column, as the names of a column."""
    return coded(pa.chunked_array([pa.array([row[0] for row in frame.distinct().collect()], pa.string())])).names


def people_of(session: Any, lake: Store) -> Any:
    """The rows of customer attributes, each with its file and place in it; None where there are none."""
    from pyspark.sql import functions as F  # noqa: N812  (its own name for it)

    parts = lake.attributes.parts()
    files = [str(path) for name in lake.imports for path in sorted(parts.get(name, []))]
    if not files:
        return None
    reader = session.read.schema(ATTRIBUTE).option("basePath", str(lake.attributes.folder))
    where = (F.col("_metadata.file_path").alias("file"), F.col("_metadata.row_index").alias("row"))
    return reader.parquet(*files).select("actor", "name", "value", "import", *where)


def latest_of(session: Any, lake: Store, people: Any) -> Any:
    """Each customer's value of an attribute: of several imports the latest counts, and its last row."""
    from pyspark.sql import functions as F  # noqa: N812  (its own name for it)

    places = session.createDataFrame(list(enumerate(lake.imports)), "place int, import string")
    dated = people.join(F.broadcast(places), "import")
    return dated.groupBy("actor").agg(F.max_by("value", F.struct("place", "file", "row")).alias("value"))
