"""The notebook runs from its first cell to its last, in a Jupyter kernel of its own, and shows what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


@pytest.mark.filterwarnings("ignore")  # the libraries of Jupyter warn of themselves
def test_the_notebook_runs_and_shows_tables_and_pictures():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [data["text/html"] for data in shown if "text/html" in data]
    assert sum("etappe-answer" in page for page in pages) >= 3
    assert any('<svg class="flow"' in page for page in pages)
    assert any("(True, [" in data.get("text/plain", "") for data in shown)
    assert all("outputs" not in cell or not cell["outputs"] for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
