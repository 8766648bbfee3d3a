"""Large: questions over columns that are larger than is comfortable, up to a billion events; writes docs/large.md.

The columns are generated as they lie on disk (11 bytes an event: time, touchpoint, channel in two bytes) and mapped
into memory; no import, which `run.py` measures. Each question is asked once from the disk's cache as it is, and three
times again; the median of these counts. Every question runs in a process of its own, so that its memory is its own.

    python benchmarks/large.py 1e8 1e9
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from generate import AT, OWN_CHANNEL, START_US, TOUCHPOINTS, YEAR_US, _walk, model

CHUNK = 2_000_000
STEPS = ["product", "cart_add", "checkout_start", "purchase"]
QUESTIONS = {
    "funnel, 4 steps, 7 days": "etappe.funnel(j, STEPS, within='7d', medians=False)",
    "transitions, count + mean": "etappe.transitions(j, medians=False)",
    "transitions, with exact median": "etappe.transitions(j)",
    "step flow, steps 1 to 10": "etappe.flow(j, depth=10)",
    "top-100 variants": "etappe.variants(j, top=100)",
    "sessions, 30 min": "etappe.sessions(j, medians=False)",
    "Markov attribution": "etappe.attribution(j, 'purchase', model='markov')",
    "weekly retention": "etappe.retention(j, period='week')",
    "reach": "etappe.reach(j)",
}


def generate(events: int, folder: Path) -> None:
    """Write offsets, times and touchpoints, journey after journey, without ever holding them all."""
    first, after = model()
    own = np.array(OWN_CHANNEL)
    rng = np.random.default_rng(7)
    done, chunk = 0, 0
    offsets = [np.zeros(1, np.int64)]
    with (folder / "time.bin").open("wb") as times, (folder / "touchpoint.bin").open("wb") as codes:
        while done < events:
            lengths = np.clip(np.rint(rng.lognormal(np.log(4.7), 1.2, CHUNK // 9)).astype(np.int64), 1, 2000)
            ends = np.cumsum(lengths)
            n = min(len(lengths), int(np.searchsorted(ends, events - done)) + 1)
            lengths = lengths[:n]
            lengths[-1] -= max(0, int(lengths.sum()) - (events - done))
            inner = np.concatenate(([0], np.cumsum(lengths)))
            seeds = rng.integers(0, 2**31 - 1, n)
            t, c, _, _ = _walk(inner, seeds, first, after, own, AT["purchase"], START_US, YEAR_US)
            t.tofile(times)
            c.tofile(codes)
            offsets.append(inner[1:] + done)
            done += int(inner[-1])
            chunk += 1
    np.concatenate(offsets).tofile(folder / "offsets.bin")


def ask(folder: Path, question: str) -> None:
    """One question in this process: seconds of each run, and the memory that is its own."""
    import etappe
    from etappe.journeys.columns import journeys_of

    maps = [np.memmap(folder / name, kind, "r") for name, kind in COLUMNS.items()]
    j = journeys_of(maps[0], maps[1], maps[2], TOUCHPOINTS)
    names = {"etappe": etappe, "j": j, "STEPS": STEPS}
    runs = []
    for _ in range(4):
        begin = time.perf_counter()
        eval(question, names)
        runs.append(time.perf_counter() - begin)
    status = Path("/proc/self/status").read_text()
    held = {
        line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith(("Rss", "VmHWM"))
    }
    print(json.dumps({"first": runs[0], "again": median(runs[1:]), "peak": held["VmHWM"], "own": held["RssAnon"]}))


COLUMNS = {"offsets.bin": np.int64, "time.bin": np.int64, "touchpoint.bin": np.uint8}


def main(sizes: list[int]) -> None:
    """Generate, ask, write the page."""
    lines = [
        "# Large",
        "",
        "Written by `benchmarks/large.py` over generated columns (synthetic), mapped into memory. *First* is the first",
        "time in a new process, with the compiled kernels loaded; *again* the median of three more. *Own* is memory",
        "that is not a mapped file: the system takes mapped pages back when it needs them. Times are",
        "those of the machine as it was, with other work on it.",
        "",
    ]
    for events in sizes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
            folder = Path(name)
            begin = time.perf_counter()
            generate(events, folder)
            size = sum(file.stat().st_size for file in folder.iterdir()) / 2**30
            lines += [
                f"## {events:,} events",
                "",
                f"{size:.1f} GB of columns, generated in {time.perf_counter() - begin:.0f} s.",
                "",
                "| question | first | again | peak | own |",
                "|---|--:|--:|--:|--:|",
            ]
            for title, question in QUESTIONS.items():
                command = [sys.executable, __file__, "--ask", str(folder), question]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(f"{title}: {done.stderr[-2000:]}")
                got = json.loads(done.stdout)
                row = f"| {title} | {got['first']:.2f} s | {got['again']:.2f} s "
                lines.append(row + f"| {got['peak'] / 2**20:.2f} GB | {got['own'] / 2**20:.2f} GB |")
                print(lines[-1], flush=True)
            lines.append("")
    now = datetime.now(UTC).date()
    lines.append(f"Python {platform.python_version()}; {os.cpu_count()} cores {platform.machine()}; {now}.")
    (Path(__file__).parents[1] / "docs" / "large.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        ask(Path(sys.argv[2]), sys.argv[3])
    else:
        main([int(float(size)) for size in sys.argv[1:] or ("1e8", "1e9")])
