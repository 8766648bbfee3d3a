import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.language import MINUS
from etappe.maps.bound import BoundMap
from etappe.maps.curve import Point, segment
from etappe.maps.document import read_map
from etappe.maps.draft import TEMPLATES, template
from etappe.maps.draw import claimed, svg
from etappe.maps.evidence import bind
from etappe.maps.figures import amount, interval_text, n_text, target_text, title_text
from etappe.maps.ink import COLOURS
from etappe.maps.letters import BOLD, REGULAR, hyphens, width, wrap
from maps import GOLDEN, HEAD, one, small

SVG = "{http://www.w3.org/2000/svg}"


def tree(bound: BoundMap, lang="de", theme="light"):
    return ElementTree.fromstring(svg(bound, lang, theme))


def texts(root):
    return ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(("lang", "theme"), [("de", "light"), ("en", "dark")])
def test_the_picture_is_the_golden_one(lang, theme):
    path = GOLDEN / f"small.{lang}.{theme}.svg"
    drawn = svg(small(), lang, theme)
    if not path.exists():
        path.write_text(drawn, encoding="utf-8")
        pytest.fail(f"{path.name} is new: look at it, then run again")
    assert drawn == path.read_text(encoding="utf-8"), f"look at the new picture; delete {path.name} to accept it"


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_no_text_leaves_the_picture_or_its_column(name, lang):
    root = tree(bind(template(name)), lang)
    right = float(root.attrib["width"]) - 24
    for found in root.iter(f"{SVG}text"):
        size, weight = float(found.attrib["font-size"]), int(found.attrib.get("font-weight", REGULAR))
        wide = width("".join(found.itertext()), size, weight)
        x = float(found.attrib["x"])
        left = x - wide * {"end": 1, "middle": 0.5}.get(found.attrib.get("text-anchor", ""), 0)
        assert left >= 0
        assert left + wide <= right + 1


@pytest.mark.parametrize("count", [1, 2, 8, 14])
def test_any_number_of_steps_fits(count):
    steps = ", ".join(f"{{id: s{i}, title: Veranstaltungsanmeldebestätigung {i}}}" for i in range(count))
    text = HEAD + f"stages:\n  - {{id: a, title: Bewusstseinsbildungsphase, steps: [{steps}]}}\n"
    root = tree(bind(read_map(text)))
    columns = {float(t.attrib["x"]) for t in root.iter(f"{SVG}text") if t.attrib["font-size"] == "12.5"}
    assert len(columns) == count
    edges = sorted(columns)
    room = min((b - a for a, b in pairwise(edges)), default=240)
    for found in root.iter(f"{SVG}text"):
        if found.attrib["font-size"] == "12.5":
            assert width(found.text, 12.5, BOLD) <= room


def test_every_symbol_is_a_path_and_every_letter_is_in_the_font():
    for name in TEMPLATES:
        for lang in ("de", "en"):
            for text in texts(tree(bind(template(name)), lang)):
                assert all(width(c, 1000) != 720 or c == "\u202f" for c in text), text


def test_a_notebook_shows_the_picture_in_the_language_of_the_map():
    assert small()._repr_svg_() == svg(small(), "de")


def test_colours_are_resolved():
    for theme in ("light", "dark"):
        drawn = svg(small(), "de", theme)
        assert "var(" not in drawn
        assert set(re.findall(r'fill="(#\w+)"', drawn)) <= set(COLOURS[theme].values())


@pytest.mark.requirement("003-09")
def test_every_point_tells_what_it_is():
    root = tree(small())
    titles = [t.text for t in root.iter(f"{SVG}title")]
    assert any(t.startswith("Gefühl +1,2 von −2 bis +2 (gemessen)") and "n\u00a0=\u00a0300" in t for t in titles)
    assert any(t.startswith("Gefühl +0,5 von −2 bis +2 (angenommen)") for t in titles)
    assert root.find(f"{SVG}desc").text.startswith("Daten bis 11.05.1970")


def test_the_curve_is_solid_only_between_two_measured_neighbours():
    def point(basis, column):
        return Point(100.0 * column, 0, basis, column, column)

    assert segment(point("measured", 0), point("measured", 1))[1]
    assert not segment(point("measured", 0), point("assumed", 1))[1]
    assert not segment(point("derived", 0), point("measured", 1))[1]
    assert not segment(point("measured", 0), point("measured", 2))[1]


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_the_curve_never_swings_beyond_its_points(a, b):
    d, _ = segment(Point(0, a, "measured", 0, 0), Point(10, b, "measured", 1, 1))
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", d)]
    ys = numbers[1::2]
    assert all(min(a, b) - 0.06 <= y <= max(a, b) + 0.06 for y in ys)


