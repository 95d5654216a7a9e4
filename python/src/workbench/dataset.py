"""Data sets and runs: simulating them, their tables, their figures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import program
from .dashboard import Dashboard, Kind
from .errors import NotFound, UsageError
from .program import ProgressOption
from .scenario import PathLike, Scenario, scenario_of
from .scratch import scratch
from .shapes import decode, parse, written
from .tables import Table

if TYPE_CHECKING:
    from .validation import Validation

TABLES = (
    "requests",
    "accounts",
    "hardware",
    "models",
    "deployments",
    "replicas",
    "fine_tuning_jobs",
    "incidents",
)

#: What was converted to Parquet for tables, by source: the process keeps it until it ends.
_converted: dict[tuple[str, str], Path] = {}


@dataclass(frozen=True)
class Period:
    """Half open."""

    from_: datetime
    to: datetime


@dataclass(frozen=True)
class ManifestScenario:
    """The scenario of a run."""

    name: str
    sha256: str
    text: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What a run says of itself."""

    format: int
    program: str
    checksum: str
    files: Mapping[str, str]
    rows: Mapping[str, int]
    not_deployed: Mapping[str, int]
    period: Period | None
    seed: int | None
    scenario: ManifestScenario | None


class DataSet:
    """Telemetry wherever it is: a run, a directory of tables, a SQLite file, a PostgreSQL address."""

    def __init__(self, source: PathLike) -> None:
        #: Its path or address.
        self.source = os.fspath(source)

    def __repr__(self) -> str:
        return f'{type(self).__name__}("{self.source}")'

    def __fspath__(self) -> str:
        return self.source

    def table(self, name: str, columns: Sequence[str] | None = None) -> Table:
        """One of its tables (`workbench schema telemetry`), all columns or those named.

        It is read from the run's Parquet files. If there are none, the program converts the data set first.
        """
        if name not in TABLES:
            raise UsageError(f'There is no table "{name}". There are: {", ".join(TABLES)}.')
        return Table(self._parquet(name), columns=columns)

    def requests(self, columns: Sequence[str] | None = None) -> Table:
        """A row for each request, in order of arrival."""
        return self.table("requests", columns)

    def replicas(self) -> Table:
        """The replicas of each version after each change."""
        return self.table("replicas")

    def models(self) -> Table:
        """The models."""
        return self.table("models")

    def deployments(self) -> Table:
        """The deployments of versions."""
        return self.table("deployments")

    def accounts(self) -> Table:
        """The accounts and their subscriptions."""
        return self.table("accounts")

    def hardware(self) -> Table:
        """The price list."""
        return self.table("hardware")

    def incidents(self) -> Table:
        """Outages, degradations, and operations that deploy windows moved or refused."""
        return self.table("incidents")

    def fine_tuning_jobs(self) -> Table:
        """The fine-tuning jobs."""
        return self.table("fine_tuning_jobs")

    def dashboard(
        self,
        *,
        account: str | None = None,
        kind: Kind | None = None,
        period: str | date = "7d",
        model: str | None = None,
        version: str | None = None,
        provider: str | None = None,
        now: str | datetime | None = None,
        deployed_at: str | datetime | None = None,
        max_points: int | None = None,
        timeout: float | None = None,
    ) -> Dashboard:
        """The dashboard's figures of any view; see `workbench.aggregate`."""
        given = program.options(
            account=account,
            kind=kind,
            period=written(period),
            model=model,
            version=version,
            provider=provider,
            now=written(now) if now is not None else None,
            deployed_at=written(deployed_at) if deployed_at is not None else None,
            max_points=max_points,
        )
        done = program.execute(["aggregate", self.source, *given], timeout=timeout)
        return Dashboard.of(done.json())

    def validate(self, *, timeout: float | None = None) -> Validation:
        """Checks its invariants; see `workbench.validate`."""
        from .validation import validate

        return validate(self, timeout=timeout)

    def _parquet(self, table: str) -> Path:
        # A run with requests has them among its Parquet files; other directories of tables hold them directly.
        for folder in (Path(self.source, "telemetry"), Path(self.source)):
            if (file := folder / f"{table}.parquet").is_file():
                return file
        key = (os.path.abspath(self.source), self._version())
        if key not in _converted:
            target = scratch("converted")
            program.execute(["convert", self.source, target, "--format", "parquet", "--quiet"])
            _converted[key] = target
        return _converted[key] / "telemetry" / f"{table}.parquet"

    def _version(self) -> str:
        """Another one if the data may have changed in the meantime."""
        for path in (Path(self.source, "manifest.json"), Path(self.source)):
            if path.exists():
                found = path.stat()
                return f"{found.st_ino} {found.st_mtime_ns} {found.st_size}"
        return ""


class Run(DataSet):
    """A run directory: what `run` makes, or an earlier one by its path."""

    def __init__(self, path: PathLike) -> None:
        super().__init__(path)
        file = self.path / "manifest.json"
        if not file.is_file():
            raise NotFound(f"{self.source}: there is no run here (no manifest.json). For other data sets use DataSet.")
        #: What the run says of itself.
        self.manifest = decode(Manifest, parse(file.read_text(encoding="utf-8"), str(file)), str(file))

    @property
    def path(self) -> Path:
        """The directory."""
        return Path(self.source)

    @property
    def rows(self) -> Mapping[str, int]:
        """How many rows each table has."""
        return self.manifest.rows

    @property
    def scenario(self) -> Scenario | None:
        """The scenario as run, with all changes applied; None if the run has none."""
        file = self.path / "scenario.yaml"
        return Scenario(file) if file.is_file() else None


def run(
    scenario: Scenario | PathLike | Mapping[str, Any],
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
    """Simulates a scenario.

    - `out`: the run directory, which appears whole or not at all. Without it, the run lies in a temporary directory
      that goes when this process ends.
    - `formats`: of the telemetry, such as `["csv", "parquet"]`; an empty list writes none. By default Parquet, which
      frames are read from, if there is DuckDB to write it; else CSV.
    - `replace`: replaces an earlier run at `out`.
    - `timeout`: seconds, after which the program is ended and TimedOut is raised. Nothing is left behind.
    - `progress`: True for a line on standard error, or a function that gets a `Progress`.

    If the scenario has objectives (`expect`), Failed is raised if one is broken, and Inconclusive if one cannot be
    judged; the run at `out` is whole all the same.
    """
    given = scenario_of(scenario)
    target = Path(out) if out is not None else scratch("run")
    with given.file() as (path, called):
        program.execute(
            [
                "run",
                path,
                *program.options(
                    out=target,
                    formats=program.formats_option(formats),
                    seed=seed,
                    replace=replace,
                    threads=threads,
                    max_points=max_points,
                    set=given.overrides,
                ),
                *(["--json"] if progress else ["--quiet"]),
            ],
            timeout=timeout,
            progress=progress,
            called=called,
        )
    return Run(target)


def aggregate(
    source: DataSet | PathLike,
    **view: Any,
) -> Dashboard:
    """The dashboard's figures of a data set: any account, kind, model, version, provider and period.

    The view is that of `DataSet.dashboard`: `aggregate("week", kind="external", period="30d")`.
    """
    return DataSet(source).dashboard(**view)


def convert(
    source: DataSet | PathLike, out: PathLike, *, format: str | None = None, timeout: float | None = None
) -> DataSet:
    """Copies a data set into another format, losing nothing.

    `out` is a directory, a SQLite file (.sqlite) or a PostgreSQL address.
    """
    program.execute(
        ["convert", os.fspath(source), os.fspath(out), *program.options(format=format), "--quiet"], timeout=timeout
    )
    return DataSet(out)
