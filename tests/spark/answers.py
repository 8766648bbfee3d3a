"""Run in .venv-spark: asks workspaces and lakes on Spark, and writes the answers as JSON. Spark is set from outside.

With "kill", an executor is killed as soon as its first worker counts: the run must go on without it.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import etappe
from etappe.engines import spark
from etappe.errors import EtappeError


def children(parent: int, of: bytes) -> list[int]:
    """The processes that a process started, by a word of their command lines."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(state[1]) == parent and of in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it is gone
            continue
    return found


def kill_one(killed: list[int]) -> None:
    """Kill the first executor that counts."""
    while not killed:
        for driver in children(os.getpid(), b"SparkSubmit"):
            for executor in children(driver, b"CoarseGrainedExecutorBackend"):
                if children(executor, b"pyspark.daemon"):
                    os.kill(executor, signal.SIGKILL)
                    killed.append(executor)
                    return
        time.sleep(0.05)


def answered(folder: Path, question: dict[str, object], days: dict[str, str]) -> dict[str, object]:
    """The answer of a workspace, or of a lake's events alone; or the refusal."""
    try:
        if (folder / "etappe.toml").exists():
            return etappe.open(folder).ask(question, engine="spark", **days).to_dict()
        return spark.answer(folder, question).to_dict()
    except EtappeError as refusal:
        return refusal.to_dict()


def main() -> None:
    asked = json.load(sys.stdin)
    killed: list[int] = []
    if asked.get("kill"):
        threading.Thread(target=kill_one, args=(killed,), daemon=True).start()
    answers = [answered(Path(folder), question, days) for folder, question, days in asked["questions"]]
    json.dump({"answers": answers, "killed": killed}, sys.stdout)


main()
