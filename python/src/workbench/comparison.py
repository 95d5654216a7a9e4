"""Comparison of two outputs: which figure differs, where, and by how much."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from . import program
from .dashboard import Dashboard
from .dataset import DataSet
from .errors import UsageError
from .scenario import PathLike
from .shapes import decode, flow

#: A tolerance file, or its rules: `[{"metric": "p99", "relative": "1%"}]`.
Tolerances = PathLike | Sequence[Mapping[str, Any]] | Mapping[str, Any]

#: A run, fixture, data set, a dashboard's JSON, a directory of such files, or a dashboard in memory.
Comparable = DataSet | PathLike | Dashboard | Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A figure that differs."""

    #: Which dashboard: "acme/external-7d".
    document: str
    #: The figure: "requests.points[2026-03-08T00:00:00Z].failures".
    path: str
    kind: str
    expected: str | None
    actual: str | None
    difference: float | None
    relative: float | None
    #: What was allowed, if tolerances allowed anything.
    allowed: str | None
    #: Where to look for it on the page.
    look: str | None


@dataclass(frozen=True)
class StatisticalTest:
    """A test of one figure over replications, or of all elements of a list."""

    document: str
    path: str
    test: str
    expected_mean: float
    actual_mean: float
    p_value: float
    verdict: str
    #: The difference of the means that it would have found in four of five such comparisons.
    detectable: float | None


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. True if both sides are the same within the tolerances."""

    verdict: Literal["same", "different", "inconclusive"]
    summary: str
    #: The worst of the differences.
    differences: tuple[Difference, ...]
    #: How many differences there are in all.
    total: int
    documents: int
    figures: int
    tests: tuple[StatisticalTest, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both sides are the same within the tolerances."""
        return self.verdict == "same"

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        """The summary and a table: figure, expected, got, and by how much."""
        if not self.differences:
            return self.summary
        several = len({d.document for d in self.differences}) > 1
        lines = [("figure", "expected", "got", "")]
        for d in self.differences:
            by = "" if d.difference is None else f"{d.difference:+.6g}"
            by += f" ({d.relative:.2%})" if by and d.relative is not None else ""
            by = ", ".join(part for part in (by, f"allowed {d.allowed}" if d.allowed else "") if part)
            figure = f"{d.document}: {d.path}" if several else d.path
            lines.append((figure, _shown(d.expected), _shown(d.actual), by))
        widths = [max(len(line[i]) for line in lines) for i in range(3)]
        table = [
            "  " + "  ".join(c.ljust(w) for c, w in zip(line, (*widths, 0), strict=True)).rstrip() for line in lines
        ]
        rest = self.total - len(self.differences)
        return "\n".join([self.summary, *table, *([f"  … and {rest:,} more"] if rest > 0 else [])])


def _shown(value: str | None) -> str:
    if value is None:
        return "—"
    return value if len(value) <= 60 else value[:57] + "…"


def compare(
    expected: Comparable,
    actual: Comparable,
    *,
    tolerances: Tolerances | None = None,
    what: Literal["auto", "dashboards", "data", "all"] | None = None,
    account: str | None = None,
    most: int = 20,
    junit: PathLike | None = None,
    html: PathLike | None = None,
    timeout: float | None = None,
) -> Comparison:
    """Compares two outputs. Without tolerances, figures must be the same.

    - `tolerances`: a tolerance file, or its rules as a list of dictionaries; the last that matches a figure decides.
    - `most`: how many differences are listed, the worst first. All are counted.
    - `junit`, `html`: reports to write.

    Raises Inconclusive, with the Comparison as its result, if nothing was compared or nothing could have been found.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        called: dict[str, str] = {}
        sides = []
        for name, side in (("expected", expected), ("got", actual)):
            if isinstance(side, Dashboard):
                side = side.json
            if isinstance(side, Mapping):
                path = Path(folder, f"{name}.json")
                path.write_text(_json(side, name), encoding="utf-8")
                called[str(path)] = name
                side = path
            sides.append(os.fspath(side))
        rules: PathLike | None = None
        if isinstance(tolerances, (str, os.PathLike)):
            rules = tolerances
        elif tolerances is not None:
            document = dict(tolerances) if isinstance(tolerances, Mapping) else {"rules": list(tolerances)}
            rules = Path(folder, "tolerances.yaml")
            rules.write_text(flow({"workbenchTolerances": 1} | document), encoding="utf-8")
            called[str(rules)] = "tolerances"
        given = program.options(tolerances=rules, what=what, account=account, most=most, junit=junit, html=html)
        done = program.execute(
            ["compare", *sides, "--json", *given], expecting=(0, 1, 2), timeout=timeout, called=called
        )
    result = decode(Comparison, done.json())
    if done.status == 2:
        raise program.inconclusive(done, result)
    return result


def _json(document: Mapping[str, Any], name: str) -> str:
    try:
        return flow(document)
    except UsageError as problem:
        raise UsageError(f"{name} is not a dashboard in JSON: {problem}") from problem
