"""Demo: its figures, findings and every number of its map against plain pandas on the package's files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etappe.apps.demo import build_demo, data_folder, figures
from etappe.apps.findings import findings
from etappe.apps.workspace import Workspace
from etappe.maps.draw import svg
from etappe.maps.page import html
from test_cli import run
from workspaces import SHARED

HALF = "household_id % 2 = 0"


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = build_demo(tmp_path_factory.mktemp("demo") / "demo")
    yield found
    found.close()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = build_demo(tmp_path_factory.mktemp("half") / "demo", households=HALF)
    yield found
    found.close()


class Plain:
    """The package's tables with pandas, sharing no code with Etappe."""

    def __init__(self) -> None:
        folder = data_folder()
        items = pd.read_parquet(folder / "transactions.parquet").merge(
            pd.read_parquet(folder / "products.parquet")[["product_id", "department"]], how="left", on="product_id"
        )
        items["fuel"] = items["department"].eq("FUEL")
        baskets = items.groupby(["household_id", "basket_id"], as_index=False).agg(
            at=("transaction_timestamp", "min"), value=("sales_value", "sum"), fuel=("fuel", "all")
        )
        baskets["value"] = baskets["value"].round(2)
        baskets["fuel"] &= baskets["value"] > 0
        baskets["at"] = baskets["at"].dt.tz_localize("UTC")
        self.baskets = baskets.sort_values(["household_id", "at", "basket_id"])
        letters = pd.read_parquet(folder / "campaigns.parquet").merge(
            pd.read_parquet(folder / "campaign_descriptions.parquet"), on="campaign_id"
        )
        letters["at"] = letters["start_date"].dt.tz_localize("America/New_York").dt.tz_convert("UTC")
        self.letters = letters
        coupons = pd.read_parquet(folder / "coupon_redemptions.parquet")
        coupons["at"] = coupons["redemption_date"].dt.tz_localize("America/New_York").dt.tz_convert("UTC")
        self.coupons = coupons
        self.people = pd.read_parquet(folder / "demographics.parquet")

    @property
    def households(self) -> set[int]:
        return set(self.baskets.household_id) | set(self.letters.household_id) | set(self.coupons.household_id)


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain()


def test_the_figures_are_those_that_were_worked_out_from_the_files(ws: Workspace) -> None:
    found = figures(ws)
    assert (found["purchases"], found["store_purchases"], found["fuel_purchases"]) == (155_848, 143_388, 12_460)
    assert (found["customers"], found["value"], found["mailings"]) == (2_469, 4_596_039.58, 6_589)
    assert (found["redemptions"], found["redeeming_customers"], found["events"]) == (2_102, 410, 164_539)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")
def test_the_figures_equal_the_expected_ones(ws: Workspace) -> None:
    expected = json.loads((SHARED / "completejourney" / "expected.json").read_text())["completejourney"]
    found = figures(ws)
    pairs = {
        "purchases": "baskets", "customers": "households", "value": "sales", "mailings": None,
        "redemptions": "redemptions", "redeeming_customers": "redeeming_households",
    }  # fmt: skip
    for ours, theirs in pairs.items():
        want = expected[theirs] if theirs else sum(kind["size"] for kind in expected["by_type"].values())
        assert found[ours] == want, ours
    by_type = next(f for f in findings(ws.journeys(), "en") if f.id == "by_type").values
    for kind in "ABC":
        want = expected["by_type"][f"Type {kind}"]
        assert by_type[f"mailing_{kind.lower()}_redeemed"] == want["sum"]
        assert by_type[f"mailing_{kind.lower()}_sent"] == want["size"]


def test_times_are_the_instants_that_the_zones_say(ws: Workspace, plain: Plain) -> None:
    j = ws.journeys()
    of = {name: code for code, name in enumerate(j.touchpoints)}
    ours = np.sort(j.time_us[np.isin(j.touchpoint, [of["store_purchase"], of["fuel_purchase"]])])
    assert np.array_equal(ours, np.sort(plain.baskets["at"].astype("datetime64[us, UTC]").astype("int64").to_numpy()))
    ours = np.sort(j.time_us[j.touchpoint == of["coupon_redeemed"]])
    assert np.array_equal(ours, np.sort(plain.coupons["at"].astype("datetime64[us, UTC]").astype("int64").to_numpy()))


