"""Attribution: every model shares each conversion among the touches before it, and nothing is lost."""

import json
from collections import Counter
from fractions import Fraction
from math import fsum

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive_attribution as naive
from etappe import arrays
from etappe.analysis import shapley
from etappe.analysis.ask import ask, read_question
from etappe.analysis.attribution import MODELS, Attribution, attribution, who
from etappe.analysis.attribution_models import whole
from etappe.analysis.costs import costs_texts
from etappe.errors import BadDuration, BadFile, BadQuestion, MixedCurrencies, UnknownName
from etappe.journeys.columns import journeys_of
from etappe.units import DAY_US, MONEY
from journeys_text import NAMES, PROPERTY, built, journeys, many
from workspaces import shop

D = DAY_US


def credits(answer, by="touchpoint"):
    return dict(zip(answer.column(by), answer.column("credit"), strict=True))


def path(*touches, at=10):
    """One journey: touches a day apart, then an order of 50 on day `at`."""
    days = [*range(len(touches)), at]
    lists = [[(day * D, name) for day, name in zip(days, [*touches, "order"], strict=True)]]
    return built(lists, values=[None] * len(touches) + [50 * MONEY])


CASES = [
    ("first", [1, 0, 0, 0], [1, 0], [1]),
    ("last", [0, 0, 0, 1], [0, 1], [1]),
    ("linear", [0.25] * 4, [0.5, 0.5], [1]),
    ("u_shaped", [0.4, 0.1, 0.1, 0.4], [0.5, 0.5], [1]),
    ("j_shaped", [0.2, 0.1, 0.1, 0.6], [0.25, 0.75], [1]),
    ("inverse_j", [0.6, 0.1, 0.1, 0.2], [0.75, 0.25], [1]),
    ("participation", [1, 1, 1, 1], [1, 1], [1]),
    ("shapley", [0.25] * 4, [0.5, 0.5], [1]),
    ("markov", [0.25] * 4, [0.5, 0.5], [1]),
]


@pytest.mark.parametrize(("model", "four", "two", "one"), CASES)
def test_a_model_shares_as_the_table_says(model, four, two, one):
    for shares in (four, two, one):
        touches = ["paid", "social", "email", "display"][: len(shares)]
        found = credits(attribution(path(*touches), "order", model=model))
        assert [found[name] for name in touches] == pytest.approx(shares, abs=1e-12)


def test_custom_weights_are_normalised_and_of_two_touches_the_middle_is_left_out():
    found = credits(attribution(path("a", "b", "c", "d"), "order", model="custom", weights=(2, 4, 2)))
    assert found == {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}
    assert credits(attribution(path("a", "b"), "order", model="custom", weights=[3, 9, 1])) == {"a": 0.75, "b": 0.25}
    assert credits(attribution(path("a", "b"), "order", model="custom", weights=[0, 1, 0])) == {"a": 0.5, "b": 0.5}


def test_last_non_direct_passes_over_direct_unless_there_is_nothing_else():
    model = {"model": "last_non_direct", "direct": ["direct"]}
    assert credits(attribution(path("a", "b", "direct"), "order", **model)) == {"b": 1, "a": 0, "direct": 0}
    assert credits(attribution(path("direct", "direct"), "order", **model)) == {"direct": 1}
    said = [c.code for c in attribution(path("a"), "order", model="last_non_direct").warnings]
    assert "no-direct" in said


def test_adobe_s_worked_case_of_time_decay():
    lists = [[(0, "d"), (3 * D, "c"), (9 * D, "b"), (9 * D, "a"), (9 * D, "order")]]
    held = built(lists, values=[None] * 4 + [50 * MONEY])
    found = attribution(held, "order", model="time_decay", half_life="7d")
    value = dict(zip(found.column("touchpoint"), found.column("value"), strict=True))
    assert {name: round(v / MONEY, 2) for name, v in value.items()} == {"a": 16.88, "b": 16.88, "c": 9.32, "d": 6.92}
    assert sum(value.values()) == 50 * MONEY


