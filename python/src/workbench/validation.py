"""Invariants of a run or a data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from . import program
from .dataset import DataSet
from .scenario import PathLike
from .shapes import decode


@dataclass(frozen=True)
class Invariant:
    """One invariant, and whether it holds."""

    invariant: str
    sentence: str
    result: Literal["holds", "violated", "skipped"]
    violations: int
    examples: tuple[str, ...]
    #: Why it was skipped.
    reason: str | None = None
    #: Whether it applies and could not be checked: then there is no verdict.
    is_missing: bool | None = None


@dataclass(frozen=True)
class Validation:
    """What `validate` found. True if all invariants that apply hold."""

    invariants: tuple[Invariant, ...]

    @property
    def violated(self) -> tuple[Invariant, ...]:
        """Those that do not hold."""
        return tuple(i for i in self.invariants if i.result == "violated")

    @property
    def holds(self) -> bool:
        """Whether all that apply hold."""
        return not self.violated and not any(i.is_missing for i in self.invariants)

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        if not self.violated:
            return f"{sum(i.result == 'holds' for i in self.invariants)} invariants hold."
        return "\n".join(
            f"{i.invariant} is violated {i.violations} times: {i.sentence}" + "".join(f"\n  {e}" for e in i.examples)
            for i in self.violated
        )


def validate(source: DataSet | PathLike, *, timeout: float | None = None) -> Validation:
    """Checks the invariants of a run or a data set, and recomputes every figure independently in SQL (DuckDB).

    Raises Inconclusive, with the Validation as its result, if something that applies could not be checked.
    """
    done = program.execute(["validate", os.fspath(source), "--json"], expecting=(0, 1, 2), timeout=timeout)
    result = Validation(decode(tuple[Invariant, ...], done.json()))
    if done.status == 2:
        raise program.inconclusive(done, result)
    return result
