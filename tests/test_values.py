"""Values are exact to 1/10,000; what is no amount is refused with its reason."""

from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etappe.collect.values import REASONS, NumberFormat, native_value, texts_money, texts_value


def exact(number: str) -> int:
    return int((Decimal(number) * 10_000).quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.parametrize(("text", "decimal", "result"), [
    ("12", ".", 120_000), ("12.5", ".", 125_000), ("-0.00005", ".", 0), ("0.00015", ".", 2), ("+1.", ".", 10_000),
    (".5", ".", 5_000), ("1,234.56", ".", 12_345_600), ("1.234,56", ",", 12_345_600), ("1,5e3", ",", 15_000_000),
    ("1,234,567", ".", 12_345_670_000), ("1,234", ".", "wrong-decimal-mark"), ("1.234", ",", "wrong-decimal-mark"),
    ("12,5", ".", "wrong-decimal-mark"), ("12.5", ",", "wrong-decimal-mark"), ("NaN", ".", "nan"),
    ("#N/A", ".", "nan"),
    ("-inf", ".", "infinite"), ("∞", ".", "infinite"), ("12 PCS", ".", "not-a-number"),
    ("1,23,4.5", ".", "not-a-number"),
    ("٣", ".", "not-a-number"), ("1e999", ".", "value-too-large"), ("9" * 40, ".", "value-too-large"),
    ("−3", ".", -30_000),
    ("1e-999", ".", 0),
])  # fmt: skip
def test_a_text_is_an_exact_amount_or_has_a_reason(text, decimal, result):
    amounts, reasons = texts_value([text], NumberFormat(decimal))
    assert (REASONS[reasons[0]] or amounts[0]) == result


@pytest.mark.parametrize(("text", "decimal", "amount", "sign"), [
    ("1.234,50 €", ",", 12_345_000, "€"), ("$1,234.50", ".", 12_345_000, "$"), ("-$5", ".", -50_000, "$"),
    ("€ -5,25", ",", -52_500, "€"), ("CHF 1'234.50", ".", 12_345_000, "CHF"), ("12 EUR", ".", 120_000, "EUR"),
    ("12,50 Euro", ",", 125_000, "EURO"), ("1 234,50", ",", 12_345_000, ""),
    ("1\u202f234,50\u00a0€", ",", 12_345_000, "€"),
    ("1’234.50", ".", 12_345_000, ""), ("1 234", None, 12_340_000, ""), ("eur 3", ".", 30_000, "EUR"),
    ("+3,5 zł", ",", 35_000, "ZŁ"), ("US$ 3", ".", 30_000, "US$"),
])  # fmt: skip
def test_a_currency_beside_the_amount_and_marks_that_can_only_be_thousands_are_read(text, decimal, amount, sign):
    amounts, reasons, signs = texts_money([text], NumberFormat(decimal))
    assert (REASONS[reasons[0]], amounts[0], signs[0]) == ("", amount, sign)


@pytest.mark.parametrize("text", ["EUR", "€", "12 € 50", "EUR 12 EUR", "12 34", "1 2345", "12.50 dollars and 3"])
def test_what_only_looks_like_money_is_no_number(text):
    assert REASONS[texts_value([text], NumberFormat("."))[1][0]] == "not-a-number"


@pytest.mark.parametrize("text", ["1,234", "1.234", "12,500 €", "-999.000"])
def test_where_no_number_tells_the_mark_an_amount_that_could_be_both_is_refused(text):
    form = NumberFormat()
    form.find([text])
    assert REASONS[texts_value([text], form)[1][0]] == "ambiguous-amount"


@pytest.mark.parametrize(("texts", "mark"), [
    (["99.50", "1,234"], ","), (["1.234", "1.234,50"], "."), (["99.50", "2,50", "2.50", "1,234"], None),
    (["12.50"], None), (["1,234"], None),
])  # fmt: skip
def test_lone_groups_beside_numbers_that_settle_the_mark(texts, mark):
    form = NumberFormat()
    form.find(texts)
    assert form.grouped(texts) == mark


def test_a_thousands_mark_that_is_given_counts():
    assert texts_value(["1,234", "1,234.5"], NumberFormat(".", ","))[0].tolist() == [12_340_000, 12_345_000]
    assert texts_value(["1\u202f234,5", "1 234"], NumberFormat(",", " "))[0].tolist() == [12_345_000, 12_340_000]


@pytest.mark.parametrize(("texts", "mark"), [
    (["1.50", "2,50", "3.50"], "."), (["1,50", "2,5"], ","), (["1.234,56"], ","), (["12"], None),
    (["1,234", "2,345"], None), (["1.234"], None), (["0.123", "1,234"], "."), (["1234.567"], "."), (["1,234,567"], "."),
    (["1.234,567"], ","), (["1.234,50 €", "12.500"], ","), (["$1,234.50"], "."), (["12", "1 234"], None),
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
@example([8388608.80925, -8388608.80925, 99_999_999.00005])
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
