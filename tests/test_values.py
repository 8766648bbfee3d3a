"""Values are exact to 1/10,000; what is no amount is refused with its reason."""

from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.collect.values import REASONS, NumberFormat, native_value, texts_value


def exact(number: str) -> int:
    return int((Decimal(number) * 10_000).quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.parametrize(("text", "decimal", "result"), [
    ("12", ".", 120_000), ("12.5", ".", 125_000), ("-0.00005", ".", 0), ("0.00015", ".", 2), ("+1.", ".", 10_000),
    (".5", ".", 5_000), ("1,234.56", ".", 12_345_600), ("1.234,56", ",", 12_345_600), ("1,5e3", ",", 15_000_000),
    ("1,234,567", ".", 12_345_670_000), ("1,234", ".", "wrong-decimal-mark"), ("1.234", ",", "wrong-decimal-mark"),
    ("12,5", ".", "wrong-decimal-mark"), ("12.5", ",", "wrong-decimal-mark"), ("NaN", ".", "nan"),
    ("#N/A", ".", "nan"),
    ("-inf", ".", "infinite"), ("∞", ".", "infinite"), ("12 EUR", ".", "not-a-number"),
    ("1,23,4.5", ".", "not-a-number"),
    ("٣", ".", "not-a-number"), ("1e999", ".", "value-too-large"), ("9" * 40, ".", "value-too-large"),
    ("−3", ".", -30_000),
    ("1e-999", ".", 0),
])  # fmt: skip
def test_a_text_is_an_exact_amount_or_has_a_reason(text, decimal, result):
    amounts, reasons = texts_value([text], NumberFormat(decimal))
    assert (REASONS[reasons[0]] or amounts[0]) == result


def test_a_thousands_mark_that_is_given_counts():
    assert texts_value(["1,234", "1,234.5"], NumberFormat(".", ","))[0].tolist() == [12_340_000, 12_345_000]
    assert texts_value(["1\u202f234,5", "1 234"], NumberFormat(",", " "))[0].tolist() == [12_345_000, 12_340_000]


@pytest.mark.parametrize(("texts", "mark"), [
    (["1.50", "2,50", "3.50"], "."), (["1,50", "2,5"], ","), (["1.234,56"], ","), (["12"], None),
    (["1,234", "2,345"], ","),
])  # fmt: skip
def test_the_decimal_mark_is_what_most_rows_use(texts, mark):
    form = NumberFormat()
    form.find(texts)
    assert form.decimal == mark


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.decimals(-(10**9), 10**9, places=5).map(float), max_size=8
    )
)
def test_a_floating_number_stands_for_its_shortest_text(numbers):
    amounts, reasons = native_value(pa.array(numbers, pa.float64()))
    for number, amount, reason in zip(numbers, amounts.tolist(), reasons.tolist(), strict=True):
        if abs(number) < 4e14:
            assert (amount, REASONS[reason]) == (exact(repr(number)), "")
        elif abs(number) > 5e14:
            assert REASONS[reason] == "value-too-large"


def test_whole_numbers_that_do_not_fit_are_refused():
    amounts, reasons = native_value(pa.array([5, -(2**63), 2**63 - 1, None]))
    assert amounts.tolist() == [50_000, 0, 0, 0]
    assert [REASONS[r] for r in reasons] == ["", "value-too-large", "value-too-large", ""]
