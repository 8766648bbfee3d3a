"""Any question goes in as a struct, a dict or a file; what cannot be asked is refused with its place."""

import jsonschema
import msgspec
import pytest

from etappe.analysis.ask import ask, question_of, read_question, schema, who
from etappe.analysis.funnel import Funnel, funnel
from etappe.errors import BadQuestion, EtappeError, UnknownName
from journeys_text import journeys

SHOP = journeys("0 visit, 5 order", "3 visit", attributes={"age": ["a", "b"]})


def test_a_struct_a_dict_and_a_file_ask_the_same():
    by_function = funnel(SHOP, ["visit", "order"], within="7d")
    for question in (
        Funnel(steps=("visit", "order"), within="7d"),
        {"question": "funnel", "steps": ["visit", "order"], "within": "7d"},
        read_question("question: funnel\nsteps: [visit, order]\nwithin: 7d\n"),
        read_question('{"question": "funnel", "steps": ["visit", "order"], "within": "7d"}'),
    ):
        answer = ask(SHOP, question)
        assert answer.snapshot == by_function.snapshot
        assert answer.rows() == by_function.rows()


def test_a_question_read_from_its_own_json_is_the_same():
    question = Funnel(steps=("visit",), by="age")
    assert read_question(msgspec.json.encode(question).decode()) == question


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("question: funel", UnknownName, "q.yaml:1: question: no question named 'funel'. Did you mean 'funnel'?"),
        (
            "question: funnel\nstpes: [a]",
            UnknownName,
            "q.yaml:2: funnel: no field named 'stpes'. Did you mean",
        ),
        ("question: funnel\nsteps: 3", BadQuestion, "q.yaml:2: funnel.steps: Expected `array`, got `int`."),
        ("question: funnel\nsteps: [a, 3]", BadQuestion, "q.yaml:2: funnel.steps[1]: Expected `str`, got `int`."),
        ("question: funnel", BadQuestion, "q.yaml: funnel: Object missing required field `steps`."),
        (
            "question: funnel\nsteps: [a]\norder: fuzzy",
            UnknownName,
            "q.yaml:3: funnel.order: no choice named 'fuzzy'. Known: any, ordered, strict.",
        ),
        ("steps: [a]", BadQuestion, "q.yaml: there is no field 'question' that says what is asked."),
        ("a: [", BadQuestion, "q.yaml:1: this is no YAML"),
        ("3", BadQuestion, "q.yaml: a question is a list of fields."),
        ("", BadQuestion, "q.yaml: a question is a list of fields."),
    ],
)
def test_a_fault_in_a_question_is_refused_with_its_place(text, error, message):
    with pytest.raises(error) as caught:
        read_question(text, "q.yaml")
    assert str(caught.value).startswith(message)


def test_a_dict_is_refused_like_a_file():
    with pytest.raises(EtappeError, match="no question named '3'"):
        question_of({"question": 3})


def test_who_stands_behind_a_row():
    question = {"question": "funnel", "steps": ["visit", "order"]}
    for row in ask(SHOP, question).rows():
        assert len(who(SHOP, question, row)) == row["reached"]


def test_the_schema_accepts_what_is_asked_and_refuses_what_is_not():
    check = jsonschema.Draft202012Validator(schema())
    assert check.is_valid({"question": "funnel", "steps": ["a"]})
    assert not check.is_valid({"question": "funnel", "stpes": ["a"]})
