"""Significance: the published numbers of each test."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis.significance import adjusted, compare, difference, fisher, ratio
from journeys_text import PROPERTY


def rounded(found, digits=4):
    return [round(float(part[0]), digits) for part in found]


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_has_the_interval_of_newcombe_s_table(cells, low, high):
    # Newcombe 1998, table II, method 10.
    assert rounded(difference(*([x] for x in cells)))[1:] == [low, high]


def test_a_ratio_has_its_published_interval():
    # Agresti, Categorical Data Analysis: aspirin and heart attacks, 1.82 (1.43 to 2.31).
    assert rounded(ratio([189], [11034], [104], [11037]), 2) == [1.82, 1.43, 2.31]
    assert [str(part[0]) for part in ratio([0], [5], [2], [5])] == ["0.0", "nan", "nan"]
    assert [str(part[0]) for part in ratio([1], [5], [0], [5])] == ["nan", "nan", "nan"]


def test_the_lady_tasting_tea():
    p, test = compare(3, 4, 1, 4)
    assert (round(p, 4), test) == (0.4857, "fisher")
    assert compare(0, 0, 1, 4) == (None, None)
    assert compare(0, 4, 0, 4) == (1.0, "fisher")


def test_large_cells_are_compared_by_chi_square():
    # z = 0.2 / sqrt(0.69333 * 0.30667 * (1/70 + 1/80)) = 2.6502
    p, test = compare(56, 70, 48, 80)
    assert (round(p, 4), test) == (0.008, "chi-square")
    assert compare(10**6, 10**7, 10**6, 10**7) == (1.0, "chi-square")


def test_of_the_fifteen_tests_of_benjamini_and_hochberg_four_remain():
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(q <= 0.05 for q in adjusted(p)) == 4
    assert adjusted([]) == []


@PROPERTY
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_fisher_is_the_sum_over_all_tables(n, m, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    k = a + b
    chance = {x: Fraction(comb(n, x) * comb(m, k - x), comb(n + m, k)) for x in range(max(0, k - m), min(n, k) + 1)}
    exact = sum(p for p in chance.values() if p <= chance[a])
    assert fisher(a, n, b, m) == pytest.approx(float(exact), abs=1e-9)


@PROPERTY
@given(st.lists(st.none() | st.floats(0, 1), max_size=12))
def test_q_is_its_definition(p):
    held = sorted(x for x in p if x is not None)
    for x, q in zip(p, adjusted(p), strict=True):
        if x is None:
            assert q is None
        else:
            best = min(y * len(held) / sum(z <= y for z in held) for y in held if y >= x)
            assert q == pytest.approx(min(1, best))
