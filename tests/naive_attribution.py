"""Naive attribution: credit in slow plain Python, in fractions; games try every order, chains take each touch out.

A journey is a list of (time, touchpoint) in the order of receipt; `seen` says what value a touchpoint has, if any.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, permutations
from typing import NamedTuple

Journey = list[tuple[int, str]]
Touch = tuple[int, str]
WEIGHTS = {
    "first": (1, 0, 0),
    "last": (0, 0, 1),
    "u_shaped": (40, 20, 40),
    "j_shaped": (20, 20, 60),
    "inverse_j": (60, 20, 20),
}


class Path(NamedTuple):
    """Touches before an end."""

    journey: int
    end: int
    row: int
    """Of the goal in its journey; -1 where there is none."""
    touches: list[Touch]


def paths(
    journeys: list[Journey], goal: str, seen: Mapping[str, str | None], window: int | None, reuse: bool, once: bool
) -> list[Path]:
    """Each conversion's path, and those that end without one."""
    found = []
    for number, journey in enumerate(journeys):
        goals = [i for i, (_, name) in enumerate(journey) if name == goal]
        goals = goals[:1] if once else goals
        ends = list(goals)
        after = (goals[-1] + 1) if goals else 0
        rest = [i for i in range(after, len(journey)) if journey[i][1] != goal and seen[journey[i][1]] is not None]
        if rest and not (once and goals):
            ends.append(rest[-1] + 1)
        for end in ends:
            converts = end in goals
            at = journey[end if converts else end - 1][0]
            previous = max((g for g in goals if g < end), default=-1)
            start = 0 if reuse else previous + 1
            touches = [
                (time, value)
                for time, name in journey[start:end]
                if name != goal and (value := seen[name]) is not None and (window is None or at - time <= window)
            ]
            found.append(Path(number, at, end if converts else -1, touches))
    return found


def shared(
    path: Path, model: str, half_life: int, direct: Sequence[str], weights: Sequence[int]
) -> dict[int, Fraction]:
    """Credit by position in a path that has a touch."""
    names = [name for _, name in path.touches]
    m = len(names)
    if model in WEIGHTS or model == "custom":
        first, middle, last = WEIGHTS.get(model, tuple(weights))
        if m == 1:
            return {0: Fraction(1)}
        if m == 2:
            both = first + last
            return (
                {0: Fraction(first, both), 1: Fraction(last, both)} if both else {0: Fraction(1, 2), 1: Fraction(1, 2)}
            )
        of = first + middle + last
        held = {i: Fraction(middle, of * (m - 2)) for i in range(1, m - 1)}
        return {0: Fraction(first, of), **held, m - 1: Fraction(last, of)}
    if model == "time_decay":
        raw = [Fraction(2.0 ** (-(path.end - time) / half_life)) for time, _ in path.touches]
        return {i: w / sum(raw) for i, w in enumerate(raw)}
    if model == "last_non_direct":
        others = [i for i, name in enumerate(names) if name not in direct]
        return {(others or [m - 1])[-1]: Fraction(1)}
    if model == "participation":
        return {names.index(name): Fraction(1) for name in set(names)}
    return {i: Fraction(1, m) for i in range(m)}


def shapley(players: Sequence[str], worth: Callable[[frozenset[str]], Fraction]) -> dict[str, Fraction]:
    """The mean contribution over every order."""
    orders = list(permutations(players))
    found = dict.fromkeys(players, Fraction(0))
    for order in orders:
        for i, player in enumerate(order):
            found[player] += worth(frozenset(order[: i + 1])) - worth(frozenset(order[:i]))
    return {player: value / len(orders) for player, value in found.items()}


def subset_worth(found: list[Path]) -> Callable[[frozenset[str]], Fraction]:
    """Conversions of the paths inside a set."""
    return lambda inside: Fraction(sum(p.row >= 0 and {name for _, name in p.touches} <= inside for p in found))


def rate_worth(found: list[Path]) -> Callable[[frozenset[str]], Fraction]:
    """Share of conversions of the paths inside a set."""

    def worth(inside: frozenset[str]) -> Fraction:
        held = [p for p in found if {name for _, name in p.touches} <= inside]
        return Fraction(sum(p.row >= 0 for p in held), len(held)) if held else Fraction(0)

    return worth


State = tuple[str, ...]


def conversion(steps: Counter[tuple[State, State]], removed: str | None) -> Fraction:
    """The chance to convert from the start, by elimination; steps to a state that ends on `removed` lead to nothing."""
    states = sorted({a for a, _ in steps} | {()})
    total = {s: sum(n for (a, _), n in steps.items() if a == s) for s in states}
    rows = []
    for s in states:
        row = [Fraction(int(t == s)) for t in states] + [Fraction(0)]
        for (a, b), n in steps.items():
            if a != s or (b and b[-1] == removed):
                continue
            if b == ("!",):
                row[-1] += Fraction(n, total[s])
            elif b != ("?",):
                row[states.index(b)] -= Fraction(n, total[s])
        rows.append(row)
    for i in range(len(rows)):
        pivot = next(r for r in range(i, len(rows)) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for r in range(len(rows)):
            if r != i and rows[r][i] != 0:
                rows[r] = [x - rows[r][i] * y for x, y in zip(rows[r], rows[i], strict=True)]
    return rows[states.index(())][-1]


def markov(found: list[Path], order: int, collapse: bool) -> dict[str, Fraction]:
    """Each touch's share of the removal effects; "!" is the conversion, "?" nothing."""
    steps: Counter[tuple[State, State]] = Counter()
    for path in found:
        names = [name for _, name in path.touches]
        if collapse:
            names = [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
        if not names:
            continue
        states = [tuple(names[max(0, i - order) : i]) for i in range(len(names) + 1)]
        states.append(("!",) if path.row >= 0 else ("?",))
        steps.update(pairwise(states))
    base = conversion(steps, None)
    if base == 0:
        return {}
    names = sorted({name for path in found for _, name in path.touches})
    effects = {name: 1 - conversion(steps, name) / base for name in names}
    return {name: effect / sum(effects.values()) for name, effect in effects.items()}
