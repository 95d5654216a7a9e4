"""A plan's page, as a report and served with its variants' dashboards side by side, in a real Chromium."""
import json, re, subprocess

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Server, eventually


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    outcome = subprocess.run(
        [WORKBENCH, "plan", ROOT / "Scenarios/steady.yaml", "--vary", "load.scale=0.5,1,1.5", "--replications", "5", "--slo", "latency.p95[all] <= 3100ms, models.*.latency.p99 <= 60s",
         "--minimize", "utilisation", "--sensitivity", "latency.mean", "--sobol", "8", "--max-replications", "30", "-o", folder / "p", "-q"])
    assert outcome.returncode == 0
    return folder / "p"


def watched(browser):
    page = browser.new_page(viewport={"width": 1500, "height": 1200})
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
    return page


def check_page(page, plan):
    page.wait_for_selector("main[aria-busy=false]", timeout=30000)
    text = page.inner_text("main")
    result = json.loads((plan / "plan.json").read_text())
    assert f"Recommended: {result['choice']['best']}" in text
    assert "How to read this" in text and "--minimize utilisation" in text
    for variant in result["variants"]:
        assert variant["name"] in text
    # Each objective stands at the graph of its own metric, however it is written.
    for level in result["choice"]["levels"]:
        assert page.locator(".planview article", has_text=f"objective: {level}.").count() == 1, (level, text)
    # A figure with its interval, as in the file: the half width to two digits, the value as far as it goes.
    heads = page.locator("table.variants th[scope=col]").all_inner_texts()
    place = next(index for index, head in enumerate(heads) if head.startswith("latency.p95"))
    p95 = result["variants"][0]["metrics"][heads[place].split(",")[0]]
    cell = page.locator("table.variants tbody tr").first.locator("th, td").nth(place).inner_text()
    told = re.fullmatch(r"([\d,.]+) ± ([\d,.]+) (ms|s)", cell.split("\n")[0])
    value, half = (float(part.replace(",", "")) * {"ms": 1, "s": 1000}[told[3]] for part in told.groups()[:2])
    assert abs(half - p95["halfWidth"]) <= 0.05 * p95["halfWidth"] and abs(value - p95["value"]) <= 0.1 * p95["halfWidth"], (cell, p95)
    graphs = lambda: page.evaluate("Array.from(document.querySelectorAll('.figure')).map((graph) => Array.from(graph.querySelectorAll('.row')).map((row) => [row.dataset.name, row.querySelectorAll('.interval').length]))")
    eventually(graphs, lambda graphs: any(len(rows) == len(result["variants"]) and all(count == 1 for _, count in rows) for rows in graphs))
    assert "First-order Sobol indices" in text and "What moves latency.mean" in text
    assert not page.troubles, page.troubles


def test_report_stands_alone(plan, tmp_path, browser):
    target = tmp_path / "plan.html"
    subprocess.run([WORKBENCH, "report", plan, "-o", target], check=True, stdout=subprocess.DEVNULL)
    page = watched(browser)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(target.as_uri())
    check_page(page, plan)
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    page.close()


def test_variants_stand_side_by_side(plan, browser):
    server = Server([plan])
    try:
        page = watched(browser)
        page.goto(server.url)
        page.click("a[href='plan.html']")
        check_page(page, plan)
        columns = page.locator(".sides > div")
        assert len(server.json("api/runs")) >= 3
        expect(columns).to_have_count(len(server.json("api/runs")))
        # Each column has the figures of its own run.
        for index, run in enumerate(server.json("api/runs")):
            expect(columns.nth(index)).to_contain_text(run["name"])
        page.click(".sides a >> nth=1")
        page.wait_for_selector("#widgets article")
        expect(page).to_have_url(re.compile(f"run={server.json('api/runs')[1]['id']}"))
        page.close()
    finally:
        server.stop()


def test_cases_growth_and_replicas_are_shown(tmp_path, browser):
    folder = tmp_path / "outlook"
    outcome = subprocess.run(
        [WORKBENCH, "plan", ROOT / "Scenarios/steady.yaml", "--case", "rush: load.scale=1.4",
         "--slo", "latency.p95[all] <= 60s", "--minimize", "credits", "--growth", "20%/week", "--growth-weeks", "8", "--replications", "6", "-o", folder, "-q"])
    assert outcome.returncode in (0, 2)
    target = tmp_path / "plan.html"
    subprocess.run([WORKBENCH, "report", folder, "-o", target], check=True, stdout=subprocess.DEVNULL)
    page = watched(browser)
    page.goto(target.as_uri())
    page.wait_for_selector("main[aria-busy=false]", timeout=30000)
    result = json.loads((folder / "plan.json").read_text())
    rows = page.locator("table.variants tr.case")
    expect(rows).to_have_count(2)
    for row, own in zip(rows.all(), result["variants"][0]["cases"]):
        assert f"in case {own['name']}" in row.inner_text() and "✓ met" in row.inner_text()
    lines = page.evaluate("Array.from(document.querySelectorAll('.planview article')).map((card) => [card.querySelector('h3').textContent, Array.from(card.querySelectorAll('.series')).map((line) => [line.dataset.name, line.querySelector('polyline').getAttribute('points').split(' ').length])])")
    lines = dict(lines)
    series = result["ideal"][0]["series"]
    assert dict(lines["Replicas of base"]) == {"ran": len(series["ran"]), "ideal bound": len(series["needed"])}
    assert sum(series["ran"]) * series["seconds"] / 3600 == pytest.approx(result["ideal"][0]["replicaHours"], rel=1e-4)
    weeks = result["growth"]["variants"][0]["weeks"]
    assert lines["When growth breaks an objective"] == [["★ base", len(weeks)]]
    assert "Growth of 20%/week: base " in page.inner_text("main")
    assert not page.troubles, page.troubles
    page.close()
