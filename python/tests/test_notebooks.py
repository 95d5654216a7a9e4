"""The notebooks, executed from top to bottom in a kernel of their own."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NAMES = sorted(p.name for p in FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    def execute(name):
        notebook = nbformat.read(FOLDER / name, as_version=4)
        # In a folder of its own: a notebook must not need what happens to lie beside it.
        where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
        return notebook

    return execute


def test_there_are_three():
    assert NAMES == ["planner.ipynb", "qa.ipynb", "telemetry-to-plan.ipynb"]


@pytest.mark.parametrize("name", NAMES)
def test_notebook(executed, name):
    notebook = executed(name)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs), "no plot"
    warned = [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    assert warned == []


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_not_committed(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")
