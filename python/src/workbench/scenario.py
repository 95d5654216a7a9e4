"""Scenarios: from a file, a dictionary or YAML text, with changes on top."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from . import program
from .errors import DataError, Diagnostic, UsageError, diagnostics
from .program import ProgressOption
from .shapes import decode, flow

if TYPE_CHECKING:
    from .dataset import Run
    from .planning import Plan

PathLike: TypeAlias = str | os.PathLike[str]


class Scenario:
    """What is simulated. It does not change: `set` and `append` give another one.

    Scenario("week.yaml")                         a file
    Scenario({"workbench": 1, "name": …})         a dictionary of the same form
    Scenario.from_text("workbench: 1\\n…")        YAML

    A dictionary or a text names other files (traces, profiles) by whole paths, or relative to `folder`, if it is given.
    """

    def __init__(self, source: PathLike | Mapping[str, Any], *, folder: PathLike | None = None) -> None:
        self._folder = Path(folder) if folder is not None else None
        self._overrides: tuple[str, ...] = ()
        self._path: Path | None = None
        self._text: str | None = None
        if isinstance(source, Mapping):
            self._text = flow(source, indent=2)
        elif isinstance(source, (str, os.PathLike)):
            if isinstance(source, str) and "\n" in source:
                raise UsageError("A scenario's text goes to Scenario.from_text; Scenario takes a path or a dictionary.")
            if folder is not None:
                raise UsageError("folder= is for dictionaries and texts: a file names others from where it lies.")
            self._path = Path(source)
        else:
            raise UsageError(f"A scenario is a path or a dictionary, not {type(source).__name__}.")

    @classmethod
    def from_text(cls, text: str, *, folder: PathLike | None = None) -> Scenario:
        """A scenario from YAML text."""
        scenario = cls({}, folder=folder)
        scenario._text = text
        return scenario

    def __repr__(self) -> str:
        source = f'"{self._path}"' if self._path else "from text"
        return f"<Scenario {source}{''.join(f', {o}' for o in self._overrides)}>"

    @property
    def path(self) -> Path | None:
        """The file, if it is from one."""
        return self._path

    def is_of(self, other: Scenario) -> bool:
        """Whether both are of the same file or text, whatever is changed on top."""
        return (self._path, self._text) == (other._path, other._text)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What is changed on top, as `PATH=VALUE`."""
        return self._overrides

    @property
    def text(self) -> str:
        """The YAML (or JSON, which is YAML), without the changes on top."""
        return self._text if self._text is not None else (self._path or Path()).read_text(encoding="utf-8")

    def set(self, path: str, value: object) -> Scenario:
        """This scenario with one value changed: `.set("models.chat.load.scale", 1.5)`."""
        return self._with(f"{path}={flow(value)}")

    def append(self, path: str, value: object) -> Scenario:
        """This scenario with an element more in a list: `.append("incidents", {…})`."""
        return self._with(f"{path}+={flow(value)}")

    def _with(self, override: str) -> Scenario:
        other = Scenario({})
        other._path, other._text, other._folder = self._path, self._text, self._folder
        other._overrides = (*self._overrides, override)
        return other

    @contextlib.contextmanager
    def file(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The scenario as a file while it is used, and what that is called in messages."""
        if self._path:
            yield str(self._path), {}
            return
        descriptor, path = tempfile.mkstemp(prefix=".workbench-", suffix=".yaml", dir=self._folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self._text or "")
            yield path, {path: "scenario.yaml"}
        finally:
            os.unlink(path)

    def check(self, *, timeout: float | None = None) -> tuple[Diagnostic, ...]:
        """Checks everything in one pass. Returns the warnings.

        Raises DataError with all errors and warnings, each with its line and column.
        """
        with self.file() as (path, called):
            done = program.execute(
                ["check", path, "--json", *program.options(set=self._overrides)],
                expecting=(0, 1),
                timeout=timeout,
                called=called,
            )
        found = list(decode(tuple[Diagnostic, ...], done.json()))
        if done.status == 1:
            # What is said about an override is not in the JSON.
            known = {(d.message, d.line, d.column) for d in found}
            found += [d for d in diagnostics(done.said) if (d.message, d.line, d.column) not in known]
            wrong = "\n".join(str(d) for d in found if d.severity == "error")
            raise DataError(wrong or done.said.strip(), diagnostics=found, status=1)
        return tuple(found)

    def run(
        self,
        *,
        out: PathLike | None = None,
        formats: str | Sequence[str] | None = None,
        seed: int | None = None,
        replace: bool = False,
        threads: int | None = None,
        max_points: int | None = None,
        timeout: float | None = None,
        progress: ProgressOption = False,
    ) -> Run:
        """Simulates it; see `workbench.run`."""
        from .dataset import run

        return run(
            self,
            out=out,
            formats=formats,
            seed=seed,
            replace=replace,
            threads=threads,
            max_points=max_points,
            timeout=timeout,
            progress=progress,
        )

    def plan(self, **given: Any) -> Plan:
        """Asks "what if"; see `workbench.plan`."""
        from .planning import plan

        return plan(self, **given)


def scenario_of(source: Scenario | PathLike | Mapping[str, Any]) -> Scenario:
    """The scenario that a caller gives in any of the forms."""
    return source if isinstance(source, Scenario) else Scenario(source)
