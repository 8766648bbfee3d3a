"""Conformance: the alignments of a log with two plans, by Etappe and by PM4Py (in the environment of the peers).

The log is `receipt` (a case's touchpoints in time, at one instant in the order of the file); the plans are its most
frequent order, and one with ways and repeats. Every fitness is compared, then the median of several runs.

python benchmarks/conformance.py ../shared/data/process_logs/receipt.parquet
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from clock import timed

from etappe.analysis.conformance import Conformance, find
from etappe.analysis.conformance_count import run
from etappe.journeys.frames import journeys_from

ROOT = Path(__file__).parents[1]
BEGIN, CHECK, DETERMINE, SEND, ADVICE, STOP = (
    "Confirmation of receipt", "T02 Check confirmation of receipt", "T04 Determine confirmation of receipt",
    "T05 Print and send confirmation of receipt", "T06 Determine necessity of stop advice",
    "T10 Determine necessity to stop indication",
)  # fmt: skip
DRAFT = "T07-1 Draft intern advice aspect 1"


def quoted(*names: str) -> list[str]:
    return [f"'{name}'" for name in names]


ORDER = quoted(BEGIN, CHECK, DETERMINE, SEND, ADVICE, STOP)
A, B, C, D, E, F = ORDER
(G,) = quoted(DRAFT)
PLANS = {
    "the most frequent order": (" -> ".join(ORDER), f"->({', '.join(ORDER)})"),
    "ways and repeats": (
        f"{A} -> ({B}+ -> {C}+ -> {D}+ -> {E} | {E} -> {G}* -> {F} -> {B}+ -> {C}+ -> {D}+) -> {F}?",
        f"->({A}, X(->(*({B}, tau), *({C}, tau), *({D}, tau), {E}),"
        f" ->({E}, X(*({G}, tau), tau), {F}, *({B}, tau), *({C}, tau), *({D}, tau))), X({F}, tau))",
    ),
}

if __name__ == "__main__":
    log = pd.read_parquet(sys.argv[1]) if sys.argv[1].endswith("parquet") else pd.read_csv(sys.argv[1])
    log = log.rename(columns={"case:concept:name": "case", "concept:name": "name", "time:timestamp": "at"})
    log["at"] = pd.to_datetime(log["at"], utc=True, format="mixed")
    log = log[["case", "name", "at"]].sort_values(["case", "at"], kind="stable", ignore_index=True)
    held = journeys_from(log, customer="case", time="at", touchpoint="name")
    cases = held.names(np.arange(len(held)))
    events = [(case, i, i, name) for i, (case, name) in enumerate(zip(log["case"], log["name"], strict=True))]
    python, script = ROOT / ".venv-peers" / "bin" / "python", ROOT / "tests" / "peers" / "pm4py.py"
    asked = {"events": events, "trees": [tree for _, tree in PLANS.values()] * 2}
    done = subprocess.run([python, script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    for i, (name, (plan, _)) in enumerate(PLANS.items()):
        question = Conformance(plan=plan, others="extra")
        _, ours = timed(lambda question=question: find(held, question))
        fitness = run(held, question).fitness()
        known = np.array([theirs[i][0][case] for case in cases])
        seconds = min(theirs[i][1], theirs[i + len(PLANS)][1])
        print(
            f"{name}: {len(held):,} cases, {held.events:,} events; Etappe {ours * 1e3:.1f} ms,"
            f" PM4Py {seconds * 1e3:,.0f} ms ({seconds / ours:,.0f} times as long);"
            f" largest difference {np.nanmax(np.abs(fitness - known)):.1e}, mean fitness {np.nanmean(fitness):.4f}"
        )