def test_adobe_s_worked_case_of_the_j_shape():
    found = attribution(path("paid", "social", "email", "display"), "order", model="j_shaped")
    value = dict(zip(found.column("touchpoint"), found.column("value"), strict=True))
    assert value == {"paid": 10 * MONEY, "social": 5 * MONEY, "email": 5 * MONEY, "display": 30 * MONEY}


def test_shapley_of_subsets_has_its_vector():
    held = journeys(*["0 A, 1 order"] * 10, *["0 B, 1 order"] * 4, *["0 A, 1 B, 2 A, 3 order"] * 6)
    assert credits(attribution(held, "order", model="shapley")) == {"A": 13, "B": 7}


def test_markov_has_its_vector():
    held = journeys("0 C1, 1 C2, 2 C3, 3 order", "0 C1", "0 C2, 1 C3")
    found = attribution(held, "order", model="markov")
    assert credits(found) == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4})
    assert fsum(found.column("credit")) == 1


def test_repeats_are_one_touch_or_steps_of_their_own_from_order_two_on():
    held = journeys("0 b, 1 b, 2 b, 3 b, 4 order", "0 a, 1 a, 2 b, 3 b", "0 a", "0 a, 1 b, 2 b, 3 b")

    def shares(order, loops):
        return credits(attribution(held, "order", model="markov", order=order, loops=loops))

    assert shares(1, "collapse") == pytest.approx(shares(1, "keep"))
    # Collapsed, "a b" and "b" are different states; kept, both go through "b b", a third of whose ends convert.
    assert shares(2, "collapse") == pytest.approx({"b": 1})
    assert shares(2, "keep") == pytest.approx({"b": 0.6, "a": 0.4})


def test_shapley_by_rate_reads_those_that_do_not_convert():
    held = journeys("0 a, 1 order", "0 a", "0 b", "0 b, 1 a, 2 c, 3 order")
    # v(a) = 1/2, v(b) = 0, v(ab) = 1/3, v(all) = 1/2, v(c) = v(bc) = 0, v(ac) = 1/2; two conversions for 1/2.
    expected = {"a": Fraction(17, 36), "b": Fraction(-1, 36), "c": Fraction(1, 18)}
    found = credits(attribution(held, "order", model="shapley", value_function="rate"))
    assert found == pytest.approx({name: float(4 * value) for name, value in expected.items()})


def test_same_touch_credits_what_is_on_the_conversion_itself():
    held = journeys("0 a, 1 order", "0 a, 2 order", columns={"channel": ["web", "mail", "web", None]})
    found = attribution(held, "order", model="same_touch", by="channel")
    assert credits(found, "channel") == {"mail": 1, "(none)": 1}
    assert credits(attribution(held, "order", model="last", by="channel"), "channel") == {"web": 2}


def test_the_edge_of_the_window_belongs_to_it():
    held = journeys("0 a, 5 b, 15 order")
    assert credits(attribution(held, "order", window="15us")) == {"a": 0.5, "b": 0.5}
    assert credits(attribution(held, "order", window="10us")) == {"b": 1}
    found = attribution(held, "order", window="9us")
    assert credits(found) == {"(none)": 1}
    assert "unseen" in [said.code for said in found.warnings]
    for window in (None, "none"):
        assert credits(attribution(held, "order", window=window)) == {"a": 0.5, "b": 0.5}


def test_touches_before_the_previous_conversion_count_again_only_with_reuse():
    held = journeys("0 a, 1 order, 2 b, 3 order, 4 order")
    assert credits(attribution(held, "order")) == {"a": 1, "b": 1, "(none)": 1}
    assert credits(attribution(held, "order", reuse=True)) == {"a": 2, "b": 1}
    assert credits(attribution(held, "order", per="journey")) == {"a": 1}


