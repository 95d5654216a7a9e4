"""What can go wrong, as exceptions: one kind for each exit status of the program."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Severity: TypeAlias = Literal["error", "warning", "inconclusive"]


@dataclass(frozen=True)
class Diagnostic:
    """One thing that the program says, with its place where there is one."""

    message: str
    severity: Severity = "error"
    #: The file, directory or address that it is about.
    file: str | None = None
    line: int | None = None
    column: int | None = None
    #: The `PATH=VALUE` that it is about, if it was set on top of the file.
    override: str | None = None

    def __str__(self) -> str:
        place = f"set {self.override}" if self.override else self.file
        if place and self.line is not None:
            place += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.message}" if place else self.message


class WorkbenchError(Exception):
    """Anything that this package raises of its own."""

    def __init__(self, message: str, *, diagnostics: Sequence[Diagnostic] = (), status: int | None = None) -> None:
        super().__init__(message)
        #: What is wrong and how to fix it.
        self.message = message
        #: Everything that the program said, in its order.
        self.diagnostics = tuple(diagnostics)
        #: The program's exit status, if it ran.
        self.status = status

    @property
    def _first(self) -> Diagnostic | None:
        return next((d for d in self.diagnostics if d.severity != "warning"), None)

    @property
    def file(self) -> str | None:
        """The file, directory or address of the first error."""
        return self._first.file if self._first else None

    @property
    def line(self) -> int | None:
        """The line of the first error, from 1."""
        return self._first.line if self._first else None

    @property
    def column(self) -> int | None:
        """The column of the first error, from 1."""
        return self._first.column if self._first else None


class Failed(WorkbenchError):
    """A check failed (status 1) in a command whose result says no more than that."""


class Inconclusive(WorkbenchError):
    """No verdict was possible (status 2), and the message says why. Never a success."""

    def __init__(
        self,
        message: str,
        *,
        diagnostics: Sequence[Diagnostic] = (),
        status: int | None = 2,
        result: Any = None,
    ) -> None:
        super().__init__(message, diagnostics=diagnostics, status=status)
        #: What was found nevertheless: a Comparison, a Validation or a Plan; None if there is nothing.
        self.result = result


class UsageError(WorkbenchError):
    """An argument is wrong (status 64)."""


class DataError(WorkbenchError):
    """A scenario, data set or other document is wrong (status 65)."""


class NotFound(WorkbenchError):
    """An input does not exist (status 66)."""


class ProgramNotFound(NotFound):
    """There is no workbench program on this machine, it cannot be started, or a part of it is missing (status 69)."""


class InternalError(WorkbenchError):
    """The program has failed by its own fault, or was killed (status 70, or a signal)."""


class UnexpectedAnswer(InternalError):
    """The program answered what this version of the package cannot read."""


class OutputError(WorkbenchError):
    """The output cannot be written, or it exists already (status 73)."""


class Interrupted(WorkbenchError):
    """Somebody else interrupted the program (status 130). Ctrl-C in Python is a KeyboardInterrupt as ever."""


class TimedOut(WorkbenchError, TimeoutError):
    """The program took longer than `timeout=`. It was ended and left nothing behind."""


class MissingExtra(WorkbenchError, ImportError):
    """A library that this needs is not installed."""


_KINDS: dict[int, type[WorkbenchError]] = {
    1: Failed,
    2: Inconclusive,
    64: UsageError,
    65: DataError,
    66: NotFound,
    69: ProgramNotFound,
    70: InternalError,
    73: OutputError,
    130: Interrupted,
}

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<severity>error|warning): (?P<message>.*)")
_NAMED = re.compile(r"(?P<file>.+?): (?P<severity>error|warning|inconclusive): (?P<message>.*)")
_USAGE = re.compile(r"Error: (?P<message>.*)")


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Reads what the program wrote to standard error."""
    found: list[Diagnostic] = []
    for line in text.splitlines():
        if match := _PLACED.fullmatch(line) or _NAMED.fullmatch(line):
            parts = match.groupdict()
            place = parts["file"]
            is_set = place.startswith("--set ")
            found.append(
                Diagnostic(
                    message=parts["message"],
                    severity=cast(Severity, parts["severity"]),
                    file=None if is_set or place == "workbench" else place,
                    line=int(parts["line"]) if parts.get("line") else None,
                    column=int(parts["column"]) if parts.get("column") else None,
                    override=place.removeprefix("--set ") if is_set else None,
                )
            )
        elif match := _USAGE.fullmatch(line):
            found.append(Diagnostic(message=match["message"]))
    return tuple(found)


def error_of(status: int, said: str, found: Sequence[Diagnostic] | None = None) -> WorkbenchError:
    """The exception for an exit status and what the program wrote to standard error."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = " Perhaps the machine ran out of memory." if -status == signal.SIGKILL else ""
        return InternalError(f"The workbench was ended by {name}.{hint}\n{said}".strip(), status=status)
    found = diagnostics(said) if found is None else tuple(found)
    wrong = [d for d in found if d.severity != "warning"]
    message = "\n".join(str(d) for d in wrong) or said.strip() or f"The workbench ended with status {status}."
    return _KINDS.get(status, InternalError)(message, diagnostics=found, status=status)
