"""Peers: the questions of run.py as DuckDB and Polars are asked them, each as quickly as we found it to answer.

Polars is asked three of them a second time in the words its users would write, a window over each customer: these are
the ones that the bars were measured with (docs/decisions/0007-peers.md).
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

GOAL = "purchase"
STEPS = ("product", "cart_add", "checkout_start", "purchase")
WINDOW_US = 7 * 86_400_000_000
GAP_US = 1_800_000_000
TOP = 100
WEEK_US, MONDAY_US, WEEKS = 7 * 86_400_000_000, 4 * 86_400_000_000, 12
"""1970 began on a Thursday; retention is shown up to week 12 after the first."""
FLOW = 10
USUAL = ", as usual"

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

    def funnel_over():
        log = held["log"].lazy().filter(pl.col("tp").is_in(pl.Series(STEPS, dtype=held["log"]["tp"].dtype).implode()))
        for step, name in enumerate(STEPS):
            reached, start = pl.col("tp") == name, pl.col("t")
            if step:
                start = pl.col(f"s{step - 1}")
                reached &= pl.col("t") - start <= WINDOW_US
            log = log.with_columns(pl.when(reached).then(start).forward_fill().over("c").alias(f"s{step}"))
        reached = (pl.col("c").filter(pl.col(f"s{i}").is_not_null()).n_unique().alias(f"n{i}") for i in range(4))
        return log.select(reached).collect()

    def flow_over():
        step, after = pl.int_range(pl.len()).over("c").alias("r"), pl.col("tp").shift(-1).over("c").alias("b")
        log = held["log"].lazy().with_columns(step, after).filter(pl.col("r") < FLOW - 1)
        return log.group_by("r", "tp", "b").agg(pl.len().alias("n")).collect()

    def weeks_over():
        week = held["log"].lazy().select("c", w=(pl.col("t") - MONDAY_US) // WEEK_US).unique()
        first = pl.col("w").min().over("c")
        cells = week.select(a=first, k=pl.col("w") - first).filter(pl.col("k") <= WEEKS)
        return cells.group_by("a", "k").len().collect()

    return load, {
        "funnel, 4 steps, 7 days": (funnel, lambda frame: list(frame.row(0))),
        "transitions, count + mean": (pairs, told),
        "transitions, with exact median": (lambda: pairs(pl.col("d").median().alias("x")), told),
        "step flow, steps 1 to 10": (flow, flowed),
        "top-100 variants": (quickest, lambda frame: sorted(frame["n"].to_list(), reverse=True)),
        "sessions, 30 min": (sessions, int),
        "weekly retention": (weeks, lambda frame: sorted(frame.rows())),
        "Markov attribution": (markov, sorted),
        f"funnel, 4 steps, 7 days{USUAL}": (funnel_over, lambda frame: list(frame.row(0))),
        f"step flow, steps 1 to 10{USUAL}": (flow_over, flowed),
        f"weekly retention{USUAL}": (weeks_over, lambda frame: sorted(frame.rows())),
    }
