"""Scenarios fitted to telemetry, and how well they represent it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from . import program
from .dataset import DataSet
from .scenario import PathLike, Scenario
from .scratch import scratch
from .shapes import decode, parse


@dataclass(frozen=True)
class Parameter:
    """A fitted number, with its 95 % interval where there is one."""

    name: str
    value: float
    interval: tuple[float, ...] | None


@dataclass(frozen=True)
class FittedPart:
    """A distribution or a process that was fitted."""

    part: str
    family: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Bound:
    """Whether the simulation lies no further from what judges it than the data themselves do."""

    #: Of the simulation from what judges it.
    e: float
    #: Of what the fit saw from what was held out; None if nothing was.
    d: float | None
    #: Of two simulations; None if there was only one.
    s: float | None
    #: Up to which a distance does not matter.
    limit: float

    @property
    def allowed(self) -> float:
        """The largest e of a fit that is as good as the data."""
        return max(1.25 * (self.d or 0.0), self.s or 0.0, self.limit)

    @property
    def is_met(self) -> bool:
        """Whether the fit is as good as the data."""
        return self.e <= self.allowed


@dataclass(frozen=True)
class Marginal:
    """One quantity, observed and simulated."""

    name: str
    unit: str
    observed_count: int
    simulated_count: int
    observed_mean: float
    simulated_mean: float
    #: Of what the fit saw; None if that is what judges it.
    seen_mean: float | None
    #: Of the distributions, relative to the observed mean.
    wasserstein: float
    #: What that distance means.
    bound: Bound
    kolmogorov_smirnov: float
    #: Quantiles of both at the same probabilities, for a Q–Q plot.
    probabilities: tuple[float, ...]
    observed_quantiles: tuple[float, ...]
    simulated_quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Counts:
    """Counts of arrivals in windows of one length, observed and simulated."""

    #: Seconds.
    window: float
    #: How many of them.
    windows: int
    #: Variance over mean.
    observed_dispersion: float
    simulated_dispersion: float
    #: Of what the fit saw; None if that is what judges it.
    floor_dispersion: float | None
    #: What the difference means.
    bound: Bound


@dataclass(frozen=True)
class Rates:
    """Arrivals a second over time."""

    at: tuple[datetime, ...]
    observed: tuple[float, ...]
    simulated: tuple[float, ...]


@dataclass(frozen=True)
class Quality:
    """The simulated scenario compared with the telemetry."""

    #: What is reproduced and what is not, in words.
    verdict: tuple[str, ...]
    marginals: tuple[Marginal, ...]
    counts: tuple[Counts, ...]
    rates: Rates | None

    @property
    def is_met(self) -> bool:
        """Whether every quantity that was compared is as good as the data."""
        return all(m.bound.is_met for m in self.marginals) and all(c.bound.is_met for c in self.counts)

    def marginal(self, name: str) -> Marginal | None:
        """Of "inter-arrival time", "latency", …; None if it was not compared."""
        return next((m for m in self.marginals if m.name == name), None)


@dataclass(frozen=True)
class FittedModel:
    """What was fitted to one model's requests."""

    account: str
    model: str
    requests: int
    fitted: tuple[FittedPart, ...]
    notes: tuple[str, ...]
    #: None without the check.
    quality: Quality | None


@dataclass(frozen=True)
class Fit:
    """The result of a fit."""

    source: str
    from_: datetime
    to: datetime
    hold_out: str
    models: tuple[FittedModel, ...]
    #: The fitted scenario, ready to run.
    scenario: Scenario
    #: Everything, as the program gave it.
    json: Any = field(repr=False, compare=False, default=None)


def fit(
    source: DataSet | PathLike,
    *,
    out: PathLike | None = None,
    account: str | None = None,
    model: str | None = None,
    arrivals: str | Sequence[str] | None = None,
    hardware: str | None = None,
    replicas: int | None = None,
    forecast: bool = False,
    hold_out: str | float | None = None,
    profile: PathLike | None = None,
    report: PathLike | None = None,
    cite: Sequence[str] = (),
    check: bool = True,
    timeout: float | None = None,
    progress: program.ProgressOption = False,
) -> Fit:
    """Fits a scenario to telemetry, simulates it, and says how well it represents the telemetry.

    - `out`: the scenario to write (.yaml); without it, the scenario is kept until this process ends.
    - `hold_out`: what only judges the fit: 0.4 is the last 40 % of the time, "30min" every second half hour.
    - `report`: a page with telemetry and simulation overlaid (.html).
    - `check`: whether the fit is judged at all, which takes longer than the fit.
    """
    target = Path(out) if out is not None else scratch("fitted.yaml")
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        figures = Path(folder, "fit.json")
        program.execute(
            [
                "fit",
                os.fspath(source),
                *program.options(
                    output=target,
                    account=account,
                    model=model,
                    arrivals=arrivals if arrivals is None or isinstance(arrivals, str) else ",".join(arrivals),
                    hardware=hardware,
                    replicas=replicas,
                    forecast=forecast,
                    hold_out=hold_out,
                    profile=profile,
                    report=report,
                    cite=list(cite),
                    no_check=not check,
                    json=figures,
                ),
                *([] if progress else ["--quiet"]),
            ],
            timeout=timeout,
            progress=progress,
        )
        document = parse(figures.read_text(encoding="utf-8"), "the fit")
    return decode(Fit, document | {"json": document, "scenario": Scenario(target)})