def test_costs_give_roas_and_roi_and_what_earned_nothing_stays(tmp_path):
    held = built(
        [[(0, "email"), (1, "order")], [(0, "poster")]], names=["email", "order", "poster"],
        values=[None, 300 * MONEY, None], columns={"currency": [None, "EUR", None]},
    )  # fmt: skip
    file = tmp_path / "costs.csv"
    file.write_text("touchpoint;cost\nemail;90,50\nemail;9,50\n\nposter;50\n", encoding="utf-8")
    for costs in ({"email": 100, "poster": 50}, ["email=100.00", "poster=50"], file, [f"@{file}"]):
        rows = {row["touchpoint"]: row for row in attribution(held, "order", costs=costs).rows()}
        assert (rows["email"]["cost"], rows["email"]["roas"], rows["email"]["roi"]) == (100 * MONEY, 3.0, 2.0)
        assert (rows["poster"]["credit"], rows["poster"]["roas"], rows["poster"]["roi"]) == (0.0, 0.0, -1.0)
        assert rows["email"]["currency"] == "EUR"
    assert "3.00" in attribution(held, "order", costs=file).to_html()


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b,c", "costs.csv:1: 3 cells"), ("channel,cost\nemail,x", "costs.csv:2: 'x' is no cost")],
)
def test_a_bad_costs_file_is_refused_with_its_line(tmp_path, text, message):
    file = tmp_path / "costs.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises((BadFile, BadQuestion), match=message):
        costs_texts(file)
    with pytest.raises(BadFile, match="cannot be read"):
        costs_texts(tmp_path / "none.csv")


def test_values_that_no_conversion_has_are_null_and_several_currencies_are_refused():
    assert attribution(journeys("0 a, 1 order"), "order").column("value") == [None]
    two = built(
        [[(0, "a"), (1, "order")], [(0, "b"), (1, "order")]],
        values=[None, 1, None, 2],
        columns={"currency": [None, "EUR", None, "USD"]},
        attributes={"land": ["x", "y"]},
    )
    with pytest.raises(MixedCurrencies, match=r"EUR, USD\. Ask for one: where=\"touchpoint <> 'order' or currency"):
        attribution(two, "order")
    assert attribution(two.where("touchpoint <> 'order' or currency = 'EUR'"), "order").column("value") == [1]
    assert attribution(two, "order", groups="land").column("currency") == ["EUR", "USD"]


def test_all_models_stand_side_by_side_and_say_where_they_disagree():
    held = journeys(*["0 a, 1 b, 2 c, 3 order"] * 40, "0 b, 1 c")
    found = attribution(held, "order", model="all")
    assert set(found.column("model")) == set(MODELS) - {"custom"}
    said = {c.code: c for c in found.warnings}
    assert {"attribution-is-convention", "participation", "models-disagree"} <= said.keys()
    assert said["models-disagree"].values["name"] == "a"
    assert "uneins" in said["models-disagree"].say("de")
    one = attribution(journeys(*["0 a, 1 order"] * 40), "order", model="all")
    assert "models-disagree" not in [c.code for c in one.warnings]
    with_custom = attribution(held, "order", model="all", weights=(1, 1, 1))
    assert set(with_custom.column("model")) == set(MODELS)


def test_a_bootstrap_is_the_same_each_time_and_holds_the_share():
    rng = np.random.default_rng(5)
    lists = [
        [*((int(t), str(rng.choice(["a", "b", "c"]))) for t in range(rng.integers(1, 4))), (9, "order")][
            : rng.integers(2, 5)
        ]
        for _ in range(300)
    ]
    held = built(lists, names=["a", "b", "c", "order"])
    for options in ({"model": "linear"}, {"model": "markov"}, {"model": "shapley", "value_function": "rate"}):
        found = attribution(held, "order", bootstrap=200, **options)
        assert found.to_arrow().equals(attribution(held, "order", bootstrap=200, **options).to_arrow())
        for row in found.rows():
            assert row["low"] <= row["share"] <= row["high"]
            assert row["low"] < row["high"]
    # One conversion a customer, credited to one touch: the share has the standard error of any share.
    (row,) = (
        row for row in attribution(held, "order", model="first", bootstrap=2000).rows() if row["touchpoint"] == "a"
    )
    n = sum(attribution(held, "order").column("credit"))
    expected = 2 * 1.96 * (row["share"] * (1 - row["share"]) / n) ** 0.5
    assert row["high"] - row["low"] == pytest.approx(expected, rel=0.1)


