"""The README's Python, block after block in one process, as a reader would type it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def test_the_readme_runs():
    blocks = BLOCK.findall((ROOT / "python/README.md").read_text(encoding="utf-8"))
    # The block of pytest is for a test suite; test_pytest_plugin.py tries what it shows.
    (suite,) = (b for b in blocks if "import pytest" in b)
    compile(suite, "README", "exec")
    script = "\n".join(b for b in blocks if b != suite)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "requests" in done.stdout
    assert re.search(r"^2 1 unknown key", done.stdout, re.M), done.stdout
