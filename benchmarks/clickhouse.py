"""ClickHouse, beside the others in run.py, in an environment of its own (.venv-peers): the questions it has words for.

.venv-peers/bin/python benchmarks/clickhouse.py /tmp/log.parquet
"""

import json
import resource
import sys
import time
from functools import partial
from importlib.metadata import version

import chdb
from clock import timed

STEPS = ("product", "cart_add", "checkout_start", "purchase")
WINDOW_US = 7 * 86_400_000_000
GAP_US = 1_800_000_000
TOP = 100
WEEK_US, MONDAY_US, WEEKS = 7 * 86_400_000_000, 4 * 86_400_000_000, 12
PAIR = """select tp a, leadInFrame(tp) over w b, leadInFrame(t) over w - t d, leadInFrame(1) over w more from log
    window w as (partition by c order by seq rows between unbounded preceding and unbounded following)"""
MEANT = ", ".join(f"tp = '{step}'" for step in STEPS)
QUESTIONS = {
    "funnel, 4 steps, 7 days": f"""select countIf(l >= 1), countIf(l >= 2), countIf(l >= 3), countIf(l >= 4) from
        (select windowFunnel({WINDOW_US})(toUInt64(t), {MEANT}) l from log group by c)""",
    "transitions, count + mean": f"""select a, b, count(), intDiv(sum(d), count())
        from ({PAIR}) where more group by a, b""",
    "transitions, with exact median": f"""select a, b, count(), intDiv(sum(d), count()),
        toInt64(floor((quantileExactLow(d) + quantileExactHigh(d)) / 2)) from ({PAIR}) where more group by a, b""",
    "step flow, steps 1 to 10": """select r, a, if(more, b, ''), count() from (select tp a,
        leadInFrame(tp) over w b, leadInFrame(1) over w more, row_number() over w r from log
        window w as (partition by c order by seq rows between unbounded preceding and unbounded following))
        where r < 10 group by all""",
    "top-100 variants": f"""select n from (select p, count() n from
        (select groupArray(tp) p from (select c, tp from log order by c, seq) group by c) group by p)
        order by n desc limit {TOP}""",
    "sessions, 30 min": f"""select countIf(first or d > {GAP_US}) from (select
        t - lagInFrame(t) over w d, lagInFrame(1) over w = 0 first from log
        window w as (partition by c order by seq rows between unbounded preceding and unbounded following))""",
    "weekly retention": f"""select a, w - a k, count() from (select min(w) a, groupUniqArray(w) ws from
        (select c, intDiv(t - {MONDAY_US}, {WEEK_US}) w from log) group by c) array join ws as w
        where w - a <= {WEEKS} group by a, k""",
}


def main(path: str) -> None:
    """Load, ask, time; the same JSON as run.py's own engines."""
    db = chdb.connect(":memory:")
    start = time.perf_counter()
    db.query(
        f"""create table log engine = MergeTree order by (c, seq) as
        select toUInt32(substring(assumeNotNull(customer_id), 2)) c,
            row_number() over (order by customer_id, timestamp, n) seq,
            toUnixTimestamp64Micro(assumeNotNull(timestamp)) t, toLowCardinality(assumeNotNull(touchpoint)) tp
        from (select *, rowNumberInAllBlocks() n from file('{path}', Parquet))"""
    )

    def ask(sql: str) -> list[list[object]]:
        return [json.loads(line) for line in str(db.query(sql, "JSONCompactEachRow")).splitlines()]

    ask(QUESTIONS["funnel, 4 steps, 7 days"])
    loaded = time.perf_counter() - start
    times, answers = {}, {}
    for name, sql in QUESTIONS.items():
        answer, times[name] = timed(partial(ask, sql))
        rows = [[int(v) if str(v).lstrip("-").isdigit() else v for v in row] for row in answer]
        found: object = rows[0]
        if name.startswith("transitions"):
            found = sorted((a, b, n, m, x[0] if x else None) for a, b, n, m, *x in rows)
        elif name.startswith("step"):
            ends = [row for row in rows if row[2] == ""]
            found = [[sum(row[3] for row in part if row[0] == s) for s in range(1, 10)] for part in (rows, ends)]
        elif name.startswith("top"):
            found = [row[0] for row in rows]
        elif name.startswith("weekly"):
            found = sorted(rows)
        elif name.startswith("sessions"):
            found = rows[0][0]
        answers[name] = json.dumps(found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    json.dump(
        {"load": loaded, "times": times, "answers": answers, "peak": peak, "version": version("chdb")}, sys.stdout
    )


if __name__ == "__main__":
    main(sys.argv[1])