def test_german_numbers_have_a_true_minus_and_a_comma():
    found = texts(tree(small()))
    assert f"{MINUS}1,2" in found
    assert "+1,2" in found
    assert "60,0\u00a0%" in found
    assert "95\u00a0%: 50,2 bis 69,1" in found
    assert "n\u00a0=\u00a0100 · Ziel 50" in found
    assert "60.0%" in texts(tree(small(), "en"))


def test_the_shares_of_the_legend_sum_to_a_hundred():
    bound = small()
    assert sum(round(share * 100) for _, share in claimed(bound)) == 100
    assert [basis for basis, _ in claimed(bound)] == ["measured", "derived", "researched", "assumed"]


def test_few_cases_and_missing_data_are_said_in_the_picture():
    joined = " ".join(texts(tree(small())))
    assert "„Webseite“ kommt in den" in joined
    assert "noch nichts bekannt" in joined  # the lane of needs is empty, and says so


def test_figures_in_both_languages():
    b = one("metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}, better: up, target: 70.5")
    assert (n_text(b, "de"), target_text(b, "de")) == ("n\u00a0=\u00a0100", "Ziel 70,5")
    assert interval_text(b, "en") == "50.2 to 69.1"
    assert title_text(b, "en").startswith("go on: 60.0% · 95% interval: 50.2 to 69.1 · n\u00a0=\u00a0100")
    assert amount(1, "days", "de") == "1,0\u00a0Tag"
    assert amount(1234.5, "money", "de", "EUR") == "1.234,50\u00a0€"
    assert amount(1234.5, "money", "en", "USD") == "$1,234.50"
    assert amount(-12, "nps", "de") == f"{MINUS}12"


def test_a_map_can_bring_no_markup_into_the_picture():
    text = HEAD.replace("title: Shop", "title: '<script>&\"\u0007x'") + "stages:\n  - {id: a, title: '</text><b>'}\n"
    root = tree(bind(read_map(text.replace("\u0007", "\\u0007"))))
    assert not list(root.iter("script"))
    assert any("<b>" in t for t in texts(root))


@pytest.mark.requirement("003-01")
def test_a_flow_is_drawn_as_arrows_between_its_steps():
    found = texts(tree(bind(template("event-registration"))))
    assert {"Frage offen", "überzeugt", "nächste Einladung"} <= set(found)


@pytest.mark.requirement("004-03")
def test_each_of_the_four_categories_has_a_shape_of_its_own():
    shapes = {}
    for medium in ("analog", "digital"):
        for contact in ("direct", "indirect"):
            text = HEAD + (
                f"touchpoints: [{{id: t, title: T, channel: c, medium: {medium}, contact: {contact}}}]\n"
                "stages: [{id: a, title: A, steps: [{id: s, title: S, touchpoint: t}]}]\n"
            )
            root = tree(bind(read_map(text)))
            path = next(p.attrib["d"] for p in root.iter(f"{SVG}path"))
            shapes[path] = (medium, contact)
    assert len(shapes) == 4


LINES = settings(max_examples=100)


@LINES
@given(st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=120), st.floats(30, 300))
def test_no_line_is_wider_than_its_room_and_no_letter_is_lost(text, room):
    lines = wrap(text, room, 12)
    assert all(width(line, 12) <= room + 1e-9 or len(line) <= 3 for line in lines)
    kept = "".join(lines).replace("-", "").replace(" ", "")
    assert kept == text.replace("-", "").replace(" ", "").replace("\u2028", "")


def test_german_words_are_divided_where_german_divides():
    assert wrap("Zahlungsanbieter", 70, 12) == ["Zahlungs-", "anbieter"]
    assert [("Bewertung"[:i], "Bewertung"[i:]) for i in hyphens("Bewertung")] == [("Bewer", "tung")]
    assert wrap("E-Mail-Marketing", 60, 12)[0] == "E-Mail-"


def test_too_many_lines_end_with_an_ellipsis():
    assert wrap("eins zwei drei vier", 40, 12, most=2)[-1].endswith("…")
