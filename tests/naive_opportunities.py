"""Naive: affected and comparable journeys by strata, in slow plain Python."""

from math import erfc, sqrt

from naive import Journey
from naive_signals import marks

Table = dict[int, list[list[int]]]
"""Stratum to [[comparable, of these converted], [affected, of these converted]]."""


def tables(
    journeys: list[Journey], goal: str, support: str, limits: tuple[int, int, int, int], horizon: int, until: int,
    pairs: bool,
) -> dict[tuple[tuple[str, ...], str], Table]:  # fmt: skip
    """Touchpoint (or pair) and signal to its strata."""
    found: dict[tuple[tuple[str, ...], str], Table] = {}
    for journey in journeys:
        names = [name for _, name in journey]
        cut = journey[: names.index(goal) + 1] if goal in names else journey
        signs = marks(cut, goal, "", support, [None] * len(cut), limits)
        end = cut[-1][0] if goal in names else None
        firsts: dict[tuple[tuple[str, ...], str], tuple[int, int]] = {}
        for i in range(len(cut) - 1):
            time, name = cut[i]
            if time + horizon > until:
                continue
            key: tuple[str, ...] = (name, cut[i + 1][1]) if pairs else (name,)
            if key[-1] == goal:
                continue
            done = end is not None and end - time <= horizon
            stratum = min(7, (i + 1).bit_length() - 1)
            for sign in ("", *signs[i]):
                firsts.setdefault((key, sign), (stratum, done))
        for sign in ("loop", "u-turn", "back-step", "long-wait", "support"):
            for key in {key for key, _ in firsts}:
                affected = (key, sign) in firsts
                position, converts = firsts[key, sign if affected else ""]
                cell = found.setdefault((key, sign), {}).setdefault(position, [[0, 0], [0, 0]])[affected]
                cell[0] += 1
                cell[1] += converts
    return {at: table for at, table in found.items() if any(rows[1][0] for rows in table.values())}


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
