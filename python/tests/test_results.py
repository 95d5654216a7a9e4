"""Runs, tables, figures, comparison, validation, plans, fits and fixtures against the program itself."""

from __future__ import annotations

import csv
import dataclasses
import json
import sqlite3
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

import workbench
from workbench.shapes import instant


def test_a_run_says_what_it_is(run):
    assert run.manifest.seed == 1
    assert run.manifest.period.from_ == datetime(2026, 3, 7, 23, tzinfo=timezone.utc)
    assert run.rows["models"] == 2
    assert workbench.Run(run.path).rows == run.rows
    with pytest.raises(workbench.NotFound, match=r"no manifest\.json"):
        workbench.Run(run.path / "telemetry")


def test_an_output_that_exists_is_kept(run, document):
    with pytest.raises(workbench.OutputError, match="exists already"):
        workbench.run(document, out=run.path)
    before = run.manifest.checksum
    copy = workbench.run(document, out=run.path, replace=True, formats=["csv", "parquet"])
    assert copy.manifest.checksum == before


def rows_of(run):
    with (run.path / "telemetry/requests.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_arrow_has_what_the_run_has(run):
    import pyarrow as pa

    table = run.requests().arrow()
    rows = rows_of(run)
    assert table.num_rows == len(rows) == run.rows["requests"]
    assert table.schema.field("arrived_at").type == pa.timestamp("us", "UTC")
    assert table.schema.field("latency_us").type == pa.int64()
    assert table["arrived_at"].to_pylist() == [instant(r["arrived_at"]) for r in rows]
    assert table["latency_us"].to_pylist() == [int(r["latency_us"]) for r in rows]
    # What has not happened is null.
    assert run.deployments().arrow()["undeployed_at"].to_pylist() == [None]


def test_polars_and_pandas_have_the_same(run):
    import polars as pl

    arrow = run.requests().arrow()
    frame = run.requests().polars()
    assert frame.schema["arrived_at"] == pl.Datetime("us", "UTC")
    assert frame.to_dicts() == arrow.to_pylist()
    other = run.requests().pandas()
    assert str(other["arrived_at"].dtype) == "datetime64[us, UTC]"
    assert str(other["ttft_us"].dtype) == "Int64"
    assert other["ttft_us"].to_list() == arrow["ttft_us"].to_pylist()
    assert run.deployments().pandas()["undeployed_at"].isna().all()


def test_unknown_numbers_are_null_and_stay_integers(run, tmp_path):
    """Telemetry of one's own, in which the first request's tokens are not known."""
    import pandas as pd

    for file in (run.path / "telemetry").glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rows = rows_of(run)
    rows[0]["input_tokens"] = ""
    with (tmp_path / "requests.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    requests = workbench.DataSet(tmp_path).requests()
    expected = [None, *(int(r["input_tokens"]) for r in rows[1:])]
    assert requests.arrow()["input_tokens"].to_pylist() == expected
    assert requests.polars()["input_tokens"].to_list() == expected
    frame = requests.pandas()["input_tokens"]
    assert str(frame.dtype) == "Int32"
    assert [None if v is pd.NA else v for v in frame] == expected


def test_columns_are_chosen_in_their_order(run):
    names = ["latency_us", "arrived_at"]
    assert run.requests(names).arrow().column_names == names
    assert run.requests(names).polars().columns == names
    for form in ("arrow", "polars", "pandas"):
        with pytest.raises(workbench.UsageError, match='no column "latency"'):
            getattr(run.requests(["latency"]), form)()


@pytest.mark.parametrize("name", workbench.dataset.TABLES)
def test_every_table_can_be_read(run, name):
    assert run.table(name).polars().height == run.rows[name]


def test_a_data_set_without_parquet_is_converted(run, tmp_path):
    file = tmp_path / "run.sqlite"
    data = workbench.convert(run, file)
    assert data.requests().arrow().equals(run.requests().arrow())
    with pytest.raises(workbench.UsageError, match="There are: requests"):
        data.table("request")


def test_a_run_without_requests_says_so(document):
    bare = workbench.run(document, formats=[])
    with pytest.raises(workbench.NotFound, match="recorded without"):
        bare.requests()


def test_the_dashboard_has_its_figures(run):
    got = run.dashboard(kind="external", period="24h")
    rows = [r for r in rows_of(run) if r["model_id"] == "2"]
    failures = sum(r["status"] == "failure" for r in rows)
    assert failures > 0
    assert got.requests.total_requests == len(rows)
    assert got.requests.failures_by_reason == {"providerError": failures}
    assert got.scaling is None
    assert got.tokens.total_input_tokens == 700 * len(rows)
    assert got.query.from_.utcoffset() == timedelta(hours=1)
    assert got == workbench.aggregate(run, kind="external", period="24h")
    assert dataclasses.is_dataclass(got)
    with pytest.raises(dataclasses.FrozenInstanceError):
        got.query = None


def test_graphs_are_tables_in_the_zone_of_the_account(run):
    import pyarrow as pa

    got = run.dashboard(kind="openSource", period="24h")
    table = got.table("requests.points").arrow()
    assert table.schema.field("at").type == pa.timestamp("us", "Europe/Berlin")
    assert [(r["at"], r["successes"]) for r in table.to_pylist()] == [
        (p.at.astimezone(ZoneInfo("Europe/Berlin")), p.successes) for p in got.requests.points
    ]
    assert got.table("latency.buckets").polars()["p95"].to_list() == [b.p95 for b in got.latency.buckets]
    assert len(got.table("tokens.points").pandas()) == 0
    with pytest.raises(workbench.UsageError, match="no graph"):
        got.table("requests")


def test_operations_and_attempts_are_apart(document, tmp_path, run):
    assert run.dashboard(kind="openSource", period="24h").attempts is None
    load = document["models"][1]["load"]
    load["retries"] = {"probability": 1, "attempts": 2, "backoff": "1s", "numbered": True}
    again = workbench.run(document, out=tmp_path / "run", formats=["csv"])
    got = again.dashboard(kind="external", period="24h").attempts
    numbers = [(row["attempt"], row["status"]) for row in rows_of(again) if row["attempt"]]
    assert got == workbench.dashboard.Attempts(
        operations=sum(attempt == "1" for attempt, _ in numbers),
        attempts=len(numbers),
        answered=sum(status == "success" for _, status in numbers),
    )
    assert 0 < got.operations < got.attempts


def test_costs_are_those_of_the_requests(document, tmp_path, run):
    assert run.dashboard(kind="external", period="24h").cost is None
    document["models"][1]["prices"] = {"input": 3, "output": 15}
    again = workbench.run(document, out=tmp_path / "run", formats=["csv"])
    got = again.dashboard(kind="external", period="24h")
    costs = [int(row["cost_micro"]) for row in rows_of(again) if row["cost_micro"]]
    assert got.cost.total == sum(costs) / 1e6 > 0
    assert got.cost.requests == len(costs)
    frame = got.table("cost.points").pandas()
    assert frame["cost"].sum() == pytest.approx(got.cost.total)


def test_errors_of_a_view(run):
    with pytest.raises(workbench.UsageError, match="is not a period"):
        run.dashboard(kind="external", period="9x")
    with pytest.raises(workbench.WorkbenchError, match="unknown account"):
        run.dashboard(account="nobody")
    with pytest.raises(workbench.UsageError, match="no time zone"):
        run.dashboard(kind="external", now=datetime(2026, 3, 8))


def test_comparison_says_which_figure_differs(fixture):
    query = next(q for q in fixture.queries if q.kind == "external" and q.period == "7d")
    answer = json.loads(json.dumps(query.json))
    assert workbench.compare(query.path, answer)
    answer["requests"]["totalFailures"] += 2
    found = workbench.compare(query.expected, answer)
    assert not found
    assert found.total == 1
    assert found.differences[0].path == "requests.totalFailures"
    assert found.differences[0].difference == 2
    expected = str(query.expected.requests.total_failures)
    row = str(found).splitlines()[2].split()
    assert row[:4] == ["requests.totalFailures", expected, str(int(expected) + 2), "+2"]
    assert workbench.compare(query.path, answer, tolerances=[{"path": "requests.**", "absolute": 2}])


def test_a_comparison_of_nothing_is_not_a_success(fixture):
    query = fixture.queries[0]
    with pytest.raises(workbench.Inconclusive) as caught:
        workbench.compare(query.path, query.path, tolerances=[{"path": "**", "ignore": True}])
    assert caught.value.message
    assert caught.value.result.verdict == "inconclusive"
    assert not caught.value.result


def test_wrong_inputs_of_a_comparison(fixture):
    query = fixture.queries[0]
    with pytest.raises(workbench.DataError, match="tolerances:1:"):
        workbench.compare(query.path, query.path, tolerances=[{"pathh": "x"}])
    with pytest.raises(workbench.NotFound, match="nowhere"):
        workbench.compare(query.path, "nowhere")
    with pytest.raises(workbench.UsageError, match="got is not a dashboard in JSON"):
        workbench.compare(query.path, {"at": object()})


def test_validation_holds_or_says_why_not(program):
    holds = '{"invariant": "I1", "sentence": "s", "result": "holds", "violations": 0, "examples": []}'
    broken = '{"invariant": "I2", "sentence": "t", "result": "violated", "violations": 3, "examples": ["e"]}'
    missing = (
        '{"invariant": "I13", "sentence": "u", "result": "skipped", "isMissing": true, "violations": 0, "examples": []}'
    )
    program(f"echo '[{holds}]'")
    assert workbench.validate("x")
    program(f"echo '[{holds}, {broken}]'; exit 1")
    found = workbench.validate("x")
    assert not found
    assert str(found) == "I2 is violated 3 times: t\n  e"
    program(f"echo '[{holds}, {missing}]'; echo 'x: inconclusive: I13 was not checked.' >&2; exit 2")
    with pytest.raises(workbench.Inconclusive, match="I13 was not checked") as caught:
        workbench.validate("x")
    assert not caught.value.result


def test_an_invariant_that_is_violated_is_found(run, tmp_path):
    """The real program, on tables without a manifest in which a request has two identical identifiers."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for file in (run.path / "telemetry").glob("*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    text = (folder / "requests.csv").read_text().splitlines(keepends=True)
    (folder / "requests.csv").write_text("".join([*text, text[-1]]))
    found = workbench.DataSet(folder).validate()
    assert "I8" in [i.invariant for i in found.violated]


def test_objectives_are_judged(run, document, tmp_path):
    kept = workbench.expect(run, ["latency.p95 <= 1h", "models.gpt.failureRate <= 50%"])
    assert kept
    assert str(kept).startswith("kept         latency.p95 <= 1h: model ")
    broken = workbench.expect(run, "models.gpt.goodput(latency <= 10ms) >= 50%", junit=tmp_path / "junit.xml")
    assert not broken
    (objective,) = broken.broken
    assert objective.worst.subject.model == "gpt"
    assert objective.worst.value == 0
    assert objective.worst.worst.start < objective.worst.worst.end
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    with pytest.raises(workbench.Inconclusive, match="no request has a class") as caught:
        workbench.expect(run, "classes.batch.latency.p95 <= 1h")
    assert caught.value.result.objectives[0].verdict == "inconclusive"
    with pytest.raises(workbench.Inconclusive, match="there is no objective"):
        workbench.expect(run)
    with pytest.raises(workbench.UsageError, match="Did you mean gpt"):
        workbench.expect(run, "models.gtp.latency.p95 <= 1s")
    assert not workbench.expect(run, scenario=document | {"expect": ["latency.p95 <= 1ms"]})


def test_a_run_that_breaks_an_objective_fails_and_is_whole(document, tmp_path):
    with pytest.raises(workbench.Failed, match=r"broken: latency\.p95 <= 1ms"):
        workbench.run(document | {"expect": ["latency.p95 <= 1ms"]}, out=tmp_path / "run", formats="csv")
    assert not workbench.expect(tmp_path / "run")


PATH = "models.chat.deployments.V1.scaling.maxReplicas"


def test_a_plan_recommends(document, tmp_path):
    scenario = workbench.Scenario(document)
    found = scenario.plan(
        vary={PATH: range(1, 3)},
        slo=["latency.p95 <= 30s", "failureRate <= 50%"],
        minimize="credits",
        replications=3,
        warm_up="none",
        out=tmp_path / "plan",
    )
    assert found
    assert found.best is found.base
    assert found.choice.objectives == ("latency.p95 <= 30s", "failureRate <= 50%")
    estimate = found.variant("maxReplicas=2").metrics["latency.p95"]
    assert estimate.lower < estimate.value < estimate.upper
    assert (tmp_path / "plan/plan.json").exists()
    frame = found.table().polars()
    assert frame.height == sum(len(v.metrics) for v in found.variants)
    with pytest.raises(workbench.UsageError, match="There are: base"):
        found.variant("maxReplicas=7")


def test_a_plan_whose_objectives_nothing_meets_is_not_a_success(document):
    found = workbench.plan(document, slo="latency.p50 <= 100ms", minimize="credits", replications=2, warm_up="none")
    assert not found
    assert found.best is None
    assert found.choice.nearest == "base"


def test_variants_by_name(document):
    scenario = workbench.Scenario(document)
    found = scenario.plan(
        variants={"busy": scenario.set("models.chat.load.scale", 2), "calm": {"models.chat.load.scale": 0.5}},
        replications=2,
        warm_up="none",
    )
    assert [v.name for v in found.variants] == ["base", "busy", "calm"]
    requests = [v.metrics["requests"].value for v in found.variants]
    assert requests[2] < requests[0] < requests[1]
    with pytest.raises(workbench.UsageError, match="is not made from the plan's scenario"):
        scenario.plan(variants={"other": workbench.Scenario("other.yaml")})
    with pytest.raises(workbench.UsageError, match="no metric"):
        scenario.plan(slo="latencyy <= 2s")
    with pytest.raises(workbench.UsageError, match="cannot be varied"):
        scenario.plan(vary={PATH: ["1..2"]})


def test_a_fit_says_whether_it_is_as_good_as_the_data(run, tmp_path):
    found = workbench.fit(run, model="chat", out=tmp_path / "judged.yaml", hold_out="10min")
    quality = found.models[0].quality
    assert quality is not None
    intervals = quality.marginal("inter-arrival time")
    assert intervals is not None
    assert [own.window for own in quality.counts] == [1, 10, 60]
    for own in (*quality.marginals, *quality.counts):
        bound = own.bound
        # Something was held out, and the fit was simulated more than once.
        assert bound.d is not None
        assert bound.s is not None
        assert bound.allowed == max(1.25 * bound.d, bound.s, bound.limit)
        assert bound.is_met == (bound.e <= bound.allowed)
    assert quality.is_met == all(own.bound.is_met for own in (*quality.marginals, *quality.counts))
    assert intervals.bound.limit == 0.1
    assert intervals.bound.e == intervals.wasserstein
    # What the fit saw is the other half of the time.
    assert intervals.seen_mean is not None
    assert intervals.seen_mean != intervals.observed_mean
    for counts in quality.counts:
        assert abs(counts.simulated_dispersion / counts.observed_dispersion - 1) == pytest.approx(counts.bound.e)
    # The verdict says the same.
    assert any("not reproduced" in line for line in quality.verdict) == (not quality.is_met)


def test_a_fit_gives_a_scenario(run, tmp_path):
    found = workbench.fit(run, model="chat", out=tmp_path / "chat.yaml", check=False)
    (model,) = found.models
    arrivals = next(p for p in model.fitted if p.part == "arrivals")
    low, high = arrivals.parameters[0].interval
    assert low < 0.2 < high
    assert model.quality is None
    assert found.scenario.check() == ()
    with pytest.raises(workbench.OutputError, match="exists"):
        workbench.fit(run, out=tmp_path / "chat.yaml", check=False)
    with pytest.raises(workbench.WorkbenchError):
        workbench.fit(run, model="nobody", check=False)


def test_a_fixture_has_queries_and_sql(fixture, tmp_path):
    assert fixture.rows["requests"] == 200
    assert len({q.name for q in fixture.queries}) == len(fixture.queries) > 10
    query = fixture.queries[0]
    assert query.expected.query.period == query.period
    database = sqlite3.connect(fixture.sqlite(tmp_path / "product.sqlite"))
    assert database.execute("SELECT count(*) FROM requests").fetchone() == (200,)
    database.close()
    with pytest.raises(workbench.OutputError):
        fixture.sqlite(tmp_path / "product.sqlite")
    with pytest.raises(workbench.UsageError, match="postgresql, sqlite"):
        fixture.sql("oracle")


def test_the_catalogue(tmp_path):
    names = workbench.catalogue_names()
    assert names["single-request"].startswith("A week with one request")
    made = workbench.catalogue("single-request", out=tmp_path / "catalogue")
    assert made["single-request"].rows["requests"] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T00:00:00Z", datetime(2026, 3, 2, tzinfo=timezone.utc)),
        ("2026-03-02T00:00:00.5Z", datetime(2026, 3, 2, 0, 0, 0, 500000, timezone.utc)),
        ("2026-03-02T00:00:00.362896+05:45", datetime(2026, 3, 1, 18, 15, 0, 362896, timezone.utc)),
        ("1971-01-01T00:00:00-00:44:30", datetime(1971, 1, 1, 0, 44, 30, tzinfo=timezone.utc)),
    ],
)
def test_instants(text, expected):
    assert instant(text) == expected


def test_what_is_not_an_instant():
    with pytest.raises(ValueError, match="not an RFC 3339 instant"):
        instant("2026-03-02")
