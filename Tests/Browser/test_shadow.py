"""The page of `workbench shadow --html` in a real Chromium."""
import json, subprocess

from playwright.sync_api import expect

from conftest import WORKBENCH, eventually

NAME = "V<b>1</b>"
SCENARIO = f"""
workbench: 1
name: shadowed
period: {{ from: 2026-01-05T00:00:00Z, to: 2026-01-05T04:00:00Z }}
account: {{ name: a, timeZone: UTC, subscription: {{ maxReplicas: 20 }} }}
models:
  - name: m
    kind: openSource
    load: {{ arrivals: {{ gamma: {{ rate: 3/s, cv: 2 }} }}, tokens: {{ input: 10, output: 10 }} }}
    deployments:
      - {{ version: "{NAME}", deployAt: 2026-01-04, hardware: A10 single, scaling: {{ minReplicas: 1, maxReplicas: 12, maxBatchSize: 4 }}, service: {{ time: 4s }} }}
"""


def test_recorded_and_policy_are_laid_over_each_other(tmp_path, browser):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    subprocess.run([WORKBENCH, "run", tmp_path / "s.yaml", "--out", tmp_path / "run", "--formats", "csv", "-q"], check=True)
    page_path = tmp_path / "shadow.html"
    policy = "targetUtilisation: { target: 0.6 }"
    done = subprocess.run([WORKBENCH, "shadow", tmp_path / "run", "--policy", policy, "--html", page_path, "--json"], check=True, capture_output=True)
    own = json.loads(done.stdout)["deployments"][0]
    for width, height in ((1400, 1000), (390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        errors, requests = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_path.as_uri())
        page.wait_for_selector(".figure", timeout=20000)
        main = page.locator("main")
        expect(main).to_contain_text(f"a / m {NAME}: targetUtilisation, 1 to 12 replicas")
        expect(main).to_contain_text("Open loop")
        names = lambda title: page.evaluate(
            "(title) => Array.from(document.querySelectorAll('article')).filter((card) => card.querySelector('h2').textContent === title).flatMap((card) => Array.from(card.querySelectorAll('.series')).filter((series) => series.querySelector('polyline').getAttribute('points').length > 1000).map((series) => series.dataset.name))", title)
        eventually(lambda: names("Replicas"), lambda found: found == ["demand", "recorded", "policy"])
        eventually(lambda: names("Peaks of demand"), lambda found: found == ["peak demand", "policy"])
        table = page.get_by_role("region", name=f"Recorded and policy, a / m {NAME}")
        rows = {cells[0]: cells[1:] for cells in (row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all())}
        assert float(rows["mean replicas"][0]) == round(own["recorded"]["meanReplicas"], 2)
        assert float(rows["most replicas"][1]) == own["shadow"]["peakReplicas"]
        assert rows["credits"][2].startswith("+" if own["shadow"]["credits"] > own["recorded"]["credits"] else "−")
        differences = page.get_by_role("region", name=f"Differences, a / m {NAME}")
        assert differences.locator("tbody tr").count() == len(own["differences"]) == own["differencesInAll"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not errors, errors
        assert all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
        page.close()