def test_journeys_of_one_customer_are_drawn_together():
    held = built([[(0, "a"), (1, "order")], [(0, "b"), (1, "order")]] * 50)
    together = held.cut(np.repeat(np.arange(50) * 2, 2), held.offsets, slice(None))
    apart, same = (attribution(some, "order", bootstrap=200).rows()[0] for some in (held, together))
    assert apart["low"] < 0.5 < apart["high"]
    assert same["low"] == same["high"] == 0.5


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"goal": "ordr"}, UnknownName, "attribution: goal: no touchpoint named 'ordr'. Did you mean 'order'?"),
        ({"by": "chanel"}, UnknownName, "attribution: by: no column named 'chanel'. Did you mean 'channel'?"),
        ({"by": "value"}, BadQuestion, "attribution: by: 'value' is the name of a column of the answer."),
        ({"model": "best"}, UnknownName, "attribution: model: no model named 'best'."),
        ({"window": "30"}, BadDuration, "attribution: window: '30' is no duration"),
        ({"half_life": "x"}, BadDuration, "attribution: half_life: 'x' is no duration"),
        ({"order": 4}, BadQuestion, "attribution: order: 4 is no order of a chain. Choose 1, 2 or 3."),
        ({"model": "custom"}, BadQuestion, "attribution: weights: the custom model has no weights."),
        ({"weights": [1, 2]}, BadQuestion, "attribution: weights: [1, 2] are no weights"),
        ({"weights": [1, -1, 1]}, BadQuestion, "attribution: weights: [1, -1, 1] are no weights"),
        ({"bootstrap": -1}, BadQuestion, "attribution: bootstrap: -1 is no number of repetitions."),
        ({"costs": {"emial": 3}}, UnknownName, "attribution: costs[0]: no touchpoint named 'emial'. Did you mean"),
        ({"costs": ["email"]}, BadQuestion, "attribution: costs[0]: 'email' is no name and cost."),
        ({"costs": {"email": -3}}, BadQuestion, "attribution: costs[0]: '-3' is no cost."),
        ({"lops": 1}, UnknownName, "attribution: no rule named 'lops'. Did you mean 'loops'?"),
        ({"direct": "web"}, BadQuestion, "attribution: direct: 'web' is one text, not a list."),
    ],
)
def test_bad_input_is_refused_before_any_work(asked, error, message):
    held = journeys("0 email, 1 order", columns={"channel": ["web", None]})
    with pytest.raises(error) as caught:
        attribution(held, **{"goal": "order", **asked})
    assert str(caught.value).startswith(message)


def test_games_that_are_too_large_are_refused_with_a_remedy():
    names = [f"t{i}" for i in range(200)]
    wide = journeys(", ".join(f"{i} {name}" for i, name in enumerate(names)) + ", 200 order")
    with pytest.raises(BadQuestion, match=r"200 different touches have .* subset, or a by with fewer values"):
        attribution(wide, "order", model="shapley", value_function="rate")
    with pytest.raises(BadQuestion, match=r"order 3 have .* possible steps"):
        attribution(wide, "order", model="markov", order=3)
    assert shapley.MOST < 200


def test_no_conversion_and_no_touchpoints_are_an_answer():
    for held in (built([], names=["a", "order"]), built([[], [(0, "a")]], names=["a", "order"])):
        found = attribution(held, "order", model="all", bootstrap=20)
        assert found.rows() == []
        assert found.denominators["conversions"] == 0
        assert found.table.schema.field("credit").type == "double"


def test_a_question_read_from_yaml_and_its_html():
    held = journeys("0 a, 1 order", columns={"kanal x": ["web", None]})
    text = "question: attribution\ngoal: order\nby: kanal x\nmodel: custom\nweights: [1, 0.5, 2]\ncosts: [web=3]"
    found = ask(held, read_question(text))
    assert found.column("kanal x") == ["web"]
    assert ">kanal x</th>" in found.to_html("de")
    assert len(who(held, found.question, found.rows()[0])) == 1
    with pytest.raises(UnknownName, match="attribution: row: no kanal x named 'mail'"):
        who(held, found.question, {"kanal x": "mail"})


