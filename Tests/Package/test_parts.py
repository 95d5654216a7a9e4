"""The program as a package lays it out: found through links, from any folder, with nothing set, and with parts missing.

What is copied here is the program of the build; `test_package.py` tries the packages themselves.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKBENCH = os.environ.get("WORKBENCH", str(ROOT / ".build-release/release/workbench"))
PACKAGING = ROOT / ".ci/packaging"
SCENARIO = ROOT / "Scenarios/steady.yaml"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A folder like that of the tarball."""
    folder = tmp_path_factory.mktemp("installed") / "workbench 0.1"
    (folder / "bin").mkdir(parents=True)
    shutil.copy2(WORKBENCH, folder / "bin/workbench")
    for part in ("DashboardServer/Web", "Runs/Catalogue", "ScenarioModel/Serving"):
        shutil.copytree(ROOT / "Sources" / part, folder / "share/workbench" / pathlib.Path(part).name)
    return folder / "bin/workbench"


@pytest.fixture(scope="module")
def run(program, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    done = call(program, "run", SCENARIO, "--formats", "csv", "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr
    return out


def call(program, *words, **variables):
    """With nothing of this machine's environment."""
    return subprocess.run(
        [program, *map(str, words)],
        env={"PATH": "/nowhere"} | variables,
        capture_output=True,
        text=True,
        cwd="/",
        timeout=120,
    )


def without(program, tmp_path, name):
    """The installation again, without one of its parts."""
    folder = tmp_path / "broken"
    shutil.copytree(program.parents[1], folder, copy_function=os.link)
    part = folder / "share/workbench" / name
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    return folder / "bin/workbench"


def complaint(done, status):
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_every_part_is_found_with_no_variable_set(program, run, tmp_path):
    page = tmp_path / "report.html"
    assert call(program, "report", run, "-o", page).returncode == 0
    assert "uPlot" in page.read_text()
    listed = call(program, "fixture", "--catalogue", "--list")
    assert listed.returncode == 0 and "leap-day" in listed.stdout
    assert "llama" in call(program, "catalogue", "models").stdout


def test_every_part_is_found_through_links(program, run, tmp_path):
    # To the file, to a link, to the folder; absolute and relative; under another name.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/wb").symlink_to(program)
    (tmp_path / "again").symlink_to("bin/wb")
    (tmp_path / "there").symlink_to(program.parents[1])
    for name in ("bin/wb", "again", "there/bin/workbench"):
        done = call(tmp_path / name, "report", run, "-o", tmp_path / f"{name.replace(chr(47), chr(45))}.html")
        assert done.returncode == 0, (name, done.stderr)
        assert call(tmp_path / name, "fixture", "--catalogue", "--list").returncode == 0
    found = subprocess.run(["wb", "catalogue", "hardware"], env={"PATH": str(tmp_path / "bin")}, capture_output=True)
    assert found.returncode == 0


@pytest.mark.parametrize(
    ("part", "words", "contents"),
    [
        ("Web", ["serve", "RUN"], "the files of the page"),
        ("Web", ["report", "RUN", "-o", "OUT"], "the files of the page"),
        ("Catalogue", ["fixture", "--catalogue", "-o", "OUT"], "the scenarios of edge cases"),
        ("Serving", ["catalogue", "models"], "the catalogues of accelerators and models"),
    ],
)
def test_a_missing_part_is_one_line(program, run, tmp_path, part, words, contents):
    broken = without(program, tmp_path, part)
    out = tmp_path / "out"
    done = call(broken, *({"RUN": run, "OUT": out}.get(word, word) for word in words))
    place = tmp_path / "broken/share/workbench" / part
    line = complaint(done, 69)
    assert line.startswith(f"{place}: error: {contents} are not there, nor in {tmp_path}/broken/bin/workbench_")
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("Web/index.html", ["serve", "RUN"]),
        ("Web/whatif.js", ["serve", "RUN"]),
        ("Web/format.js", ["report", "RUN", "-o", "OUT"]),
        ("Web/vendor/uplot.iife.min.js", ["report", "RUN", "-o", "OUT"]),
        ("Serving/cards.yaml", ["catalogue", "hardware"]),
    ],
)
def test_a_missing_file_of_a_part_is_one_line(program, run, tmp_path, file, words):
    broken = without(program, tmp_path, file)
    done = call(broken, *({"RUN": run, "OUT": tmp_path / "out"}.get(word, word) for word in words))
    line = complaint(done, 69)
    assert line.startswith(f"{tmp_path}/broken/share/workbench/{file}: error: ")
    assert "No such file or directory" in line
    assert not (tmp_path / "out").exists()


def test_a_page_of_ones_own_must_be_there(program, run):
    line = complaint(call(program, "serve", run, WORKBENCH_WEB="/nowhere"), 66)
    assert line == "/nowhere: error: WORKBENCH_WEB does not name a folder. Correct or unset it."


def test_without_duckdb_there_is_no_verdict(program, run, tmp_path):
    # A build says what to do in a checkout; a package brings a command.
    done = call(program, "validate", run)
    assert done.returncode == 2
    assert "pip install duckdb-cli" in done.stdout + done.stderr
    folder = tmp_path / "packaged"
    shutil.copytree(program.parents[1], folder, copy_function=os.link)
    shutil.copy2(PACKAGING / "workbench-install-duckdb", folder / "bin")
    done = call(folder / "bin/workbench", "validate", run)
    assert done.returncode == 2
    assert f"Install it: {folder}/bin/workbench-install-duckdb" in done.stdout + done.stderr
    done = call(folder / "bin/workbench", "validate", run, PATH=f"/nowhere:{folder}/bin")
    assert done.returncode == 2
    assert "Install it: workbench-install-duckdb" in done.stdout + done.stderr


