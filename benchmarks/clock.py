"""Clock: how every engine's answers are timed: one warm-up, then runs of which the median counts."""

import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

T = TypeVar("T")

LEAST, SECONDS, LONG = 7, 0.5, 2.0
"""At least seven runs and half a second of them: a processor needs some tenths of a second to reach its pace."""


def timed(ask: Callable[[], T]) -> tuple[T, float]:
    """The first answer, and the median time of the runs after it in seconds; three runs of what takes long."""
    begin = time.perf_counter()
    answer = ask()
    least = LEAST if time.perf_counter() - begin < LONG else 3
    runs: list[float] = []
    while len(runs) < least or sum(runs) < SECONDS:
        begin = time.perf_counter()
        ask()
        runs.append(time.perf_counter() - begin)
    return answer, median(runs)
