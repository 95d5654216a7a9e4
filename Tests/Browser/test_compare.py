"""Two runs, versions or periods against each other on the page."""
import re

import pytest
from playwright.sync_api import expect

from conftest import MODEL, Dashboard, eventually, fits, looks_as_it_did


def cells(page, figure):
    return page.page.locator(f".figuretable tr[data-figure='{figure}'] > *").all_inner_texts()


def test_two_runs_are_compared_figure_by_figure_and_graph_over_graph(dashboard, server):
    dashboard.open(page="compare", run=server.ids["tight"], other=server.ids["canary"], kind="fineTuned", period="7d")
    answers = [server.json(f"api/runs/{server.ids[name]}/dashboard?kind=fineTuned&period=7d") for name in ("tight", "canary")]
    totals = [answer["requests"]["totalRequests"] for answer in answers]
    shown = eventually(lambda: cells(dashboard, "requests"), lambda shown: shown[:3] == ["requests", f"{totals[0]:,}", f"{totals[1]:,}"])
    for key, (own, base) in {"p95": [answer["latency"]["summary"]["p95"] for answer in answers], "replicas": [answer["scaling"]["points"] for answer in answers]}.items():
        text = cells(dashboard, key)
        if key == "p95" and own != base:
            assert ("worse" if own > base else "better") in text[3] and re.search(r"[+−].*%", text[3])
    # The other run's lines are thin, grey and dashed, in every graph.
    for kind in ("latency", "requests", "scaling"):
        lines = dashboard.graph(kind)["data"]
        assert any(", canary" in line["name"] and line["dash"] for line in lines) and any(", canary" not in line["name"] for line in lines), kind
    # What of the scenarios differs, and nothing else.
    rows = dashboard.page.get_by_role("region", name="Scenarios, table").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.locator("th, td")).to_have_text(["models.router.deployments.V1.scaling.maxReplicas", "2", "5"])
    # The address brings it back.
    address = dashboard.page.url
    dashboard.page.goto(address)
    dashboard.settled()
    eventually(lambda: cells(dashboard, "requests"), shown)


def test_two_versions_are_compared(page):
    page.open(page="compare", kind="openSource", period="7d", model=MODEL, version="V 1", otherVersion="V+2")
    own, base = [page.server.json(f"api/runs/1/dashboard?kind=openSource&period=7d&model=my+model+%2B+co+%2F+%C3%A9&version={version}")["requests"]["totalRequests"] for version in ("V+1", "V%2B2")]
    assert own + base == 100_000
    eventually(lambda: cells(page, "requests")[:3], ["requests", f"{own:,}", f"{base:,}"])
    eventually(lambda: page.page.locator(".figuretable thead th").all_inner_texts()[1:3], ["V 1", "V+2"])


def test_two_periods_are_laid_over_each_other_day_by_day(page):
    page.open(page="compare", kind="openSource", period="2026-03-05..2026-03-06", model=MODEL, otherPeriod="before")
    eventually(lambda: page.page.locator(".figuretable thead th").all_inner_texts()[1:3], ["5–6 Mar 2026", "3–4 Mar 2026"])
    own, base = page.graph("requests")["data"][0], page.graph("requests")["data"][2]
    assert own["x"] == base["x"] and len(own["x"]) == 2
    server = page.server.json("api/runs/1/dashboard?kind=openSource&period=2026-03-03..2026-03-04&model=my+model+%2B+co+%2F+%C3%A9")
    assert base["drawn"] == [point["successes"] for point in server["requests"]["points"]]
    # Dates can be typed, by keyboard only; what cannot be selected says why.
    page.page.get_by_label("Other period").select_option(label="dates")
    page.settled()
    first = page.page.get_by_label("From, of the other")
    first.fill("2031-01-01")
    expect(page.page.locator("#other-date-problem")).to_contain_text("after today")
    page.page.get_by_label("Other period").select_option(label="the same period")
    page.page.get_by_text("the same on both sides").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_compare_can_be_read_at_every_width(browser, week, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    page = Dashboard(browser, week, width=width, height=900, color_scheme=scheme).open(page="compare", kind="openSource", period="2026-03-05..2026-03-06", otherPeriod="before", objective="1s")
    fits(page.page)
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"compare-{width}-{scheme}")
    page.close()
