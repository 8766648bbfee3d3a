"""Processes: what retentioneering and PM4Py answer of the same questions, in the environment of the peers.

They have no window in a funnel and no mean beside a count, so they are asked what they have words for, and Etappe the
same. Neither reports home: this version of retentioneering has no telemetry.

.venv-peers/bin/python benchmarks/processes.py retentioneering /tmp/log.parquet
"""

import contextlib
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

warnings.filterwarnings("ignore")  # their own, of their own dependencies
import pandas as pd  # noqa: E402
from clock import timed  # noqa: E402

STEPS = ["product", "cart_add", "checkout_start", "purchase"]
TOP = 100
Questions = dict[str, tuple[Callable[[], object], Callable[..., object]]]


def read(path: str) -> pd.DataFrame:
    log = pd.read_parquet(path, columns=["customer_id", "timestamp", "touchpoint"])
    return log.sort_values(["customer_id", "timestamp"], kind="stable", ignore_index=True)


def retentioneering(path: str) -> Questions:
    from retentioneering import Eventstream

    schema = {"path_cols": ["customer_id"], "event_col": "touchpoint", "timestamp_col": "timestamp"}
    stream = Eventstream(read(path), schema)

    def pairs(frame: pd.DataFrame) -> object:
        cells = frame.stack()
        return sorted([a, b, int(n)] for (a, b), n in cells.items() if n and not {a, b} & {"path_start", "path_end"})

    return {
        "transitions, counts": (lambda: stream.transition_graph_data(edge_weight="count"), pairs),
        "funnel, 4 steps, no window": (
            lambda: stream.funnel_data(steps=STEPS),
            lambda found: [step["unique_paths"] for step in found["steps"]],
        ),
    }


def pm4py(path: str) -> Questions:
    import pm4py as library

    log = library.format_dataframe(
        read(path), case_id="customer_id", activity_key="touchpoint", timestamp_key="timestamp"
    )
    return {
        "transitions, counts": (
            lambda: library.discover_dfg(log)[0],
            lambda found: sorted([a, b, int(n)] for (a, b), n in found.items()),
        ),
        "top-100 variants": (
            lambda: library.get_variants(log),
            lambda found: sorted(found.values(), reverse=True)[:TOP],
        ),
    }


if __name__ == "__main__":
    name, path = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        begin = time.perf_counter()
        questions = {"retentioneering": retentioneering, "pm4py": pm4py}[name](path)
        loaded, times, answers = time.perf_counter() - begin, {}, {}
        for question, (ask, compared) in questions.items():
            first, times[question] = timed(ask)
            answers[question] = json.dumps(compared(first))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"load": loaded, "times": times, "answers": answers, "peak": peak, "version": version(name)}))
