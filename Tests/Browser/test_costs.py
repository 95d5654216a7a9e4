"""The panel *Cost*: of runs whose external models have prices, and of no others."""
import pytest

from conftest import Dashboard, serving

PRICED = """
workbench: 1
name: priced
seed: 3
period: { from: 2026-03-02T00:00:00Z, to: 2026-03-04T06:00:00Z }
account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
models:
  - name: gpt-4o
    kind: external
    provider: OpenAI
    load: { arrivals: { poisson: { rate: 2/min } }, tokens: { input: { lognormal: { median: 1500, sigma: 0.8 } }, output: { exponential: { mean: 300 } } } }
    service: { firstToken: 350ms, perOutputToken: 14ms }
    prices: { input: 2.5, output: 10 }
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("costs"), PRICED) as server:
        yield server


@pytest.mark.parametrize("lens", ["", "analysis"])
def test_costs_are_those_of_the_answer(browser, served, lens):
    dashboard = Dashboard(browser, served)
    dashboard.open(kind="external", period="24h", **({"lens": lens} if lens else {}))
    cost = served.json("api/runs/1/dashboard?kind=external&period=24h")["cost"]
    (bars,) = dashboard.graph("cost")["data"]
    assert [value for value in bars["y"] if value is not None] == [point["cost"] for point in cost["points"]]
    shown = dashboard.figures("cost")
    assert float(shown["total"].replace(",", "")) == pytest.approx(cost["total"], abs=0.0051)
    assert float(shown["per million tokens"]) == pytest.approx(cost["perMillionTokens"], abs=0.0051)
    assert sum(point["cost"] for point in cost["points"]) == pytest.approx(cost["total"])
    assert "Cost" in dashboard.hover("cost", 0.5)
    dashboard.close()


def test_where_no_cost_is_known_there_is_no_such_panel(page):
    page.open(kind="external", period="7d")
    assert page.page.locator("#widgets").get_by_text("Tokens").count() and not page.page.locator("#cost").count()
