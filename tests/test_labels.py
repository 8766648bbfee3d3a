"""Labels: what the registry says of each touchpoint, as columns to filter by and to break down by."""

import json
from pathlib import Path

import pytest
from hypothesis import given

import etappe
from etappe.analysis.groups import groups_of
from etappe.errors import UnknownName
from etappe.journeys.stages import UNASSIGNED, atoms_of, default_registry, extend
from etappe.vocabulary import ATOMS, say
from journeys_text import PROPERTY, built, journeys, many
from test_cli import run
from workspaces import made, shop

WORDS = ("visit", "order", "letter", "kiosk")


@PROPERTY
@given(many(names=WORDS))
def test_each_touchpoint_is_labelled_as_the_registry_says(lists):
    registry = default_registry()
    shop = built(lists, names=WORDS).labelled(registry, model="m2", lang="de")
    known = [registry.find(name) for journey in lists for _, name in journey]
    atoms = [None if atom == UNASSIGNED else ATOMS[atom] for atom in atoms_of(shop, registry).tolist()]
    assert shop.column("atom").texts() == atoms
    for model in registry.models:
        stages = [None if atom is None else model.atoms[atom] for atom in atoms]
        assert shop.column(f"stage.{model.id}").texts() == stages
    assert shop.column("stage").texts() == shop.column("stage.m2").texts()
    assert shop.column("medium").texts() == [touchpoint and touchpoint.medium for touchpoint in known]
    assert shop.column("contact").texts() == [touchpoint and touchpoint.contact for touchpoint in known]
    category = [touchpoint and f"{touchpoint.medium}, {touchpoint.contact}" for touchpoint in known]
    assert shop.column("category").texts() == category
    assert shop.column("owner").texts() == [touchpoint and say(touchpoint.owner, "de") for touchpoint in known]


def test_a_label_is_made_when_first_asked_for_and_once():
    shop = journeys("0 visit, 1 order").labelled()
    assert shop._loaded == {}
    assert shop.select([0]).column("medium") is not shop.select([0]).column("medium")
    assert list(shop._loaded) == ["medium"]


def test_a_touchpoint_keeps_its_label_under_a_filter():
    shop = journeys("0 order, 1 visit", "0 visit").labelled()
    assert shop.where("touchpoint = 'visit'").column("atom").texts() == ["stay", "research"]


@pytest.mark.requirement("004-04")
def test_labels_are_filtered_by_and_broken_down_by():
    shop = journeys("0 letter, 1 visit, 2 order", "0 visit, 1 order", "0 kiosk").labelled()
    assert shop.where("medium = 'analog'").time_us.tolist() == [0]
    assert shop.where("did (medium = 'analog') then (stage = 'purchase')").subject.tolist() == [0]
    assert shop.where("stage.m6 is null").subject.tolist() == [2]
    answer = etappe.reach(shop, ["order"], by="medium")
    assert answer.column("group") == ["analog", "digital", None]
    assert answer.column("journeys") == [1, 1, 0]
    categories = etappe.reach(shop, ["order"], by="category")
    assert categories.column("group") == ["analog, direct", "digital, direct", None]
    assert [name for name, _ in groups_of(shop, "stage", "reach")] == ["awareness", "interest", None]


def test_a_label_under_a_name_of_the_data_is_left_out():
    shop = journeys("0 visit, 1 order", columns={"medium": ["cpc", "mail"]}).labelled()
    assert shop.column("medium").texts() == ["cpc", "mail"]
    assert "medium" not in shop.labels


def test_a_second_registry_takes_the_place_of_the_first():
    kiosk = "{id: kiosk, title: K, medium: analog, contact: direct, channel: store, atom: buy, owner: O, goal: G}"
    first = journeys("0 kiosk").labelled()
    again = first.labelled(extend(default_registry(), f"touchpoints: [{kiosk}]"))
    assert (first.column("medium").texts(), again.column("medium").texts()) == ([None], ["analog"])
    snapshots = {etappe.reach(some, by="medium").snapshot for some in (first, again, first.labelled(model="m2"))}
    assert len(snapshots) == 3


def test_an_unknown_default_model_is_refused_when_it_is_asked_for():
    shop = journeys("0 visit").labelled(model="m7")
    assert shop.where("stage.m2 is not null").events == 1
    with pytest.raises(UnknownName, match="stage_model: no stage model named 'm7'"):
        shop.where("stage = 'purchase'")


def test_a_workspace_s_journeys_carry_the_labels_of_its_registry(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    # visit, order · visit, visit, order · visit: an order is the only purchase
    assert ws.journeys(where="stage = 'purchase'").events == 2
    assert ws.journeys(where="never order").events == 1
    assert ws.journeys(where="did visit then order within 1h").events == 5
    assert ws.journeys(where="day = '2026-03-05' and hour >= 9").events == 2
    assert ws.journeys(where={"type": "compare", "column": "atom", "op": "=", "values": ["buy"]}).events == 2
    assert ws.journeys() is ws.journeys()
    ws.put(
        "touchpoints:\n  - {id: order, title: O, medium: analog, contact: direct, channel: store, atom: rate, "
        "owner: {de: Laden, en: Shop}, goal: G}\n",
        "registry.yaml",
    )
    assert ws.journeys(where="stage = 'purchase'").events == 0
    assert ws.journeys(where="owner = 'Laden' and medium = 'analog'").events == 2
    assert len(made(tmp_path / "empty").journeys(where="medium = 'analog'")) == 0


def test_the_command_line_takes_labels_and_what_journeys_did(tmp_path: Path) -> None:
    folder = shop(tmp_path).folder
    filtered = ("-w", folder, "--json", "--where", "did visit then order within 1h")
    done = run("reach", "--by", "medium", *filtered)
    assert [(row["group"], row["touchpoint"], row["journeys"]) for row in json.loads(done.stdout)["rows"]] == [
        ("digital", "order", 2),
        ("digital", "visit", 2),
    ]
    refused = run("reach", "-w", folder, "--where", "did visit then ordr")
    assert "no touchpoint named 'ordr' at position 16 of 'did visit then ordr'. Did you mean 'order'?" in refused.stderr
    assert refused.returncode != 0
