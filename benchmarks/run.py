"""Run: the first questions beside DuckDB, ClickHouse and Polars, on one generated log; writes docs/benchmarks.md.

Each engine runs in a process of its own, so that peak memory is its own. Every question runs once to warm up and then
as often as `clock.py` says; the median counts. Answers are compared: an engine that gives
another number is a failed bar. DuckDB and Polars hold the log as their own table, sorted as they like it best.

    python benchmarks/run.py 1e6 1e7
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from clock import timed

ENGINES = ("etappe", "duckdb", "clickhouse", "polars")
PEERS = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
"""ClickHouse has an environment of its own; benchmarks/clickhouse.py asks it."""
GOAL = "purchase"
STEPS = ("product", "cart_add", "checkout_start", "purchase")
WINDOW_US = 7 * 86_400_000_000
GAP_US = 1_800_000_000
TOP = 100
WEEK_US, MONDAY_US, WEEKS = 7 * 86_400_000_000, 4 * 86_400_000_000, 12
"""1970 began on a Thursday; retention is shown up to week 12 after the first."""
FLOW = 10
BARS = {
    "funnel, 4 steps, 7 days": 15.0,
    "transitions, count + mean": 2.0,
    "transitions, with exact median": 3.0,
    "step flow, steps 1 to 10": 25.0,
    "top-100 variants": 1.5,
    "sessions, 30 min": 1.0,
    "Markov attribution": 7.0,
    "weekly retention": 5.0,
}
"""At least so many times faster than Polars at 10 M events; and faster than DuckDB and ClickHouse."""
BAR_AT = 10_000_000
IMPORT_BAR, FRESH_BAR, FRESH_AT = 10.0, 1.0, 1_000_000
"""Seconds: 10 M rows from the file to the first answer, all columns stored; a new process on 1 M stored events."""
WORKSPACE = "workspace"
MAPPING = """
customer = "customer_id"
time = "timestamp"
touchpoint = "touchpoint"
channel = "channel"
value = { column = "value", currency = "EUR" }
"""
FRESH = "import sys, etappe; etappe.funnel(etappe.open(sys.argv[1]).journeys(), sys.argv[2:], within='7d')"
OWN = ("funnel, with times and intervals", "sessions, with median duration", "reach", "stages")
"""What only Etappe answers here; shown, not compared."""

Result = tuple[Callable[[], object], Callable[[object], object]]
"""A question, and what of its answer is compared."""


def removal_shares(rows: list[tuple]) -> list[tuple[str, float]]:
    """Each touch's share of the removal effects, from (touchpoint before or none, touchpoint, last of all?, count)."""
    names = sorted({b for _, b, _, _ in rows} - {GOAL})
    at = {name: i + 1 for i, name in enumerate(names)}  # 0 is the start
    k = len(names)
    steps = np.zeros((k + 1, k + 3))  # then the conversion, and nothing
    for a, b, ends, n in rows:
        if b != GOAL:
            steps[at.get(a, 0), at[b]] += n
            steps[at[b], k + 2] += n * ends
        elif a not in (None, GOAL):
            steps[at[a], k + 1] += n
    chance = steps / steps.sum(axis=1, keepdims=True)
    kept = np.repeat(chance[None, :, : k + 1], k + 1, axis=0)
    for touch in range(1, k + 1):
        kept[touch, :, touch] = 0  # the first of the chains is the one without a removal
    whole, *without = np.linalg.solve(np.eye(k + 1) - kept, np.tile(chance[:, k + 1, None], (k + 1, 1, 1)))[:, 0, 0]
    effects = 1 - np.array(without) / whole
    return [(name, round(float(share), 6)) for name, share in zip(names, effects / effects.sum(), strict=True)]