def test_households_can_be_broken_down_by_their_demographics(ws: Workspace, plain: Plain) -> None:
    rows = ws.ask({"question": "reach", "by": "age", "touchpoints": ["coupon_redeemed"]}).rows()
    redeeming = plain.people[plain.people.household_id.isin(plain.coupons.household_id)]
    want = redeeming.groupby("age").household_id.nunique().to_dict()
    assert {row["group"]: row["journeys"] for row in rows if row["group"] and row["journeys"]} == want
    known = sum(row["journeys"] for row in rows)
    assert known == plain.coupons.household_id.nunique()


def _by_id(ws: Workspace, lang: str = "en") -> dict[str, Any]:
    return {finding.id: finding for finding in findings(ws.journeys(), lang)}


def test_each_finding_equals_pandas(ws: Workspace, plain: Plain) -> None:
    found = _by_id(ws)
    with_letter, redeeming = set(plain.letters.household_id), set(plain.coupons.household_id)
    assert found["reached"].n == len(plain.households)
    assert found["reached"].values["with_letter"] == len(with_letter)
    assert found["reached"].values["redeemed"] == len(with_letter & redeeming)

    first = plain.coupons.groupby(["household_id", "campaign_id"], as_index=False)["at"].min()
    pairs = plain.letters.merge(first, on=["household_id", "campaign_id"], suffixes=("_sent", "_used"))
    waits = (pairs["at_used"] - pairs["at_sent"]).dt.total_seconds() / 86_400
    assert found["wait"].n == len(waits)
    assert found["wait"].values["median_days"] == pytest.approx(waits.median())

    stores = plain.baskets[~plain.baskets.fuel & plain.baskets.household_id.isin(redeeming)].copy()
    stores["day"] = stores["at"].dt.tz_convert("America/New_York").dt.date
    days = set(zip(plain.coupons.household_id, plain.coupons.redemption_date.dt.date, strict=True))
    on = np.asarray([pair in days for pair in zip(stores.household_id, stores.day, strict=True)])
    assert found["basket"].n == int(on.sum())
    assert found["basket"].values["on_day"] == pytest.approx(stores[on].value.median(), abs=0.006)
    assert found["basket"].values["other"] == pytest.approx(stores[~on].value.median(), abs=0.006)

    local = plain.baskets["at"].dt.tz_convert("America/New_York")
    early = plain.baskets[~plain.baskets.fuel & (local < pd.Timestamp("2017-03-01", tz="America/New_York"))]
    counts = early.groupby("household_id").size().reindex(sorted(plain.households), fill_value=0)
    first_letter = plain.letters.groupby("household_id")["at"].min()
    later = set(first_letter[first_letter >= pd.Timestamp("2017-03-01", tz="America/New_York")].index)
    never = plain.households - with_letter
    assert found["before"].values["later"] == pytest.approx(counts[counts.index.isin(later)].median(), abs=0.5)
    assert found["before"].values["never"] == pytest.approx(counts[counts.index.isin(never)].median(), abs=0.5)


def test_findings_are_five_sentences_with_their_bases_and_claim_no_cause(ws: Workspace) -> None:
    causal = {"de": r"\b(weil|dadurch|deshalb|führt zu)\b", "en": r"\b(because|therefore|leads to|due to)\b"}
    for lang in causal:
        found = findings(ws.journeys(), lang)
        assert len(found) == 5
        for finding in found:
            assert finding.n > 100
            assert "95" in finding.sentence or "%" in finding.sentence
            assert not re.search(causal[lang], finding.sentence)


def test_with_half_of_the_households_numbers_and_sentences_change(ws: Workspace, half: Workspace, plain: Plain) -> None:
    whole, part = _by_id(ws), _by_id(half)
    assert figures(half)["customers"] == sum(household % 2 == 0 for household in plain.households)
    for name in whole:
        assert whole[name].sentence != part[name].sentence, name
        assert whole[name].n != part[name].n, name


