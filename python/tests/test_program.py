"""Finding the program, and running it: errors by kind, time limits, interruption, progress."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import workbench
from workbench import errors, program

SCENARIOS = Path(__file__).resolve().parents[2] / "Scenarios"


def test_the_variable_comes_first():
    assert program.find() == Path(shutil.which(os.environ["WORKBENCH"])).absolute()
    assert program.version()[0].isdigit()


def test_a_variable_that_names_no_program_is_an_error(monkeypatch):
    monkeypatch.setenv("WORKBENCH", "/nowhere/workbench")
    with pytest.raises(workbench.ProgramNotFound, match="WORKBENCH is /nowhere/workbench, which is not a program"):
        program.find()


def test_the_bundled_program_comes_before_the_path(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH")
    monkeypatch.setattr(program, "__file__", str(tmp_path / "program.py"))
    for folder in (tmp_path / "bin", tmp_path / "path"):
        folder.mkdir()
        (folder / "workbench").write_text("#!/bin/sh\n")
        (folder / "workbench").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert program.find() == tmp_path / "bin/workbench"
    (tmp_path / "bin/workbench").unlink()
    assert program.find() == tmp_path / "path/workbench"
    (tmp_path / "path/workbench").unlink()
    with pytest.raises(workbench.ProgramNotFound, match="Install the Debian package"):
        program.find()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (1, workbench.Failed),
        (2, workbench.Inconclusive),
        (64, workbench.UsageError),
        (65, workbench.DataError),
        (66, workbench.NotFound),
        (70, workbench.InternalError),
        (73, workbench.OutputError),
        (99, workbench.InternalError),
        (130, workbench.Interrupted),
    ],
)
def test_every_status_has_its_kind(program, status, kind):
    program(f"echo 'week.yaml:3:7: error: wrong. Fix it.' >&2; exit {status}")
    with pytest.raises(workbench.WorkbenchError) as caught:
        workbench.aggregate("week")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.file, error.line, error.column) == (status, "week.yaml", 3, 7)
    assert str(error) == "week.yaml:3:7: error: wrong. Fix it."


def test_a_program_that_is_killed_is_an_internal_error(program):
    program("kill -9 $$")
    with pytest.raises(workbench.InternalError, match=r"SIGKILL\. Perhaps the machine ran out of memory"):
        workbench.aggregate("week")


def test_what_is_not_json_is_an_error(program):
    program("echo hello")
    with pytest.raises(workbench.UnexpectedAnswer, match="what the program printed is not JSON"):
        workbench.aggregate("week")
    program("echo '{\"account\": 3}'")
    with pytest.raises(workbench.UnexpectedAnswer, match="the dashboard has no query"):
        workbench.aggregate("week")


def test_diagnostics_are_read_with_their_places():
    said = "a:b.yaml:1:2: warning: w\nx: error: e\nworkbench: error: f\n--set a.b=c: error: g\nError: h\nUsage: …\n"
    found = errors.diagnostics(said)
    assert [(d.severity, d.file, d.line, d.column, d.override, d.message) for d in found] == [
        ("warning", "a:b.yaml", 1, 2, None, "w"),
        ("error", "x", None, None, None, "e"),
        ("error", None, None, None, None, "f"),
        ("error", None, None, None, "a.b=c", "g"),
        ("error", None, None, None, None, "h"),
    ]
    assert str(found[0]) == "a:b.yaml:1:2: warning: w"
    assert str(found[3]) == "set a.b=c: error: g"


def test_the_environment_of_a_ci_system_changes_nothing(program, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    program('test -z "$GITHUB_ACTIONS" && echo 0.0.0')
    assert workbench.program.version() == "0.0.0"


def test_a_time_limit_ends_the_program_and_leaves_nothing(tmp_path):
    began = time.monotonic()
    with pytest.raises(workbench.TimedOut, match=r"ended after 0\.5 s"):
        workbench.run(SCENARIOS / "support-assistant-month.yaml", out=tmp_path / "month", timeout=0.5)
    assert time.monotonic() - began < 60
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TimeoutError):
        workbench.run(SCENARIOS / "support-assistant-month.yaml", out=tmp_path / "month", timeout=0.01)
    with pytest.raises(workbench.UsageError, match="positive number of seconds"):
        workbench.run(SCENARIOS / "steady.yaml", timeout=0)


def test_ctrl_c_ends_the_program_and_leaves_nothing(tmp_path):
    # The shell may have started us with Ctrl-C ignored.
    script = (
        "import signal, workbench; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"workbench.run({str(SCENARIOS / 'support-assistant-month.yaml')!r}, out='month')"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(600):
        time.sleep(0.1)
        # The hidden name under which the run is written.
        if list(tmp_path.glob(".month.partial-*")):
            break
    assert list(tmp_path.iterdir())
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert list(tmp_path.iterdir()) == []
    assert subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, check=False).stdout == b""


def test_a_signal_that_another_thread_gets_interrupts_too(program):
    program("exec sleep 300")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            workbench.aggregate("week")
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 60


def test_a_program_that_does_not_end_is_killed(program, monkeypatch):
    monkeypatch.setattr(workbench.program, "GRACE_SECONDS", 0.3)
    program("trap '' INT TERM; while :; do sleep 0.1; done")
    with pytest.raises(workbench.TimedOut):
        workbench.program.execute(["--version"], timeout=0.5)


def test_progress_is_told_and_messages_stay_readable(program, capfd):
    bar = "printf '\\rSimulating " + "█" * 15 + "░" * 15 + " 50 %%  3 s left\\033[K\\r\\033[K' >&2"
    seen: list[workbench.Progress] = []
    program(f"{bar}; echo 'x: error: no.' >&2; test -t 2 || exit 70; exit 65")
    with pytest.raises(workbench.DataError) as caught:
        workbench.program.execute(["run"], progress=seen.append)
    assert seen == [workbench.Progress("Simulating", 0.5, 3.0)]
    assert str(caught.value) == "x: error: no."
    with pytest.raises(workbench.DataError):
        workbench.program.execute(["run"], progress=True)
    assert "Simulating: 50%, 3 s left" in capfd.readouterr().err


def test_a_missing_library_is_one_clear_message(run, monkeypatch):
    for name in ("pyarrow", "polars", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    for form, extra in (("arrow", "arrow"), ("polars", "polars"), ("pandas", "pandas")):
        with pytest.raises(ImportError, match=rf"pip install 'model-analytics-workbench\[{extra}\]'"):
            getattr(run.requests(), form)()


def test_importing_is_light():
    script = (
        "import sys, workbench, workbench.pytest_plugin;"
        "print([m for m in ('pandas', 'polars', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
