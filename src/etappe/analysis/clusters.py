"""Clusters: kinds of behaviour found in the data, or none; how many, how stable, and what became of the former ones.

Unit of count: the journey. A mixture of normal distributions with one scatter for all is fitted to the scaled features
(behaviour.py), from several k-means starts, the likeliest taken; traits, where some are asked for, join as independent
choices.

How many there are is said in structure.py. How stable each is: its Jaccard similarity to the most similar one of fits
to bootstrap samples (Hennig 2007); from 0.75 a cluster is stable, below 0.6 it dissolves: then another number is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from etappe.analysis.behaviour import (
    NONE,
    Centre,
    Centres,
    Drift,
    Float,
    Trait,
    compared,
    distances,
    drift_of,
    nearest,
    needed,
    scaled,
)
from etappe.analysis.features import measure, names_of
from etappe.analysis.funnel_rules import codes_of
from etappe.analysis.structure import REFERENCES, Axes, Choice, axes_of, clear, dealt, simplest, weigh
from etappe.arrays import Column, Int
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

MOST: Final = 8
"""Clusters that are looked for."""
SAMPLE: Final = 4_000
"""Customers on whom the number of clusters is chosen."""
FITTED: Final = 50_000
"""Customers to whom the centres are fitted."""
DEALS: Final = 10
BOOTSTRAPS: Final = 20
FIRST: Final = 5
"""Bootstrap samples after which a cluster that dissolves is given up."""
FEWEST: Final = 100
"""Customers, below which nothing is looked for."""
FLOOR: Final = 0.1
"""Scatter within a cluster, at least, on each axis: without it a mixture falls into single values."""
REACH: Final = 0.999
"""Of the customers that made a centre, so many are within its reach."""
STABLE: Final = 0.75
DISSOLVED: Final = 0.6
SAME: Final = 0.3
"""Jaccard similarity of customers from which a cluster keeps the id of a former one."""
STEPS: Final = 200
MOST_TEXTS: Final = 40
"""Of a trait: more values are no classes."""


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What was found. `model.centres` is empty where there are no kinds of customers."""

    model: Centres
    choices: tuple[Choice, ...]
    n: int
    """Customers with enough touchpoints."""
    fitted: int
    sizes: tuple[int, ...]
    """Customers of each centre, of all journeys."""
    none: int
    """Customers of no centre."""
    why: str = ""
    """Where there are none: "few" customers, "alike" (no column differs), "no-structure", or "unstable"."""
    drift: Drift | None = None


@dataclass(frozen=True)
class _Fit:
    likelihood: float
    weight: Float
    centre: Float
    covariance: Float
    traits: list[Float]
    label: Int


def fit(y: Float, traits: Sequence[Column], k: int, seed: int, starts: int = 4) -> _Fit:
    """The likeliest of several mixtures of k normal distributions with one covariance, and of independent choices."""
    found = [_climb(y, traits, KMeans(k, n_init=3, random_state=seed + s).fit(y).labels_, k) for s in range(starts)]
    return max(found, key=lambda one: one.likelihood)


def _climb(y: Float, traits: Sequence[Column], label: NDArray[Any], k: int) -> _Fit:
    """Expectation and maximisation from a first division."""
    n, d = y.shape
    part = np.eye(k)[label]
    before = -np.inf
    for _ in range(STEPS):
        held = part.sum(axis=0) + 1e-9
        weight, centre = held / n, part.T @ y / held[:, None]
        covariance = (y.T @ y - (centre.T * held) @ centre) / n + FLOOR * np.eye(d)
        root = np.linalg.cholesky(covariance)
        u, v = solve_triangular(root, y.T, lower=True).T, solve_triangular(root, centre.T, lower=True).T
        log = np.log(weight) - distances(u, v) / 2 - np.log(np.diag(root)).sum() - d / 2 * np.log(2 * np.pi)
        shares = [_shares(part, column) for column in traits]
        for column, share in zip(traits, shares, strict=True):
            log = log + np.where((column.codes > 0)[:, None], np.log(share).T[column.codes], 0.0)
        top = log.max(axis=1, keepdims=True)
        whole = np.exp(log - top)
        part = whole / whole.sum(axis=1, keepdims=True)
        likelihood = float((np.log(whole.sum(axis=1)) + top[:, 0]).mean())
        if likelihood - before < 1e-5:
            break
        before = likelihood
    return _Fit(likelihood, weight, centre, covariance, shares, part.argmax(axis=1).astype(np.int64))


def _shares(part: Float, column: Column) -> Float:
    """(k, texts) the share of each text within a cluster, of those of whom it is known; one of each is added."""
    codes = len(column.names)
    held = np.array([np.bincount(column.codes, mine, minlength=codes) for mine in part.T]) + 1.0
    held[:, 0] = 0.0
    share = held / np.maximum(held.sum(axis=1, keepdims=True), 1e-9)
    share[:, 0] = 1.0
    shares: Float = share
    return shares


