"""Table: the columns of a finding as one Arrow table.

`pa.array` imports pandas, where it is installed, only to ask whether a list is one of its series: a third of the time
that a new process needs for its first answer. The few kinds of column that findings have are laid out here instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from etappe.analysis.show import DECIMALS, SHARES


def _valid(missing: list[bool]) -> pa.Buffer | None:
    """Arrow's bitmap of what is there; none where everything is."""
    return pa.py_buffer(np.packbits(~np.asarray(missing), bitorder="little").tobytes()) if any(missing) else None


def _numbers(values: Any, kind: pa.DataType) -> pa.Array:
    missing = [value is None for value in values]
    filled = [0 if value is None else value for value in values] if any(missing) else values
    held = np.asarray(filled, np.float64 if pa.types.is_floating(kind) else np.int64)
    return pa.Array.from_buffers(kind, len(held), [_valid(missing), pa.py_buffer(held.tobytes())])


def _texts(values: Sequence[str | None]) -> pa.Array:
    encoded = [(value or "").encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    buffers = [
        _valid([value is None for value in values]),
        pa.py_buffer(ends.tobytes()),
        pa.py_buffer(b"".join(encoded)),
    ]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _kind(name: str, values: Any) -> pa.DataType:
    """The type of a column: its values', or where it has none the one that its name says."""
    if isinstance(values, np.ndarray):
        return pa.float64() if values.dtype.kind == "f" else pa.int64()
    first = next((value for value in values if value is not None), None)
    if isinstance(first, str):
        return pa.string()
    if first is not None:
        return pa.float64() if any(isinstance(value, float) for value in values) else pa.int64()
    if name.endswith(("_us", "_contacts")) or name.startswith("value") or name == "position":
        return pa.int64()
    return pa.float64() if name in SHARES or name in DECIMALS or name == "mean_length" else pa.string()


def arrow_table(columns: Mapping[str, Any]) -> pa.Table:
    """Columns (arrays, or lists with gaps) as a table; a column without any value has the type of its name.

    Examples
    --------
    >>> arrow_table({"step": ["visit", "order"], "reached": [2, 1], "median_us": [None, 5]}).to_pylist()[1]
    {'step': 'order', 'reached': 1, 'median_us': 5}
    """
    arrays = []
    for name, values in columns.items():
        kind = _kind(name, values)
        arrays.append(_texts(values) if pa.types.is_string(kind) else _numbers(values, kind))
    return pa.Table.from_arrays(arrays, names=list(columns))
