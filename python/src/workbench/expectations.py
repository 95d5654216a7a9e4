"""Service-level objectives of a data set: what broke, where and when."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from . import program
from .dataset import DataSet
from .scenario import PathLike, Scenario, scenario_of
from .shapes import decode


@dataclass(frozen=True)
class Subject:
    """Whose requests a figure is of; what is None does not restrict them."""

    #: "model chat"
    words: str
    account: str | None = None
    model: str | None = None
    version: str | None = None
    request_class: str | None = field(default=None, metadata={"json": "class"})


@dataclass(frozen=True)
class Window:
    """An hour or a day, on the account's clock, and the figure in it."""

    start: datetime = field(metadata={"json": "from"})
    end: datetime = field(metadata={"json": "to"})
    value: float
    requests: int


@dataclass(frozen=True)
class Finding:
    """The figure of one of those that an objective is about. Durations are in ms, shares in [0, 1]."""

    subject: Subject
    #: None where none of the requests succeeded. Of an objective in a share of hours: the share that meets it.
    value: float | None
    #: By which it was computed.
    requests: int
    is_kept: bool
    #: The hour or day furthest beyond the bound, or nearest to it.
    worst: Window | None = None
    windows: int | None = None
    broken_windows: int | None = None


@dataclass(frozen=True)
class JudgedObjective:
    """An objective, and what became of it. True if it is kept."""

    objective: str
    verdict: Literal["kept", "broken", "inconclusive"]
    #: What it is about, in words.
    scope: str
    #: In one line.
    summary: str
    #: The one that breaks it by most, or comes nearest to it.
    worst: Finding | None = None
    also_broken: tuple[Finding, ...] = ()
    #: Those whose telemetry does not have the figure.
    unknown: tuple[str, ...] = ()
    #: Why there is no verdict.
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.verdict == "kept"


@dataclass(frozen=True)
class Judgement:
    """What `expect` found. True if all objectives are kept."""

    verdict: Literal["kept", "broken", "inconclusive"]
    objectives: tuple[JudgedObjective, ...]

    @property
    def broken(self) -> tuple[JudgedObjective, ...]:
        """Those that are broken."""
        return tuple(o for o in self.objectives if o.verdict == "broken")

    def __bool__(self) -> bool:
        return self.verdict == "kept"

    def __str__(self) -> str:
        return "\n".join(f"{o.verdict:<13}{o.summary}" for o in self.objectives)


def expect(
    source: DataSet | PathLike,
    slo: str | Sequence[str] | None = None,
    *,
    file: PathLike | None = None,
    scenario: Scenario | PathLike | Mapping[str, Any] | None = None,
    junit: PathLike | None = None,
    timeout: float | None = None,
) -> Judgement:
    """Judges the objectives of a run or any data set: `assert workbench.expect(run, "latency.p95 <= 5s")`.

    - `slo`: objectives, as `["models.chat.ttft.p99 <= 800ms", "failureRate <= 0.1%"]`.
    - `file`, `scenario`: a file of objectives, and a scenario with `expect`. Without any of the three, those of the
      scenario that the run was made from.
    - `junit`: a report to write.

    Raises Inconclusive, with the Judgement as its result if there is one, if none is broken and one could not be
    judged.
    """
    if scenario is None:
        return _expect(source, slo, {}, timeout, file=file, junit=junit)
    with scenario_of(scenario).file() as (path, called):
        return _expect(source, slo, called, timeout, file=file, junit=junit, scenario=path)


def _expect(
    source: DataSet | PathLike,
    slo: str | Sequence[str] | None,
    called: Mapping[str, str],
    timeout: float | None,
    **given: object,
) -> Judgement:
    objectives = [slo] if isinstance(slo, str) else list(slo or [])
    done = program.execute(
        ["expect", os.fspath(source), "--json", *program.options(slo=objectives, **given)],
        expecting=(0, 1, 2),
        timeout=timeout,
        called=called,
    )
    # Without any objective there is no answer.
    result = decode(Judgement, done.json()) if done.output else None
    if done.status == 2 or result is None:
        raise program.inconclusive(done, result)
    return result