def test_the_command_line_takes_a_costs_file(tmp_path):
    from typer.testing import CliRunner

    from etappe.apps.cli import app

    ws = shop(tmp_path)
    (tmp_path / "costs.csv").write_text("touchpoint,cost\nvisit,2\n", encoding="utf-8")
    words = ["order", "-w", str(ws.folder), "--costs", f"@{tmp_path / 'costs.csv'}", "--window", "none", "--json"]
    done = CliRunner().invoke(app, ["attribution", *words])
    assert done.exit_code == 0, done.output
    assert {row["touchpoint"]: row["cost"] for row in json.loads(done.stdout)["rows"]}["visit"] == 2 * MONEY


def test_whole_numbers_add_up_below_zero_too():
    assert whole([Fraction(-10, 3), Fraction(-10, 3), Fraction(-10, 3)], -10) == [-3, -3, -4]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    times = np.cumsum(rng.integers(0, 20, 9000))
    held = journeys_of(offsets, times, rng.integers(0, 5, 9000), list("abcde"), value=rng.integers(-9, 99, 9000))
    ask_all = {"model": "all", "bootstrap": 30, "order": 2, "window": "200us", "value_function": "rate"}
    one = attribution(held, "e", **ask_all).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert attribution(held, "e", **ask_all).to_arrow().equals(one)


SEEN = {"a": "x", "b": "y", "c": None, "d": "z"}
WINDOWS = st.sampled_from([None, 1, 3, 6])


@PROPERTY
@given(many(), WINDOWS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from(MODELS), st.data())
def test_credits_are_their_definition(lists, window, reuse, once, column, model, data):
    compare(lists, window, reuse, once, column, model, data, model == "shapley" and data.draw(st.booleans()))


@PROPERTY
@given(many(longest=14), WINDOWS, st.booleans(), st.booleans(), st.sampled_from(["shapley", "markov"]), st.data())
def test_games_are_their_definition(lists, window, reuse, column, model, data):
    compare(lists, window, reuse, False, column, model, data, model == "shapley")


def compare(lists, window, reuse, once, column, model, data, rate):
    """An answer, held against the slow definition in every column."""
    seen = SEEN if column else {name: name for name in NAMES}
    flat = [name for journey in lists for _, name in journey]
    values = data.draw(st.lists(st.none() | st.integers(-50, 500), min_size=len(flat), max_size=len(flat)))
    held = built(lists, names=NAMES, columns={"group x": [seen[name] for name in flat]}, values=values)
    by = "group x" if column else "touchpoint"
    weights = data.draw(st.sampled_from([(1, 2, 3), (0, 1, 0), (5, 0, 2)]))
    order, collapse = data.draw(st.integers(1, 3)), data.draw(st.booleans())
    options = {"model": model, "reuse": reuse, "weights": weights, "half_life": "4us", "direct": ["y", "b"]}
    options |= {
        "value_function": "rate" if rate else "subset",
        "order": order,
        "loops": "collapse" if collapse else "keep",
    }
    answer = attribution(
        held, "a", by=by, window=window and f"{window}us", per="journey" if once else "conversion", **options
    )
    found = naive.paths(lists, "a", seen, window, reuse, once)
    expected, touched, holders = naive_rows(lists, found, seen, model, weights, rate, order, collapse)
    got = credits(answer, by)
    assert {name for name, credit in expected.items() if credit} <= got.keys()
    for name, credit in got.items():
        assert credit == pytest.approx(float(expected.get(name, 0)), abs=1e-9)
    conversions = sum(p.row >= 0 for p in found)
    assert answer.denominators["conversions"] == conversions
    if model != "participation":
        # Whole parts of a conversion add up exactly; what a game or a chain shares out is a real number.
        near = 1e-9 if model in ("shapley", "markov") else 0
        assert fsum(answer.column("credit")) == pytest.approx(conversions, rel=near, abs=near)
        starts = np.cumsum([0, *map(len, lists)])
        worth = [values[starts[p.journey] + p.row] for p in found if p.row >= 0]
        assert sum(value or 0 for value in answer.column("value")) == sum(value or 0 for value in worth)
    for row in answer.rows():
        assert row["touches"] == touched[row[by]]
        assert row["journeys"] == len(holders.get(row[by], ()))
        assert who(held, answer.question, row).tolist() == sorted(holders.get(row[by], ()))


