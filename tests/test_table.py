"""Table: columns laid out by hand are what pyarrow would make of them."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis.table import arrow_table
from journeys_text import PROPERTY

WHOLE = st.integers(-(2**63), 2**63 - 1)
COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), st.text())),
    st.lists(st.one_of(st.none(), WHOLE)),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False))),
)


@PROPERTY
@given(COLUMN)
def test_a_column_is_what_pyarrow_makes_of_it(values):
    table = arrow_table({"x": values})
    table.validate(full=True)
    assert table.column("x").to_pylist() == values
    if any(value is not None for value in values):
        assert table.schema.field("x").type == pa.array(values).type


def test_arrays_keep_their_kind_and_empty_columns_the_kind_of_their_name():
    table = arrow_table({"n": np.zeros(0, np.int64), "median_us": [], "share": [], "touchpoint": []})
    assert [str(field.type) for field in table.schema] == ["int64", "int64", "double", "string"]
    held = arrow_table({"n": np.asarray([3, 1]), "share": np.asarray([0.5, 1.0])})
    assert held.to_pydict() == {"n": [3, 1], "share": [0.5, 1.0]}
