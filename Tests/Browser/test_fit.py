"""The page of `workbench fit --report` in a real Chromium."""
import json, subprocess

from playwright.sync_api import expect

from conftest import WORKBENCH, drawn, eventually, fits


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


def test_every_quantity_is_seen_at_a_glance(runs, tmp_path, browser):
    page_path, result = tmp_path / "fit.html", tmp_path / "fit.json"
    subprocess.run([WORKBENCH, "fit", runs["canary"], "-o", tmp_path / "fit.yaml", "--report", page_path, "--json", result, "-q", "--hold-out", "0.5"], check=True)
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(page_path.as_uri())
    page.wait_for_selector(".figure", timeout=20000)
    for model in json.loads(result.read_text())["models"]:
        section = page.locator(f"section[aria-label='{model['account']}/{model['model']}']")
        quality = model["quality"]
        bounds = [own["bound"] for own in (*quality["marginals"], *quality["counts"])]
        within = [bound["e"] <= max(1.25 * bound.get("d", 0), bound.get("s", 0), bound["limit"]) for bound in bounds]
        # Before anything else of the model, how many are as good as the data; then the verdict in words.
        lead = section.locator("p").first
        expect(lead).to_have_text(f"{sum(within)} of {len(within)} quantities are as good as the data.")
        table = section.get_by_role("region", name="At a glance")
        assert table.locator("th").all_inner_texts()[:4] == ["quantity", "held out", "simulated", "seen by the fit"]
        rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
        assert [row[-1] for row in rows] == ["yes" if own else "no" for own in within]
        assert [row[0] for row in rows] == [f"mean {own['name']}" for own in quality["marginals"]] + [
            "dispersion over " + {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h"}[own["window"]] for own in quality["counts"]]
        # Something was seen, and it is drawn beside what was held out.
        assert all(row[3] for row in rows)
        names = section.locator(".series").evaluate_all("all => all.map((series) => series.dataset.name)")
        assert {"observed", "simulated", "seen by the fit"} <= set(names)
    assert not errors, errors
    page.set_viewport_size({"width": 500, "height": 900})
    fits(page)
    page.close()


STEPS = """
workbench: 1
name: steps
seed: 3
period: { from: 2026-01-05T00:00:00Z, to: 2026-01-05T00:05:00Z }
account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
models:
  - name: m
    kind: openSource
    load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: { lognormal: { median: 800, sigma: 0.6 } }, output: { lognormal: { median: 120, sigma: 0.5, min: 2 } } } }
    deployments:
      - { version: "V<b>1</b>", deployAt: 2026-01-04, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 32 }, service: { continuousBatching: { base: 20ms, perSequence: 50us, perPromptToken: 80us } } }
"""
UNITS = {"ms": 1, "s": 1000, "min": 60_000}


def test_what_was_replayed_has_a_table(tmp_path, browser):
    (tmp_path / "steps.yaml").write_text(STEPS)
    subprocess.run([WORKBENCH, "run", tmp_path / "steps.yaml", "--out", tmp_path / "run", "--formats", "csv", "-q"], check=True)
    page_path, result = tmp_path / "fit.html", tmp_path / "fit.json"
    subprocess.run([WORKBENCH, "fit", tmp_path / "run", "-o", tmp_path / "fit.yaml", "--report", page_path, "--json", result, "-q"], check=True)
    replayed = json.loads(result.read_text())["models"][0]["replayed"]
    assert [part["version"] for part in replayed] == ["V<b>1</b>"]
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(page_path.as_uri())
    table = page.get_by_role("region", name="Replayed, V<b>1</b>")
    expect(table.locator("th").first).to_have_text("V<b>1</b>: requests replayed as they arrived")
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert [row[0] for row in rows] == ["time to first token", "time per output token", "latency"]

    def near(text, value, digits):
        number, unit = text.replace("−", "-").split()
        return abs(float(number) * UNITS.get(unit, 1) - value) <= digits * UNITS.get(unit, 1)

    for row, figure in zip(rows, replayed[0]["figures"], strict=True):
        assert row[0] == figure["name"] and row[1] == str(figure["requests"])
        for place, kind in ((2, "Mean"), (5, "P95")):
            seen, made = figure["observed" + kind], figure["simulated" + kind]
            # Three significant digits.
            assert all(near(text, value, value / 100) for text, value in ((row[place], seen), (row[place + 1], made))), row
            share = 100 * (made / seen - 1)
            assert near(row[place + 2], share, 0.0051) and row[place + 2].endswith(" %"), (row, share)
            # A difference has its sign.
            assert row[place + 2][0] == ("+" if share > 0 else "−" if share < 0 else "0"), (row, share)
    assert table.locator("b").count() == 0
    # All of it is there to be read: on a narrow screen the table scrolls, not the page.
    page.set_viewport_size({"width": 500, "height": 900})
    fits(page)
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
