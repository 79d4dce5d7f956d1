"""The book: its notebook runs, and README's links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_notebook_runs_and_shows_what_it_says(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient and ipykernel")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "docs" / "deoldify.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs stay out of the repository"
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "docs")}}).execute()
    shown = [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    assert shown == [0, 3, 1, 1, 0, 0]
    page = json.dumps(notebook.cells[-2].outputs)
    assert "iframe" in page and "127.0.0.1" in page


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!\w+:|#)([^)#]+)", (ROOT / name).read_text())
    assert links or name == "CONTRIBUTING.md"
    assert [link for link in links if not (ROOT / link).exists()] == []
