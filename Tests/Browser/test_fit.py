"""The page of `workbench fit --report` in a real Chromium."""
import json, subprocess

from playwright.sync_api import expect

from conftest import WORKBENCH, drawn, eventually


def test_both_data_sets_are_overlaid(runs, tmp_path, browser):
    page_path, result = tmp_path / "fit.html", tmp_path / "fit.json"
    subprocess.run([WORKBENCH, "fit", runs["canary"], "-o", tmp_path / "fit.yaml", "--report", page_path, "--json", result, "-q"], check=True)
    models = json.loads(result.read_text())["models"]
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_path.as_uri())
    page.wait_for_selector(".figure", timeout=20000)
    for model in models:
        expect(page.locator("main")).to_contain_text(f"{model['account']} / {model['model']}")
        for line in model["quality"]["verdict"]:
            expect(page.locator("main")).to_contain_text(line)
    charts = lambda: page.evaluate("Array.from(document.querySelectorAll('.figure')).map((graph) => ({ title: graph.closest('article').querySelector('h2').textContent, names: Array.from(graph.querySelectorAll('.series')).filter((series) => series.querySelector('polyline[points], circle')).map((series) => series.dataset.name) }))")
    for title in ("Arrivals per second", "Index of dispersion of counts", "Autocorrelation of counts, 1 s", "Q–Q of inter-arrival time", "Distribution of output tokens", "Distribution of latency"):
        eventually(lambda: [chart["title"] for chart in charts()], lambda titles: title in titles)
    eventually(charts, lambda charts: all({"observed", "simulated"} <= set(chart["names"]) for chart in charts if not chart["title"].startswith("Q–Q")))
    assert not errors, errors
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    page.close()


def test_hostile_names_stay_text(runs, tmp_path, browser):
    page_path = tmp_path / "fit.html"
    subprocess.run([WORKBENCH, "fit", runs["hostile"], "-o", tmp_path / "fit.yaml", "--report", page_path, "-q"], check=True)
    page = browser.new_page()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(page_path.as_uri())
    page.wait_for_selector("section table")
    drawn(page)
    assert not dialogs and page.title() == "Fit"
    assert page.locator("main script, main img").count() == 0
    page.close()
