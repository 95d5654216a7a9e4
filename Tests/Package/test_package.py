"""The packages of `make package`, tried where people use them: in a bare Debian, offline. `.ci/package` runs this.

It needs root, since it makes roots of other systems.
"""

import filecmp
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from packages import PACKAGES, ROOT, SCENARIO, another, debian, inside, tarball, the

pytestmark = pytest.mark.usefixtures("again")

SERVED = r"""
workbench serve run > address &
server=$!
for _ in $(seq 100); do [ -s address ] && break; sleep 0.1; done
port=$(sed -n 's|.*http://127.0.0.1:\([0-9]*\).*|\1|p' address | head -1)
for path in / /style.css /app.js /vendor.js /api/runs; do
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$path" "$port" >&3
  echo "$path $(head -1 <&3)"
  exec 3<&-
done
kill "$server"
"""


def test_it_serves_the_dashboard(system):
    lines = inside(system, "bash", "-c", SERVED).stdout.splitlines()
    assert len(lines) == 5 and all(line.strip().endswith("200 OK") for line in lines), lines


def test_it_writes_reports(system):
    inside(system, "workbench", "report", "run", "-o", "again.html")
    assert "uPlot" in (system / "root/again.html").read_text()


def test_it_writes_the_catalogue_of_edge_cases(system):
    inside(system, "workbench", "fixture", "--catalogue", "-o", "catalogue", "--quiet")
    cases = {path.name for path in (system / "root/catalogue").iterdir()}
    sources = {path.stem for path in (ROOT / "Sources/Runs/Catalogue").glob("*.yaml")}
    assert len(cases) == len(sources) + 1 and "leap-day" in cases


def test_it_knows_cards_models_and_time_zones(system):
    assert "llama" in inside(system, "workbench", "catalogue", "models").stdout
    # What a bare system has no database for.
    inside(
        system,
        "workbench",
        "run",
        "steady.yaml",
        "--set",
        "account.timeZone=Asia/Kathmandu",
        "--formats",
        "none",
        "--out",
        "zone",
        "--quiet",
    )


def test_it_gives_the_same_bytes_as_the_program_of_the_build(system, tmp_path):
    ours = os.environ.get("WORKBENCH", str(ROOT / ".build-release/release/workbench"))
    subprocess.run([ours, "run", SCENARIO, "--out", tmp_path / "run", "--quiet"], check=True)
    names = [path.relative_to(tmp_path / "run") for path in sorted((tmp_path / "run").rglob("*")) if path.is_file()]
    assert len(names) > 5
    _, different, missing = filecmp.cmpfiles(tmp_path / "run", system / "root/run", names, shallow=False)
    assert not different and not missing


def test_validate_gives_no_verdict_without_duckdb_and_one_with_it(system, tmp_path):
    done = inside(system, "workbench", "validate", "run", check=False)
    assert done.returncode == 2
    assert "workbench-install-duckdb" in done.stdout + done.stderr
    subprocess.run(
        [ROOT / ".venv/bin/pip", "download", "--quiet", "--no-deps", "--dest", tmp_path, wanted()], check=True
    )
    wheel = next(tmp_path.glob("*.whl"))
    subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys, zipfile; "
                "open(sys.argv[2], 'wb').write(zipfile.ZipFile(sys.argv[1]).read('duckdb_cli/duckdb'))"
            ),
            wheel,
            system / "usr/local/bin/duckdb",
        ],
        check=True,
    )
    (system / "usr/local/bin/duckdb").chmod(0o755)
    try:
        assert inside(system, "workbench", "validate", "run").returncode == 0
    finally:
        (system / "usr/local/bin/duckdb").unlink()


def wanted():
    return re.search(r"^duckdb-cli==.+$", (ROOT / ".ci/requirements-tests.txt").read_text(), re.MULTILINE)[0]


def test_duckdb_is_installed_by_one_command(installed, tmp_path_factory):
    root = another(installed, tmp_path_factory, "duckdb")
    done = inside(root, "workbench-install-duckdb", check=False)
    assert done.returncode == 69 and done.stderr.count("\n") == 1 and "apt install python3" in done.stderr
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
            "python3",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    subprocess.run(
        [ROOT / ".venv/bin/pip", "download", "--quiet", "--no-deps", "--dest", root / "root", wanted()], check=True
    )
    wheel = next((root / "root").glob("duckdb_cli-*.whl"))
    done = inside(root, "workbench-install-duckdb", wheel.name)
    assert done.stdout.startswith("/usr/local/bin/duckdb: v")
    assert inside(root, "workbench", "validate", "run").returncode == 0


