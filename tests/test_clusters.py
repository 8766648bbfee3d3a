"""Personas are found where they were planted, and nowhere else."""

import json
from functools import cache

import msgspec
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from etappe.analysis.behaviour import Centres, compared, nearest, needed, places, scaled
from etappe.analysis.clusters import find, jaccard
from etappe.analysis.features import measure, names_of
from etappe.analysis.structure import clear, copula, weigh
from etappe.errors import BadQuestion, UnknownName
from journeys_text import journeys
from planted_personas import planted, shuffled

GOAL = "online_purchase | store_purchase"


@cache
def unequal():
    truth = planted("unequal", 2_000)
    return truth, find(truth.journeys, goal=GOAL)


@pytest.mark.requirement("000-28")
def test_planted_personas_are_found_nearly_as_well_as_by_who_knows_the_truth():
    truth, found = unequal()
    assert truth.accuracy <= 0.98
    assert len(found.model.centres) == 4
    held = nearest(found.model, truth.journeys)
    assert adjusted_rand_score(truth.persona, held) >= 0.9
    assert min(centre.stability for centre in found.model.centres) > 0.75
    assert sum(found.sizes) + found.none == len(truth.journeys)


def test_no_persona_is_invented_from_noise():
    found = find(shuffled(unequal()[0].journeys), goal=GOAL)
    assert (found.model.centres, found.why) == ((), "no-structure")


def test_customers_who_differ_but_are_of_no_kind_give_no_persona():
    assert find(planted("one, very unlike each other", 1_000).journeys, goal=GOAL).why == "no-structure"


def test_shuffled_columns_have_no_clusters():
    shop = unequal()[0].journeys
    names = compared(names_of(shop, GOAL), channels=False)
    x, _ = scaled(names, measure(shop, needed(names), GOAL))
    rng = np.random.default_rng(3)
    with threadpool_limits(1):
        assert clear(weigh(np.column_stack([rng.permutation(column) for column in x.T]), [], 6, 0)) == []


def test_one_large_kind_is_not_divided():
    truth = planted("unequal", 3_000, 3)
    assert len(find(truth.journeys, goal=GOAL).model.centres) == 4


def test_places_are_the_scaled_features_turned():
    truth, found = unequal()
    model, shop = found.model, truth.journeys
    x, _ = scaled(model.features, measure(shop, needed(model.features), GOAL), model.common)
    expected = (x - np.asarray(model.mean)) / np.asarray(model.scale) @ np.asarray(model.turn)
    np.testing.assert_allclose(places(model, shop)[0], expected, atol=1e-6)


def test_the_same_seed_finds_the_same():
    shop = planted("unequal", 600).journeys
    assert find(shop, goal=GOAL, k=3, seed=5) == find(shop, goal=GOAL, k=3, seed=5)


def test_ids_stay_through_a_refit_and_the_drift_is_told():
    truth, found = unequal()
    again = find(truth.journeys, goal=GOAL, k=4, seed=9, former=found.model)
    assert {centre.id for centre in again.model.centres} == {"c1", "c2", "c3", "c4"}
    before, now = nearest(found.model, truth.journeys), nearest(again.model, truth.journeys)
    old, new = (np.array([centre.id for centre in model.centres]) for model in (found.model, again.model))
    both = (before >= 0) & (now >= 0)
    assert again.drift is not None
    assert again.drift.changed == pytest.approx((old[before[both]] != new[now[both]]).mean())
    assert again.drift.changed < 0.1
    assert max(again.drift.moved.values()) < 0.5
    assert (again.drift.new, again.drift.gone) == ((), ())


def test_a_cluster_that_is_gone_and_one_that_is_new_are_named():
    truth, found = unequal()
    fewer = find(truth.journeys, goal=GOAL, k=3, former=found.model)
    ids = {centre.id for centre in fewer.model.centres}
    assert fewer.drift is not None
    assert set(fewer.drift.gone) == {"c1", "c2", "c3", "c4"} - ids
    assert set(fewer.drift.new) == ids - {"c1", "c2", "c3", "c4"}


def test_traits_divide_customers_where_they_are_asked_for():
    truth = unequal()[0]
    told = find(truth.journeys, goal=GOAL, k=4, traits=["age"])
    [trait] = told.model.traits
    assert np.allclose(np.sum(trait.shares, axis=1), 1)
    assert adjusted_rand_score(truth.persona, nearest(told.model, truth.journeys)) >= 0.9


def test_the_model_is_a_document_without_any_customer():
    model = unequal()[1].model
    text = msgspec.json.encode(model)
    assert msgspec.json.decode(text, type=Centres) == model
    assert set(json.loads(text)) <= {*Centres.__struct_fields__}


def test_few_customers_are_no_ground_for_personas():
    assert find(journeys("0 a, 5 b", "3 a, 4 a")).why == "few"
    assert find(journeys()).why == "few"
    assert find(journeys(*(["0 a, 5 b"] * 120))).why == "alike"


def test_a_reference_keeps_columns_and_rank_correlation():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    drawn = copula(x, rng)
    assert np.array_equal(np.sort(drawn, axis=0), np.sort(x, axis=0))
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(x.T)[0, 1], abs=0.1)


def test_similarity_of_divisions_leaves_out_who_is_in_none():
    assert jaccard(np.array([0, -1, 0]), np.array([0, 0, -1]), 1, 1)[0, 0] == 1 / 3


def test_what_cannot_be_looked_for_is_refused():
    shop = journeys("0 a")
    with pytest.raises(BadQuestion, match="2 to 20"):
        find(shop, k=1)
    with pytest.raises(BadQuestion, match="1 or more"):
        find(shop, least=0)
    with pytest.raises(UnknownName, match="attribute"):
        find(shop, traits=["age"])
    with pytest.raises(UnknownName, match="touchpoint"):
        find(shop, goal="b")


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "least"), [("four", 0.88), ("three", 0.88), ("six", 0.75), ("near", 0.75), ("blurred", 0.5)]
)
def test_harder_settings_are_found_as_far_as_they_can_be(name, least):
    truth = planted(name)
    found = find(truth.journeys, goal=GOAL)
    assert len(found.model.centres) == len(truth.parameters.weights)
    assert adjusted_rand_score(truth.persona, nearest(found.model, truth.journeys)) >= least
    assert find(shuffled(truth.journeys), goal=GOAL).why == "no-structure"
