"""The program: where it is, and how it is run, watched, limited in time and interrupted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import Inconclusive, ProgramNotFound, TimedOut, UsageError, diagnostics, error_of
from .shapes import parse

#: How long an interrupted program may take to remove what it has not finished, before it is killed.
GRACE_SECONDS = 15.0


@dataclass(frozen=True)
class Progress:
    """How far the program has come with one step of its work."""

    #: What it is doing, such as "Simulating".
    step: str
    #: From 0 to 1.
    share: float
    #: As the program estimates; None at the beginning.
    seconds_left: float | None


#: True shows a line on standard error, a function gets every state; False is silent.
ProgressOption = bool | Callable[[Progress], None]


def find() -> Path:
    """Where the program is: what `WORKBENCH` names, inside this package, or on the PATH.

    Raises ProgramNotFound, whose message says what to do.
    """
    if given := os.environ.get("WORKBENCH"):
        if found := shutil.which(given):
            return Path(found).absolute()
        raise ProgramNotFound(
            f"WORKBENCH is {given}, which is not a program that can be run. Correct it, or unset it to use another one."
        )
    bundled = Path(__file__).parent / "bin" / "workbench"
    if os.access(bundled, os.X_OK) and bundled.is_file():
        return bundled
    if found := shutil.which("workbench"):
        return Path(found).absolute()
    raise ProgramNotFound(
        "There is no workbench program: not in this package, and not on the PATH. Install the Debian package or a "
        "wheel that contains it, or build it (make build) and set WORKBENCH to .build-release/release/workbench."
    )


def version() -> str:
    """The program's version, such as "0.1.0"."""
    return execute(["--version"]).output.strip()


def duckdb() -> Path | None:
    """The DuckDB command line, for Parquet: `WORKBENCH_DUCKDB`, that of this environment, or on the PATH."""
    if given := os.environ.get("WORKBENCH_DUCKDB"):
        return Path(given)
    # What `duckdb-cli` installs as `duckdb` starts Python first, which takes longer than most of what DuckDB does.
    if (package := importlib.util.find_spec("duckdb_cli")) and package.origin:
        inside = Path(package.origin).with_name("duckdb")
        if inside.is_file() and os.access(inside, os.X_OK):
            return inside
    found = shutil.which("duckdb")
    return Path(found).absolute() if found else None


@dataclass(frozen=True)
class Completed:
    """A program that has ended with a status that its caller expects."""

    status: int
    output: str
    said: str

    def json(self) -> Any:
        return parse(self.output, "what the program printed")


