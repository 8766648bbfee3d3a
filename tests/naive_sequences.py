"""Naive: what journeys did, in slow plain Python that tries every choice; the kernels are held against it.

A journey is a list of events in its order; a step says of one event whether it may serve.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeVar

E = TypeVar("E")


def followed(
    events: Sequence[E], steps: Sequence[Callable[[E], bool]], time: Callable[[E], int], window: int | None
) -> bool:
    """Whether some choice of events, one for each step and in order, lies within the window."""
    return any(
        all(step(event) for step, event in zip(steps, chosen, strict=True))
        and (window is None or time(chosen[-1]) - time(chosen[0]) <= window)
        for chosen in combinations(events, len(steps))
    )


def fullest(events: Sequence[E], step: Callable[[E], bool], time: Callable[[E], int], window: int | None) -> int:
    """The size of the largest choice of fitting events that lies within the window."""
    times = [time(event) for event in events if step(event)]
    return max(
        (
            size
            for size in range(len(times) + 1)
            for chosen in combinations(times, size)
            if window is None or not chosen or max(chosen) - min(chosen) <= window
        ),
        default=0,
    )
