"""Scroll map: how smoothly a map of 60 steps and 12 lanes scrolls in Chromium, and whether its heads stay in sight.

Turns of the wheel, 60 a second for three seconds, to the right and down. Measured are the times between frames
(requestAnimationFrame), long tasks (PerformanceObserver, from 50 ms), frames that the compositor dropped or completed
in part (Chromium's own trace), and where the lanes' titles and the steps' heads stand meanwhile. Chromium draws in
software here, without a GPU: with one it is faster.

    python benchmarks/scroll_map.py
"""

import json
import os
import platform
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from playwright.sync_api import Page
from window import chromium, served

from etappe.maps.document import dump_map
from etappe.maps.draft import template
from etappe.maps.edit import edited
from etappe.maps.edits import Add, Edit, Write
from etappe.maps.model import JourneyMap
from workspaces import shop  # of the tests

STEPS, LANES, SECONDS, TURNS = 60, 12, 3, 60
MEASURE = """() => {
  const m = (window.measured = { frames: [], tasks: [], left: [], top: [], on: true })
  new PerformanceObserver((list) => m.tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: 'longtask' })
  const wide = document.querySelector('div.wide'), lane = wide.querySelector('tbody th.lane')
  const head = wide.querySelector('thead tr:last-child th:not(.lane)')
  let last = performance.now()
  const frame = (now) => {
    m.frames.push(now - last)
    last = now
    m.left.push(lane.getBoundingClientRect().left - wide.getBoundingClientRect().left)
    m.top.push(head.getBoundingClientRect().top)
    if (m.on) requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}"""
MEASURED = """() => {
  const m = window.measured, wide = document.querySelector('div.wide')
  m.on = false
  const across = wide.scrollLeft, rest = wide.scrollWidth - wide.clientWidth
  return { ...m, across, wide: rest, page: scrollY, inside: wide.scrollTop }
}"""


REST = """() => {
  const wide = document.querySelector('div.wide')
  return [wide.scrollWidth - wide.clientWidth, document.documentElement.scrollHeight - innerHeight]
}"""


def large() -> JourneyMap:
    """A template with more steps and lanes, a text in most cells, and a curve over all steps."""
    found = template("five-stages")
    stages = [stage.id for stage in found.stages]
    more = STEPS - len(found.steps)
    edits: list[Edit] = [
        Add(kind="step", value={"title": f"Schritt {i + 1}"}, after=stages[i % len(stages)]) for i in range(more)
    ]
    edits += [
        Add(kind="lane", value={"type": "thoughts", "title": f"Spur {i + 1}"}, after=found.lanes[-1].id)
        for i in range(LANES - len(found.lanes))
    ]
    found = edited(found, edits)
    written: list[Edit] = []
    filled = {cell.lane for cell in found.cells}
    for lane in (lane for lane in found.lanes if lane.id not in filled):
        for i, step in enumerate(found.steps):
            fields = {"score": (i * 7 % 9 - 4) / 2} if lane.type == "emotion" else {"text": f"Ein Satz bei {step.id}"}
            written.append(Write(lane=lane.id, place=step.id, fields=fields))
    return msgspec.structs.replace(edited(found, written), id="large")


def scrolled(page: Page, *, across: bool) -> dict[str, Any]:
    """Turn the wheel for three seconds, from one end to the other, and tell what was seen."""
    browser = page.context.browser
    assert browser is not None
    page.mouse.move(800, 600)
    way = page.evaluate(REST)[0 if across else 1] / (SECONDS * TURNS)
    browser.start_tracing(page=page, categories=["cc", "benchmark", "viz"])
    page.evaluate(MEASURE)
    begin = time.perf_counter()
    for turn in range(SECONDS * TURNS):
        page.mouse.wheel(way if across else 0, 0 if across else way)
        time.sleep(max(0.0, begin + (turn + 1) / TURNS - time.perf_counter()))
    seen = dict(page.evaluate(MEASURED))
    reports = [
        one["args"]["frame_reporter"]["state"]
        for one in json.loads(browser.stop_tracing())["traceEvents"]
        if one["name"] == "PipelineReporter" and "frame_reporter" in one.get("args", {})
    ]
    return seen | {"drawn": Counter(reports)}


def told(name: str, seen: dict[str, Any]) -> None:
    frames, tasks, drawn = sorted(seen["frames"][1:]), seen["tasks"], seen["drawn"]
    late = sum(one > 33.4 for one in frames) / len(frames)
    print(
        f"{name}: {len(frames)} frames, median {median(frames):.1f} ms,"
        f" 95 % {frames[int(len(frames) * 0.95)]:.1f} ms, worst {frames[-1]:.1f} ms, above 33 ms {late:.1%};"
        f" long tasks {len(tasks)}, the longest {max(tasks, default=0):.0f} ms;"
        f" drawn {drawn['STATE_PRESENTED_ALL']}, in part {drawn['STATE_PRESENTED_PARTIAL']},"
        f" dropped {drawn['STATE_DROPPED']}"
    )


def main() -> None:
    """Print the times of frames, and where the heads stood."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        workspace = shop(Path(name))
        document = large()
        workspace.put(dump_map(document), "large.yaml")
        workspace.close()
        print(f"{len(document.steps)} steps, {len(document.lanes)} lanes, {len(document.cells)} cells; 1440 x 900")
        with served(workspace.folder) as client, chromium() as browser:
            for path in ("/maps/large", "/maps/large?edit=1"):
                page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="de")
                begin = time.perf_counter()
                page.goto(client.address + path)
                page.locator("tbody th.lane").last.wait_for()
                print(f"{path}: on the screen in {time.perf_counter() - begin:.2f} s")
                page.wait_for_timeout(1000)
                seen = scrolled(page, across=True)
                told("to the right", seen)
                print(f"  scrolled {seen['across']} of {seen['wide']} px; lanes' titles at {spread(seen['left'])} px")
                page.evaluate("document.querySelector('div.wide').scrollLeft = 0")
                seen = scrolled(page, across=False)
                told("down", seen)
                print(
                    f"  scrolled {seen['page']} px (inside {seen['inside']}); steps' heads at {spread(seen['top'])} px"
                )
                page.evaluate("scrollTo(0, 0)")
                if "edit" not in path:
                    fit(page)
                page.close()
        print(f"Python {platform.python_version()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; no GPU")


def spread(places: list[float]) -> str:
    return f"{min(places):.0f} to {max(places):.0f}"


def fit(page: Page) -> None:
    """Whether the map fits to the width when asked to, and how wide a step is then."""
    page.locator("button.fit").click()
    page.wait_for_timeout(300)
    rest = page.evaluate(
        "(() => { const w = document.querySelector('div.wide'); return w.scrollWidth - w.clientWidth })()"
    )
    step = page.locator("thead tr").last.locator("th").nth(3).bounding_box()
    print(f"fit to width: {rest} px are left over, a step is {step['width'] if step else 0:.0f} px wide")
    if kept := os.environ.get("KEEP"):
        page.screenshot(path=kept)
    page.locator("button.fit").click()


if __name__ == "__main__":
    main()
