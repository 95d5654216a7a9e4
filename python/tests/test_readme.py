"""The Python of the README and of the guide, block after block in one process, as a reader would type it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


@pytest.mark.parametrize("page", ["python/README.md", "Sources/workbench/Workbench.docc/Python.md"])
def test_what_the_page_shows_runs(page):
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    # The block of pytest is for a test suite; test_pytest_plugin.py tries what it shows.
    (suite,) = (b for b in blocks if "def test_" in b)
    compile(suite, "README", "exec")
    script = "\n".join(b for b in blocks if b != suite)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "README" in page:
        assert re.search(r"^\d+ requests$", done.stdout, re.M), done.stdout
        assert re.search(r"^2 1 unknown key", done.stdout, re.M), done.stdout