def test_duckdb_is_found_where_its_command_installs_it(program, run, tmp_path):
    (tmp_path / ".local/bin").mkdir(parents=True)
    real = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", "import duckdb_cli; print(duckdb_cli.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / ".local/bin/duckdb").symlink_to(f"{real}/duckdb")
    done = call(program, "validate", run, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_for_duckdb_installs_what_the_tests_use(tmp_path):
    text = (PACKAGING / "workbench-install-duckdb").read_text()
    wanted = re.search(r"^duckdb-cli==(.+)$", (ROOT / ".ci/requirements-tests.txt").read_text(), re.MULTILINE)[1]
    assert re.search(r"^version=(.+)$", text, re.MULTILINE)[1] == wanted

    def install(*words):
        return subprocess.run(
            ["sh", PACKAGING / "workbench-install-duckdb", *map(str, words)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    assert "workbench-install-duckdb FILE.whl" in install("--help").stdout
    assert complaint(install("--no"), 64).startswith("workbench-install-duckdb: error: ")
    assert complaint(install(tmp_path / "absent.whl"), 66).startswith(f"{tmp_path}/absent.whl: error: ")
    (tmp_path / "other.whl").write_bytes(b"PK")
    assert complaint(install(tmp_path / "other.whl"), 65).startswith(
        f"{tmp_path}/other.whl: error: it is not duckdb-cli"
    )
    assert not (tmp_path / ".local").exists()


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    dump = subprocess.run([WORKBENCH, "--experimental-dump-help"], capture_output=True, check=True).stdout
    subprocess.run([PACKAGING / "manual", folder, "2026-11-28"], input=dump, check=True)
    return folder, json.loads(dump)["command"]


def names(command, words=()):
    words = [*words, command["commandName"]]
    yield "-".join(words)
    for child in command.get("subcommands", []):
        if child["commandName"] != "help":
            yield from names(child, words)


def test_every_command_has_a_page_of_the_manual(manual):
    folder, command = manual
    expected = set(names(command))
    assert {"workbench", "workbench-run", "workbench-import-otlp"} <= expected
    assert {page.stem for page in folder.iterdir()} == expected


def test_pages_of_the_manual_are_set_without_a_warning_and_say_what_help_says(manual):
    folder, _ = manual
    for page in sorted(folder.iterdir()):
        done = subprocess.run(
            ["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-rHY=0", "-P-cbou", page], capture_output=True, text=True
        )
        # Lines of examples may be longer than the page.
        said = [
            line
            for line in done.stderr.splitlines()
            if "cannot adjust line" not in line and "can't break line" not in line
        ]
        assert done.returncode == 0 and not said, (page.name, said)
        assert "EXAMPLES" in done.stdout or page.stem.count("-") == 2 or page.stem == "workbench-import", page.name
    text = subprocess.run(
        ["groff", "-Kutf8", "-man", "-Tascii", "-rHY=0", "-P-cbou", folder / "workbench.1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "EXAMPLES", "ENVIRONMENT", "EXIT STATUS"):
        assert f"\n{section}\n" in text, section
    assert "WORKBENCH_DUCKDB" in text and "workbench-run(1)" in text
    # Hyphens that can be copied, and examples on lines of their own.
    run = subprocess.run(
        ["groff", "-Kutf8", "-man", "-Tutf8", "-rHY=0", "-P-cbou", folder / "workbench-run.1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--formats formats" in run
    assert re.search(r"^ +workbench run .* -o Outputs", run, re.MULTILINE)


def test_the_completions_of_bash_know_the_commands():
    script = subprocess.run(
        [WORKBENCH, "--generate-completion-script", "bash"], capture_output=True, text=True, check=True
    ).stdout
    done = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            script + '\nCOMP_WORDS=(workbench v); COMP_CWORD=1; COMP_LINE="workbench v"; COMP_POINT=11\n'
            '_workbench workbench v workbench; echo "${COMPREPLY[@]}"',
        ],
        capture_output=True,
        text=True,
    )
    assert "validate" in done.stdout.split(), (done.stdout, done.stderr)
    for shell in ("zsh", "fish"):
        script = subprocess.run(
            [WORKBENCH, "--generate-completion-script", shell], capture_output=True, text=True, check=True
        )
        assert "validate" in script.stdout


def test_the_demonstration_takes_a_package_of_this_commit_and_of_no_other(tmp_path):
    clone = tmp_path / "clone"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy2(ROOT / ".ci/packaged", clone / ".ci")
    git = ["git", "-C", clone, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q", clone], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout[:12]
    packages = tmp_path / "packages"
    packages.mkdir()

    def found():
        done = subprocess.run([clone / ".ci/packaged", packages], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def package(commit):
        name = f"workbench-0.1.0+git20261128185042.{commit}-linux-{os.uname().machine}"
        (tmp_path / "program").write_text(f"#!/bin/sh\necho {commit}\n")
        (tmp_path / "program").chmod(0o755)
        with tarfile.open(packages / f"{name}.tar.xz", "w:xz") as archive:
            archive.add(tmp_path / "program", f"{name}/bin/workbench")

    assert found() is None
    package("0123456789ab")
    assert found() is None
    package(commit)
    assert subprocess.run([found()], capture_output=True, text=True, check=True).stdout == f"{commit}\n"
    # A changed tree is not its commit.
    (clone / ".ci/packaged").write_text((clone / ".ci/packaged").read_text() + "# changed\n")
    assert found() is None


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
