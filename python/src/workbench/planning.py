"""What-if experiments: variants of a scenario, with the uncertainty of every figure."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import program
from .errors import UsageError, error_of
from .program import ProgressOption
from .scenario import PathLike, Scenario, scenario_of
from .shapes import decode, flow
from .tables import Table

#: Values to vary: "2..6", "1,1.5,2", or a list or range of values.
Values = str | Iterable[object]


@dataclass(frozen=True)
class Estimate:
    """A figure with its confidence interval."""

    value: float
    replications: int
    #: None after a single replication.
    half_width: float | None

    @property
    def lower(self) -> float | None:
        """The interval's lower end."""
        return None if self.half_width is None else self.value - self.half_width

    @property
    def upper(self) -> float | None:
        """The interval's upper end."""
        return None if self.half_width is None else self.value + self.half_width


@dataclass(frozen=True)
class ObjectiveResult:
    """An objective in one variant, for the model that comes nearest to violating it."""

    objective: str = field(metadata={"json": "level"})
    model: str | None
    estimate: Estimate | None
    #: None if it could not be told.
    is_kept: bool | None


@dataclass(frozen=True)
class Variant:
    """A variant of the scenario."""

    name: str
    overrides: tuple[str, ...]
    replications: int
    metrics: Mapping[str, Estimate]
    #: From the base, paired by replication.
    differences: Mapping[str, Estimate]
    is_on_pareto_front: bool
    feasibility: str | None
    is_eliminated: bool | None
    #: Other variants that turned out to be the same.
    also_named: tuple[str, ...] = ()
    objectives: tuple[ObjectiveResult, ...] = field(default=(), metadata={"json": "levels"})


@dataclass(frozen=True)
class Choice:
    """What was asked for and chosen."""

    objectives: tuple[str, ...] = field(metadata={"json": "levels"})
    #: The metric that is minimised.
    minimizes: str = field(metadata={"json": "objective"})
    is_decided: bool
    #: The recommended variant; None if none meets the objectives.
    best: str | None
    confidence: float | None
    #: The objective that most of the cheaper variants violate.
    binding: str | None
    #: If none meets the objectives, the variant that comes nearest.
    nearest: str | None


@dataclass(frozen=True)
class Headroom:
    """By how much demand can be multiplied before an objective is violated."""

    factor: float
    #: Whether the true factor is larger.
    is_at_limit: bool
    replications: int
    #: With its model, and its case if there are several.
    objective: str | None = field(default=None, metadata={"json": "level"})
    #: The interval of the factor; None of a single replication, or beyond the search.
    lower: float | None = None
    upper: float | None = None
    #: The model whose demand grows alone; None if all demand does.
    model: str | None = None


@dataclass(frozen=True)
class Plan:
    """The result of a plan. True if a variant meets the objectives, and every precision asked for was reached."""

    scenario: str
    seed: int
    confidence: float
    #: The first is the base: the scenario as it is.
    variants: tuple[Variant, ...]
    choice: Choice | None
    headroom: Headroom | None
    total_replications: int
    total_requests: int
    warnings: tuple[str, ...]
    #: The same on the command line.
    command: str
    #: Of the demand of each model alone, if several have some.
    headroom_by_model: tuple[Headroom, ...] = ()
    #: Whether the program ended with status 0.
    is_met: bool = True
    #: Where the plan is kept, if `out` was given: for `workbench report` and `serve`.
    path: Path | None = None
    #: Everything, as the program gave it: also the sensitivity, the ideal bound, the warm-up.
    json: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)

    def __bool__(self) -> bool:
        return self.is_met

    def variant(self, name: str) -> Variant:
        """The variant of this name."""
        for variant in self.variants:
            if name == variant.name or name in variant.also_named:
                return variant
        raise UsageError(f'There is no variant "{name}". There are: {", ".join(v.name for v in self.variants)}.')

    @property
    def base(self) -> Variant:
        """The scenario as it is."""
        return self.variants[0]

    @property
    def best(self) -> Variant | None:
        """The recommended variant; None if nothing was asked for, or nothing meets it."""
        return self.variant(self.choice.best) if self.choice and self.choice.best is not None else None

    def table(self) -> Table:
        """A row for each metric of each variant: value, bounds, and the paired difference from the base."""
        types = {
            "variant": "text",
            "metric": "text",
            **dict.fromkeys(("value", "lower", "upper", "difference", "difference_lower", "difference_upper"), "float"),
            "replications": "int",
        }
        columns: dict[str, list[Any]] = {name: [] for name in types}
        for variant in self.variants:
            for metric, estimate in variant.metrics.items():
                other = variant.differences.get(metric)
                row = (
                    variant.name,
                    metric,
                    estimate.value,
                    estimate.lower,
                    estimate.upper,
                    other and other.value,
                    other and other.lower,
                    other and other.upper,
                    estimate.replications,
                )
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        return Table(columns, types=types)


