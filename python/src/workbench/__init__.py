"""The Model Analytics Workbench: simulates deployments of AI models, and checks dashboards that show them.

    import workbench

    run = workbench.run("week.yaml")
    run.dashboard(period="7d").latency.summary.p95
    run.requests().pandas()

Results are frozen dataclasses, errors are exceptions (`workbench.WorkbenchError` and its kinds). The package runs the
program `workbench`; `workbench.program.find()` says which.
"""

from .comparison import Comparison, Difference, StatisticalTest, compare
from .dashboard import Dashboard
from .dataset import DataSet, Manifest, Run, aggregate, convert, run
from .errors import (
    DataError,
    Diagnostic,
    Failed,
    Inconclusive,
    InternalError,
    Interrupted,
    MissingExtra,
    NotFound,
    OutputError,
    ProgramNotFound,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
    WorkbenchError,
)
from .expectations import JudgedObjective, Judgement, expect
from .fitting import Fit, FittedModel, fit
from .fixtures import Fixture, Query, catalogue, catalogue_names, fixture
from .planning import Estimate, Plan, Variant, plan
from .program import Progress
from .scenario import Scenario
from .tables import Table
from .validation import Invariant, Validation, validate

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Dashboard",
    "DataError",
    "DataSet",
    "Diagnostic",
    "Difference",
    "Estimate",
    "Failed",
    "Fit",
    "FittedModel",
    "Fixture",
    "Inconclusive",
    "InternalError",
    "Interrupted",
    "Invariant",
    "JudgedObjective",
    "Judgement",
    "Manifest",
    "MissingExtra",
    "NotFound",
    "OutputError",
    "Plan",
    "ProgramNotFound",
    "Progress",
    "Query",
    "Run",
    "Scenario",
    "StatisticalTest",
    "Table",
    "TimedOut",
    "UnexpectedAnswer",
    "UsageError",
    "Validation",
    "Variant",
    "WorkbenchError",
    "aggregate",
    "catalogue",
    "catalogue_names",
    "compare",
    "convert",
    "expect",
    "fit",
    "fixture",
    "plan",
    "run",
    "validate",
]
