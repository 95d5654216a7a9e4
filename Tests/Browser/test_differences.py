"""The page of `workbench compare --html` in a real Chromium."""
import json, re, subprocess

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, drawn, eventually


@pytest.fixture(scope="module")
def difference_page(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("differences")
    path = folder / "diff.html"
    other = folder / "other"
    subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/canary.yaml", "--seed", "8", "--out", other, "-q"], check=True)
    outcome = subprocess.run([WORKBENCH, "compare", runs["canary"], other, "--html", path, "--json"], capture_output=True, text=True)
    assert outcome.returncode == 1, outcome.stderr
    return path, json.loads(outcome.stdout)


def test_both_graphs_are_overlaid_and_differences_listed(difference_page, browser):
    path, result = difference_page
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(".u-over", timeout=20000)
    expect(page.locator("main")).to_contain_text(f"{result['total']:,} differences")
    worst = next(d for d in result["differences"] if d["kind"] == "value")
    section = page.locator(f"section[aria-label='{worst['document']}']")
    expect(section).to_have_count(1)
    expect(section).to_contain_text(worst["path"])
    # Expected and actual in one graph, and marks at the buckets that differ.
    names = lambda: page.evaluate("Array.from(document.querySelectorAll('.chart')).map((chart) => chart.spec.series.map((entry) => entry.label))")
    eventually(names, lambda names: any(any("actual" in name for name in chart) and any("actual" not in name for name in chart) for chart in names))
    eventually(lambda: page.evaluate("Array.from(document.querySelectorAll('.chart')).some((chart) => chart.spec.rules?.length > 0)"))
    drawn(page)
    assert not errors, errors
    # The file needs nothing else.
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    page.close()


def test_hostile_names_stay_text(runs, tmp_path, browser):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", runs["hostile"], copy], check=True)
    changed = next(copy.glob("dashboard/*/fineTuned-7d.json"))
    changed.write_text(re.sub(r'"totalFailures" : \d+', '"totalFailures" : 9999', changed.read_text()).replace("script>", "SCRIPT>alert(1)<"))
    page_path = tmp_path / "d.html"
    assert subprocess.run([WORKBENCH, "compare", runs["hostile"], copy, "--html", page_path, "-q"]).returncode == 1
    page = browser.new_page()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(page_path.as_uri())
    page.wait_for_selector("section table")
    drawn(page)
    assert not dialogs and page.title() == "Differences"
    assert page.locator("main script, main img").count() == 0
    page.close()