def plan(
    scenario: Scenario | PathLike | Mapping[str, Any],
    *,
    vary: Mapping[str, Values] | None = None,
    variants: Mapping[str, Scenario | Mapping[str, object]] | None = None,
    cases: Mapping[str, Mapping[str, object]] | None = None,
    file: PathLike | None = None,
    slo: str | Sequence[str] = (),
    minimize: str | None = None,
    growth: str | None = None,
    growth_weeks: int | None = None,
    replications: int | None = None,
    max_replications: int | None = None,
    samples: int | None = None,
    precision: str | None = None,
    confidence: float | None = None,
    indifference: float | None = None,
    warm_up: str | None = None,
    sensitivity: str | None = None,
    sobol: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    keep_going: bool = False,
    out: PathLike | None = None,
    timeout: float | None = None,
    progress: ProgressOption = False,
) -> Plan:
    """Simulates variants of a scenario on common random numbers.

    - `vary`: paths and their values, `{"models.chat.load.scale": [1, 1.5, 2]}` or `"2..6"`. Every combination is a
      variant.
    - `variants`: named ones, each a dictionary of paths and values: `{"T4": {"models.chat…hardware": "T4 single"}}`.
    - `cases`: what may happen, each a dictionary of paths and values: `{"launch": {"load.scale": 2}}`. The recommended
      variant meets the objectives in all of them, and in the scenario as it is.
    - `growth`: `"5%/week"`: when does it break an objective? The answer is in `json["growth"]`.
    - `slo`: objectives such as `"latency.p95 <= 2s"`; `minimize`: the metric to minimise subject to them.
    - `out`: the plan's directory, for `workbench report` and `serve`. Without it nothing is kept but the result.

    Raises Inconclusive, with the Plan as its result, if the replications did not suffice for a choice.
    """
    if (variants or cases) and file is not None:
        raise UsageError("Give variants= and cases=, or file=, not both: a plan file lists its own.")
    base = scenario_of(scenario)
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder, base.file() as (path, called):
        if variants or cases:
            file = Path(folder, "plan.yaml")
            listed = {
                key: [{"name": name, "set": _sets(name, change, base)} for name, change in given.items()]
                for key, given in (("variants", variants), ("cases", cases))
                if given
            }
            file.write_text(flow({"workbenchPlan": 1, **listed}), encoding="utf-8")
            called = called | {str(file): "variants" if variants else "cases"}
        target = Path(out) if out is not None else Path(folder, "plan")
        if out is None:
            called = called | {str(target): "the plan"}
        done = program.execute(
            [
                "plan",
                path,
                "--json",
                *program.options(
                    vary=[f"{p}={_values(p, v)}" for p, v in (vary or {}).items()],
                    file=file,
                    slo=[slo] if isinstance(slo, str) else list(slo),
                    minimize=minimize,
                    growth=growth,
                    growth_weeks=growth_weeks,
                    replications=replications,
                    max_replications=max_replications,
                    samples=samples,
                    precision=precision,
                    confidence=confidence,
                    indifference=indifference,
                    warm_up=warm_up,
                    sensitivity=sensitivity,
                    sobol=sobol,
                    seed=seed,
                    threads=threads,
                    keep_going=keep_going,
                    set=base.overrides,
                    out=target,
                ),
                *([] if progress else ["--quiet"]),
            ],
            expecting=(0, 1, 2),
            timeout=timeout,
            progress=progress,
            called=called,
        )
    if not done.output.strip():
        raise error_of(done.status, done.said)
    document = done.json()
    result = decode(Plan, document | {"json": document})
    result = replace(result, is_met=done.status == 0, path=Path(out) if out is not None else None)
    if done.status == 2:
        raise program.inconclusive(done, result)
    return result


def _sets(name: str, change: Scenario | Mapping[str, object], base: Scenario) -> list[str]:
    if isinstance(change, Scenario):
        count = len(base.overrides)
        if not change.is_of(base) or change.overrides[:count] != base.overrides:
            raise UsageError(f'The variant "{name}" is not made from the plan\'s scenario by set and append.')
        return list(change.overrides[count:])
    return [f"{path}={flow(value)}" for path, value in change.items()]


def _values(path: str, values: Values) -> str:
    if isinstance(values, str):
        return values
    texts = [item if isinstance(item, str) else flow(item) for item in values]
    if wrong := next((t for t in texts if "," in t or ".." in t), None):
        raise UsageError(f"{wrong!r} cannot be varied at {path}. Use variants= for values with commas or dots.")
    if not texts:
        raise UsageError(f"There are no values to vary at {path}.")
    return ",".join(texts)