def jaccard(first: Int, second: Int, k: int, m: int) -> Float:
    """(k, m) customers in both over customers in either, of two divisions of the same customers.

    Examples
    --------
    >>> jaccard(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 2).tolist()
    [[0.5, 0.3333333333333333], [0.0, 0.5]]
    """
    known = (first >= 0) & (second >= 0)
    both = np.zeros((k, m))
    np.add.at(both, (first[known], second[known]), 1.0)
    either = np.bincount(first[first >= 0], minlength=k)[:, None] + np.bincount(second[second >= 0], minlength=m) - both
    alike: Float = np.divide(both, np.maximum(either, 1))
    return alike


def stability(
    y: Float,
    traits: Sequence[Column],
    found: _Fit,
    k: int,
    seed: int,
    tell: Callable[[], None] = lambda: None,
) -> Float:
    """(k,) mean Jaccard similarity of each cluster to the most similar one of fits to bootstrap samples.

    Where a cluster is far from being found again after a few samples, the rest are not drawn.
    """
    rng = np.random.default_rng([seed, 2])
    total = np.zeros(k)
    for b in range(BOOTSTRAPS):
        rows = rng.integers(0, len(y), len(y))
        again = fit(y[rows], [column.take(rows) for column in traits], k, seed + 1000 + b, 2)
        total += jaccard(found.label[rows], again.label, k, k).max(axis=1)
        tell()
        if b + 1 == FIRST and total.min() / FIRST < DISSOLVED - 0.1:
            return np.asarray(total / FIRST)
    return np.asarray(total / BOOTSTRAPS)


Tell = Callable[[int, int], None]


class _Progress:
    """How many of the steps that are known so far are done."""

    def __init__(self, tell: Tell) -> None:
        self.tell, self.done, self.total = tell, 0, 0

    def more(self, steps: int) -> None:
        """More is to be done than was known."""
        self.total += steps
        self.tell(self.done, self.total)

    def step(self) -> None:
        """One step is done."""
        self.done += 1
        self.tell(self.done, self.total)


def find(
    journeys: Journeys,
    *,
    goal: str | None = None,
    k: int | None = None,
    traits: Sequence[str] = (),
    least: int = 2,
    most: int = MOST,
    seed: int = 0,
    former: Centres | None = None,
    tell: Tell = lambda done, total: None,
) -> Clusters:
    """Kinds of behaviour among customers, or none.

    Parameters
    ----------
    goal : the touchpoints that are purchases: "purchase | renewal"
    k : so many, instead of as many as are clear
    traits : customer attributes that divide customers too; by default behaviour alone does
    least : a customer with fewer touchpoints belongs to none
    former : the centres of before, whose ids stay where mostly the same customers are meant
    tell : is told how many of how many steps are done

    Raises
    ------
    UnknownName
        A trait is no customer attribute, or the goal is not in the data.
    BadQuestion
        `k` is not from 2 to 20, or `least` is below 1.
    """
    if k is not None and not 2 <= k <= 20:
        raise BadQuestion("personas: k", f"{k} clusters cannot be looked for.", "Give 2 to 20, or leave it out.")
    if least < 1:
        raise BadQuestion("personas: least", f"{least} touchpoints are not enough.", "Give 1 or more.")
    for name in traits:
        if name not in journeys.attributes:
            raise unknown("personas: traits", "customer attribute", name, journeys.attributes)
        if len(journeys.attribute(name).names) > MOST_TEXTS:
            what = f"{name!r} has more than {MOST_TEXTS} different values."
            raise BadQuestion("personas: traits", what, "Choose an attribute of classes, such as an age band.")
    if goal is not None:
        codes_of(journeys, goal, "personas: goal")
    with threadpool_limits(1):  # one thread: equal sums everywhere, and small tasks do not wait for each other
        return _find(journeys, goal, k, traits, least, most, seed, former, _Progress(tell))


