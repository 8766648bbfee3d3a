"""Errors: where, what, what to do, and a code that stays."""

import re
from pathlib import Path

import pytest

from etappe import errors
from etappe.errors import EtappeError, UnknownName, unknown

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EtappeError)]


def test_a_message_names_the_place_the_fault_and_the_remedy():
    error = unknown("funnel: steps[1]", "touchpoint", "ordr", ["order", "visit"])
    assert str(error) == "funnel: steps[1]: no touchpoint named 'ordr'. Did you mean 'order'?"
    assert error.to_dict() == {
        "code": "unknown-name",
        "where": "funnel: steps[1]",
        "what": "no touchpoint named 'ordr'.",
        "hint": "Did you mean 'order'?",
        "message": str(error),
    }


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        ([], "There is no map here yet."),
        (["b", "a"], "Known: a, b."),
        ([f"m{i:02}" for i in range(11)], "Known: m00, m01, m02, m03, m04, m05, m06, m07 and 3 more."),
    ],
)
def test_without_a_near_name_the_known_ones_are_listed(known, hint):
    assert unknown("", "map", "zzz", known).hint == hint


def test_a_place_or_a_hint_may_be_missing():
    assert str(EtappeError("", "it broke.")) == "it broke."
    assert str(EtappeError("import 3", "it broke.")) == "import 3: it broke."


def test_every_kind_of_error_has_its_own_stable_code():
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []
    assert UnknownName.code == "unknown-name"


def test_every_code_has_its_heading_and_no_heading_is_left_over():
    page = (Path(__file__).parents[1] / "docs" / "errors.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `?([a-z-]+)`?$", page, re.MULTILINE)
    assert sorted(headings) == sorted(kind.code for kind in KINDS if kind is not EtappeError)