def _want(plain: Plain) -> dict[str, tuple[float, float]]:
    """Value and n of every number of the map, by pandas."""
    n = len(plain.households)
    letters, coupons = plain.letters, plain.coupons
    stores, fuel = plain.baskets[~plain.baskets.fuel], plain.baskets[plain.baskets.fuel]
    with_letter = letters.household_id.nunique()
    first_letters = letters.merge(coupons, on="household_id", suffixes=("_sent", "_used"))
    after = first_letters[first_letters.at_used >= first_letters.at_sent]
    redeemed = after.household_id.nunique()
    # the chain that is complete first, and of its starts the latest: ANALYSES 1
    first_use = after.groupby("household_id")["at_used"].min()
    starts = after[after.at_used == after.household_id.map(first_use)].groupby("household_id")["at_sent"].max()
    wait = ((first_use - starts).dt.total_seconds() / 86_400).sort_values()
    every = pd.concat([
        letters.assign(kind=letters.campaign_type)[["household_id", "at", "kind"]],
        coupons.assign(kind="coupon")[["household_id", "at", "kind"]],
        plain.baskets.assign(kind=np.where(plain.baskets.fuel, "fuel", "store"))[["household_id", "at", "kind"]],
    ]).sort_values(["household_id", "at"], kind="stable")  # fmt: skip
    every["next"] = every.groupby("household_id")["kind"].shift(-1)
    every["gap"] = every.groupby("household_id")["at"].shift(-1) - every["at"]
    again = every[(every.kind == "store") & (every.next == "store")].gap.dt.total_seconds() / 86_400
    times = stores.groupby("household_id").size()
    return {
        "anteil_brief": (100 * with_letter / n, n),
        "haushalte_brief": (with_letter, n),
        "anteil_markt": (100 * stores.household_id.nunique() / n, n),
        "umsatz_haushalt": (plain.baskets.value.sum() / n, n),
        "brief_zu_coupon": (100 * redeemed / with_letter, with_letter),
        "abbruch_coupon": (100 - 100 * redeemed / with_letter, with_letter),
        "dauer_coupon": (wait.median(), redeemed),
        "wiederkauf": (100 * (times > 1).sum() / len(times), len(times)),
        "abstand": (again.median(), len(again)),
        "anteil_tanken": (100 * fuel.household_id.nunique() / n, n),
        "umsatz_tanken": (fuel.value.sum(), fuel.household_id.nunique()),
    }


def test_every_number_of_the_map_equals_pandas(ws: Workspace, plain: Plain) -> None:
    bound = ws.bind(ws.maps()[0])
    want = _want(plain)
    shown = {name: b for name, b in bound.evidence.items() if b.state in ("fresh", "stale", "changed", "held")}
    assert set(shown) == set(want)
    for name, (value, n) in want.items():
        assert shown[name].value == pytest.approx(value, rel=1e-9), name
        assert shown[name].n == n, name
    for b in shown.values():
        if b.low is not None and b.high is not None:
            assert b.low <= b.value <= b.high


def test_what_the_data_cannot_show_stands_on_the_map_as_assumed_or_empty(ws: Workspace) -> None:
    bound = ws.bind(ws.maps()[0])
    assert (bound.evidence["anteil_web"].state, bound.evidence["anteil_web"].value) == ("none", None)
    assert {c.basis for c in bound.cells if c.lane.type in ("emotion", "thoughts")} == {"assumed"}
    assert 0.3 < bound.shares["measured"] < 0.7


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_number_that_is_drawn_is_a_number_of_the_evidence(ws: Workspace, lang: str) -> None:
    from etappe.maps.figures import value_text

    bound = ws.bind(ws.maps()[0])
    drawn = svg(bound, lang=lang)
    page = html(bound, lang=lang)
    for b in bound.evidence.values():
        text = value_text(b, lang)
        assert text in drawn, b.id
        assert text in page, b.id


def test_the_people_behind_a_number_are_as_many_as_it_says(ws: Workspace, plain: Plain) -> None:
    from etappe.maps.evidence import people

    bound = ws.bind(ws.maps()[0])
    journeys, behind = people(bound.evidence["brief_zu_coupon"])
    assert set(map(int, journeys.names(behind))) == set(plain.coupons.household_id)
    journeys, behind = people(bound.evidence["haushalte_brief"])
    assert len(behind) == bound.evidence["haushalte_brief"].value


def test_the_command_prints_the_figures_and_imports_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run("demo", "--once", "--json", "--workspace", folder)
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    assert (said["purchases"], said["customers"], said["value"]) == (155_848, 2_469, 4_596_039.58)
    assert (said["mailings"], said["redemptions"], said["redeeming_customers"]) == (6_589, 2_102, 410)
    assert all(Path(path).stat().st_size > 10_000 for path in said["maps"])
    second = json.loads(run("demo", "--once", "--json", "--workspace", folder).stdout)
    assert (second["events"], len(Workspace(folder).imports())) == (164_539, 4)
    spoken = run("demo", "--once", "--lang", "en", "--workspace", folder)
    assert "simulated" in spoken.stdout
    assert "4,596,039.58" in spoken.stdout


def test_the_picture_in_the_readme_is_the_demo_s_map(ws: Workspace) -> None:
    picture = Path(__file__).parents[1] / "docs" / "images" / "map.svg"
    assert picture.read_text() == svg(ws.bind(ws.maps()[0]), lang="en"), "etappe map render … -o docs/images/map.svg"