def test_the_container_file_makes_a_system_that_runs_it(bare, tmp_path_factory):
    # What it does, done to the same Debian: there is no engine for containers here.
    text = (ROOT / "cluster/kubernetes/Dockerfile").read_text().replace("\\\n", "")
    steps = dict(line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert list(steps) == ["FROM", "COPY", "RUN", "USER", "ENTRYPOINT"] and steps["FROM"].startswith("debian:")
    root = another(bare, tmp_path_factory, "container")
    pattern, target = steps["COPY"].split()
    assert (ROOT / pattern).parent.resolve() == PACKAGES.resolve() and debian().match(pathlib.Path(pattern).name)
    shutil.copy2(debian(), root / target.strip("/"))
    subprocess.run(
        ["chroot", root, "sh", "-c", steps["RUN"]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    user = [f"--reuid={steps['USER']}", f"--regid={steps['USER']}", "--clear-groups"]
    done = inside(root, "setpriv", *user, *json.loads(steps["ENTRYPOINT"]), "catalogue", "models")
    assert "llama" in done.stdout


def test_it_is_found_through_links(installed):
    inside(installed, "bash", "-c", "ln -sf /usr/bin/workbench one && ln -sf one two && ln -sfn /usr there")
    for name in ("./one", "./two", "there/bin/workbench"):
        inside(installed, "rm", "-f", "linked.html")
        inside(installed, name, "report", "run", "-o", "linked.html")
        inside(installed, name, "fixture", "--catalogue", "--list")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("Web", "serve run"),
        ("Web", "report run -o no.html"),
        ("Catalogue", "fixture --catalogue -o no"),
        ("Serving", "catalogue hardware"),
    ],
)
def test_a_missing_part_is_one_line(installed, part, words):
    folder = installed / "usr/share/workbench"
    (folder / part).rename(folder / "gone")
    try:
        done = inside(installed, "workbench", *words.split(), check=False)
    finally:
        (folder / "gone").rename(folder / part)
    assert done.returncode == 69
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"/usr/share/workbench/{part}: error: "), done.stderr
    assert not (installed / "root/no").exists() and not (installed / "root/no.html").exists()


def test_a_missing_library_is_one_line(unpacked):
    library = next((unpacked / "opt/some folder").iterdir()) / "lib/workbench/libgsl.so.27"
    library.rename(library.with_name("gone"))
    try:
        done = inside(unpacked, "workbench", "--version", check=False)
    finally:
        library.with_name("gone").rename(library)
    assert done.returncode == 127
    assert done.stderr.count("\n") == 1 and "libgsl.so.27" in done.stderr, done.stderr


def test_the_package_is_whole(installed):
    listed = subprocess.run(["dpkg-deb", "--contents", debian()], capture_output=True, text=True, check=True).stdout
    for path in (
        "usr/share/man/man1/workbench.1.gz",
        "usr/share/man/man1/workbench-run.1.gz",
        "usr/share/man/man1/workbench-install-duckdb.1.gz",
        "usr/share/bash-completion/completions/workbench",
        "usr/share/zsh/vendor-completions/_workbench",
        "usr/share/fish/vendor_completions.d/workbench.fish",
        "usr/share/doc/workbench/copyright",
        "usr/share/doc/workbench/changelog.gz",
        "usr/share/doc/workbench/changelog.Debian.gz",
        "usr/share/doc/workbench/licences/GRDB.swift",
        "usr/share/doc/workbench/licences/swift-runtime",
        "usr/share/doc/workbench/licences/swift-nio.notice",
        "usr/share/doc/workbench/licences/hummingbird",
    ):
        assert f" ./{path}\n" in listed, path
    # Whoever made it owns nothing in it.
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())
    fields = subprocess.run(
        ["dpkg-deb", "--field", debian(), "Depends"], capture_output=True, text=True, check=True
    ).stdout
    for library in ("libc6", "libgsl27", "libpq5", "libsqlite3-0", "libssl3", "libzstd1", "zlib1g", "libjansson4"):
        assert re.search(rf"\b{library}\b", fields), fields
    # What dpkg has written down is what lies there.
    assert not inside(installed, "dpkg", "--verify", "workbench").stdout
    inside(installed, "bash", "-c", "source /usr/share/bash-completion/completions/workbench && complete -p workbench")


def test_the_wheel_has_the_program_inside(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*install, the("*.whl")], check=True)
    script = (
        "import workbench, pathlib; print(workbench.program.find()); "
        f"print(workbench.Scenario({str(SCENARIO)!r}).run(formats=[]).path.is_dir())"
    )
    done = subprocess.run(
        [python, "-c", script], env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}/venv/lib/python3") and done.stdout.endswith("\nTrue\n"), done.stdout
    report = [tmp_path / "venv/bin/python", "-m", "pip", "show", "--files", "model-analytics-workbench"]
    listed = subprocess.run(report, capture_output=True, text=True, check=True).stdout
    assert "workbench/share/workbench/Web/index.html" in listed and "licenses/libgsl27" in listed


def test_the_tarball_carries_the_licences_of_its_libraries():
    with tarfile.open(tarball()) as archive:
        names = archive.getnames()
        owners = {(member.uid, member.gid) for member in archive.getmembers()}
    folder = names[0]
    libraries = [name for name in names if name.startswith(f"{folder}/lib/workbench/")]
    assert f"{folder}/lib/workbench/libgsl.so.27" in libraries and len(libraries) > 15
    assert f"{folder}/share/doc/workbench/licences/libgsl27" in names
    assert f"{folder}/share/doc/workbench/licences/libssl3" in names
    assert not any(re.search(r"/lib(c|m)\.so", name) for name in libraries)
    assert owners == {(0, 0)}


def test_no_file_holds_a_path_of_this_machine(installed, unpacked):
    swift = pathlib.Path(shutil.which("swift")).resolve().parents[1]
    needles = [f"{place}/".encode() for place in (ROOT, swift, pathlib.Path.home()) if str(place) != "/"]
    folders = [
        installed / "usr/share/workbench",
        installed / "usr/share/doc/workbench",
        next((unpacked / "opt/some folder").iterdir()),
    ]
    files = [installed / "usr/bin/workbench"] + [f for folder in folders for f in folder.rglob("*") if f.is_file()]
    assert len(files) > 100
    for file in files:
        content = file.read_bytes()
        assert not any(needle in content for needle in needles), file


def test_made_again_the_packages_are_the_same(again):
    folder, making = again
    _, said = making.communicate(timeout=300)
    assert making.returncode == 0, said
    for package in (debian(), tarball(), the("*.whl")):
        assert filecmp.cmp(package, folder / package.name, shallow=False), package.name
