"""Directories for what is kept only as long as the process."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path


@functools.cache
def _root(process: int) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="workbench-")


def scratch(name: str) -> Path:
    """A path that is free, in a directory that goes when this process ends."""
    return Path(tempfile.mkdtemp(dir=_root(os.getpid()).name)) / name
