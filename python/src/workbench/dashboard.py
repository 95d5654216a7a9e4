"""The dashboard's figures, as `workbench schema dashboard` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .errors import UsageError
from .shapes import decode
from .tables import Table, rows

Kind = Literal["fineTuned", "openSource", "external"]


@dataclass(frozen=True)
class DashboardQuery:
    """What was asked. Instants are in the account's time zone."""

    kind: Kind
    model: str | None
    version: str | None
    provider: str | None
    period: str
    from_: datetime
    to: datetime
    now: datetime
    time_zone: str
    granularity: Literal["hour", "day"]
    deployed_at: datetime | None = None


@dataclass(frozen=True)
class AccountFigures:
    """Of the whole account in the period, regardless of the filters."""

    deployment_credits: float
    fine_tuning_credits: float
    deployed_models: int
    fine_tuned_models: int
    subscription_max_replicas: int


@dataclass(frozen=True)
class LatencyPoint:
    """A request, or the average of a day. Milliseconds."""

    at: datetime
    latency: float
    requests: int


@dataclass(frozen=True)
class LatencyBucket:
    """An hour or a day with successes. Milliseconds."""

    at: datetime
    requests: int
    average: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float


@dataclass(frozen=True)
class LatencySummary:
    """Over the period, in milliseconds; None where nothing succeeded."""

    average: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True)
class Latency:
    """The widget *Model Latency*."""

    mode: Literal["perRequest", "dailyAverage"]
    unit: str
    points: tuple[LatencyPoint, ...]
    thinned: bool
    requests: int
    summary: LatencySummary
    buckets: tuple[LatencyBucket, ...]


@dataclass(frozen=True)
class RequestsPoint:
    """An hour or a day with requests."""

    at: datetime
    successes: int
    failures: int


@dataclass(frozen=True)
class Requests:
    """The widget *Requests*."""

    points: tuple[RequestsPoint, ...]
    total_successes: int
    total_failures: int
    total_requests: int
    credits_per_request: float | None
    credits_per_response: float | None
    failures_by_reason: Mapping[str, int]


@dataclass(frozen=True)
class ScalingPoint:
    """The replicas of a version from this instant on."""

    at: datetime
    version: str
    replicas: int
    hardware: str
    model_id: int


@dataclass(frozen=True)
class Scaling:
    """The widget *Model Scaling and Usage*."""

    points: tuple[ScalingPoint, ...]
    hardware: str | None
    max_replicas: int | None


@dataclass(frozen=True)
class TokensPoint:
    """An hour or a day with requests."""

    at: datetime
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Tokens:
    """The widget *Tokens*."""

    points: tuple[TokensPoint, ...]
    total_input_tokens: int
    total_output_tokens: int


_TABLES: dict[str, dict[str, str]] = {
    "latency.points": {"at": "at", "latency": "float", "requests": "int"},
    "latency.buckets": {
        "at": "at",
        "requests": "int",
        **dict.fromkeys(("average", "p50", "p90", "p95", "p99", "p999"), "float"),
    },
    "requests.points": {"at": "at", "successes": "int", "failures": "int"},
    "scaling.points": {"at": "at", "version": "text", "replicas": "int", "hardware": "text", "model_id": "int"},
    "tokens.points": {"at": "at", "input_tokens": "int", "output_tokens": "int"},
    "cost.points": {"at": "at", "cost": "float"},
}


@dataclass(frozen=True)
class Attempts:
    """What clients wanted, and the requests that they sent for it."""

    #: First attempts.
    operations: int
    attempts: int
    #: Attempts that succeeded: no operation has more than one.
    answered: int


@dataclass(frozen=True)
class CostPoint:
    """An hour or a day with a request of which the cost is known."""

    at: datetime
    cost: float


@dataclass(frozen=True)
class Cost:
    """What requests cost, in the currency of the telemetry; of those of which that is known."""

    points: tuple[CostPoint, ...]
    total: float
    requests: int
    per_request: float
    #: None where these requests have no tokens.
    per_million_tokens: float | None


@dataclass(frozen=True)
class Dashboard:
    """The figures that the Model Analytics Dashboard shows for one query."""

    query: DashboardQuery
    account: AccountFigures
    latency: Latency
    requests: Requests
    #: None for external models.
    scaling: Scaling | None
    #: None unless the models are external.
    tokens: Tokens | None
    #: None where telemetry numbers no attempt.
    attempts: Attempts | None = None
    #: None where telemetry knows no cost.
    cost: Cost | None = None
    #: The same as the program gave it.
    json: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], place: str = "the dashboard") -> Dashboard:
        """From the JSON of a dashboard."""
        return decode(cls, dict(document) | {"json": dict(document)}, place)

    def table(self, name: str) -> Table:
        """One of its graphs: `latency.points`, `latency.buckets`, `requests.points`, `scaling.points`, `tokens.points`,
        `cost.points`.

        Without rows if the dashboard has no such graph. Instants have the account's time zone.
        """
        if name not in _TABLES:
            raise UsageError(f'There is no graph "{name}". There are: {", ".join(_TABLES)}.')
        widget, points = name.split(".")
        found = getattr(self, widget)
        types = {n: self.query.time_zone if t == "at" else t for n, t in _TABLES[name].items()}
        return rows(getattr(found, points) if found else (), types)
