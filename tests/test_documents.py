"""YAML into structs: a fault names its line, its path and what would be right."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.documents import fault, line_of, load, read
from etappe.errors import BadDocument
from etappe.vocabulary import Channel, StageModel, Touchpoint


class Shop(msgspec.Struct, forbid_unknown_fields=True):
    touchpoints: tuple[Touchpoint, ...] = ()
    models: tuple[StageModel, ...] = ()
    main: Channel | None = None
    size: int = 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "touchpoints:\n  - {id: a, title: b}",
            "s.yaml:2: touchpoints[0]: 'medium' is missing. One of analog, digital.",
        ),
        (
            "touchpoints:\n  - id: a\n    title: b\n    medium: paper",
            "s.yaml:4: touchpoints[0].medium: 'paper' is not allowed here. One of analog, digital.",
        ),
        (
            "touchpoints:\n  - id: x\n    titel: b",
            "s.yaml:3: touchpoints[0]: unknown key 'titel'. Did you mean 'title'?",
        ),
        ("main:\n  id: x\n  titel: b", "s.yaml:3: main: unknown key 'titel'. Did you mean 'title'?"),
        ("\nsise: 1", "s.yaml:2: unknown key 'sise'. Did you mean 'size'?"),
        ("zzz: 1", "s.yaml:1: unknown key 'zzz'. Known: touchpoints, models, main, size."),
        ("size: big", "s.yaml:1: size: expected int, got str."),
        ("size: 1\nsize: 2", 's.yaml:2: found duplicate key "size". Keep one of the two.'),
        ("- 1", "s.yaml:1: expected a mapping (key: value), got a list (- item)."),
        ("", "s.yaml:1: expected a mapping (key: value), got null."),
        ("[" * 5000, "s.yaml:1: maximum depth of data structure exceeded. Nest less deeply."),
        (
            "models: [{id: m, title: t, source: s, stages: [], atoms: {awar: x}}]",
            "s.yaml:1: models[0].atoms: 'awar' is not allowed here. "
            "One of aware, research, compare, decide, buy, receive, stay, rate, recommend.",
        ),
    ],
)
def test_a_fault_names_line_path_and_remedy(text, message):
    with pytest.raises(BadDocument) as refused:
        read(text, Shop, "s.yaml")
    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "a: !!python/object:os.system x", "\x00", "a: *b", "%YAML 9"])
def test_what_is_no_yaml_is_refused(text):
    with pytest.raises(BadDocument) as refused:
        load(text, "s.yaml")
    assert str(refused.value).startswith("s.yaml")
    assert refused.value.hint


def test_yaml_1_2_reads_no_and_off_as_texts_and_json_is_yaml():
    assert load("[no, off, yes, 010]") == ["no", "off", "yes", 10]
    assert read('{"id": "web", "title": {"de": "Netz"}}', Channel) == Channel(id="web", title={"de": "Netz"})


def test_the_line_of_a_path_that_is_not_there_is_that_of_its_parent():
    text = "a:\n  - b: 1\n    c:\n      d: 2\n"
    assert [line_of(text, path) for path in [("a", 0, "c", "d"), ("a", 0, "x"), ("a", 7), ()]] == [4, 2, 1, 1]
    assert (
        str(fault(text, "f.yaml", ("a", 0, "c"), "it is wrong.", "Mend it."))
        == "f.yaml:3: a[0].c: it is wrong. Mend it."
    )


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_document_s_error(text):
    with suppress(BadDocument):
        load(text)
