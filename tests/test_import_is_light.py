"""`import etappe` costs next to nothing: what is heavy loads when it is used."""

import subprocess
import sys

import pytest

HEAVY = {"numba", "duckdb", "pyarrow", "deltalake", "sqlalchemy", "litestar", "pandas", "polars", "numpy", "scipy"}
LIGHT = ["errors", "units", "language", "vocabulary", "documents", "config"]
ARRAYS_ONLY = ["arrays", "expression", "journeys.columns", "journeys.stages", "maps.document"]


def loaded_by(code: str) -> set[str]:
    """Top-level packages in the memory of a fresh Python after `code`."""
    script = f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_package_loads_nothing_heavy():
    assert loaded_by("import etappe; etappe.EtappeError; dir(etappe)") & HEAVY == set()


@pytest.mark.parametrize("module", LIGHT)
def test_the_words_load_nothing_heavy(module):
    assert loaded_by(f"import etappe.{module}") & HEAVY == set()


@pytest.mark.parametrize("module", ARRAYS_ONLY)
def test_columns_and_documents_need_no_engine(module):
    assert loaded_by(f"import etappe.{module}") & (HEAVY - {"numpy"}) == set()


def test_every_public_name_is_there():
    code = "import etappe; [getattr(etappe, name) for name in etappe.__all__]"
    assert "numba" in loaded_by(code)
    with pytest.raises(subprocess.CalledProcessError):
        loaded_by("import etappe; etappe.funnle")
