"""The pytest plugin, in suites of its own."""

from __future__ import annotations

import json

import pytest

PRODUCT = """
import copy
import pytest

def answer(query):
    '''A product that is right about everything.'''
    return copy.deepcopy(dict(query.json))
"""


@pytest.fixture
def suite(pytester, document):
    document["period"] = {"from": "2026-03-08T00:00", "to": "2026-03-08T01:00"}
    (pytester.path / "scenarios").mkdir()
    (pytester.path / "scenarios/hour.yaml").write_text(json.dumps(document))
    pytester.makeini("[pytest]\nworkbench_scenarios = scenarios\n")

    def write(text):
        pytester.makepyfile(PRODUCT + text)
        return pytester

    return write


def test_a_right_product_passes_each_query(suite):
    result = suite("""
@pytest.mark.workbench_queries("hour", kind="external", period=["7d", "30d"], provider=None, requests=50)
def test_dashboard(workbench_query, assert_figures):
    assert workbench_query.kind == "external"
    assert assert_figures(workbench_query, answer(workbench_query)).same
""").runpytest("-v", "-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_dashboard?acme/external-7d? PASSED*", "*?acme/external-30d? PASSED*"])


def test_a_wrong_product_fails_with_a_table(suite):
    result = suite("""
@pytest.mark.workbench_queries("hour", kind="external", period="7d", provider=None)
def test_dashboard(workbench_query, assert_figures):
    got = answer(workbench_query)
    got["tokens"]["totalInputTokens"] += 7
    got["requests"]["points"] = []
    assert_figures(workbench_query, got)
""").runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Different: 2 differences;*(acme/external-7d: the default period*)",
            "  figure * expected * got*",
            "  requests.points[[]2026-03-08T00:00:00+01:00[]] *",
            "  tokens.totalInputTokens * +7 *",
        ]
    )
    # The reader's own lines, not ours.
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_tolerances(suite):
    result = suite("""
from workbench import Inconclusive

def test_all(workbench_fixture, assert_figures):
    made = workbench_fixture("hour")
    assert workbench_fixture("hour") is made
    assert workbench_fixture("scenarios/hour.yaml", requests=20).rows["requests"] == 20
    query = next(q for q in made.queries if q.kind == "external" and q.period == "7d")
    got = answer(query)
    total = got["requests"]["totalRequests"]
    got["requests"]["totalRequests"] = total + 1
    assert_figures(query, got, absolute=1)
    assert_figures(query.path, got, relative="2%")
    assert_figures(query.expected, got, ignore="requests.totalRequests")
    assert_figures(query, got, absolute=5, tolerances=[{"path": "latency.**", "exact": True}])
    del got["requests"]
    assert_figures(query, got, optional="requests")
    for wrong in ({}, {"relative": "0.01%"}, {"optional": "tokens"}):
        with pytest.raises(pytest.fail.Exception):
            assert_figures(query, got, **wrong)
    with pytest.raises(Inconclusive):
        assert_figures(query, got, ignore="**")
    with pytest.raises(pytest.UsageError, match="tolerance file"):
        assert_figures(query, got, ignore="**", tolerances="tolerances.yaml")
""").runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_an_edge_case_of_the_catalogue(suite):
    result = suite("""
def test_one(workbench_fixture):
    assert workbench_fixture("single-request").rows["requests"] == 1
""").runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "argument", "message"),
    [
        ('"leap-days"', "workbench_query", "*leap-days: there is no such scenario in *The catalogue has: *leap-day,*"),
        (
            '"hour", kind="fineTuned"',
            "workbench_query",
            "*none of the * queries is asked for. There are kind: *external*",
        ),
        ('"hour", kinds="external"', "workbench_query", "*workbench_queries has no kinds.*"),
        ('"hour"', "", "*workbench_queries needs the argument workbench_query.*"),
        ("", "workbench_query", "*workbench_query needs @pytest.mark.workbench_queries(SCENARIO).*"),
    ],
)
def test_nothing_asked_is_an_error(suite, marker, argument, message):
    result = suite(f"""
@pytest.mark.workbench_queries({marker})
def test_dashboard({argument}):
    pass
""").runpytest("-p", "no:cacheprovider")
    assert result.ret != 0
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_an_error_in_the_scenario_has_its_place(suite, pytester):
    (pytester.path / "scenarios/hour.yaml").write_text("workbench: 1\nname: x\nmodells: 3\n")
    result = suite("""
def test_one(workbench_fixture):
    workbench_fixture("hour")
""").runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*scenarios/hour.yaml:3:1: error: unknown key "modells"*'])
