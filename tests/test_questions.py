"""Every question is whole: a struct that says each field, words in both languages, a section in the docs, a command."""

import inspect
import re
from pathlib import Path

import msgspec
import pytest

import etappe
from etappe.analysis.ask import module_of, schema, struct_of
from etappe.analysis.kinds import QUESTIONS
from etappe.apps.cli_ask import _command, _described
from etappe.language import LANGUAGES, word

DOCS = (Path(__file__).parents[1] / "docs" / "analyses.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^## (.+)$", DOCS, re.MULTILINE)


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_question_is_whole(kind):
    module, struct = module_of(kind), struct_of(kind)
    assert callable(module.find)
    assert callable(module.who)
    assert inspect.unwrap(getattr(etappe, kind)) is getattr(module, kind)
    own = {name for name in struct.__annotations__ if "ClassVar" not in str(struct.__annotations__[name])}
    assert own - set(_described(struct)) == set(), "a field without a sentence: the command line shows it as help"
    assert all(word(f"answer.title.{kind}", lang) for lang in LANGUAGES)
    assert any(kind in heading.split(", ") for heading in HEADINGS), "no section in docs/analyses.md"
    assert "Examples" in (inspect.getdoc(getattr(module, kind)) or "")
    shown = inspect.signature(_command(kind)).parameters
    assert {"workspace", "where", "first_day", "last_day", "json"} <= set(shown)


def test_the_schema_names_every_question():
    named = {one["$ref"].rpartition("/")[2] for one in schema()["anyOf"]}
    assert len(named) == len(QUESTIONS)
    assert msgspec.json.encode(schema())
