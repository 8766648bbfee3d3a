"""Hypothesis: repeatable examples without a clock; `make oracles` looks for thousands of new ones."""

from hypothesis import HealthCheck, settings

calm = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("etappe", max_examples=200, derandomize=True, **calm)
settings.register_profile("oracle", max_examples=5_000, print_blob=True, **calm)
settings.load_profile("etappe")
