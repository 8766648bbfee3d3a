"""Naive funnel: a funnel's rules in slow plain Python; every choice of touchpoints is tried.

A journey is a list of (time, name) in the order of receipt; steps are names.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

Journey = list[tuple[int, str]]


class Rules(NamedTuple):
    """As the question's fields say it; exclusions as (name, after step, before step), optional as step numbers."""

    window: int | None = None
    limit: int | None = None
    strict: bool = False
    rising: bool = False
    in_order: bool = False
    first_only: bool = False
    optional: tuple[int, ...] = ()
    exclude: tuple[tuple[str, int, int], ...] = ()


def series(k: int, optional: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every series of steps that a chain may serve: from step 1 on, only optional ones left out between."""
    for size in range(1, k + 1):
        for chosen in combinations(range(1, k + 1), size):
            missing = set(range(1, chosen[-1])) - set(chosen)
            if chosen[0] == 1 and missing <= set(optional):
                yield chosen


def ordered(journey: Journey, steps: Sequence[str], rules: Rules) -> Journey:
    """At the same instant: what serves the lowest step first, where the rules say so."""
    if not rules.in_order:
        return journey
    return sorted(journey, key=lambda event: (event[0], steps.index(event[1]) if event[1] in steps else len(steps)))


def fits(journey: Journey, rows: tuple[int, ...], served: tuple[int, ...], steps: Sequence[str], rules: Rules) -> bool:
    """Whether these touchpoints, serving these steps, keep to the rules."""
    times = [journey[i][0] for i in rows]
    if any(journey[i][1] != steps[s - 1] for i, s in zip(rows, served, strict=True)):
        return False
    if rules.first_only and any(name == steps[0] for _, name in journey[: rows[0]]):
        return False
    if rules.window is not None and times[-1] - times[0] > rules.window:
        return False
    for x in range(1, len(rows)):
        before, after = rows[x - 1], rows[x]
        if rules.limit is not None and times[x] - times[x - 1] > rules.limit:
            return False
        if rules.strict and after != before + 1:
            return False
        if rules.rising and times[x] == times[x - 1]:
            return False
        for name, low, high in rules.exclude:
            between = [event for event in journey[before + 1 : after] if event[1] == name]
            if between and low < served[x] <= high:
                return False
    return True


def chains(journey: Journey, steps: Sequence[str], rules: Rules) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every chain: the touchpoints and the steps that they serve."""
    journey = ordered(journey, steps, rules)
    return [
        (rows, served)
        for served in series(len(steps), rules.optional)
        for rows in combinations(range(len(journey)), len(served))
        if fits(journey, rows, served, steps, rules)
    ]


def reached(journey: Journey, steps: Sequence[str], rules: Rules) -> tuple[set[int], bool]:
    """The steps that a journey reaches, and whether an exclusion removes it."""
    clean = {step for _, served in chains(journey, steps, rules) for step in served}
    every = {step for _, served in chains(journey, steps, rules._replace(exclude=())) for step in served}
    if max(every, default=0) > max(clean, default=0):
        return set(), True
    return clean, False


def any_order(journey: Journey, steps: Sequence[str], window: int | None) -> int:
    """The most steps that lie within a window, each with a touchpoint of its own."""
    best = 0
    for a in range(len(journey)):
        for b in range(a, len(journey)):
            if window is None or journey[b][0] - journey[a][0] <= window:
                have = Counter(name for _, name in journey[a : b + 1])
                best = max(best, sum(min(have[name], need) for name, need in Counter(steps).items()))
    return best


def attempts(journey: Journey, steps: Sequence[str], window: int | None) -> list[int]:
    """How far each attempt gets, scanned from left to right."""
    found, i = [], 0
    while i < len(journey):
        if journey[i][1] != steps[0]:
            i += 1
            continue
        start, level, i = journey[i][0], 1, i + 1
        while i < len(journey) and level < len(steps) and (window is None or journey[i][0] - start <= window):
            level += journey[i][1] == steps[level]
            i += 1
        found.append(level)
    return found
