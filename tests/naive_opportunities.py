"""Naive: affected and comparable journeys by strata, in slow plain Python."""

from math import erfc, sqrt

from naive import Journey
from naive_signals import marks

Key = tuple[tuple[str, ...], str]
"""Touchpoint (or pair), and signal."""
Table = dict[int, list[list[int]]]
"""Stratum to [[comparable, of these converted], [affected, of these converted]]."""
KNOWN = {"loop": 2, "u-turn": 1, "back-step": 1, "long-wait": 1}


def moment(journey: Journey, i: int, sign: str, errors: str, support: str, low: list[bool | None]) -> int:
    """The position at which the signal of a touch is known."""
    if sign in KNOWN:
        return i + KNOWN[sign]
    if sign == "low-score":
        return next(j for j in range(i, len(journey)) if low[j] is not None)
    return next(j for j in range(i + 1, len(journey)) if journey[j][1] in (errors if sign == "error" else support))


def tables(
    journeys: list[Journey], goal: str, errors: str, support: str, low: list[list[bool | None]],
    limits: tuple[int, int, int, int], horizon: int, until: int, pairs: bool,
) -> dict[Key, Table]:  # fmt: skip
    """Touchpoint (or pair) and signal to its strata."""
    firsts: list[dict[Key, tuple[int, int]]] = []  # of each journey: touch and moment of the first with each signal
    cuts = []
    for journey, scores in zip(journeys, low, strict=True):
        names = [name for _, name in journey]
        cut = journey[: names.index(goal) + 1] if goal in names else journey
        signs = marks(cut, goal, errors, support, scores[: len(cut)], limits)
        mine: dict[Key, tuple[int, int]] = {}
        for i in range(len(cut) - 1):
            key: tuple[str, ...] = (names[i], names[i + 1]) if pairs else (names[i],)
            mine.setdefault((key, ""), (i, i))
            if "scored" in signs[i] and "low-score" not in signs[i] and mine[key, ""] == (i, i):
                mine[key, "high-score"] = (i, moment(cut, i, "low-score", errors, support, scores))
            for sign in signs[i] - {"scored", "exit"}:
                mine.setdefault((key, sign), (i, moment(cut, i, sign, errors, support, scores)))
        firsts.append(mine)
        cuts.append(cut)

    def outcome(c: int, r: int) -> bool | None:
        """Whether a journey converts after a position; None where it has converted, has ended, or it is too late."""
        cut = cuts[c]
        if r >= len(cut) or cut[r][1] == goal or cut[r][0] + horizon > until:
            return None
        return cut[-1][1] == goal and cut[-1][0] - cut[r][0] <= horizon

    found: dict[Key, Table] = {}
    lags: dict[Key, list[int]] = {}

    def add(at: Key, i: int, affected: bool, done: bool) -> None:
        cell = found.setdefault(at, {}).setdefault(min(7, (i + 1).bit_length() - 1), [[0, 0], [0, 0]])[affected]
        cell[0] += 1
        cell[1] += done

    for c, mine in enumerate(firsts):
        for at, (i, r) in mine.items():
            done = outcome(c, r)
            if at[1] not in ("", "high-score") and done is not None:
                add(at, i, True, done)
                lags.setdefault(at, []).append(r - i)
    for (key, sign), shown in lags.items():
        shown.sort()
        for c, mine in enumerate(firsts):
            if (key, "") not in mine:
                continue
            i = mine[key, ""][0]
            spread = (c + 1) * 0x9E3779B97F4A7C15 % 2**64 // 2**32
            r = i + KNOWN.get(sign, shown[spread * len(shown) // 2**32])
            if sign == "low-score":
                if (key, "high-score") not in mine:
                    continue
                r = mine[key, "high-score"][1]
            done = outcome(c, r)
            if done is not None and ((key, sign) not in mine or mine[key, sign][1] > r):
                add((key, sign), i, False, done)
    return found


def loss(table: Table) -> tuple[int, float, float, float] | None:
    """Affected with comparable ones, the loss, its low and high end."""
    rows = [(m, b, n, a) for (m, b), (n, a) in table.values() if m and n]
    compared = sum(n for _, _, n, _ in rows)
    if not compared:
        return None
    found = sum(n * (b / m - a / n) for m, b, n, a in rows)
    spread = 0.0
    for m, b, n, a in rows:
        p, q = (a + 1) / (n + 2), (b + 1) / (m + 2)
        spread += n * n * (p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2))
    half = 1.959963984540054 * sqrt(spread)
    return compared, found, found - half, found + half


def chance(table: Table) -> float | None:
    """p of no loss, from the loss and its half width."""
    found = loss(table)
    if found is None:
        return None
    z = found[1] / ((found[3] - found[1]) / 1.959963984540054)
    return erfc(abs(z) / sqrt(2))