def naive_rows(lists, found, seen, model, weights, rate, order, collapse):
    """Credit by name, touches before conversions, and journeys that have them."""
    credit, touched, holders = Counter(), Counter(), {}
    ended = [p for p in found if p.row >= 0]
    if model == "same_touch":
        names = [(p.journey, seen["a"]) for p in ended]
        for journey, name in names:
            credit[name or "(none)"] += 1
            touched[name or "(none)"] += name is not None
            holders.setdefault(name or "(none)", set()).add(journey)
        return credit, touched, holders
    for p in ended:
        for _, name in p.touches or [(0, "(none)")]:
            touched[name] += bool(p.touches)
            holders.setdefault(name, set()).add(p.journey)
        if not p.touches:
            credit["(none)"] += 1
        elif model not in ("shapley", "markov"):
            for i, part in naive.shared(p, model, 4, ["y", "b"], weights).items():
                credit[p.touches[i][1]] += part
    held = [p for p in found if p.touches]
    players = sorted({name for p in held for _, name in p.touches})
    if model == "shapley" and not rate:
        credit.update(naive.shapley(players, naive.subset_worth([p for p in held if p.row >= 0])))
    elif model == "shapley":
        values = naive.shapley(players, naive.rate_worth(held))
        of = sum(values.values())
        credit.update({n: v / of * sum(p.row >= 0 for p in held) if of else 0 for n, v in values.items()})
    elif model == "markov":
        shares = naive.markov(held, order, collapse)
        credit.update({name: share * sum(p.row >= 0 for p in held) for name, share in shares.items()})
    return credit, touched, holders


@PROPERTY
@given(many(longest=12), WINDOWS)
def test_self_loops_change_nothing_at_order_one(lists, window):
    assume(any(name == "a" for journey in lists for _, name in journey))
    held = built(lists, names=NAMES)
    options = {"model": "markov", "window": window and f"{window}us"}
    collapsed, kept = (credits(attribution(held, "a", loops=loops, **options)) for loops in ("collapse", "keep"))
    assert collapsed == pytest.approx(kept)


@PROPERTY
@given(many(longest=12))
def test_markov_without_counts_is_the_same(lists):
    held = built(lists, names=NAMES)
    full, quick = (attribution(held, "a", model="markov", window=None, counts=counts) for counts in (True, False))
    assert quick.table.column_names == ["model", "touchpoint", "credit", "share", "low", "high"]
    assert credits(quick) == pytest.approx(credits(full))
    assert quick.denominators["conversions"] == full.denominators["conversions"]
    assert fsum(quick.column("credit")) == pytest.approx(full.denominators["conversions"], rel=1e-9)
    assert quick.warnings == full.warnings
    assert attribution(held, "a", window=None, counts=False).column("touchpoint") == attribution(
        held, "a", window=None
    ).column("touchpoint")


@PROPERTY
@given(many(), WINDOWS, st.booleans(), st.sampled_from([0, 3]), st.sampled_from(["subset", "rate"]), st.data())
def test_models_side_by_side_are_each_model_alone(lists, window, reuse, bootstrap, value_function, data):
    count = sum(map(len, lists))
    values = data.draw(st.lists(st.none() | st.integers(-50, 2**40), min_size=count, max_size=count))
    held = built(lists, names=NAMES, values=values)
    rules = {"window": window and f"{window}us", "reuse": reuse, "bootstrap": bootstrap, "direct": ["b"]}
    rules |= {"weights": (1, 2, 4), "half_life": "3us", "value_function": value_function}
    side_by_side = attribution(held, "a", model="all", **rules).rows()
    assert side_by_side == [row for model in MODELS for row in attribution(held, "a", model=model, **rules).rows()]


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    marks = ["u" if i % 2 else "v" for i in range(len(lists))]
    held = built(lists, names=NAMES, attributes={"mark": marks})
    grouped = attribution(held, "a", groups="mark")
    found = Counter()
    for row in grouped.rows():
        found[row["touchpoint"]] += row["credit"]
        assert len(who(held, grouped.question, row)) == row["journeys"]
    assert dict(found) == pytest.approx(credits(attribution(held, "a")))


def test_the_struct_s_fields_are_those_of_the_function():
    question = Attribution(goal="order")
    assert (question.by, question.group_by(), question.row_label()) == ("touchpoint", None, "touchpoint")
