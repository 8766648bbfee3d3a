"""Hypothesis: repeatable examples without a clock; `make oracles` looks for new ones."""

from hypothesis import HealthCheck, settings

settings.register_profile("etappe", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("oracle", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("etappe")