def _find(
    journeys: Journeys,
    goal: str | None,
    k: int | None,
    traits: Sequence[str],
    least: int,
    most: int,
    seed: int,
    former: Centres | None,
    progress: "_Progress",
) -> Clusters:
    names = compared(names_of(journeys, goal), channels=_channels_tell(journeys))
    chosen = np.flatnonzero(np.diff(journeys.offsets) >= least)
    rng = np.random.default_rng([seed, 0])
    n = len(chosen)
    if len(chosen) > FITTED:
        chosen = np.sort(rng.choice(chosen, FITTED, replace=False))
    some = journeys.select(chosen)
    x, common = scaled(names, measure(some, needed(names), goal))
    axes = axes_of(x) if len(x) else None
    empty = Centres(features=names, goal=goal, least=least, common=(), mean=(), scale=(), turn=(), centres=())
    if axes is None or len(x) < FEWEST or axes.turn.shape[1] == 0:
        why = "few" if len(x) < FEWEST else "alike"
        return Clusters(model=empty, choices=(), n=n, fitted=len(x), sizes=(), none=len(journeys), why=why)
    choices: tuple[Choice, ...] = ()
    if k is None:
        at = np.sort(rng.choice(len(x), SAMPLE, replace=False)) if len(x) > SAMPLE else np.arange(len(x))
        few = some.select(at)
        deals = [
            scaled(names, measure(dealt(few, np.random.default_rng([seed, 3, i])), needed(names), goal))[0]
            for i in range(DEALS)
        ]
        progress.more(REFERENCES + len(deals))
        choices = weigh(x[at], deals, most, seed, progress.step)
    open_ = [Choice(k, 0.0, 0.0)] if k is not None else clear(choices)
    why = "unstable" if open_ else "no-structure"
    y, told = axes.of(x), [some.attribute(name) for name in traits]
    found: _Fit | None = None
    stable = np.zeros(0)
    while open_ and found is None:
        number = simplest(open_)
        tried = fit(y, told, number.k, seed)
        at = np.sort(rng.choice(len(y), SAMPLE, replace=False)) if len(y) > SAMPLE else np.arange(len(y))
        sample = replace(tried, label=tried.label[at])
        progress.more(BOOTSTRAPS)
        held = stability(y[at], [column.take(at) for column in told], sample, number.k, seed, progress.step)
        if k is not None or held.min() >= DISSOLVED:
            found, stable = tried, held
        open_.remove(number)
    if found is None:
        return Clusters(model=empty, choices=choices, n=n, fitted=len(x), sizes=(), none=len(journeys), why=why)
    model = _model(names, goal, least, common, axes, found, y, stable, tuple(traits), told)
    drift = None
    if former is not None:
        model, drift = _kept(model, former, journeys)
    of = nearest(model, journeys)
    sizes = np.bincount(of[of >= 0], minlength=len(stable)).tolist()
    return Clusters(
        model=model, choices=choices, n=n, fitted=len(x), sizes=tuple(sizes), none=int((of == NONE).sum()), drift=drift,
    )  # fmt: skip


def _channels_tell(journeys: Journeys) -> bool:
    """Whether some touchpoint happens in several channels; else channels say nothing that touchpoints do not."""
    if "channel" not in journeys.columns:
        return False
    channel = journeys.column("channel")
    pairs = journeys.touchpoint.astype(np.int64) * len(channel.names) + channel.codes
    return int(np.count_nonzero(np.bincount(pairs))) > int(np.count_nonzero(np.bincount(journeys.touchpoint)))


def _model(
    names: tuple[str, ...],
    goal: str | None,
    least: int,
    common: Float,
    axes: Axes,
    found: _Fit,
    y: Float,
    stable: Float,
    traits: tuple[str, ...],
    told: Sequence[Column],
) -> Centres:
    """The centres on axes where the scatter within clusters is one, the largest first."""
    turned = solve_triangular(np.linalg.cholesky(found.covariance), axes.turn.T, lower=True).T
    at = solve_triangular(np.linalg.cholesky(found.covariance), found.centre.T, lower=True).T
    u = solve_triangular(np.linalg.cholesky(found.covariance), y.T, lower=True).T
    apart = distances(u, at)
    order = np.argsort(-found.weight, kind="stable")
    centres = []
    for rank, c in enumerate(order.tolist(), 1):
        own = apart[found.label == c, c]
        reach = float(np.quantile(own, REACH)) if len(own) else 0.0
        centres.append(
            Centre(
                id=f"c{rank}", weight=float(found.weight[c]), reach=reach, at=tuple(at[c].tolist()),
                stability=float(stable[c]),
            )
        )  # fmt: skip
    made = []
    for name, column, share in zip(traits, told, found.traits, strict=True):
        texts = [(code, text) for code, text in enumerate(column.names) if code and text is not None]
        rows = tuple(tuple(float(share[c, code]) for code, _ in texts) for c in order.tolist())
        made.append(Trait(name, tuple(text for _, text in texts), rows))
    return Centres(
        features=names, goal=goal, least=least, common=tuple(common.tolist()), mean=tuple(axes.mean.tolist()),
        scale=tuple(axes.scale.tolist()), turn=tuple(tuple(row) for row in turned.tolist()), centres=tuple(centres),
        traits=tuple(made),
    )  # fmt: skip


def _kept(model: Centres, former: Centres, journeys: Journeys) -> tuple[Centres, Drift]:
    """The ids of before where mostly the same customers are meant, and how far each went."""
    old, new = nearest(former, journeys), nearest(model, journeys)
    k, m = len(former.centres), len(model.centres)
    alike = jaccard(old, new, k, m)
    rows, columns = linear_sum_assignment(-alike) if k and m else ((), ())
    pairs = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if alike[r, c] >= SAME}
    taken = {centre.id for centre in former.centres}
    ids, fresh = [], 0
    for c in range(m):
        if c in pairs:
            ids.append(former.centres[pairs[c]].id)
            continue
        fresh += 1
        while f"c{fresh}" in taken:
            fresh += 1
        ids.append(f"c{fresh}")
    centres = tuple(msgspec.structs.replace(c, id=id) for c, id in zip(model.centres, ids, strict=True))
    return (kept := msgspec.structs.replace(model, centres=centres)), drift_of(former, kept, journeys)
