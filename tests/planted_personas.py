"""Synthetic customers of planted personas: SYNTHETIC data with a known truth, seeded; no real person is behind them.

Each customer belongs to one persona, of which every parameter is known. Given the persona, independently:

- touchpoints: 2 + negative binomial
- which ones: Dirichlet-multinomial, so that customers of one persona differ from each other
- gaps in days: log-normal with a customer's own mean around that of the persona
- hours: a part of the day by Dirichlet-multinomial, then evenly within it
- value of a purchase: log-normal with a customer's own mean around that of the persona
- age band: a choice

`oracle` is the classifier that knows all parameters, and the gaps before they are cut to whole days: no method that
sees the journeys alone can expect to be right more often. The settings were chosen by its accuracy, before there was a
method, and are not changed to suit one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln, logsumexp

from etappe.arrays import Column, column_of
from etappe.journeys.columns import Journeys, journeys_of
from etappe.units import MONEY, NO_VALUE

DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
START_US: Final = 1_767_225_600_000_000  # 2026-01-01
TOUCHPOINTS: Final = {
    "search_ad": "search", "email_marketing": "email", "page_view": "web", "product_information": "shop",
    "review_portal": "portal", "add_to_cart": "shop", "online_purchase": "shop", "app_usage": "app",
    "chatbot": "chat", "sales_consultation": "store", "store_purchase": "store", "customer_service_call": "phone",
}  # fmt: skip
"""Touchpoints of the default registry with their channels."""
NAMES: Final = tuple(TOUCHPOINTS)
BOUGHT: Final = tuple(NAMES.index(name) for name in ("online_purchase", "store_purchase"))
AGES: Final = ("18-29", "30-44", "45-59", "60+")
PARTS: Final = 4  # of the day, six hours each


@dataclass(frozen=True)
class Setting:
    """How many personas there are and how far they lie apart; the rest is drawn from `seed`."""

    weights: tuple[float, ...]
    spread: float
    seed: int
    concentration: float = 40.0
    """How alike the customers of one persona are in what they touch."""
    mean: float = 16.0
    """Touchpoints a customer, in the middle."""


SETTINGS: Final = {
    "four": Setting((0.25, 0.25, 0.25, 0.25), 0.71, 11),
    "unequal": Setting((0.45, 0.3, 0.17, 0.08), 0.84, 12),
    "three": Setting((0.4, 0.35, 0.25), 0.72, 13),
    "six": Setting((0.2, 0.2, 0.2, 0.15, 0.15, 0.1), 0.95, 14),
    "near": Setting((0.25, 0.25, 0.25, 0.25), 0.6, 11),
    "blurred": Setting((0.25, 0.25, 0.25, 0.25), 0.42, 11),
    "one": Setting((1.0,), 0.8, 15),
    "one, very unlike each other": Setting((1.0,), 0.8, 16, concentration=4.0),
}
"""`one` has no personas to find: all are customers of the same."""


@dataclass(frozen=True)
class Parameters:
    """The truth behind the personas, one row each."""

    weights: np.ndarray
    mean: np.ndarray
    size: float
    touch: np.ndarray
    parts: np.ndarray
    concentration: float
    gap: np.ndarray
    gap_between: float
    gap_within: float
    value: np.ndarray
    value_between: float
    value_within: float
    ages: np.ndarray


@dataclass(frozen=True)
class Planted:
    """Journeys with the persona of each, the parameters, and how often the classifier that knows them is right."""

    journeys: Journeys
    persona: np.ndarray
    parameters: Parameters
    oracle: np.ndarray
    """What that classifier says of each customer."""

    @property
    def accuracy(self) -> float:
        """Its share of right answers."""
        return float((self.oracle == self.persona).mean())


def parameters_of(setting: Setting) -> Parameters:
    """Every persona lies at a random place around one common centre, `spread` away."""
    rng = np.random.default_rng(setting.seed)
    k, spread = len(setting.weights), setting.spread

    def shares(options: int) -> np.ndarray:
        common = rng.normal(0, 0.6, options)
        logits = common + spread * rng.normal(0, 1, (k, options))
        return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))

    return Parameters(
        weights=np.asarray(setting.weights),
        mean=setting.mean * np.exp(spread * rng.normal(0, 0.5, k)),
        size=4.0,
        touch=shares(len(NAMES)),
        parts=shares(PARTS),
        concentration=setting.concentration,
        gap=1.6 + spread * rng.normal(0, 0.6, k),
        gap_between=0.35,
        gap_within=0.8,
        value=3.4 + spread * rng.normal(0, 0.6, k),
        value_between=0.3,
        value_within=0.5,
        ages=shares(len(AGES)),
    )


def _dirichlet(rng: np.random.Generator, alpha: np.ndarray) -> np.ndarray:
    drawn = rng.standard_gamma(np.maximum(alpha, 1e-3))
    return drawn / drawn.sum(axis=1, keepdims=True)


def _choices(rng: np.random.Generator, shares: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """One choice for each event out of the shares of its owner."""
    edges = np.cumsum(shares, axis=1)
    edges[:, -1] = 1.0
    return (rng.random(len(owner))[:, None] > edges[owner]).sum(axis=1)


def planted(name: str, n: int = 3_000, seed: int = 1) -> Planted:
    """Customers of one of the SETTINGS; the parameters are the setting's own, `seed` draws the customers."""
    p = parameters_of(SETTINGS[name])
    rng = np.random.default_rng([seed, SETTINGS[name].seed])
    persona = rng.choice(len(p.weights), n, p=p.weights)
    count = 2 + rng.negative_binomial(p.size, p.size / (p.size + p.mean[persona]))
    owner = np.repeat(np.arange(n), count)
    touch = _choices(rng, _dirichlet(rng, p.concentration * p.touch[persona]), owner)
    part = _choices(rng, _dirichlet(rng, p.concentration * p.parts[persona]), owner)
    gap_mean = p.gap[persona] + rng.normal(0, p.gap_between, n)
    log_gap = gap_mean[owner] + rng.normal(0, p.gap_within, len(owner))
    value_mean = p.value[persona] + rng.normal(0, p.value_between, n)
    log_value = value_mean[owner] + rng.normal(0, p.value_within, len(owner))
    age = _choices(rng, p.ages[persona], np.arange(n))
    bought = np.isin(touch, BOUGHT)
    oracle = _oracle(p, count, owner, touch, part, log_gap, log_value, bought, age)

    offsets = np.concatenate(([0], np.cumsum(count)))
    days = np.cumsum(np.exp(log_gap))
    days -= np.repeat(days[offsets[:-1]], count)
    day = np.floor(days + rng.integers(0, 60, n)[owner]).astype(np.int64)
    within = ((part + rng.random(len(owner))) * 6 * HOUR_US).astype(np.int64)
    time = START_US + day * DAY_US + within
    order = np.lexsort((time, owner))
    value = np.where(bought, np.round(np.exp(log_value) * 100) * (MONEY // 100), NO_VALUE).astype(np.int64)
    names = list(TOUCHPOINTS.values())
    channel = column_of([None, *names])
    journeys = journeys_of(
        offsets,
        time[order],
        touch[order],
        NAMES,
        columns={"channel": Column(channel.codes[1:][touch[order]], channel.names)},
        attributes={"age": Column((age + 1).astype(np.uint8), (None, *AGES))},
        value=value[order],
    )
    return Planted(journeys, persona, p, oracle)


def _mixed(counts: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(n, k) log-likelihood of counts (n, options) under Dirichlet-multinomials, but for what is the same for all."""
    total = counts.sum(axis=1)
    whole = gammaln(alpha.sum(axis=1))[None] - gammaln(total[:, None] + alpha.sum(axis=1)[None])
    return whole + (gammaln(counts[:, None] + alpha[None]) - gammaln(alpha)[None]).sum(axis=2)


def _normal(
    owner: np.ndarray, x: np.ndarray, use: np.ndarray, mean: np.ndarray, between: float, within: float, n: int
) -> np.ndarray:
    """(n, k) log-likelihood of a customer's values around a mean of its own, but for what is the same for all."""
    held = np.bincount(owner[use], minlength=n)
    average = np.bincount(owner[use], x[use], minlength=n) / np.maximum(held, 1)
    variance = between**2 + within**2 / np.maximum(held, 1)
    return np.where(held[:, None] > 0, -0.5 * (average[:, None] - mean[None]) ** 2 / variance[:, None], 0.0)


def _oracle(p, count, owner, touch, part, log_gap, log_value, bought, age):
    n = len(count)

    def counted(codes: np.ndarray, options: int) -> np.ndarray:
        return np.bincount(owner * options + codes, minlength=n * options).reshape(n, options)

    x = (count - 2)[:, None]
    share = (p.size / (p.size + p.mean))[None]
    said = np.log(p.weights)[None] + p.size * np.log(share) + x * np.log1p(-share)
    said = said + _mixed(counted(touch, len(NAMES)), p.concentration * p.touch)
    said = said + _mixed(counted(part, PARTS), p.concentration * p.parts)
    later = np.concatenate(([False], owner[1:] == owner[:-1]))  # the first has no gap before it
    said = said + _normal(owner, log_gap, later, p.gap, p.gap_between, p.gap_within, n)
    said = said + _normal(owner, log_value, bought, p.value, p.value_between, p.value_within, n)
    return (said + np.log(p.ages)[:, age].T).argmax(axis=1)


def shuffled(journeys: Journeys, seed: int = 1) -> Journeys:
    """The same events with their times dealt out anew over all customers: pure noise.

    Each customer keeps nothing but the number of touchpoints; who has which attribute is chance, too.
    """
    rng = np.random.default_rng(seed)
    deal, people = rng.permutation(journeys.events), rng.permutation(len(journeys))
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))
    order = deal[np.lexsort((journeys.time_us[deal], owner))]
    own = [name for name in journeys.columns if name not in (*journeys.labels, "value")]
    columns = {name: journeys.column(name).take(order) for name in own}
    attributes = {name: journeys.attribute(name).take(people) for name in journeys.attributes}
    return journeys_of(
        journeys.offsets,
        journeys.time_us[order],
        journeys.touchpoint[order],
        journeys.touchpoints,
        columns=columns,
        attributes=attributes,
        value=journeys.value[order],
        timezone=journeys.origin.timezone,
    )


if __name__ == "__main__":
    for setting in SETTINGS:
        found = planted(setting)
        print(f"{setting:30} {found.journeys.events:7} events, oracle {found.accuracy:.4f}")
