"""The page of `workbench compare --html` in a real Chromium: the Compare view of the served page, as a file."""
import json, re, subprocess
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Dashboard, Server, drawn, eventually, fits, looks_as_it_did, run_id


def compare(expected, actual, path, status=1, *options, within=None):
    outcome = subprocess.run([WORKBENCH, "compare", expected, actual, "--html", path, "--json", *options], capture_output=True, text=True, cwd=within)
    assert outcome.returncode == status, outcome.stderr
    return json.loads(outcome.stdout)


def opened(browser, path, **options):
    """A file as a user sees it; what it asks of any server, and any error, is a failure."""
    page = Dashboard(browser, SimpleNamespace(url=path.as_uri()), **options)
    page.page.goto(path.as_uri())
    page.page.wait_for_selector("#widgets")
    return page


def choose(page, dashboard):
    page.page.get_by_label("Dashboard", exact=True).select_option(dashboard)
    drawn(page.page)


@pytest.fixture(scope="module")
def other(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("differences") / "other"
    subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/canary.yaml", "--seed", "8", "--out", folder, "-q"], check=True)
    return folder


@pytest.fixture(scope="module")
def difference_page(runs, other, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "diff.html"
    # The page shows the paths as they are given: those of a test's folder change from run to run, and with them the lines.
    base = tmp_path_factory.getbasetemp()
    return path, compare(runs["canary"].relative_to(base), other.relative_to(base), path, within=base)


@pytest.fixture
def file(browser, difference_page):
    page = opened(browser, difference_page[0])
    yield page
    page.close()


def test_both_graphs_are_overlaid_and_differences_listed(file, difference_page, other):
    path, result = difference_page
    page = file.page
    assert path.stat().st_size < 600_000
    expect(page.get_by_label("Verdict")).to_contain_text(result["summary"])
    expect(page.get_by_label("Verdict")).to_contain_text(f"{result['total']:,} differences")
    # Expected and actual in one graph, and marks at the buckets that differ.
    choose(file, "acme/fineTuned-7d")
    for kind in ("latency", "requests", "scaling"):
        lines = file.graph(kind)["data"]
        assert any(", canary" in line["name"] and line["dash"] for line in lines) and any(", canary" not in line["name"] for line in lines), kind
    assert file.graph("requests")["rules"]
    # Every output's differences, figures before the points that only one side has.
    for name in {entry["document"] for entry in result["differences"]}:
        summary = page.locator("details details > summary", has_text=name)
        expect(summary).to_have_count(1)
        if not summary.evaluate("node => node.parentElement.open"):
            summary.click()
        worst = next(entry for entry in result["differences"] if entry["document"] == name and entry["kind"] == "value")
        row = page.get_by_role("region", name=f"Differences in {name}, table").locator("tbody tr").first
        expect(row.locator("td")).to_have_text([worst["kind"], worst["path"], worst["expected"], worst["actual"], re.compile(r"^[+−]" if "difference" in worst else "^$"), "exact", worst["look"]])
    lists = page.get_by_role("region", name="Only on one side, table").locator("tbody tr")
    expect(lists).to_have_count(len(result["unmatched"]))
    expect(lists.first).to_contain_text(f"{result['unmatched'][0]['missing']:,}")


def test_all_dashboards_stand_beside_each_other_and_lead_to_their_graphs(file, difference_page):
    path, result = difference_page
    page = file.page
    table = page.get_by_role("region", name="Dashboards, table")
    names = table.locator("tbody th").all_inner_texts()
    assert names == page.get_by_label("Dashboard", exact=True).locator("option").evaluate_all("list => list.map((node) => node.value)") and len(names) == 4
    data = json.loads(re.search(r'id="differences">(.*?)</script>', path.read_text(), re.S)[1])
    for pair in data["pairs"]:
        row = table.locator("tbody tr").nth(names.index(pair["name"]))
        expect(row.locator("td").first).to_have_text(f"{pair['differences']:,}" if pair["differences"] else "none")
        expect(row.locator("td").nth(1)).to_contain_text(f"{pair['actual']['requests']['totalRequests']:,}")
    # Any of them is one click away, by keyboard too.
    table.get_by_role("button", name="acme/fineTuned-7d", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Dashboard", exact=True)).to_have_value("acme/fineTuned-7d")
    expect(page.get_by_label("Dashboard", exact=True)).to_be_focused()
    expect(table.locator("[aria-current=true]")).to_have_text("acme/fineTuned-7d")


def shown(page):
    """All that Compare says, in words."""
    texts = lambda selector: [re.sub(r"\s+", " ", text) for text in page.page.locator(selector).all_inner_texts()]
    return {
        "cards": texts(".cards.against li"), "sides": texts(".versus"), "figures": texts(".figuretable tr"),
        "panels": texts("[data-widget] .figures"), "scenarios": texts("[aria-label='Scenarios'] tr"),
    }


@pytest.mark.parametrize("first, second", [("canary", "other"), ("canary", "tight")])
def test_the_file_and_the_served_view_are_the_same(browser, runs, other, tmp_path, first, second):
    sides = [{**runs, "other": other}[name] for name in (first, second)]
    result = compare(*sides, tmp_path / "d.html")
    server = Server(sides)
    try:
        served = Dashboard(browser, server).open(page="compare", run=run_id(sides[1]), other=run_id(sides[0]), kind="fineTuned", period="7d")
        served.page.locator(".figuretable").wait_for()
        file = opened(browser, tmp_path / "d.html")
        choose(file, "acme/fineTuned-7d")
        said = eventually(lambda: shown(served), lambda found: found["scenarios"])
        assert len(said["figures"]) > 8 and len(said["panels"]) == 4 and "canary" in said["sides"][0]
        # The file has fewer points of single requests, which no graph here shows, and says so.
        same = lambda found: {**found, "panels": [re.sub(r" points extremes of .* requests", "", text) for text in found["panels"]]}
        assert same(shown(file)) == same(said)
        for kind in ("latency", "requests", "scaling", "credits"):
            for page in (file, served) if kind == "credits" else ():
                page.page.get_by_role("group", name="Credits by").get_by_role("button", name="by version").click()
                drawn(page.page)
            ours, theirs = [page.graph(kind) for page in (file, served)]
            lines = [[(line["name"], line["colour"], line["dash"], line["x"], line["drawn"]) for line in graph["data"]] for graph in (ours, theirs)]
            assert lines[0] == lines[1] and len(lines[0]) > 1, kind
            assert [ours[key] for key in ("titles", "limits", "range", "yrange")] == [theirs[key] for key in ("titles", "limits", "range", "yrange")], kind
        # What was found is told in the same words, when the page is asked.
        served.page.locator("details.every > summary").click()
        expect(served.page.locator("details.every")).to_contain_text(result["summary"])
        expect(file.page.get_by_label("Verdict")).to_contain_text(result["summary"])
        tables = []
        for page in (file, served):
            # The first is open.
            for summary in page.page.locator("details.every details:not([open]) > summary").all()[::-1]:
                summary.click()
            many = page.page.locator("details.every details").count()
            expect(page.page.locator("details.every table")).to_have_count(many)
            tables.append([table.locator("tr").all_inner_texts() for table in page.page.locator("details.every table").all()])
        assert tables[0] == tables[1] and len(tables[0]) > 0
        served.close()
        file.close()
    finally:
        server.stop()


def test_other_periods_are_laid_over_each_other(browser, tmp_path):
    """Days lie on days, as on the page."""
    for name, start, end in (("first", "02", "04"), ("second", "09", "11")):
        subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/steady.yaml", "--set", f"period.from=2026-03-{start}", "--set", f"period.to=2026-03-{end}", "--out", tmp_path / name, "-q"], check=True)
    compare(tmp_path / "first", tmp_path / "second", tmp_path / "d.html")
    page = opened(browser, tmp_path / "d.html")
    choose(page, "acme/openSource-7d")
    expect(page.page.locator(".versus")).to_contain_text("its days are laid over these")
    own, other = [line for line in page.graph("requests")["data"] if line["name"].startswith("Successful")]
    assert len(own["x"]) == 2 and own["x"] == other["x"]
    page.close()


def test_dashboards_in_json_show_what_there_is(browser, runs, tmp_path):
    source = json.loads((runs["canary"] / "dashboard/acme/fineTuned-7d.json").read_text())
    # As another program may write them: one widget is missing, another has something else in it.
    foreign = {**source, "requests": {**source["requests"], "totalFailures": 7}, "scaling": {"points": "many"}, "account": "acme"}
    del foreign["latency"]
    (tmp_path / "a.json").write_text(json.dumps(source))
    (tmp_path / "b.json").write_text(json.dumps(foreign))
    compare(tmp_path / "a.json", tmp_path / "b.json", tmp_path / "d.html")
    page = opened(browser, tmp_path / "d.html")
    expect(page.page.locator(".versus")).to_contain_text("actual in colour, against expected, grey and dashed.")
    expect(page.page.locator(".figuretable tr[data-figure=failures] > *")).to_have_text(["failures", "7", "0", "+7 worse"])
    assert any(", expected" in line["name"] for line in page.graph("requests")["data"])
    assert page.widget("latency").count() == 0 and page.page.get_by_label("Scenarios").count() == 0
    page.close()
    # What cannot be drawn at all does not take the rest with it.
    (tmp_path / "b.json").write_text(json.dumps({**foreign, "query": {**source["query"], "from": {}}}))
    compare(tmp_path / "a.json", tmp_path / "b.json", tmp_path / "e.html")
    page = opened(browser, tmp_path / "e.html")
    expect(page.page.locator("#widgets")).to_contain_text(re.compile("No (view|graph) of .*: "))
    expect(page.page.locator("details.every")).to_contain_text("query.from")
    page.close()


def test_requests_that_differ_are_shown_as_points(browser, runs, tmp_path):
    source = json.loads((runs["hostile"] / next(runs["hostile"].glob("dashboard/*/external-7d.json"))).read_text())
    (tmp_path / "a.json").write_text(json.dumps(source))
    place = len(source["latency"]["points"]) // 2
    source["latency"]["points"][place]["latency"] += 60_000
    (tmp_path / "b.json").write_text(json.dumps(source))
    compare(tmp_path / "a.json", tmp_path / "b.json", tmp_path / "d.html")
    page = opened(browser, tmp_path / "d.html")
    graph = page.graph("latency")
    assert len(graph["rules"]) == 1
    # The slow request is the highest point, although not all points are in the file.
    assert max(value for value in graph["data"][0]["drawn"] if value is not None) > 60_000
    page.close()


def test_what_tolerances_allow_is_the_same_and_still_shown(browser, runs, tmp_path):
    rules = tmp_path / "t.yaml"
    rules.write_text("workbenchTolerances: 1\nrules: [ { path: requests.totalRequests, relative: 50% } ]\n")
    source = json.loads((runs["canary"] / "dashboard/acme/fineTuned-30d.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(source))
    source["requests"]["totalRequests"] += 10_000
    (tmp_path / "b.json").write_text(json.dumps(source))
    result = compare(tmp_path / "a.json", tmp_path / "b.json", tmp_path / "d.html", 0, "--tolerances", rules)
    page = opened(browser, tmp_path / "d.html")
    expect(page.page.get_by_label("Verdict")).to_contain_text(result["summary"])
    assert result["summary"].startswith("The same: ")
    expect(page.page.locator(".figuretable tr[data-figure=requests]")).to_contain_text("+10,000")
    page.close()


def test_replications_show_their_tests(browser, tmp_path):
    for folder, seed in [(folder, seed) for folder in ("a", "b") for seed in range(1, 4)]:
        (tmp_path / folder).mkdir(exist_ok=True)
        slow = ["--set", "models.classifier.load.scale=3"] if folder == "b" else []
        subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/steady.yaml", "--seed", str(seed), "--set", "period.to=2026-03-02T01:00", "--formats", "none", *slow, "--out", tmp_path / folder / str(seed), "-q"], check=True)
    result = compare(tmp_path / "a", tmp_path / "b", tmp_path / "d.html")
    different = sum(test["verdict"] == "different" for test in result["tests"])
    assert different
    page = opened(browser, tmp_path / "d.html")
    expect(page.page.get_by_label("Verdict")).to_contain_text("3 and 3 replications")
    expect(page.page.locator("#widgets")).to_contain_text(f"{len(result['tests'])} statistical tests at 1 % together: {different} significant.")
    rows = page.page.get_by_role("region", name="Statistical tests, table").locator("tbody tr")
    expect(rows).to_have_count(min(len(result["tests"]), 500))
    expect(rows.first).to_contain_text("different")
    expect(page.page.locator("details.every table").first).to_contain_text("statistical")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_the_file_can_be_read_at_every_width(browser, difference_page, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    page = opened(browser, difference_page[0], width=width, height=900, color_scheme=scheme)
    choose(page, "acme/fineTuned-7d")
    fits(page.page)
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"differences-{width}-{scheme}")
    page.close()
