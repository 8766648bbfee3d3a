"""BG/NBD and Gamma-Gamma: how often customers will buy again, and what an order is worth, by maximum likelihood.

BG/NBD: while a customer is alive, orders come at random at a rate of their own (rates: gamma with r and alpha); after
each order the customer may leave, with a probability of their own (beta with a and b). Gamma-Gamma: an order's value
varies around a mean of the customer's own, which does not depend on how often they buy.
SciPy loads when a model is fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from etappe.analysis.intervals import Float, Z
from etappe.arrays import Int

EDGE: Final = (-9.0, 6.0)
"""Logarithms of parameters (of alpha and v: in the scale of the data) lie between. At an edge the data do not decide a
parameter: customers differ so little, or so much, that going further would change no expectation."""
NEAR: Final = 1e-2
STEP: Final = 1e-4
LEAST: Final = 1e-3
"""The least curvature at a top; with less, an interval would reach over 60 powers of e to each side."""
LARGE: Final = 30.0
SINGULAR: Final = 1e-7
"""The formulas divide by a - 1, which has a limit: so far from it they are taken."""


@dataclass(frozen=True)
class Fit:
    """Parameters with intervals (95 %, on their logarithms; NaN where the data do not bound them)."""

    estimate: Float
    low: Float
    high: Float
    log_likelihood: float
    decided: bool
    """Whether the likelihood has its top inside; at an edge expectations hold, single parameters say nothing."""


@dataclass(frozen=True)
class Customers:
    """What BG/NBD needs of each customer, times in the unit asked for.

    Attributes
    ----------
    x : (n,) int64, orders after the first
    recency : (n,) float64, time from the first order to the last
    age : (n,) float64, time from the first order to the end
    """

    x: Int
    recency: Float
    age: Float


def _maximised(score: Callable[[Float], tuple[float, Float]], n: int, start: Float, scale: Float) -> Fit:
    """The top of a log-likelihood of n customers over log(parameter / scale); `score` gives it with its gradient."""
    from scipy.optimize import minimize

    def down(theta: Float) -> tuple[float, Float]:
        """Its negative for one customer, which is well scaled whatever n."""
        at = np.exp(theta) * scale
        value, slope = score(at)
        return -value / n, -slope * at / n

    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(down, start, jac=True, method="L-BFGS-B", bounds=[EDGE] * len(start), options=options)
    theta = found.x
    slopes = np.array([(down(theta + h)[1] - down(theta - h)[1]) / (2 * STEP) for h in np.eye(len(theta)) * STEP])
    curvature = n * (slopes + slopes.T) / 2
    inside = bool(np.all((theta > EDGE[0] + NEAR) & (theta < EDGE[1] - NEAR)))
    decided = inside and bool(np.linalg.eigvalsh(curvature)[0] > LEAST)
    half = Z * np.sqrt(np.diag(np.linalg.inv(curvature))) if decided else np.full(len(theta), np.nan)
    at = np.exp(theta) * scale
    return Fit(at, at * np.exp(-half), at * np.exp(half), -n * float(found.fun), decided)


def fit_orders(customers: Customers) -> Fit:
    """r, alpha, a and b of BG/NBD.

    References
    ----------
    Fader, Hardie and Lee 2005, Marketing Science 24, p. 275, equation 6.
    """
    from scipy.special import digamma, gammaln

    # Customers that look the same are one row with a weight.
    held = np.column_stack((customers.x, customers.recency, customers.age))
    rows, weight = np.unique(held, axis=0, return_counts=True)
    x, recency, age = rows.T
    counts, of = np.unique(x, return_inverse=True)
    tally = np.bincount(of, weights=weight)
    again = x > 0
    n = int(weight.sum())

    def score(at: Float) -> tuple[float, Float]:
        r, alpha, a, b = at
        till, last = np.log(alpha + age), np.log(alpha + recency)
        stayed = -(r + x) * till
        left = np.where(again, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * last, -np.inf)
        either = np.logaddexp(stayed, left)
        gone = weight * np.exp(left - either)
        here = weight - gone
        of_count = gammaln(r + counts) - gammaln(r) + r * np.log(alpha)
        of_count += gammaln(a + b) + gammaln(b + counts) - gammaln(b) - gammaln(a + b + counts)
        value = tally @ of_count + weight @ either
        both = digamma(a + b) - digamma(a + b + counts)
        slope = np.array([
            tally @ (digamma(r + counts) - digamma(r)) + n * np.log(alpha) - here @ till - gone @ last,
            n * r / alpha - here @ ((r + x) / (alpha + age)) - gone @ ((r + x) / (alpha + recency)),
            tally @ both + gone.sum() / a,
            tally @ (both + digamma(b + counts) - digamma(b)) - gone @ (1 / (b + np.maximum(x, 1) - 1)),
        ])  # fmt: skip
        return float(value), slope

    return _maximised(score, n, np.zeros(4), np.array([1.0, max(float(weight @ age) / n, 1e-9), 1.0, 1.0]))


def alive(at: Float, customers: Customers) -> Float:
    """The probability that a customer has not left at the end; 1 for those who never bought again.

    References
    ----------
    Fader, Hardie and Lee 2008, Computing P(alive) using the BG/NBD model.
    """
    from scipy.special import expit

    r, alpha, a, b = at
    x = customers.x
    odds = (r + x) * np.log((alpha + customers.age) / (alpha + customers.recency))
    odds += np.log(a / (b + np.maximum(x, 1) - 1))
    return np.where(x > 0, expit(-odds), 1.0)


def expected_orders(at: Float, customers: Customers, time: float) -> Float:
    """How many orders each customer will place within a time from the end.

    Euler's transformation of the paper's hypergeometric function keeps its arguments small however often one bought;
    where a is large, the printed form does.

    References
    ----------
    Fader, Hardie and Lee 2005, equation 10; Abramowitz and Stegun 15.3.3.
    """
    from scipy.special import hyp2f1

    r, alpha, a, b = at
    if abs(a - 1) < SINGULAR:
        a = 1 + SINGULAR
    pairs, of = np.unique(np.column_stack((customers.x, customers.age)), axis=0, return_inverse=True)
    x, age = pairs.T
    z = time / (alpha + age + time)
    c = a + b + x - 1
    c = np.where(np.abs(c) < SINGULAR, SINGULAR, c)
    if a > LARGE:
        rest = (1 - z) ** (r + x) * hyp2f1(r + x, b + x, c, z)
    else:
        rest = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, c, z)
    if_alive = c / (a - 1) * (1 - rest)
    found: Float = if_alive[np.ravel(of)] * alive(np.array([r, alpha, a, b]), customers)
    return found


def fit_values(orders: Int, mean: Float) -> Fit:
    """p, q and v of Gamma-Gamma from each customer's number of orders and their mean value (above 0).

    References
    ----------
    Fader and Hardie 2013, The Gamma-Gamma model of monetary value, equation 3.
    """
    from scipy.special import digamma, gammaln

    n = len(orders)
    x = orders.astype(np.float64)
    whole = x * mean
    level = float(mean.mean())
    constant = float((-np.log(mean)).sum())
    logs = float((x * np.log(whole)).sum())
    counts, of = np.unique(x, return_inverse=True)
    tally = np.bincount(of).astype(np.float64)

    def score(at: Float) -> tuple[float, Float]:
        p, q, v = at
        log = np.log(v + whole)
        total = float(log.sum())
        rest = float(x @ log)
        inverse = 1 / (v + whole)
        of_count = gammaln(p * counts + q) - gammaln(p * counts) - gammaln(q) + q * np.log(v)
        value = tally @ of_count + constant + p * (logs - rest) - q * total
        slope = np.array([
            tally @ (counts * (digamma(p * counts + q) - digamma(p * counts))) + logs - rest,
            tally @ (digamma(p * counts + q) - digamma(q)) + n * np.log(v) - total,
            n * q / v - p * float(x @ inverse) - q * float(inverse.sum()),
        ])  # fmt: skip
        return float(value), slope

    return _maximised(score, n, np.log([2.0, 3.0, 1.0]), np.array([1.0, 1.0, level]))


def expected_value(at: Float, orders: Int, mean: Any) -> Float:
    """The mean value of a customer's orders to come; without an order so far (0) that of all. Needs q above 1.

    References
    ----------
    Fader and Hardie 2013, equation 5.
    """
    p, q, v = at
    found: Float = p * (v + orders * np.where(orders > 0, mean, 0.0)) / (p * orders + q - 1)
    return found
