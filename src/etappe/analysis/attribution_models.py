"""Attribution, by model: credits and values in numbers for people, from whole numbers that were counted.

Rules were shared out while counting; of the games the shares are solved here. What rounding takes is given back, so
that credits add up to the conversions and values to their values, exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, fsum
from typing import TYPE_CHECKING, Any

import numpy as np

from etappe.analysis.attribution_count import AGAIN, CREDITED, Games, counted_again, game_of
from etappe.analysis.credit import CREDIT, HIGH, LOW, SHIFT, UNIT
from etappe.analysis.intervals import Float
from etappe.analysis.markov import chain_shares
from etappe.analysis.partials import Partial
from etappe.analysis.shapley import rate_shares
from etappe.arrays import Int

if TYPE_CHECKING:
    from etappe.analysis.attribution import Attribution


@dataclass(frozen=True)
class Credits:
    """One model's: an entry for each state, the last one for none."""

    credit: list[float]
    value: list[int]
    counts: Int
    low: list[float | None]
    high: list[float | None]


def whole(exact: Sequence[Fraction], of: int) -> list[int]:
    """Whole numbers that add up to `of`, each its exact part rounded down or up (largest remainder).

    Examples
    --------
    >>> whole([Fraction(10, 3), Fraction(10, 3), Fraction(10, 3)], 10)
    [4, 3, 3]
    """
    down = [floor(part) for part in exact]
    order = sorted(range(len(exact)), key=lambda i: (down[i] - exact[i], i))
    for i in order[: max(0, of - sum(down))]:
        down[i] += 1
    return down


def adding_up(values: list[float], to: float) -> list[float]:
    """The same numbers, the largest corrected by what rounding took from their sum."""
    if values:
        at = max(range(len(values)), key=lambda i: abs(values[i]))
        values[at] += to - fsum(values)
    return values


def _interval(again: Float, conversions: Any) -> tuple[list[float | None], list[float | None]]:
    """95 % of the shares in all repetitions that have a conversion (percentiles); none without repetitions."""
    has = conversions > 0
    if not has.any():
        return [None] * len(again), [None] * len(again)
    low, high = np.quantile(again[:, has] / conversions[has], [0.025, 0.975], axis=1)
    return low.tolist(), high.tolist()


def _worth(row: Int) -> Fraction:
    """The value that a state is credited with."""
    return Fraction((int(row[HIGH]) << SHIFT) + int(row[LOW]), UNIT)


def _by_rule(model: str, counts: Int, again: Int, worth: int) -> Credits:
    """Credits that a kernel shared out."""
    units = counts[:, CREDIT].tolist()
    exact = [_worth(row) for row in counts]
    value = whole(exact, int(sum(exact)) if model == "participation" else worth)
    low, high = _interval(again[:-1] / UNIT, again[-1])
    return Credits(adding_up([unit / UNIT for unit in units], sum(units) / UNIT), value, counts, low, high)


def _by_shares(shares: Float, drawn: Iterator[Float], counts: Int, again: Int, seen: int, worth: int) -> Credits:
    """Credits by the shares of a game, of `seen` conversions and their `worth`; the rest has no touch."""
    part = [Fraction(share) for share in shares.tolist()]
    scale = sum(part)
    held = adding_up([float(p / scale * seen) for p in part], seen) if scale else [0.0] * len(part)
    value = whole([p / scale * worth for p in part], worth) if scale else [0] * len(part)
    none, conversions = again[-2] / UNIT, again[-1]
    each = np.array([*drawn]).reshape(len(none), len(part)).T
    low, high = _interval(np.vstack((each * (conversions - none), none)), conversions)
    return Credits([*held, counts[-1, CREDIT] / UNIT], [*value, int(_worth(counts[-1]))], counts, low, high)


def credits_of(whole: Partial, question: "Attribution", games: Games) -> Iterator[tuple[str, Credits]]:
    """What each model says."""
    conversions, worth = int(whole["conversions"][0]), int(whole["conversions"][2])
    for model in question.models():
        counts, again = whole[CREDITED + model], whole[AGAIN + model]
        game = game_of(question, model)
        if game is None:
            yield model, _by_rule(model, counts, again, worth)
            continue
        drawn: Iterator[Float] = iter(())
        if question.bootstrap:
            drawn = (shares_of(whole, question, game, rows) for rows in counted_again(games[game], question.bootstrap))
        shares, seen = shares_of(whole, question, game, whole[game]), conversions - int(counts[-1, CREDIT]) // UNIT
        yield model, _by_shares(shares, drawn, counts, again, seen, worth - int(_worth(counts[-1])))


def shares_of(whole: Partial, question: "Attribution", game: str, rows: Int) -> Float:
    """Shares of a game, by its steps or sets."""
    k = len(whole["names"])
    if game == "sets":
        return rate_shares(rows, whole["players"], k)
    return chain_shares(rows, k, question.order, question.bootstrap)
