"""A map of six stages and nine lanes on real data: every shown value equals a recomputation from the raw tables."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from etappe.apps.demo import build_demo
from etappe.apps.workspace import Workspace
from etappe.maps.bound import BoundMap
from etappe.maps.edit import edited
from etappe.maps.edits import Add, Bind, Move, Write
from test_demo import Plain, _want

Z = 1.959963984540054
MARKED = {
    "wege": {"metric": "transition.share", "parameters": {"from": "s4", "to": "s7"}, "unit": "percent"},
    "haushalte": {"metric": "journey.count"},
    "umsatz": {"metric": "revenue.sum", "parameters": {"touchpoint": "markt"}, "unit": "money"},
    "je_tanker": {"metric": "revenue.per_journey", "parameters": {"touchpoint": "tankstelle"}, "unit": "money"},
    "coupon_90": {"metric": "step.conversion", "parameters": {"from": "s1", "to": "s5", "within": "30d"}},
    "im_herbst": {
        "metric": "touchpoint.share_of_journeys", "parameters": {"touchpoint": "markt"},
        "window": {"from": "2017-10-01", "to": "2017-12-31"},
    },
    "tanken_jung": {
        "metric": "touchpoint.share_of_journeys", "parameters": {"touchpoint": "tankstelle"}, "filter": "age = '25-34'",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = build_demo(tmp_path_factory.mktemp("fixture") / "demo")
    yield found
    found.close()


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain()


@pytest.fixture(scope="module")
def bound(ws: Workspace) -> BoundMap:
    steps = ("s4", "s8", "s6", "s7", "s5", "s3", "s2")
    edits = [
        Add(kind="stage", value={"id": "empfehlung", "title": "Empfehlung"}, after="bindung"),
        Move(kind="step", id="s8", after="empfehlung"),
        Add(kind="lane", value={"id": "weiter", "type": "metric", "title": "Weiteres"}, after="zeit"),
        *(
            Bind(lane="weiter", place=step, evidence={"id": name, **e})
            for step, (name, e) in zip(steps, MARKED.items(), strict=True)
        ),
        Write(lane="denken", place="s8", fields={"text": "Das erzähle ich weiter."}),
    ]
    document = edited(ws.maps()[0], edits)
    assert (len(document.stages), len(document.lanes)) == (6, 9)
    return ws.bind(document)


def wilson(part: float, whole: float) -> tuple[float, float]:
    found = binomtest(round(part), round(whole)).proportion_ci(method="wilson")
    return 100 * found.low, 100 * found.high


def ranks(values: pd.Series) -> tuple[float, float]:
    """The order statistics that hold the median with at least 95 %."""
    ordered, n = np.sort(values.to_numpy()), len(values)
    r = int(binom.ppf(0.025, n, 0.5))
    while binom.cdf(r - 1, n, 0.5) > 0.025:
        r -= 1
    return ordered[r - 1], ordered[n - r]


def total(values: pd.Series) -> tuple[float, float]:
    half = Z * float((values**2).sum()) ** 0.5
    return values.sum() - half, values.sum() + half


def ratio(parts: pd.Series, wholes: pd.Series) -> tuple[float, float]:
    r = parts.sum() / wholes.sum()
    half = Z * float(((parts - r * wholes) ** 2).sum()) ** 0.5 / wholes.sum()
    return r - half, r + half


def more(plain: Plain) -> dict[str, tuple[float, float, tuple[float, float]]]:
    """Value, n and interval of what the fixture has beside the demo's map, by pandas."""
    n = len(plain.households)
    stores, fuel = plain.baskets[~plain.baskets.fuel], plain.baskets[plain.baskets.fuel]
    every = pd.concat([
        plain.letters.assign(kind="letter")[["household_id", "at", "kind"]],
        plain.coupons.assign(kind="coupon")[["household_id", "at", "kind"]],
        plain.baskets.assign(kind=np.where(plain.baskets.fuel, "fuel", "store"))[["household_id", "at", "kind"]],
    ]).sort_values(["household_id", "at"], kind="stable")  # fmt: skip
    every["next"] = every.groupby("household_id")["kind"].shift(-1)
    leaving = every[(every.kind == "store") & every.next.notna()]
    out = leaving.groupby("household_id").size()
    taken = leaving[leaving.next == "fuel"].groupby("household_id").size().reindex(out.index, fill_value=0)
    by_store, by_fuel = stores.groupby("household_id").value.sum(), fuel.groupby("household_id").value.sum()
    pairs = plain.letters.merge(plain.coupons, on="household_id", suffixes=("_sent", "_used"))
    wait = (pairs.at_used - pairs.at_sent).dt.total_seconds()
    quick = pairs[(wait >= 0) & (wait <= 30 * 86_400)].household_id.nunique()
    sent = plain.letters.household_id.nunique()
    autumn = (pd.Timestamp("2017-10-01", tz="America/New_York"), pd.Timestamp("2018-01-01", tz="America/New_York"))
    late = every[(every["at"] >= autumn[0]) & (every["at"] < autumn[1])]
    there, bought = late.household_id.nunique(), late[late.kind == "store"].household_id.nunique()
    young = set(plain.people[plain.people.age == "25-34"].household_id) & set(every.household_id)
    tank = young & set(fuel.household_id)
    return {
        "wege": (100 * taken.sum() / out.sum(), out.sum(), tuple(100 * x for x in ratio(taken, out))),
        "haushalte": (n, n, total(pd.Series(np.ones(n)))),
        "umsatz": (by_store.sum(), len(by_store), total(by_store)),
        "je_tanker": (by_fuel.mean(), len(by_fuel), ratio(by_fuel, pd.Series(1.0, by_fuel.index))),
        "coupon_90": (100 * quick / sent, sent, wilson(quick, sent)),
        "im_herbst": (100 * bought / there, there, wilson(bought, there)),
        "tanken_jung": (100 * len(tank) / len(young), len(young), wilson(len(tank), len(young))),
    }


