"""Overview: what is compared with what, local days, and money that is never added across currencies."""

from pathlib import Path
from typing import Any

import pytest

from etappe.apps.overview import overview
from etappe.apps.workspace import Workspace
from workspaces import made, written

MAPPING = """customer = "who"
time = "at"
touchpoint = "what"
value = { column = "amount", currency = { column = "unit" } }
"""


def imported(folder: Path, rows: list[str]) -> Workspace:
    ws = made(folder)
    file = written(folder, "a.csv", "who,at,what,amount,unit\n" + "\n".join(rows) + "\n")
    ws.import_files([file], mapping=written(folder, "m.toml", MAPPING))
    return ws


def daily(days: range, units: tuple[str, ...] = ("EUR",)) -> list[str]:
    return [f"a{day},2026-03-{day:02}T10:00:00Z,order,10,{units[day % len(units)]}" for day in days]


def asked(ws: Workspace, start: str | None = None, end: str | None = None, where: str | None = None) -> Any:
    return overview(ws, start=start, end=end, where=where, lang="en")


def test_a_period_in_which_the_data_only_begins_is_no_measure(tmp_path: Path) -> None:
    ws = imported(tmp_path, daily(range(1, 31)))
    seen = asked(ws)  # 28 days; of the 28 before there are only two
    assert seen["window"]["before_from"] == "2026-02-03"
    assert {number["change"] for number in seen["numbers"]} == {None}
    assert {point["before"] for point in seen["series"]["events"]} == {None}
    fair = asked(ws, "2026-03-16", "2026-03-30")
    assert fair["numbers"][0]["change"] == 0.0


def test_values_of_several_currencies_are_not_added(tmp_path: Path) -> None:
    ws = imported(tmp_path, daily(range(1, 31), ("EUR", "USD")))
    numbers = {number["id"]: number for number in asked(ws)["numbers"]}
    assert (numbers["value"]["value"], numbers["per_customer"]["value"]) == (None, None)
    assert numbers["purchases"]["value"] == 28
    one = {number["id"]: number for number in asked(ws, where="currency = 'USD'")["numbers"]}
    assert (one["value"]["value"], one["value"]["text"]) == (140.0, "140.00 USD")


@pytest.mark.parametrize(("start", "end"), [(None, "2026-02-01"), ("2027-01-01", None)])
def test_one_end_of_a_period_outside_the_data_is_an_empty_period(
    tmp_path: Path, start: str | None, end: str | None
) -> None:
    assert asked(imported(tmp_path, daily(range(1, 31))), start, end)["state"] == "empty-filter"


def test_all_time_is_a_period_too(tmp_path: Path) -> None:
    seen = asked(imported(tmp_path, daily(range(1, 31))), "1900-01-01", "2026-03-30")
    assert (seen["state"], seen["numbers"][0]["value"]) == ("ok", 30)


def test_days_are_local_also_where_the_clock_is_moved(tmp_path: Path) -> None:
    moments = ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"]
    ws = imported(tmp_path, [f"{i % 2},{at},order,1,EUR" for i, at in enumerate(moments)])
    seen = asked(ws, "2026-03-28", "2026-03-30")
    assert [point["value"] for point in seen["series"]["events"]] == [1, 2, 1]
    assert [point["value"] for point in seen["series"]["customers"]] == [1, 2, 1]
    assert asked(ws, "2026-03-29", "2026-03-29")["numbers"][0]["value"] == 2
