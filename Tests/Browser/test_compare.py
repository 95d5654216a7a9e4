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
    # Credits as well: the account's own in bars, all of the other's as a line over them.
    bars = dashboard.graph("credits")["data"]
    spent = [server.json(f"api/runs/{server.ids[name]}/credits?period=7d") for name in ("tight", "canary")]
    sums = [[sum(parts) for parts in zip(*(entry["parts"] for entry in answer["entries"]))] for answer in spent]
    assert bars[0]["name"] == "All credits, canary" and bars[0]["dash"] and bars[0]["y"] == pytest.approx(sums[1])
    assert [line["kind"] for line in bars[1:]] == ["bars"] * (len(bars) - 1) and [sum(values) for values in zip(*(line["y"] for line in bars[1:]))] == pytest.approx(sums[0])
    # What of the scenarios differs, and nothing else.
    rows = dashboard.page.get_by_role("region", name="Scenarios, table").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.locator("th, td")).to_have_text(["models.router.deployments.V1.scaling.maxReplicas", "2", "5"])
    # The address brings it back.
    address = dashboard.page.url
    dashboard.page.goto(address)
    dashboard.settled()
    eventually(lambda: cells(dashboard, "requests"), shown)


def test_without_credits_the_rest_is_compared(dashboard, server):
    dashboard.page.route(f"**/{server.ids['canary']}/credits?*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "Too many questions.", "title": "Busy", "status": 503}'))
    dashboard.open(page="compare", run=server.ids["tight"], other=server.ids["canary"], kind="fineTuned", period="7d")
    expect(dashboard.widget("credits").get_by_role("alert")).to_contain_text("Too many questions.")
    assert len(dashboard.graph("requests")["data"]) == 4
    dashboard.problems[:] = [problem for problem in dashboard.problems if "503" not in problem]


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
    spent = page.server.json("api/runs/1/credits?period=2026-03-03..2026-03-04")
    assert page.graph("credits")["data"][0]["x"] == own["x"] and page.graph("credits")["data"][0]["y"] == pytest.approx([sum(parts) for parts in zip(*(entry["parts"] for entry in spent["entries"]))])
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
