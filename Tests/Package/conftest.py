"""Systems on which the packages are tried: each is made once, whoever asks for it."""

import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from packages import ROOT, SCENARIO, another, debian, inside, tarball


@pytest.fixture(scope="session")
def again(tmp_path_factory):
    """The packages made once more from the same build, while the other tests wait for a mirror of Debian."""
    folder = tmp_path_factory.mktemp("again") / "packages"
    making = subprocess.Popen(
        [ROOT / ".ci/packaging/make", ROOT / ".build-release", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield folder, making
    making.kill()
    making.wait()


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """The smallest Debian of this machine's release: what apt needs."""
    if os.getuid() != 0:
        pytest.skip("not tried in a bare Debian: making the root of another system needs root")
    root = tmp_path_factory.mktemp("bare") / "root"
    release = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    begin = time.monotonic()
    done = subprocess.run(["debootstrap", "--variant=minbase", release, root], capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode and re.search(r"Failed getting release file|Couldn't download", said):
        pytest.skip("not tried in a bare Debian: debootstrap reaches no mirror of Debian from here")
    assert done.returncode == 0, said[-2000:]
    print(f"\nA bare Debian in {time.monotonic() - begin:.1f} s.")
    for file in ("resolv.conf", "hosts"):
        shutil.copy2(pathlib.Path("/etc") / file, root / "etc" / file)
    shutil.copy2(SCENARIO, root / "root/steady.yaml")
    return root


@pytest.fixture(scope="session")
def installed(bare, tmp_path_factory):
    """A bare Debian after `apt install ./workbench_….deb`, and how long it was from there to a first dashboard."""
    root = another(bare, tmp_path_factory, "installed")
    shutil.copy2(debian(), root / "root")
    begin = time.monotonic()
    subprocess.run(
        [
            "chroot",
            root,
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            f"/root/{debian().name}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    middle = time.monotonic()
    inside(root, "workbench", "run", "steady.yaml", "--out", "run", "--quiet")
    inside(root, "workbench", "report", "run", "-o", "report.html")
    print(f"\nInstalled in {middle - begin:.1f} s, the first dashboard {time.monotonic() - middle:.1f} s later.")
    return root


@pytest.fixture(scope="session")
def unpacked(bare, tmp_path_factory):
    """A bare Debian with the tarball in a folder of somebody's, a link to it, and nothing installed."""
    root = another(bare, tmp_path_factory, "unpacked")
    (root / "opt/some folder").mkdir()
    subprocess.run(["tar", "-C", root / "opt/some folder", "-xf", tarball()], check=True)
    folder = next((root / "opt/some folder").iterdir())
    (root / "usr/local/bin/workbench").symlink_to(f"/opt/some folder/{folder.name}/bin/workbench")
    inside(root, "workbench", "run", "steady.yaml", "--out", "run", "--quiet")
    return root


@pytest.fixture(params=["installed", "unpacked"])
def system(request):
    return request.getfixturevalue(request.param)
