"""Naive: what each number means, in slow plain Python; the kernels are held against it.

A journey is a list of (time, touchpoint) in the order of the journey. Nothing here knows arrays, blocks or parts.
"""

from collections import Counter
from itertools import combinations, pairwise
from math import comb

Journey = list[tuple[int, str]]


def reach(journeys: list[Journey]) -> dict[str, tuple[int, int]]:
    """Touchpoint to (journeys that hold it, events)."""
    events = Counter(name for journey in journeys for _, name in journey)
    held = Counter(name for journey in journeys for name in {name for _, name in journey})
    return {name: (held[name], events[name]) for name in events}


def chains(journey: Journey, steps: list[str], window: int | None) -> list[tuple[int, ...]]:
    """Every choice of touchpoints (as positions) for steps 1 to len(steps)."""
    return [
        chosen
        for chosen in combinations(range(len(journey)), len(steps))
        if all(journey[i][1] == step for i, step in zip(chosen, steps, strict=True))
        and (window is None or journey[chosen[-1]][0] - journey[chosen[0]][0] <= window)
    ]


def best_chain(journey: Journey, steps: list[str], window: int | None) -> list[int]:
    """Times of the best chain: most steps, then complete first, then started last, then each step early."""
    for m in range(len(steps), 0, -1):
        found = chains(journey, steps[:m], window)
        if found:
            best = min(found, key=lambda c: (c[-1], -journey[c[0]][0], [journey[i][0] for i in c]))
            return [journey[i][0] for i in best]
    return []


def funnel(journeys: list[Journey], steps: list[str], window: int | None) -> list[tuple[int, list[int], list[int]]]:
    """For each step: how many journeys reach it, their times from step 1, their times from the step before."""
    best = [best_chain(journey, steps, window) for journey in journeys]
    rows = []
    for k in range(len(steps)):
        here = [times for times in best if len(times) > k]
        since = [times[k] - times[k - 1] for times in here] if k else []
        rows.append((len(here), sorted(t[k] - t[0] for t in here) if k else [], sorted(since)))
    return rows


def median(values: list[int]) -> int | None:
    """The middle value; of an even count the mean of the middle two, rounded down."""
    if not values:
        return None
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def median_ranks(n: int) -> tuple[int, int] | None:
    """The largest rank r with P(Binomial(n, 1/2) < r) <= 2.5 %, in whole numbers, and its mirror."""
    rank, below = 0, 0
    while 40 * (below + comb(n, rank)) <= 2**n:
        below += comb(n, rank)
        rank += 1
    return (rank, n - rank + 1) if rank else None


def transitions(journeys: list[Journey]) -> dict[tuple[str, str], tuple[int, int, int, int | None]]:
    """(from, to) to (count, journeys, mean time, median time); whole microseconds, rounded down."""
    gaps: dict[tuple[str, str], list[int]] = {}
    held: dict[tuple[str, str], set[int]] = {}
    for number, journey in enumerate(journeys):
        for (before, a), (after, b) in pairwise(journey):
            gaps.setdefault((a, b), []).append(after - before)
            held.setdefault((a, b), set()).add(number)
    return {pair: (len(g), len(held[pair]), sum(g) // len(g), median(g)) for pair, g in gaps.items()}


def variants(journeys: list[Journey]) -> dict[tuple[str, ...], int]:
    """Sequence of touchpoints to the number of journeys that are exactly it."""
    return dict(Counter(tuple(name for _, name in journey) for journey in journeys if journey))


def sessions(journeys: list[Journey], gap: int) -> list[Journey]:
    """Journeys cut where two touchpoints lie more than `gap` apart."""
    found: list[Journey] = []
    for journey in journeys:
        for i, event in enumerate(journey):
            if i == 0 or event[0] - journey[i - 1][0] > gap:
                found.append([])
            found[-1].append(event)
    return found


def stages(journeys: list[list[tuple[int, str]]]) -> dict[str, tuple[int, int, list[int]]]:
    """Of journeys whose names are stages already: stage to (journeys, events, time in it in each of these journeys).

    A touchpoint's time lasts until the next one; the last one's is 0.
    """
    found: dict[str, tuple[int, int, list[int]]] = {}
    for journey in journeys:
        ends = [time for time, _ in journey[1:]] + [time for time, _ in journey[-1:]]
        spent: Counter[str] = Counter()
        for (time, stage), end in zip(journey, ends, strict=True):
            spent[stage] += end - time
        held = Counter(stage for _, stage in journey)
        for stage, events in held.items():
            before = found.get(stage, (0, 0, []))
            found[stage] = (before[0] + 1, before[1] + events, [*before[2], spent[stage]])
    return found
