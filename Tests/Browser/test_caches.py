"""The graph of KV caches on the Analysis lens, of a run whose cache is too small for its requests."""
import pytest

from conftest import Dashboard, serving

SMALL_CACHE = """
workbench: 1
name: cache
seed: 3
period: { from: 2026-03-02T00:00:00Z, to: 2026-03-02T06:00:00Z }
account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
models:
  - name: chat
    kind: openSource
    load: { arrivals: { poisson: { rate: 20/min } }, tokens: { input: { lognormal: { median: 800, sigma: 0.8, max: 6000 } }, output: { lognormal: { median: 200, sigma: 0.6, min: 2, max: 1000 } } } }
    deployments:
      - version: V1
        deployAt: 2026-03-01
        hardware: A10 single
        scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 16 }
        service: { continuousBatching: { base: 20ms, perPromptToken: 0.1ms, kvCache: { tokens: 8000 } } }
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("cache"), SMALL_CACHE) as server:
        yield server


def test_utilisation_and_preemptions_are_those_of_the_analysis(browser, served):
    dashboard = Dashboard(browser, served)
    dashboard.open(kind="openSource", period="24h", lens="analysis")
    answer = served.json("api/runs/1/analysis?kind=openSource&period=24h")
    use, preemptions = dashboard.graph("kvCache")["data"]
    known = lambda entry: [value for value in entry["y"] if value is not None]
    assert known(use) == [bucket["kvUtilisation"] for bucket in answer["buckets"]] and max(known(use)) > 0.3
    assert sum(known(preemptions)) == answer["preemptions"] > 0
    assert answer["preemptions"] == served.json("api/runs/1/dashboard?kind=openSource&period=24h")["serving"]["preemptions"]
    # Of 24 hours, the last six have requests.
    assert "Utilisation" in dashboard.hover("kvCache", 0.9) and " %" in dashboard.hover("kvCache", 0.9)
    dashboard.close()


def test_without_a_cache_there_is_no_graph_of_one(page):
    page.open(kind="openSource", period="7d", lens="analysis")
    assert page.page.locator("#widgets").get_by_text("Throughput").count() and not page.page.get_by_text("KV Cache").count()
