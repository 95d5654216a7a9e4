"""Fixtures: small data sets with the figures that a dashboard must show for them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import program
from .dashboard import Dashboard, Kind
from .dataset import DataSet, Run
from .errors import NotFound, OutputError, UsageError
from .program import ProgressOption
from .scenario import PathLike, Scenario
from .scratch import scratch
from .shapes import decode, parse, written


@dataclass(frozen=True)
class Query:
    """A question that a dashboard is asked, and what the answer must be."""

    account: str
    kind: Kind
    period: str
    now: datetime
    #: The expected figures, from the fixture's directory.
    file: str
    #: What it is good for, in words.
    exercises: str
    model: str | None = None
    version: str | None = None
    provider: str | None = None
    deployed_at: datetime | None = None
    max_points: int | None = None
    #: The fixture's directory.
    folder: str = ""

    @property
    def name(self) -> str:
        """Short, and different from that of every other query of the fixture: "acme/external-7d"."""
        return self.file.removeprefix("dashboard/").removesuffix(".json")

    @property
    def path(self) -> Path:
        """The file with the expected figures."""
        return Path(self.folder) / self.file

    @property
    def json(self) -> Mapping[str, Any]:
        """The expected figures as JSON."""
        found: Mapping[str, Any] = parse(self.path.read_text(encoding="utf-8"), str(self.path))
        return found

    @property
    def expected(self) -> Dashboard:
        """The expected figures."""
        return Dashboard.of(self.json, str(self.path))


class Fixture(Run):
    """A run directory with queries, their expected figures, and SQL to load a product's database with."""

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """All questions, in the fixture's order."""
        file = self.path / "queries.json"
        if not file.is_file():
            raise NotFound(f"{self.source}: this is a run, but not a fixture (no queries.json).")
        items = parse(file.read_text(encoding="utf-8"), str(file))
        return decode(tuple[Query, ...], [item | {"folder": self.source} for item in items], str(file))

    def sql(self, dialect: str) -> Path:
        """The tables and rows as SQL: `postgresql` or `sqlite`."""
        if dialect not in ("postgresql", "sqlite"):
            raise UsageError(f'There is no SQL for "{dialect}". There is for: postgresql, sqlite.')
        return self.path / "sql" / f"{dialect}.sql"

    def sqlite(self, path: PathLike) -> Path:
        """Makes a SQLite database of the data set, in the telemetry schema."""
        if os.path.exists(path):
            raise OutputError(f"{os.fspath(path)}: it exists already. Give another name, or move it out of the way.")
        database = sqlite3.connect(path)
        try:
            database.executescript(self.sql("sqlite").read_text(encoding="utf-8"))
        finally:
            database.close()
        return Path(path)


def fixture(
    source: Scenario | DataSet | PathLike | Mapping[str, Any],
    *,
    out: PathLike | None = None,
    requests: int | str | None = None,
    formats: str | Sequence[str] | None = None,
    anchor: str | date | None = None,
    anonymise: bool = False,
    salt: str | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    progress: ProgressOption = False,
) -> Fixture:
    """Makes a fixture from a scenario or a data set.

    - `out`: its directory; without it, one that goes when this process ends.
    - `requests`: how many, or "all"; by default 1,000.
    - `anchor`: the date on which the data end, or "today".
    """
    target = Path(out) if out is not None else scratch("fixture")
    options = program.options(
        output=target,
        requests=requests,
        formats=program.formats_option(formats),
        anchor=written(anchor) if anchor is not None else None,
        anonymise=anonymise,
        salt=salt,
        seed=seed,
    )
    quiet = [] if progress else ["--quiet"]
    if isinstance(source, Mapping):
        source = Scenario(source)
    if isinstance(source, Scenario):
        with source.file() as (path, called):
            program.execute(
                ["fixture", path, *options, *program.options(set=source.overrides), *quiet],
                timeout=timeout,
                progress=progress,
                called=called,
            )
    else:
        program.execute(["fixture", os.fspath(source), *options, *quiet], timeout=timeout, progress=progress)
    return Fixture(target)


def catalogue_names() -> Mapping[str, str]:
    """The edge cases of the catalogue, and what each is for."""
    lines = program.execute(["fixture", "--catalogue", "--list"]).output.splitlines()
    return {name: text.strip() for name, _, text in (line.partition(" ") for line in lines if line)}


def catalogue(
    *names: str, out: PathLike | None = None, formats: str | Sequence[str] | None = None, timeout: float | None = None
) -> Mapping[str, Fixture]:
    """Fixtures for the traps that dashboards fall into: all, or those named."""
    target = Path(out) if out is not None else scratch("catalogue")
    options = program.options(output=target, only=",".join(names) or None, formats=program.formats_option(formats))
    program.execute(["fixture", "--catalogue", *options, "--quiet"], timeout=timeout)
    return {p.parent.name: Fixture(p.parent) for p in sorted(target.glob("*/queries.json"))}