def etappe_engine(path: Path) -> tuple[Callable[[], None], dict[str, Result]]:
    import etappe
    from etappe.apps.workspace import init
    from etappe.collect.mapping import read_mapping
    from etappe.config import Settings

    held = {}

    def load() -> None:
        workspace = init(path.parent / WORKSPACE, Settings(timezone="UTC"))
        workspace.import_files([path], mapping=read_mapping(MAPPING))
        held["j"] = workspace.journeys()
        etappe.funnel(held["j"], STEPS, within="7d")

    def pairs(answer):
        return sorted((r["from"], r["to"], r["count"], r["mean_us"], r.get("median_us")) for r in answer.rows())

    def steps(answer):
        rows = [row for row in answer.rows() if row["step"] > 1]
        return [
            [sum(r["count"] for r in rows if r["step"] == s) for s in range(2, FLOW + 1)],
            [sum(r["count"] for r in rows if r["step"] == s and r["to"] == "exit") for s in range(2, FLOW + 1)],
        ]

    def cohorts(answer):
        weeks = ((date.fromisoformat(r["cohort"]), r) for r in answer.rows() if r["cohort"] and r["active"])
        return sorted(((day - date(1970, 1, 5)).days // 7, r["period"], r["active"]) for day, r in weeks)

    def credited(answer):
        rows = [row for row in answer.rows() if row["touchpoint"] != "(none)"]
        seen = sum(row["credit"] for row in rows)
        return sorted((row["touchpoint"], round(row["credit"] / seen, 6)) for row in rows)

    def j():
        return held["j"]

    return load, {
        "funnel, 4 steps, 7 days": (
            lambda: etappe.funnel(j(), STEPS, within="7d", medians=False),
            lambda a: a.column("reached"),
        ),
        "transitions, count + mean": (lambda: etappe.transitions(j(), medians=False), pairs),
        "transitions, with exact median": (lambda: etappe.transitions(j()), pairs),
        "step flow, steps 1 to 10": (lambda: etappe.flow(j(), depth=FLOW, collapse=False), steps),
        "top-100 variants": (lambda: etappe.variants(j(), top=TOP), lambda a: a.column("count")),
        "sessions, 30 min": (lambda: etappe.sessions(j(), medians=False), lambda a: a.column("sessions")[0]),
        "weekly retention": (lambda: etappe.retention(j(), periods=WEEKS), cohorts),
        "Markov attribution": (
            lambda: etappe.attribution(j(), GOAL, model="markov", window=None, counts=False),
            credited,
        ),
        "funnel, with times and intervals": (lambda: etappe.funnel(j(), STEPS, within="7d"), None),
        "sessions, with median duration": (lambda: etappe.sessions(j()), None),
        "reach": (lambda: etappe.reach(j()), None),
        "stages": (lambda: etappe.stages(j()), None),
    }


def duckdb_engine(path: Path) -> tuple[Callable[[], None], dict[str, Result]]:
    import duckdb

    db = duckdb.connect()
    db.execute("set threads = 2")
    # A latest-start chain for each step, as a running maximum; equal times keep the order of rows (seq).
    chain = f"""
        with s0 as (select c, seq, t, tp from log where tp in ('product', 'cart_add', 'checkout_start', 'purchase')),
        s1 as (select *, max(case when tp = 'product' then t end) over w a from s0
               window w as (partition by c order by seq)),
        s2 as (select *, max(case when tp = 'cart_add' and t - a <= {WINDOW_US} then a end) over w b from s1
               window w as (partition by c order by seq)),
        s3 as (select *, max(case when tp = 'checkout_start' and t - b <= {WINDOW_US} then b end) over w d from s2
               window w as (partition by c order by seq))
        select count(distinct case when a is not null then c end), count(distinct case when b is not null then c end),
               count(distinct case when d is not null then c end),
               count(distinct case when tp = 'purchase' and t - d <= {WINDOW_US} then c end) from s3
    """
    pair = "select tp a, lead(tp) over w b, lead(t) over w - t d from log window w as (partition by c order by seq)"
    paths = "select c, list(tp order by seq) p from log group by c"
    numbered = """select tp a, lead(tp) over w b, row_number() over w r from log
        window w as (partition by c order by seq)"""

    steps = """select lag(tp) over w a, tp, lead(tp) over w is null e from log
        window w as (partition by c order by seq)"""
    weeks = f"""select a, w - a k, count(*) n from (select w, min(w) over (partition by c) a from
        (select distinct c, (t - {MONDAY_US}) // {WEEK_US} w from log)) where w - a <= {WEEKS} group by all"""

    def load() -> None:
        db.execute(
            f"""create table log as select dense_rank() over (order by customer_id)::integer c,
            row_number() over (order by customer_id, epoch_us("timestamp"), n)::integer seq,
            epoch_us("timestamp") t, touchpoint::enum_tp tp
            from (select *, row_number() over () n from '{path}') order by seq"""
        )
        ask(chain)

    def ask(sql: str) -> list[tuple]:
        return db.execute(sql).fetchall()

    db.execute(f"create type enum_tp as enum (select distinct touchpoint from '{path}')")
    return load, {
        "funnel, 4 steps, 7 days": (lambda: ask(chain), lambda rows: list(rows[0])),
        "transitions, count + mean": (
            lambda: ask(f"select a, b, count(*), sum(d) // count(*) from ({pair}) where b is not null group by all"),
            lambda rows: sorted((a, b, n, int(m), None) for a, b, n, m in rows),
        ),
        "transitions, with exact median": (
            lambda: ask(
                "select a, b, count(*), sum(d) // count(*), floor(median(d)) "
                f"from ({pair}) where b is not null group by all"
            ),
            lambda rows: sorted((a, b, n, int(m), int(x)) for a, b, n, m, x in rows),
        ),
        "step flow, steps 1 to 10": (
            lambda: ask(f"select r, a, b, count(*) from ({numbered}) where r < {FLOW} group by all"),
            lambda rows: [
                [sum(n for r, _, _, n in rows if r == s) for s in range(1, FLOW)],
                [sum(n for r, _, b, n in rows if r == s and b is None) for s in range(1, FLOW)],
            ],
        ),
        "top-100 variants": (
            lambda: ask(f"select p, count(*) n from ({paths}) group by p order by n desc limit {TOP}"),
            lambda rows: [n for _, n in rows],
        ),
        "sessions, 30 min": (
            lambda: ask(
                f"""select count(*) from (select t - lag(t) over (partition by c order by seq) d from log)
                where d is null or d > {GAP_US}"""
            ),
            lambda rows: rows[0][0],
        ),
        "weekly retention": (lambda: ask(weeks), sorted),
        "Markov attribution": (
            lambda: removal_shares(ask(f"select a, tp, e, count(*) from ({steps}) group by all")),
            sorted,
        ),
    }


def polars_engine(path: Path) -> tuple[Callable[[], None], dict[str, Result]]:
    import polars as pl

    held = {}

    def load() -> None:
        held["log"] = (
            pl.scan_parquet(path)
            .select(
                c=pl.col("customer_id").cast(pl.Categorical).to_physical(),
                t=pl.col("timestamp").to_physical(),
                tp=pl.col("touchpoint").cast(pl.Categorical),
            )
            .sort("c", "t", maintain_order=True)
            .collect()
        )
        funnel()

    def funnel():
        # The log is sorted, so a start is carried forward over all rows at once, with the customer it belongs to: many
        # times faster here than a window over each customer.
        log = held["log"].lazy().filter(pl.col("tp").is_in(pl.Series(STEPS, dtype=held["log"]["tp"].dtype)))
        for step, name in enumerate(STEPS):
            reached, start = pl.col("tp") == name, pl.col("t")
            if step:
                start = pl.col(f"s{step - 1}")
                reached &= (pl.col(f"c{step - 1}") == pl.col("c")) & (pl.col("t") - start <= WINDOW_US)
            held_here = [start.alias(f"s{step}"), pl.col("c").alias(f"c{step}")]
            log = log.with_columns(pl.when(reached).then(kept).forward_fill() for kept in held_here)
        return log.select(pl.col(f"c{i}").n_unique() - pl.col(f"c{i}").has_nulls() for i in range(4)).collect()

    def pairs(*extra):
        same = pl.col("c") == pl.col("c").shift(-1)
        log = held["log"].lazy().with_columns(b=pl.col("tp").shift(-1), d=pl.col("t").shift(-1) - pl.col("t"))
        return (
            log.filter(same)
            .group_by("tp", "b")
            .agg(pl.len(), (pl.col("d").sum() // pl.len()).alias("m"), *extra)
            .collect()
        )

    def told(frame):
        return sorted((a, b, n, m, int(x[0]) if x else None) for a, b, n, m, *x in frame.rows())

    def flow():
        # The row at which a customer begins is carried forward: four times faster here than a window over customers.
        log = held["log"].lazy().with_row_index("i")
        begins = pl.col("c") != pl.col("c").shift(1, fill_value=2**32 - 1)
        log = log.with_columns(begin=pl.when(begins).then("i").forward_fill(), b=pl.col("tp").shift(-1))
        same, step = pl.col("c") == pl.col("c").shift(-1), pl.col("i") - pl.col("begin")
        log = log.with_columns(r=step, b=pl.when(same).then("b")).filter(pl.col("r") < FLOW - 1)
        return log.group_by("r", "tp", "b").agg(pl.len().alias("n")).collect()

    def flowed(frame):
        ends = frame.filter(pl.col("b").is_null())
        return [part.group_by("r").agg(pl.col("n").sum()).sort("r")["n"].to_list() for part in (frame, ends)]

    def sessions():
        pause = pl.col("t") - pl.col("t").shift(1)
        starts = (pl.col("c") != pl.col("c").shift(1)) | (pause > GAP_US)
        return held["log"].lazy().select(starts.fill_null(True).sum()).collect().item()

    def markov():
        same = pl.col("c") == pl.col("c").shift(1)
        last = (pl.col("c") != pl.col("c").shift(-1)).fill_null(True)
        log = held["log"].lazy().select("tp", a=pl.when(same).then(pl.col("tp").shift(1)), e=last)
        return removal_shares(log.group_by("a", "tp", "e").len().select("a", "tp", "e", "len").collect().rows())

    def weeks():
        # The log is sorted: a customer's first week is carried forward, and a week counts where it differs from the
        # row before.
        week = held["log"].lazy().select("c", w=(pl.col("t") - MONDAY_US) // WEEK_US)
        begins = (pl.col("c") != pl.col("c").shift(1)).fill_null(True)
        first = pl.when(begins).then(pl.col("w")).forward_fill()
        active = begins | (pl.col("w") != pl.col("w").shift(1))
        cells = week.select(a=first, k=pl.col("w") - first, active=active).filter(pl.col("active"))
        return cells.filter(pl.col("k") <= WEEKS).group_by("a", "k").len().collect()

    def variants():
        paths = held["log"].lazy().group_by("c", maintain_order=False).agg(pl.col("tp").to_physical())
        return paths.group_by("tp").agg(pl.len().alias("n")).top_k(TOP, by="n").collect()

    def hashed():
        # Faster than grouping by lists: a text of codes for each journey.
        paths = held["log"].lazy().select("c", p=pl.col("tp").to_physical().cast(pl.String)).group_by("c").agg("p")
        return paths.select(p=pl.col("p").list.join(">")).group_by("p").len("n").top_k(TOP, by="n").collect()

    def quickest():
        # Whichever of the two ways Polars does faster here is the one it is measured with.
        if "way" not in held:
            times = {}
            for way in (variants, hashed):
                at = time.perf_counter()
                way()
                times[way] = time.perf_counter() - at
            held["way"] = min(times, key=times.get)
        return held["way"]()

    return load, {
        "funnel, 4 steps, 7 days": (funnel, lambda frame: list(frame.row(0))),
        "transitions, count + mean": (pairs, told),
        "transitions, with exact median": (lambda: pairs(pl.col("d").median().alias("x")), told),
        "step flow, steps 1 to 10": (flow, flowed),
        "top-100 variants": (quickest, lambda frame: sorted(frame["n"].to_list(), reverse=True)),
        "sessions, 30 min": (sessions, int),
        "weekly retention": (weeks, lambda frame: sorted(frame.rows())),
        "Markov attribution": (markov, sorted),
    }


def measure(engine: str, path: Path) -> dict[str, object]:
    """In a process of its own: load, ask, time, compare."""
    start = time.perf_counter()
    load, questions = {"etappe": etappe_engine, "duckdb": duckdb_engine, "polars": polars_engine}[engine](path)
    load()
    loaded = time.perf_counter() - start
    times, digests = {}, {}
    for name, (ask, compared) in questions.items():
        first, times[name] = timed(ask)
        digests[name] = json.dumps(compared(first)) if compared else None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"load": loaded, "times": times, "answers": digests, "peak": peak, "version": version(engine)}


def in_process(engine: str, path: Path) -> dict[str, object]:
    environment = {**os.environ, "POLARS_MAX_THREADS": str(os.cpu_count())}
    command = [sys.executable, __file__, "--engine", engine, str(path)]
    if engine == "clickhouse":
        command = [str(PEERS), str(Path(__file__).with_name("clickhouse.py")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def fresh(folder: Path) -> float:
    """Seconds from the start of a new process to its first answer, kernels compiled; the median of five."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", FRESH, folder / WORKSPACE, *STEPS], check=True)
        times.append(time.perf_counter() - begin)
    return median(times)


def table(events: int, results: dict[str, dict]) -> tuple[list[str], bool]:
    """Lines of Markdown, and whether every bar is met."""
    ours, met = results["etappe"], True
    lines = [
        f"## {events:,} events",
        "",
        "| question | Etappe | DuckDB | ClickHouse | Polars | Polars / Etappe | bar |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, bar in BARS.items():
        asked = [engine for engine in ENGINES if name in results[engine]["times"]]
        own, *others = (results[engine]["times"][name] for engine in asked)
        polars = results["polars"]["times"][name]
        same = len({results[engine]["answers"][name] for engine in asked}) == 1
        fine = same and polars / own >= bar and min(others) > own
        if not same:
            mark = "**answers differ**"
        elif events < BAR_AT:
            mark, fine = "", True
        else:
            mark = "met" if fine else "**missed**"
        met &= fine
        ratio = f"{polars / own:.1f}x"
        told = [f"{results[e]['times'][name] * 1e3:.1f} ms" if e in asked else "–" for e in ENGINES]
        lines.append(f"| {name} | {' | '.join(told)} | {ratio} | {bar:g}x {mark} |")
    lines += [f"| {name} | {ours['times'][name] * 1e3:.1f} ms | – | – | – | – | – |" for name in OWN]
    loads = " | ".join(f"{results[e]['load']:.1f} s" for e in ENGINES)
    peaks = " | ".join(f"{results[e]['peak']:.2f} GB" for e in ENGINES)
    within = ours["load"] <= IMPORT_BAR
    bar = ("10 s met" if within else "10 s **missed**") if events == BAR_AT else ""
    lines.append(f"| Parquet file to first answer | {loads} | – | {bar} |")
    quick = ours["fresh"] <= FRESH_BAR
    bar = ("1 s met" if quick else "1 s **missed**") if events == FRESH_AT else ""
    lines.append(f"| new process to first answer | {ours['fresh']:.2f} s | – | – | – | – | {bar} |")
    met &= (within or events != BAR_AT) and (quick or events != FRESH_AT)
    lines += [f"| peak memory | {peaks} | – | – |", ""]
    return lines, met


def main(sizes: list[int]) -> None:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`benchmarks/run.py`). The log is generated (`benchmarks/generate.py`): 40 kinds of",
        "touchpoint, journeys of mean length 9.7, in order of time. Every engine runs in a process of its own, warm;",
        "medians. The bars hold at 10 M events, against Polars in the same run; DuckDB and ClickHouse must be slower.",
        "Answers are compared, and equal unless the last column says otherwise. The others read a table of their own,",
        "sorted by customer and time; sorting is in the time to the first answer. Etappe's way there is an",
        "import: every row checked and stored in the lake with all its columns, then the columns built.",
        "",
    ]
    before, kept = os.getloadavg()[0], True
    for events in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.parquet"
            subprocess.run([sys.executable, Path(__file__).with_name("generate.py"), str(events), path], check=True)
            results = {engine: in_process(engine, path) for engine in ENGINES}
            results["etappe"]["fresh"] = fresh(path.parent)
        rows, met = table(events, results)
        lines += rows
        print("\n".join(rows), "all bars met" if met else "NOT all bars met")
        kept &= met
    versions = ", ".join(f"{engine} {results[engine]['version']}" for engine in ENGINES)
    now = datetime.now(UTC).date()
    busy = max(before, os.getloadavg()[0])
    # On a machine that others use at the same time neither the milliseconds nor the ratios are evidence.
    lines.append(
        f"Load of the machine during the run: up to {busy:.1f} on {os.cpu_count()} cores (our own part: about 2)."
    )
    lines.append("")
    lines.append(f"{versions}; Python {platform.python_version()}; {os.cpu_count()} cores {platform.machine()}; {now}.")
    target = Path(__file__).parents[1] / "docs" / "benchmarks.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not kept:
        raise SystemExit("Not every bar is met: see docs/benchmarks.md.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--engine"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main([int(float(size)) for size in sys.argv[1:] or ("1e6", "1e7")])
