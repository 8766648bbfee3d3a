"""Real files through the whole spine: import, lake, journeys, questions; figures worked out elsewhere (shared/data)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import etappe
from etappe.apps.workspace import Workspace
from etappe.units import MONEY
from workspaces import SHARED, made

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")
MAPPINGS = Path(__file__).parent / "mappings"


def imported(folder: Path, file: str, mapping: str) -> Workspace:
    ws = made(folder)
    (report,) = ws.import_files([SHARED / file], mapping=MAPPINGS / mapping)
    assert report.refused == 0
    return ws


def expected(folder: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHARED / folder / "expected.json").read_text())[name]
    return found


@pytest.mark.parametrize("file", ["receipt.csv", "receipt.parquet"])
def test_a_permit_process_has_its_published_variants_and_transitions(tmp_path: Path, file: str) -> None:
    want = expected("process_logs", "receipt")
    j = imported(tmp_path, f"process_logs/{file}", "receipt.toml").journeys()
    assert (j.events, len(j), len(j.touchpoints)) == (8_577, 1_434, 27)

    paths = etappe.variants(j, top=1000)
    assert len(paths) == want["variants"] == 116
    for (count, path), row in zip(want["variants_top"], paths.rows(), strict=False):
        assert (row["count"], row["path"]) == (count, " > ".join(path))

    pairs = etappe.transitions(j)
    assert (len(pairs), sum(pairs.column("count"))) == (want["dfg_edges"], want["dfg_total"]) == (99, 7_143)
    counted = {(row["from"], row["to"]): row["count"] for row in pairs.rows()}
    for start, end, count in want["dfg_top"]:
        assert counted[start, end] == count

    lengths = (j.time_us[j.offsets[1:] - 1] - j.time_us[j.offsets[:-1]]) / 1e6
    assert np.median(lengths) == pytest.approx(want["median_case_seconds"], abs=1e-4)
    assert lengths.mean() == pytest.approx(want["mean_case_seconds"], abs=1e-2)


def test_both_formats_of_one_log_give_the_same_instants(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    csv = imported(tmp_path / "a", "process_logs/receipt.csv", "receipt.toml").journeys()
    parquet = imported(tmp_path / "b", "process_logs/receipt.parquet", "receipt.toml").journeys()

    def by_case(j: Any) -> dict[str, list[tuple[int, str]]]:
        names = j.names(np.arange(len(j)))
        return {
            name: [(int(j.time_us[k]), j.touchpoints[j.touchpoint[k]]) for k in range(j.offsets[i], j.offsets[i + 1])]
            for i, name in enumerate(names)
        }

    assert by_case(csv) == by_case(parquet)


def test_an_online_shop_has_its_funnel_and_sessions(tmp_path: Path) -> None:
    want = expected("simple_onlineshop", "simple_onlineshop")
    j = imported(tmp_path, "simple_onlineshop/simple-onlineshop.csv", "onlineshop.toml").journeys()
    assert (j.events, len(j)) == (32_283, 3_751)
    steps = [step for step, _ in want["strict_funnel_first_touch"]]
    funnel = etappe.funnel(j, steps)
    assert list(zip(funnel.column("step"), funnel.column("reached"), strict=True)) == [
        ("catalog", 3_611), ("cart", 1_924), ("delivery_choice", 1_356), ("payment_choice", 958), ("payment_done", 653),
    ]  # fmt: skip
    assert etappe.sessions(j, gap="30m").column("sessions") == [6_454]
    wide = etappe.reach(j)
    assert dict(zip(wide.column("touchpoint"), wide.column("journeys"), strict=True)) == want["users_per_event"]
    assert dict(zip(wide.column("touchpoint"), wide.column("events"), strict=True)) == want["event_counts"]


@pytest.mark.requirement("001-06")
def test_one_row_of_an_order_gives_its_four_events(tmp_path: Path) -> None:
    ws = imported(tmp_path, "olist_funnel_and_orders/olist_orders_dataset.csv", "olist_orders.toml")
    j = ws.journeys()
    assert (j.events, len(j.touchpoints)) == (27_647, 4)
    assert all(text is not None for text in j.column("estimate").texts())


def test_ids_keep_their_zeros_and_values_add_up(tmp_path: Path) -> None:
    ws = imported(tmp_path, "cdnow/CDNOW_master.txt.gz", "cdnow_master.toml")
    j = ws.journeys()
    assert (j.events, len(j)) == (69_659, 23_570)
    assert int(j.value.sum()) == round(2_500_315.63 * MONEY)
    names = set(j.names(np.arange(len(j))))
    assert {len(name) for name in names} == {5}
    assert {"00001", "00004", "23570"} <= names


def test_a_file_without_a_header_comes_in(tmp_path: Path) -> None:
    j = imported(tmp_path, "cdnow/CDNOW_sample.txt", "cdnow_sample.toml").journeys()
    assert (j.events, len(j)) == (6_919, 2_357)
    assert "00004" in j.names(np.arange(len(j)))
