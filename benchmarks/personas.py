"""Personas found in planted customers (synthetic, tests/planted_personas.py) and in noise: see docs/personas.md.

Run: python benchmarks/personas.py [SEEDS]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from sklearn.metrics import adjusted_rand_score

from etappe.analysis.behaviour import nearest
from etappe.analysis.clusters import find
from planted_personas import SETTINGS, planted, shuffled

GOAL = "online_purchase | store_purchase"


def main(seeds: int) -> None:
    """One line for each setting and seed."""
    print("setting | seed | oracle: accuracy, ARI | found k, ARI | with age: k, ARI | least stable | noise: k, gap | s")
    for name, setting in SETTINGS.items():
        for seed in range(1, seeds + 1):
            truth = planted(name, 3_000, seed)
            began = time.perf_counter()
            found = find(truth.journeys, goal=GOAL)
            took = time.perf_counter() - began
            ari = adjusted_rand_score(truth.persona, nearest(found.model, truth.journeys))
            aged = find(truth.journeys, goal=GOAL, traits=["age"]) if len(setting.weights) > 1 else found
            age = adjusted_rand_score(truth.persona, nearest(aged.model, truth.journeys))
            noise = find(shuffled(truth.journeys, seed), goal=GOAL)
            stable = min((centre.stability for centre in found.model.centres), default=1.0)
            gap = max((one.gap for one in noise.choices), default=0.0)
            print(
                f"{name} | {seed} | {truth.accuracy:.3f}, {adjusted_rand_score(truth.persona, truth.oracle):.3f}"
                f" | {len(found.sizes) or 1}, {ari:.3f}"
                f" | {len(aged.sizes) or 1}, {age:.3f}"
                f" | {stable:.2f} | {len(noise.sizes) or 1}, {gap:.3f} | {took:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
