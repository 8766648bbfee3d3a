"""A mapping is read as written, every fault in it is named with its place, and it can be written back."""

from pathlib import Path

import pytest

from etappe.collect.mapping import Mapping, TextField, mapping_toml, read_mapping
from etappe.collect.plan import by_name, plan
from etappe.errors import BadMapping

BASE = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\n'
MAPPINGS = sorted((Path(__file__).parent / "mappings").glob("*.toml"))


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_a_mapping_that_is_written_reads_the_same(path):
    mapping = read_mapping(path)
    assert read_mapping(mapping_toml(mapping)).folder == ""
    text = mapping_toml(mapping)
    assert mapping_toml(read_mapping(text)) == text
    assert str(path.parent) not in text


@pytest.mark.parametrize(("text", "message"), [
    (BASE + 'chanel = "x"', "unknown key 'chanel'. Did you mean 'channel'?"),
    (BASE + "folder = '/x'", "unknown key 'folder'"),
    (BASE + 'value = { colum = "x" }', "unknown key 'value.colum'. Did you mean 'column'?"),
    (BASE + '[[event]]\ntime = "x"\n[[event]]\nwehre = "x"', r"unknown key 'event\[2\].wehre'. Did you mean 'where'?"),
    (BASE + '[attributes]\ncolumn = ["a"]', "unknown key 'attributes.column'. Did you mean 'columns'?"),
    (BASE + "header = 1", "header"),
    ('customer = "a"\ntime = "b"', "no touchpoint is mapped"),
    ('customer = "a"\n[[event]]\ntime = "b"', r"event\[1\]: no touchpoint is mapped"),
    ("customer = 0\ntime = 2\ntouchpoint = 3", "counted from 1"),
    (BASE + 'timezone = "Europe/Berln"', "unknown time zone 'Europe/Berln'"),
    (BASE + 'timezone = "../../etc/passwd"', "unknown time zone"),
    (BASE + 'encoding = "utf-9"', "unknown encoding"),
    (BASE + 'delimiter = ";;"', "no delimiter"),
    (BASE + 'decimal = ";"', "no decimal mark"),
    (BASE + 'decimal = ","\nthousands = ","', "same mark"),
    (BASE + 'format = "%Q"', "'%Q' is no time format"),
    (BASE + 'format = "%Y-%m"', "is no time format"),
    (BASE + 'properties = ["a", "a"]', "'a' is named twice"),
    (BASE + "channel = { }", "channel needs either a column or a value"),
    (BASE + "where = \"a = \"", "where"),
    (BASE + 'where = " "', "where is empty"),
    (BASE + "[attributes]\ncolumns = []", "names no column"),
    ("customer", "is no TOML"),
])  # fmt: skip
def test_a_fault_of_a_mapping_is_named(text, message):
    with pytest.raises(BadMapping, match=message):
        read_mapping(text)


def test_a_mapping_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BadMapping, match=r"none.toml: cannot be read"):
        read_mapping(tmp_path / "none.toml")


def test_an_event_takes_what_it_leaves_out_from_above():
    text = BASE + 'channel = { value = "web" }\n[[event]]\ntime = "then"\nchannel = "how"\n[[event]]\ntime = "later"\n'
    events = plan(read_mapping(text), ["who", "at", "what", "then", "later", "how"], "UTC", "a.csv").events
    assert [(e.time.position, e.channel.position, e.channel.constant) for e in events] == [
        (3, 5, None), (4, None, "web"),
    ]  # fmt: skip


def test_a_file_has_a_header_where_a_column_is_named():
    assert by_name(read_mapping(BASE))
    numbers = (
        'customer = 1\ntime = { column = 2 }\ntouchpoint = { value = "x" }\nvalue = { column = 3, currency = "EUR" }'
    )
    assert not by_name(read_mapping(numbers))
    assert by_name(read_mapping(numbers + "\nheader = true"))
    assert by_name(read_mapping(numbers + '\nproperties = ["a"]'))
    assert by_name(read_mapping('[attributes]\ncustomer = 1\ncolumns = ["age"]'))


def test_a_long_select_is_written_in_lines():
    mapping = Mapping(sql="select 1\nfrom 'a.csv'", customer="a", time="b", touchpoint=TextField(value='say "x"'))
    assert "sql = '''\nselect 1\nfrom 'a.csv''''\n" in mapping_toml(mapping)
    assert read_mapping(mapping_toml(mapping)) == mapping
