"""What journeys did: sequences and counts, held against a definition that tries every choice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive_sequences as naive
from etappe import arrays
from etappe.journeys import sequences
from journeys_text import NAMES, PROPERTY, built, journeys, many

WINDOW = st.none() | st.integers(0, 13)
Served = list[list[str]]
"""For each step the names that may serve it."""


def codes(names: tuple[str, ...], steps: Served) -> np.ndarray:
    """The kernel's table: which steps a code may serve."""
    return np.asarray([sum(1 << s for s, step in enumerate(steps) if name in step) for name in names], np.uint16)


@PROPERTY
@given(many(), st.lists(st.lists(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=4), WINDOW)
def test_a_sequence_is_any_choice_of_touchpoints_in_order_within_the_window(lists, steps, window):
    j = built(lists, names=NAMES)
    limit = sequences.NO_WINDOW if window is None else window
    found = sequences.followed(j.offsets, j.time_us, j.touchpoint, codes(NAMES, steps), len(steps), limit)
    asked = [lambda event, step=step: event[1] in step for step in steps]
    assert found.tolist() == [naive.followed(journey, asked, lambda event: event[0], window) for journey in lists]


@PROPERTY
@given(many(), st.lists(st.sampled_from(NAMES), max_size=3), WINDOW)
def test_the_fullest_window_is_the_largest_choice_of_touchpoints_within_it(lists, step, window):
    j = built(lists, names=NAMES)
    limit = sequences.NO_WINDOW if window is None else window
    found = sequences.fullest(j.offsets, j.time_us, j.touchpoint, codes(NAMES, [step]), limit)
    expected = [naive.fullest(journey, lambda e: e[1] in step, lambda event: event[0], window) for journey in lists]
    assert found.tolist() == expected


def test_threads_give_what_one_thread_gives(monkeypatch):
    j = journeys(*["0 a, 3 b, 9 a, 10 b", "0 b, 1 a", "", "4 a, 4 b"] * 50)
    table = codes(j.touchpoints, [["a"], ["b"]])

    def both() -> tuple[list[bool], list[int]]:
        given = (j.offsets, j.time_us, j.touchpoint, table)
        return sequences.followed(*given, 2, 1).tolist(), sequences.fullest(*given, 7).tolist()

    alone = both()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert both() == alone == ([True, False, False, True] * 50, [3, 2, 0, 2] * 50)


def test_sixteen_steps_are_sixteen_touchpoints():
    j = journeys(", ".join(f"{i} a" for i in range(16)), ", ".join(f"{i} a" for i in range(15)))
    every = np.asarray([2**16 - 1], np.uint16)
    assert sequences.followed(j.offsets, j.time_us, j.touchpoint, every, 16).tolist() == [True, False]


def test_an_exact_tie_counts_in_the_order_of_receipt():
    j = journeys("5 a, 5 b", "5 b, 5 a")
    assert sequences.followed(
        j.offsets, j.time_us, j.touchpoint, codes(j.touchpoints, [["a"], ["b"]]), 2, 0
    ).tolist() == [
        True,
        False,
    ]
