"""Where the packages of `make package` lie, and commands in roots of other systems."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = pathlib.Path(os.environ.get("WORKBENCH_PACKAGES", ROOT / ".build-package"))
SCENARIO = ROOT / "Scenarios/steady.yaml"
HERE = pathlib.Path(__file__).parent


def the(pattern):
    found = list(PACKAGES.glob(pattern))
    assert len(found) == 1, f"{PACKAGES}: {len(found)} packages are like {pattern}. Run make package."
    return found[0]


def debian():
    return the("workbench_*.deb")


def tarball():
    return the("workbench-*.tar.xz")


def inside(root, *command, check=True):
    """Runs a command in a root, offline."""
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, HERE / "enter.py", root, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not check or done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done


def another(bare, tmp_path_factory, name):
    root = tmp_path_factory.mktemp(name) / "root"
    subprocess.run(["cp", "-a", bare, root], check=True)
    return root
