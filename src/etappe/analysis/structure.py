"""Structure: how many kinds of behaviour scaled features have, or that they have none.

K-means' scatter within k clusters is held against that of data without kinds: the same columns with the same
values and the same rank correlations, otherwise independent (a Gaussian copula); and against the same events dealt out
anew to the same customers. The gap is how much smaller the logarithm of the scatter is (Tibshirani, Walther and Hastie
2001, with a reference that keeps what is no cluster: skewed columns, and that who does much does much of everything).
There are no kinds where the largest gap is not clearly above both references. Else it is the smallest number whose gap
is nearly the largest (one standard error, or 5 % of it: one more cluster that gains no more divides one kind). Where a
cluster of it dissolves when customers are sampled anew, that number is out, and the choice is made among the others.
"""

import contextlib
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import joblib
import numpy as np
from scipy.stats import norm, rankdata
from sklearn.cluster import KMeans

from etappe.analysis.behaviour import Float
from etappe.journeys.columns import Journeys

# k-means asks joblib for the physical cores, which it looks for by a program that a bare Debian lacks, and warns of
# that, once. It is asked here, where nobody is bothered.
with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
    warnings.simplefilter("ignore")
    joblib.cpu_count(only_physical_cores=True)

REFERENCES: Final = 10
AXIS: Final = 0.3
"""An axis with less variance than this part of one feature's says nothing new."""
NEARLY: Final = 0.05
CLEAR: Final = 5.0
"""Standard errors by which the gap must be above nothing."""
LARGE: Final = 0.02
"""And so large it must be: the scatter 2 % smaller than without kinds."""


@dataclass(frozen=True)
class Choice:
    """What speaks for k clusters."""

    k: int
    gap: float
    """Over the nearer of the two references; 0 is none."""
    error: float
    """Its standard error."""


@dataclass(frozen=True)
class Axes:
    """Where scaled features are standardised to, and turned to independent axes."""

    mean: Float
    scale: Float
    turn: Float

    def of(self, x: Float) -> Float:
        """(n, d) places on the axes."""
        y: Float = ((x - self.mean) / self.scale) @ self.turn
        return y


def axes_of(x: Float) -> Axes:
    """Independent axes of standardised features, those that say nothing new left out."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    varies = scale > 1e-6
    scale = np.where(varies, scale, 1.0)
    z = (x - mean) / scale
    value, vector = np.linalg.eigh(z.T @ z / len(z))
    kept = value[::-1] > AXIS
    # eigenvectors have no sign of their own: fixed, so that the same data give the same axes everywhere
    turn = vector[:, ::-1][:, kept]
    turn = turn * np.where(turn[np.abs(turn).argmax(axis=0), np.arange(turn.shape[1])] < 0, -1, 1)
    return Axes(mean, scale, turn)


def copula(x: Float, rng: np.random.Generator) -> Float:
    """Rows drawn anew: each column keeps its values, pairs their rank correlation; nothing else is kept."""
    n = len(x)
    scores = np.column_stack([norm.ppf((rankdata(column) - 0.5) / n) for column in x.T])
    varies = scores.std(axis=0) > 1e-9
    correlation = np.eye(x.shape[1])
    correlation[np.ix_(varies, varies)] = np.corrcoef(scores[:, varies].T) if varies.any() else 1.0
    value, vector = np.linalg.eigh(correlation)
    drawn = rng.normal(size=x.shape) @ (vector * np.sqrt(np.maximum(value, 0))).T
    return np.column_stack([np.sort(a)[rankdata(b, method="ordinal") - 1] for a, b in zip(x.T, drawn.T, strict=True)])


def dealt(journeys: Journeys, rng: np.random.Generator) -> Journeys:
    """The same events dealt out to the same customers, each as many as before: nobody is of any kind."""
    deal = rng.permutation(journeys.events)
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))
    order = deal[np.lexsort((journeys.time_us[deal], owner))]
    value = journeys.value

    def taken(name: str) -> Any:
        return lambda: journeys.column(name).take(order)

    return replace(
        journeys,
        time_us=journeys.time_us[order],
        touchpoint=journeys.touchpoint[order],
        lazy={name: taken(name) for name in journeys.lazy},
        lazy_value=(lambda: value[order]) if journeys.lazy_value is not None else None,
    )


def _scatter(y: Float, most: int, seed: int) -> Float:
    """The logarithm of the scatter within 1 to `most` clusters, less that within one."""
    within = [float(KMeans(k, n_init=5, random_state=seed).fit(y).inertia_) for k in range(2, most + 1)]
    found: Float = np.log(np.maximum([float(((y - y.mean(axis=0)) ** 2).sum()), *within], 1e-12))
    less: Float = found - found[0]
    return less


def weigh(
    x: Float, deals: Sequence[Float], most: int, seed: int, tell: Callable[[], None] = lambda: None
) -> tuple[Choice, ...]:
    """What speaks for 1 to `most` clusters; `deals` are the scaled features of events dealt out anew.

    `tell` is called after each reference.
    """
    rng = np.random.default_rng([seed, 1])
    most = max(2, min(most, len(x) // 20))
    mine = _scatter(axes_of(x).of(x), most, seed)
    choices = [Choice(1, 0.0, 0.0)]
    gaps, errors = np.full(most, np.inf), np.zeros(most)
    drawn = [copula(x, rng) for _ in range(REFERENCES)]
    for reference in (drawn, deals):
        if not len(reference):
            continue
        scatters = []
        for r in reference:
            scatters.append(_scatter(axes_of(r).of(r), most, seed))
            tell()
        theirs = np.array(scatters)
        gap = theirs.mean(axis=0) - mine
        error = theirs.std(axis=0, ddof=1) * np.sqrt(1 + 1 / len(reference))
        nearer = gap < gaps
        gaps, errors = np.where(nearer, gap, gaps), np.where(nearer, error, errors)
    choices += [Choice(k, float(gaps[k - 1]), float(errors[k - 1])) for k in range(2, most + 1)]
    return tuple(choices)


def clear(choices: Sequence[Choice]) -> list[Choice]:
    """The numbers of clusters that are clearly better than none; [] where the best of them is not."""
    best = max(choices[1:], key=lambda one: one.gap)
    found = [one for one in choices[1:] if one.gap >= max(LARGE, CLEAR * one.error)]
    return found if best in found else []


def simplest(choices: Sequence[Choice]) -> Choice:
    """The smallest number whose gap is nearly the largest: within one standard error, or within NEARLY of it.

    Examples
    --------
    >>> simplest([Choice(2, 0.05, 0.01), Choice(3, 0.09, 0.01), Choice(4, 0.092, 0.001)]).k
    3
    """
    best = max(choices, key=lambda one: one.gap)
    return next(one for one in choices if one.gap >= best.gap - max(best.error, NEARLY * best.gap))
