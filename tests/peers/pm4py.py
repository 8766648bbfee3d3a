"""PM4Py in a process of its own (AGPL: a tool of the tests, never a dependency): variants and transitions of a log.

With "trees", the fitness of each case's alignment with each of these process trees instead, and how long that took.
"""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")  # its own, of its own dependencies; what counts is what it answers
import pandas as pd  # noqa: E402

sys.path.pop(0)  # this folder holds a file of the library's own name
import pm4py  # noqa: E402

asked = json.load(sys.stdin)
log = pd.DataFrame(asked["events"], columns=["case", "i", "t", "name"]).sort_values(["case", "i"])
log["time:timestamp"] = pd.to_datetime(log["t"], unit="s", utc=True)
log = log.rename(columns={"case": "case:concept:name", "name": "concept:name"}).astype({"case:concept:name": str})


def aligned(tree):
    """Fitness by case, and seconds."""
    net = pm4py.convert_to_petri_net(pm4py.parse_process_tree(tree))
    begin = time.perf_counter()
    found = pm4py.conformance_diagnostics_alignments(log, *net, return_diagnostics_dataframe=True)
    took = time.perf_counter() - begin
    return dict(zip(found["case_id"], found["fitness"], strict=True)), took


if "trees" in asked:
    json.dump([aligned(tree) for tree in asked["trees"]], sys.stdout)
    sys.exit()
variants = pm4py.get_variants(log)
pairs, _, _ = pm4py.discover_dfg(log)
json.dump(
    {
        "variants": sorted([" > ".join(path), int(count)] for path, count in variants.items()),
        "transitions": sorted([a, b, int(count)] for (a, b), count in pairs.items()),
    },
    sys.stdout,
)