def test_every_shown_value_equals_a_recomputation_from_the_raw_tables(bound: BoundMap, plain: Plain) -> None:
    shown = {name: b for name, b in bound.evidence.items() if b.state in ("fresh", "stale")}
    want = {**_want(plain), **{name: (value, n) for name, (value, n, _) in more(plain).items()}}
    assert set(shown) == set(want)
    for name, (value, n) in want.items():
        assert (shown[name].value, shown[name].n) == (pytest.approx(value, rel=1e-9), n), name


def test_every_bound_cell_has_n_an_interval_and_an_age(bound: BoundMap, plain: Plain) -> None:
    for name, b in bound.evidence.items():
        if b.state in ("fresh", "stale"):
            assert b.n, name
            assert b.low is not None, name
            assert b.high is not None, name
            assert b.low <= b.value <= b.high, name
            assert b.data_until, name
            assert b.at, name
    for name, (_, _, interval) in more(plain).items():
        b = bound.evidence[name]
        assert (b.low, b.high) == pytest.approx(interval, rel=1e-6), name
    waits = _waits(plain)
    assert (bound.evidence["dauer_coupon"].low, bound.evidence["dauer_coupon"].high) == pytest.approx(ranks(waits))


def test_the_median_of_waits_varies_with_the_households(bound: BoundMap, plain: Plain) -> None:
    """Woodruff's interval for households, worked out by drawing other households again and again."""
    every = pd.concat([
        plain.letters.assign(kind="letter")[["household_id", "at", "kind"]],
        plain.coupons.assign(kind="coupon")[["household_id", "at", "kind"]],
        plain.baskets.assign(kind=np.where(plain.baskets.fuel, "fuel", "store"))[["household_id", "at", "kind"]],
    ]).sort_values(["household_id", "at"], kind="stable")  # fmt: skip
    every["next"] = every.groupby("household_id")["kind"].shift(-1)
    every["gap"] = (every.groupby("household_id")["at"].shift(-1) - every["at"]).dt.total_seconds() / 86_400
    waits = every[(every.kind == "store") & (every.next == "store")]
    code, values = np.unique(waits.household_id, return_inverse=True)[1], waits.gap.to_numpy()
    order = np.argsort(values)
    rng = np.random.default_rng(7)
    medians = []
    for _ in range(200):
        weight = np.cumsum(rng.poisson(1.0, code.max() + 1)[code[order]])
        medians.append(values[order][np.searchsorted(weight, weight[-1] / 2)])
    b = bound.evidence["abstand"]
    low, high = np.quantile(medians, [0.025, 0.975])
    assert (b.low, b.high) == pytest.approx((low, high), abs=0.25 * (high - low))


def _waits(plain: Plain) -> pd.Series:
    pairs = plain.letters.merge(plain.coupons, on="household_id", suffixes=("_sent", "_used"))
    after = pairs[pairs.at_used >= pairs.at_sent]
    first = after.groupby("household_id")["at_used"].min()
    starts = after[after.at_used == after.household_id.map(first)].groupby("household_id")["at_sent"].max()
    return (first - starts).dt.total_seconds() / 86_400