def execute(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    expecting: Sequence[int] = (0,),
    timeout: float | None = None,
    progress: ProgressOption = False,
    called: Mapping[str, str] | None = None,
) -> Completed:
    """Runs the program until it ends.

    - `expecting`: statuses that are results. Any other raises the exception of its kind.
    - `timeout`: after this many seconds the program is interrupted, and TimedOut is raised.
    - `called`: what paths of our own (temporary files) are called in messages.

    Ctrl-C interrupts the program, waits until it has removed what it has not finished, and is raised as ever.
    """
    if timeout is not None and not timeout > 0:
        raise UsageError(f"timeout must be a positive number of seconds, not {timeout}.")
    words = [os.fspath(a) for a in arguments]
    program = find()
    environment = {k: v for k, v in os.environ.items() if k != "GITHUB_ACTIONS"} | {"NO_COLOR": "1"}
    if "WORKBENCH_DUCKDB" not in environment and (found := duckdb()):
        environment["WORKBENCH_DUCKDB"] = str(found)
    with _Bar(progress) as bar:
        try:
            # In a session of its own, so that Ctrl-C reaches it once, from us.
            child = subprocess.Popen(
                [program, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=bar.theirs if bar.theirs is not None else subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as problem:
            raise ProgramNotFound(f"{program} cannot be started: {problem.strerror}.") from problem
        assert child.stdout
        output, said = _Reader(child.stdout), _Reader(bar.ours(child), bar.take)
        try:
            # Never without a limit: a signal that another thread gets does not wake a wait that has none.
            child.wait(threading.TIMEOUT_MAX if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            _end(child)
            raise TimedOut(f"workbench {words[0]} was ended after {timeout:g} s. Allow more with timeout=.") from None
        except BaseException:
            _end(child)
            raise
        finally:
            output.join()
            said.join()
            child.stdout.close()
    printed, messages = output.text(), said.text()
    for path, name in (called or {}).items():
        printed, messages = printed.replace(path, name), messages.replace(path, name)
    if child.returncode not in expecting:
        raise error_of(child.returncode, messages)
    return Completed(child.returncode, printed, messages)


def inconclusive(completed: Completed, result: object) -> Inconclusive:
    """The exception for status 2, with what was found nevertheless."""
    found = diagnostics(completed.said)
    reasons = [str(d) for d in found if d.severity == "inconclusive"]
    return Inconclusive("\n".join(reasons) or completed.said.strip(), diagnostics=found, result=result)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Asks the program to end, upon which it removes what it has not finished.

    It does so on Ctrl-C too, but a program that was started in the background may have been told to ignore that.
    """
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except BaseException as problem:
            # It hangs, or somebody presses Ctrl-C again.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if not isinstance(problem, subprocess.TimeoutExpired):
                raise


class _Reader(threading.Thread):
    """Reads a stream to its end, so that the program never waits for us."""

    def __init__(self, stream: IO[bytes], take: Callable[[bytes], None] | None = None) -> None:
        super().__init__(daemon=True)
        self._stream, self._take = stream, take
        self._parts: list[bytes] = []
        self.start()

    def run(self) -> None:
        # A terminal whose other side is closed answers with an error.
        with contextlib.suppress(OSError):
            while part := os.read(self._stream.fileno(), 1 << 16):
                self._parts.append(part)
                if self._take:
                    self._take(part)

    def text(self) -> str:
        text = b"".join(self._parts).decode(errors="replace")
        return _BAR.sub("", text.replace("\r\n", "\n"))


#: A state of the program's bar, or the blank that removes it.
_BAR = re.compile(r"\r(?:([^\r\n]*?) [█░]{30} (\d+) %(?:  (\d+) s left)?)?\x1b\[K")


class _Bar:
    """Listens to the program's progress, which it shows on a terminal only: so it gets one."""

    def __init__(self, option: ProgressOption) -> None:
        self._tell = option if callable(option) else _show if option else None
        self._rest = ""
        self._pair: tuple[int, int] | None = None
        self._stream: IO[bytes] | None = None
        self._has_shown = False

    def __enter__(self) -> _Bar:
        if self._tell:
            self._pair = os.openpty()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            self._stream.close()
        elif self._pair:
            for descriptor in self._pair:
                os.close(descriptor)
        if self._has_shown and self._tell is _show:
            sys.stderr.write("\r\x1b[K" if sys.stderr.isatty() else "\n")
            sys.stderr.flush()

    @property
    def theirs(self) -> int | None:
        return self._pair[1] if self._pair else None

    def ours(self, child: subprocess.Popen[bytes]) -> IO[bytes]:
        if self._pair:
            os.close(self._pair[1])
            self._stream = os.fdopen(self._pair[0], "rb", buffering=0)
        else:
            self._stream = child.stderr
        assert self._stream
        return self._stream

    def take(self, part: bytes) -> None:
        if not self._tell:
            return
        self._rest += part.decode(errors="ignore")
        end = 0
        for match in _BAR.finditer(self._rest):
            end = match.end()
            if match[1] is not None:
                self._has_shown = True
                self._tell(Progress(match[1], int(match[2]) / 100, float(match[3]) if match[3] else None))
        self._rest = self._rest[end:]


def _show(progress: Progress) -> None:
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    sys.stderr.write(f"\r{progress.step}: {progress.share:.0%}{left}\x1b[K")
    sys.stderr.flush()


def options(**given: object) -> Iterator[str]:
    """Options of the command line: `max_points=3` is `--max-points 3`; None and False are left out."""
    for name, value in given.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        if value is True:
            yield option
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield f"{option}={item}"
        elif value is not None and value is not False:
            # A value that begins with a dash is not an option.
            yield f"{option}={value}"


def formats_option(formats: str | Sequence[str] | None) -> str:
    """The formats of a data set, by default those from which frames are read at once."""
    if formats is None:
        return "parquet" if duckdb() else "csv"
    return formats if isinstance(formats, str) else ",".join(formats) or "none"
