"""Frames: journeys from any pandas, Polars or Arrow table or DuckDB relation, without a workspace."""

from functools import partial
from hashlib import sha256
from io import RawIOBase
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etappe.arrays import Column, Int
from etappe.errors import BadFile, unknown
from etappe.journeys.columns import Journeys, Origin
from etappe.journeys.sorting import coded, coded_touchpoints, sort_rows
from etappe.units import MONEY, NO_VALUE


def journeys_from(
    frame: Any,
    *,
    customer: str,
    time: str,
    touchpoint: str,
    value: str | None = None,
    timezone: str = "UTC",
) -> Journeys:
    """Journeys from a pandas, Polars or Arrow table or a DuckDB relation, without a workspace.

    Parameters
    ----------
    frame : anything with ``__arrow_c_stream__``
    customer, time, touchpoint : names of columns without gaps; `time` holds timestamps
    value : a column of numbers, in units of a currency; NaN is no value
    timezone : of times that have none

    Every other column can be filtered and broken down by its name.

    Raises
    ------
    UnknownName
        A column is not there.
    BadFile
        The frame is none, times are not timestamps, one of the three columns has gaps, or a value is infinite.

    Examples
    --------
    >>> import etappe, pyarrow as pa
    >>> from datetime import datetime as at
    >>> frame = pa.table({"who": ["a", "a", "b"], "when": [at(2026, 1, 1), at(2026, 1, 2), at(2026, 1, 1)],
    ...                   "what": ["visit", "order", "visit"]})
    >>> etappe.journeys_from(frame, customer="who", time="when", touchpoint="what")
    <Journeys: 2 journeys of 2 subjects, 3 touchpoints>
    """
    if not hasattr(frame, "__arrow_c_stream__"):
        hint = "Give a pandas, Polars or Arrow table, or a DuckDB relation."
        raise BadFile("journeys_from", f"{type(frame).__name__} is no table.", hint)
    table = pa.table(frame)
    for name in (customer, time, touchpoint, *([value] if value else ())):
        if name not in table.column_names:
            raise unknown("journeys_from", "column", name, table.column_names)
    for name in (customer, time, touchpoint):
        if table[name].null_count:
            gaps = f"column {name!r} has {table[name].null_count:,} gaps."
            raise BadFile("journeys_from", gaps, "Fill them or leave these rows out.")
    kind = table.schema.field(time).type
    if not pa.types.is_timestamp(kind) and not pa.types.is_date(kind):
        hint = "Convert it first, for example with pandas.to_datetime."
        raise BadFile("journeys_from", f"column {time!r} holds {kind}, not timestamps.", hint)
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        hint = "Write a zone such as Europe/Berlin."
        raise BadFile("journeys_from: timezone", f"{timezone!r} is no time zone.", hint) from None
    if value is not None and not _holds_numbers(table.schema.field(value).type):
        what = f"column {value!r} holds {table.schema.field(value).type}, no numbers."
        raise BadFile("journeys_from: value", what, "Convert it first, for example with pandas.to_numeric.")
    if value is not None:
        _refuse_infinite(table[value], value)
    moments = table[time].cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
    if getattr(kind, "tz", None) is None:
        moments = pc.assume_timezone(moments, timezone, ambiguous="earliest", nonexistent="earliest")
    time_us = moments.cast(pa.int64()).to_numpy()
    who = coded(table[customer].cast(pa.string()))
    codes, touchpoints = coded_touchpoints(table[touchpoint].cast(pa.string()))
    offsets, rows, present = sort_rows(who.codes.astype(np.int64), len(who.names), time_us)
    others = [name for name in table.column_names if name not in (customer, time, touchpoint)]

    def load(name: str) -> Column:
        return coded(table[name].cast(pa.string())).take(rows)

    def values(name: str) -> Int:
        amounts = table[name].cast(pa.float64())
        finite = pc.if_else(pc.is_finite(amounts), amounts, None)  # NaN, as pandas writes a gap
        whole = pc.round(pc.multiply(finite, MONEY)).cast(pa.int64())
        numbers: Int = whole.fill_null(NO_VALUE).to_numpy()[rows]
        return numbers

    return Journeys(
        offsets=offsets.astype(np.int64),
        time_us=time_us[rows],
        touchpoint=codes[rows],
        touchpoints=touchpoints,
        subject=present.astype(np.int64),
        lazy={name: partial(load, name) for name in others},
        lazy_attributes={},
        origin=Origin(
            data_until_us=int(time_us.max()) if len(time_us) else None,
            lake=_fingerprint(table.select([customer, time, touchpoint, *others]), value, timezone),
            timezone=timezone,
            events=len(time_us),
            subjects=len(present),
        ),
        lazy_value=partial(values, value) if value else None,
        name_of=lambda chosen: [str(who.names[i]) for i in chosen.tolist()],
    )


def _holds_numbers(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.null()
    )


def _refuse_infinite(column: pa.ChunkedArray, name: str) -> None:
    """Refuse infinity, which no sum survives and which is not the absence of a value, as NaN is."""
    if not pa.types.is_floating(column.type):
        return
    infinite = pc.fill_null(pc.is_inf(column), False)
    count = pc.sum(infinite).as_py()
    if count:
        what = f"column {name!r} is infinite in {count:,} rows, the first is row {pc.index(infinite, True).as_py():,}."
        raise BadFile("journeys_from: value", what, "Leave the field empty where there is no value.")


def _fingerprint(table: pa.Table, *meaning: object) -> str:
    """All that an answer can depend on: every column, and how it is read. O(bytes)."""
    digest = sha256(repr(meaning).encode())
    with (
        pa.PythonFile(_Digesting(digest), "w") as out,
        pa.ipc.new_stream(out, table.schema.remove_metadata()) as writer,
    ):
        writer.write_table(table.replace_schema_metadata(None).combine_chunks())
    return digest.hexdigest()[:16]


class _Digesting(RawIOBase):
    """A file that keeps nothing but a digest of what is written to it."""

    def __init__(self, digest: Any) -> None:
        self.digest = digest

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return len(content)
