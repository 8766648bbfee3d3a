"""Parts of journeys: whole, disjoint, and all of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etappe.arrays import code_type, column_of, over_parts, parts


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 9))
def test_parts_hold_every_journey_once_and_in_order(lengths, count):
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    ranges = parts(offsets, count)
    assert [i for a, b in ranges for i in range(a, b)] == list(range(len(lengths)))
    assert len(ranges) <= count


def test_large_data_is_worked_in_parts_and_adds_up():
    offsets = np.arange(0, 400_001, 4)
    sums = over_parts(offsets, lambda a, b: int(offsets[b] - offsets[a]))
    assert len(sums) > 1
    assert sum(sums) == 400_000


@given(st.lists(st.none() | st.text(max_size=2)))
def test_a_column_gives_its_texts_back(texts):
    column = column_of(texts)
    assert column.texts() == texts
    assert column.names[0] is None
    assert column.take(slice(None, None, 2)).texts() == texts[::2]


def test_codes_are_as_narrow_as_the_names_allow():
    assert [code_type(n) for n in (256, 257, 65_536, 65_537)] == [np.uint8, np.uint16, np.uint16, np.uint32]
