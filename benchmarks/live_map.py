"""Live map: how long a new event takes from its import to the number on an open map, a million events in the workspace.

A map drafted from the journeys, every step with its reach, conversion, time and customers, stands open in Chromium,
served by `etappe serve`. Three new customers come in with `etappe import`, a process of its own. Measured are the
command, from its end to the number on the screen, from acceptance (the import is in force in the ledger) to it, and
the answer that the screen fetches once it has noticed (it looks every 1.5 s). Apart from these: making the columns
anew, binding, and the answer when nothing is new.

    python benchmarks/live_map.py [EVENTS] [WORKSPACE TO COPY]
"""

import os
import platform
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec
from generate import generate
from window import chromium, served

from etappe.apps.workspace import Workspace, init
from etappe.apps.workspace import open as open_workspace
from etappe.config import Settings
from etappe.language import number
from etappe.maps.binder import both
from etappe.maps.document import dump_map
from etappe.maps.draft import draft
from etappe.maps.model import Cell, Evidence, JourneyMap, Lane, Parameters

RUNS, NEW = 5, 3
MAP, SEEN = "live", "s1_customers"
WATCH = """([text]) => {
  window.seenAt = 0
  window.watching?.disconnect()
  const look = () => {
    const shown = [...document.querySelectorAll('td')].some((td) => td.innerText.includes(text))
    if (shown && !window.seenAt) window.seenAt = Date.now()
  }
  window.watching = new MutationObserver(look)
  window.watching.observe(document.body, { subtree: true, childList: true, characterData: true })
}"""


ANSWER = """() => performance.getEntriesByType('resource')
  .filter((one) => one.name.includes('/api/maps/live?')).at(-1).duration"""


def workspace_of(events: int, given: Path | None, folder: Path) -> Workspace:
    """A workspace of its own: a copy, or made from a generated log."""
    if given is not None:
        shutil.copytree(given, folder)
        return open_workspace(folder)
    log = folder.parent / "log.parquet"
    generate(events, log)
    workspace = init(folder, Settings(timezone="UTC"))
    workspace.import_files([log])
    return workspace


def drafted(workspace: Workspace) -> JourneyMap:
    """The draft, and the customers of each of its steps as whole numbers, in which one more is seen."""
    found = draft(workspace.journeys(), workspace.registry()).map
    counts = [
        Evidence(
            id=f"{step.id}_customers", metric="touchpoint.reach", parameters=Parameters(touchpoint=step.touchpoint)
        )
        for step in found.steps
    ]
    cells = [Cell(lane="customers", step=step.id, evidence=e.id) for step, e in zip(found.steps, counts, strict=True)]
    lane = Lane(id="customers", type="metric", title=both("map.draft.reach"))
    return msgspec.structs.replace(
        found,
        id=MAP,
        lanes=(lane, *found.lanes),
        cells=(*cells, *found.cells),
        evidence=(*counts, *found.evidence),
    )


def took(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class Acceptance(threading.Thread):
    """When the ledger holds one more import in force; it looks every 5 ms."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.ledger, self.at = folder / "control.sqlite", 0.0
        self.before = self.done()

    def done(self) -> int:
        with sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True) as ledger:
            return int(ledger.execute("SELECT count(*) FROM imports WHERE status = 'done'").fetchone()[0])

    def run(self) -> None:
        end = time.time() + 60
        while time.time() < end:
            if self.done() > self.before:
                self.at = time.time()
                return
            time.sleep(0.005)


def main(events: int, given: Path | None) -> None:
    """Print the times of each run, their median and their worst."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name) / "workspace"
        workspace = workspace_of(events, given, folder)
        journeys = workspace.journeys()
        document = drafted(workspace)
        workspace.put(dump_map(document), "live.yaml")
        touchpoint = document.steps[0].touchpoint
        known = next(t.match for t in document.touchpoints if t.id == touchpoint) or touchpoint
        event = str(known).split("'")[1] if "'" in str(known) else str(known)
        print(f"{journeys.events:,} events, {len(journeys):,} customers, {len(document.evidence)} bound evidences")

        shutil.rmtree(folder / "journeys")
        workspace = open_workspace(folder)
        print(f"columns made anew: {took(workspace.journeys):.3f} s", end="; ")
        print(f"bound: first {took(lambda: workspace.bind(document)):.3f} s", end=", ")
        print(f"again {median(took(lambda: workspace.bind(document)) for _ in range(5)):.3f} s")

        runs: list[tuple[float, ...]] = []
        with served(folder) as client, chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="de")
            answer = f"/api/maps/{MAP}?lang=de"
            shown = int(client.get(answer)["evidence"][SEEN]["value"])
            print(f"answer again, nothing new: {median(took(lambda: client.get(answer)) for _ in range(5)):.3f} s")
            page.goto(f"{client.address}/maps/{MAP}")
            page.get_by_text(number(shown, "de")).first.wait_for()
            for run in range(RUNS):
                shown += NEW
                page.evaluate(WATCH, [number(shown, "de")])
                time.sleep(random.uniform(1, 3))  # not in step with the screen's own clock
                file = Path(name) / f"new-{run}.csv"
                rows = [f"new-{run}-{i},2024-06-0{run + 1}T12:00:0{i},{event},direct,\n" for i in range(NEW)]
                file.write_text("customer_id,timestamp,touchpoint,channel,value\n" + "".join(rows))
                accepted = Acceptance(folder)
                accepted.start()
                program = "from etappe.apps.cli import main; main()"
                begin = time.time()
                subprocess.run(
                    [sys.executable, "-c", program, "import", str(file), "-w", str(folder), "--quiet"],
                    check=True, stdout=subprocess.DEVNULL, timeout=60,
                )  # fmt: skip
                end = time.time()
                page.wait_for_function("() => window.seenAt", timeout=30_000)
                seen = page.evaluate("() => window.seenAt") / 1000
                accepted.join()
                answered = page.evaluate(ANSWER) / 1000
                runs.append((end - begin, seen - end, seen - accepted.at, accepted.at - begin, answered))
                print(" ".join(f"{seconds:.2f}" for seconds in runs[-1]), flush=True)
        names = (
            "command", "from its end to the screen", "from acceptance to the screen", "from start to acceptance",
            "the answer with the new event",
        )  # fmt: skip
        for title, times in zip(names, zip(*runs, strict=True), strict=True):
            print(f"{title}: median {median(times):.2f} s, worst {max(times):.2f} s")
        machine = f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}"
        print(f"Python {platform.python_version()}; {machine}")


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
