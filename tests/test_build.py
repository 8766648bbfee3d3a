"""Build: the one sort against its plain definition, and journeys from any frame without a workspace."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numba
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etappe
from etappe.arrays import Int
from etappe.errors import BadFile, BadQuestion, UnknownName
from etappe.journeys import build
from etappe.journeys.sorting import sort_rows
from etappe.units import NO_VALUE
from journeys_text import PROPERTY
from workspaces import made, written

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 12)), max_size=60)


@PROPERTY
@given(EVENTS)
def test_the_sort_is_by_subject_then_time_then_order_of_receipt(events: list[tuple[int, int]]) -> None:
    group = np.asarray([g for g, _ in events], np.int64)
    time = np.asarray([t for _, t in events], np.int64)
    offsets, rows, present = sort_rows(group, 6, time)
    want = sorted(range(len(events)), key=lambda i: (events[i][0], events[i][1], i))
    assert rows.tolist() == want
    assert present.tolist() == sorted({g for g, _ in events})
    assert np.diff(offsets).tolist() == [sum(g == p for g, _ in events) for p in present.tolist()]


@PROPERTY
@given(EVENTS, st.integers(1, 4))
def test_the_order_of_files_does_not_matter_but_for_ties(events: list[tuple[int, int]], cuts: int) -> None:
    distinct = list(dict.fromkeys(events))
    frames = [distinct[i::cuts] for i in range(cuts)]

    def columns(order: list[tuple[int, int]]) -> list[tuple[int, int]]:
        group = np.asarray([g for g, _ in order], np.int64)
        time = np.asarray([t for _, t in order], np.int64)
        _, rows, _ = sort_rows(group, 6, time)
        return [order[i] for i in rows]

    assert columns(distinct) == columns([event for frame in frames for event in frame])


def rows() -> dict[str, list[object]]:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return {
        "who": ["007", "8", "007", "8"],
        "when": [start + timedelta(hours=h) for h in (3, 1, 2, 1)],
        "what": ["order", "visit", "visit", "call"],
        "amount": [19.9, None, None, 2.005],
        "device": ["app", "web", None, "web"],
    }


FRAMES = {
    "pandas": lambda: pd.DataFrame(rows()),
    "polars": lambda: pl.DataFrame(rows()),
    "arrow": lambda: pa.table(rows()),
    "duckdb": lambda: duckdb.from_arrow(pa.table(rows())),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_any_frame_becomes_the_same_journeys(kind: str) -> None:
    j = etappe.journeys_from(FRAMES[kind](), customer="who", time="when", touchpoint="what", value="amount")
    assert j.names(np.arange(len(j))) == ["007", "8"]
    assert [j.touchpoints[c] for c in j.touchpoint] == ["visit", "order", "visit", "call"]
    assert j.value.tolist() == [-(2**63), 199_000, -(2**63), 20_050]
    assert j.column("device").texts() == [None, "app", "web", "web"]
    assert j.where("device = 'web'").events == 2
    assert etappe.funnel(j, ["visit", "order"]).column("reached") == [2, 1]


def test_a_frame_and_a_workspace_agree(tmp_path: Path) -> None:
    ws = made(tmp_path)
    frame = pd.DataFrame(rows())
    file = written(tmp_path, "a.csv", frame.drop(columns="device").to_csv(index=False))
    mapping = 'customer="who"\ntime="when"\ntouchpoint="what"\nvalue={column="amount", currency="EUR"}\n'
    ws.import_files([file], mapping=written(tmp_path, "m.toml", mapping))
    j, k = ws.journeys(), etappe.journeys_from(frame, customer="who", time="when", touchpoint="what", value="amount")
    for name in ("offsets", "time_us", "touchpoint", "value"):
        assert np.array_equal(getattr(j, name), getattr(k, name)), name


def test_one_import_and_several_sort_with_the_same_compiled_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = set()

    def sort(group: Int, groups: int, time_us: Int) -> tuple[Int, Int, Int]:
        taken.update((numba.typeof(group), numba.typeof(time_us)))
        return sort_rows(group, groups, time_us)

    monkeypatch.setattr(build, "sort_rows", sort)
    workspace = made(tmp_path)
    for day in range(1, 4):
        text = f"user,time,event\n7,2026-03-0{day}T10:00:00Z,visit\n8,2026-03-0{day}T11:00:00Z,visit\n"
        workspace.import_files([written(tmp_path, f"{day}.csv", text)])
        assert workspace.journeys().events == 2 * day
    assert len(taken) == 1


def test_times_without_a_zone_are_read_in_the_given_one() -> None:
    frame = pa.table({"c": ["a"], "t": pa.array([datetime(2026, 7, 1, 12)]), "x": ["visit"]})  # noqa: DTZ001
    j = etappe.journeys_from(frame, customer="c", time="t", touchpoint="x", timezone="Europe/Berlin")
    assert j.time_us.tolist() == [1_782_900_000_000_000]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"customer": "whoo"}, UnknownName, "Did you mean 'who'"),
        ({"time": "what"}, BadFile, "not timestamps"),
        ({"touchpoint": "device"}, BadFile, "1 gaps"),
    ],
)
def test_a_wrong_column_is_refused_before_anything_is_built(
    change: dict[str, str], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        etappe.journeys_from(pa.table(rows()), **({"customer": "who", "time": "when", "touchpoint": "what"} | change))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(BadFile, match="list is no table"):
        etappe.journeys_from([1, 2], customer="a", time="b", touchpoint="c")
    with pytest.raises(BadFile, match="column 'what' holds string, no numbers"):
        etappe.journeys_from(pa.table(rows()), customer="who", time="when", touchpoint="what", value="what")
    with pytest.raises(BadFile, match="'Mars/X' is no time zone"):
        etappe.journeys_from(pa.table(rows()), customer="who", time="when", touchpoint="what", timezone="Mars/X")


def test_an_infinite_value_of_a_frame_is_refused_with_its_row_and_nan_is_no_value() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    frame = {"c": ["a", "b", "c"], "t": [start] * 3, "x": ["visit"] * 3}
    told = {"customer": "c", "time": "t", "touchpoint": "x", "value": "v"}
    assert etappe.journeys_from(pa.table(frame | {"v": [1.0, float("nan"), None]}), **told).value.tolist() == [
        10_000,
        NO_VALUE,
        NO_VALUE,
    ]
    with pytest.raises(BadFile, match=r"journeys_from: value: column 'v' is infinite in 1 rows, the first is row 2"):
        etappe.journeys_from(pa.table(frame | {"v": [1.0, None, float("-inf")]}), **told)


def test_an_infinite_value_of_a_file_is_refused_also_where_no_mapping_names_its_column(tmp_path: Path) -> None:
    lines = (
        "a,2026-01-01T00:00:00Z,visit,1.5\nb,2026-01-02T00:00:00Z,visit,inf\nc,2026-01-03T00:00:00Z,visit,-Infinity\n"
    )
    (report,) = made(tmp_path).import_files([written(tmp_path, "a.csv", "customer,time,touchpoint,value\n" + lines)])
    assert (report.events, report.reasons) == (1, {"infinite": 2})


def test_a_question_that_is_given_a_condition_says_where_conditions_go() -> None:
    j = etappe.journeys_from(pa.table(rows()), customer="who", time="when", touchpoint="what")
    with pytest.raises(BadQuestion) as refused:
        etappe.reach(j, where="device = 'web'")
    expected = (
        "reach: where: a question takes no condition. Filter the journeys first: reach(journeys.where(...), ...)."
    )
    assert str(refused.value) == expected
    assert etappe.reach(j.where("device = 'web'")).events == 2
    assert etappe.reach is etappe.reach


def test_more_touchpoints_than_two_bytes_hold_are_refused_with_what_to_do(tmp_path: Path) -> None:
    ws = made(tmp_path)
    lines = "\n".join(f"a,2026-01-01,/page/{i}" for i in range(65_536))
    mapping = written(tmp_path, "m.toml", 'customer="c"\ntime="t"\ntouchpoint="x"')
    with pytest.raises(BadFile, match="65,536 different names"):
        ws.import_files([written(tmp_path, "a.csv", f"c,t,x\n{lines}\n")], mapping=mapping)
    assert ws.imports() == []


def test_more_than_255_touchpoints_take_two_bytes() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    frame = pa.table({"c": ["a"] * 300, "t": [start] * 300, "x": [f"t{i:03}" for i in range(300)]})
    j = etappe.journeys_from(frame, customer="c", time="t", touchpoint="x")
    assert j.touchpoint.dtype == np.uint16
    assert etappe.variants(j, top=1).column("count") == [1]
    assert len(etappe.reach(j)) == 300
