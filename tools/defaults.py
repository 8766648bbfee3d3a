"""Defaults: write the default registry's JSON from its YAML files, so that no process has to read YAML to begin."""

from pathlib import Path

import msgspec

from etappe.journeys.stages import read_defaults

DATA = Path(__file__).parents[1] / "src" / "etappe" / "journeys" / "data"

if __name__ == "__main__":
    (DATA / "defaults.json").write_bytes(msgspec.json.format(msgspec.json.encode(read_defaults())) + b"\n")
