"""Plans made on the page: around a what-if, followed while they run, cancelled, read and gone on from."""
import itertools, re, subprocess

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Dashboard, Server, eventually, fits, looks_as_it_did, studio_server


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with studio_server(tmp_path_factory.mktemp("plans"), {"steady": ["--formats", "none"]}) as server:
        yield server


@pytest.fixture
def page(browser, studio):
    page = Dashboard(browser, studio, width=1440)
    yield page
    page.close()


def test_a_planner_goes_from_a_slider_to_a_plan_and_back(page, studio):
    page.open(page="whatif", kind="openSource", set="models.classifier.load.scale=1.5", objective="10s")
    page.page.get_by_role("button", name="Plan around here").click()
    page.settled()
    values = page.page.get_by_label("Values of classifier · load.scale")
    expect(values).to_have_value("0.75,1.5,2.25,3")
    expect(page.page.get_by_label("Must hold, objectives")).to_have_value("latency.p95 <= 10s")
    values.fill("1,1.5")
    page.page.get_by_label("Must hold, objectives").fill("latency.p95[all] <= 10s")
    page.page.get_by_label("Replications").fill("3")
    page.page.get_by_role("button", name="Run the plan").click()
    lead = page.page.locator("[aria-label=Recommendation] .lead")
    lead.wait_for(timeout=120_000)
    page.settled()
    expect(page.page).to_have_url(re.compile(r"[?&]plan="))
    plan = re.search(r"[?&]plan=([^&]+)", page.page.url)[1]
    found = studio.json(f"api/plans/{plan}")
    # The recommendation first; one table of all variants, wide enough for its columns; the objective in a graph of its own.
    expect(lead).to_have_text(found["words"][0])
    table = page.page.get_by_role("region", name="Variants, table")
    for variant in found["plan"]["variants"]:
        expect(table).to_contain_text(variant["name"])
    eventually(lambda: table.evaluate("node => node.scrollWidth - node.clientWidth"), lambda more: more <= 0)
    eventually(page.page.locator("[aria-label=Graphs] h3").all_inner_texts, lambda graphs: graphs[0] == "credits" and "latency.p95[all]" in graphs)
    # The address brings it back, and a variant leads to the what-if that it is.
    page.page.goto(page.page.url)
    lead.wait_for()
    table.locator("button.link").first.click()
    expect(page.page).to_have_url(re.compile("page=whatif.*load.scale"))
    page.settled()
    expect(page.page.locator(".figuretable")).to_have_count(1)


def test_variants_appear_while_they_are_estimated_and_a_plan_is_cancelled(page, studio):
    page.open(page="plans")
    page.page.get_by_label("Values of load · scale of all models").fill("0.5..1:0.1")
    page.page.get_by_label("Replications").fill("60")
    page.page.get_by_role("button", name="Run the plan").click()
    table = page.page.get_by_role("region", name="Variants so far, table")
    table.locator("tbody tr").first.wait_for(timeout=60_000)
    # Estimates in units that people say, as in the plan that comes of them.
    cells = dict(zip(table.locator("thead th").all_inner_texts(), table.locator("tbody tr").first.locator("th, td").all_inner_texts()))
    assert cells["latency.p95"].endswith((" s", " ms")) and cells["failureRate"].endswith(" %"), cells
    expect(page.page.locator("progress")).to_have_count(1)
    page.page.get_by_role("button", name="Cancel").click()
    page.page.locator(".job.cancelled").wait_for(timeout=30_000)
    expect(page.page.locator(".job")).to_contain_text("Cancelled")
    expect(page.page.get_by_role("button", name="Run the plan")).to_be_enabled()


def test_a_variant_opens_on_its_plans_base_whatever_run_is_looked_at_and_leads_to_a_new_plan(page, studio, planned):
    found = studio.json(f"api/plans/{planned}")
    base, other = found["runs"]
    page.open(page="plans", plan=planned, run=other)
    page.page.get_by_role("region", name="Variants, table").locator("button.link").first.click()
    expect(page.page).to_have_url(re.compile(f"run={base}"))
    page.settled()
    expect(page.page.locator(".knob.turned")).to_have_count(1)
    expect(page.page.locator(".figuretable")).to_have_count(1)
    # A plan around it is a new one.
    page.page.get_by_role("button", name="Plan around here").click()
    expect(page.page.get_by_label("Values of classifier · load.scale")).to_have_value("0.75,1.5,2.25,3")


def test_a_server_that_was_started_since_has_a_plans_graphs(browser, studio, planned):
    server = Server([studio.folder / "steady"], "--keep", studio.folder / "kept", "--scenarios", studio.folder / "scenarios")
    page = Dashboard(browser, server, width=1440)
    try:
        page.open(page="plans", plan=planned)
        expect(page.page.locator(".sides > div")).to_have_count(2)
        # Of which days they are is said.
        expect(page.page.locator("[aria-label='Dashboards side by side'] h2").first).to_have_text("Side by side, on the same axes: 25 Feb – 3 Mar 2026")
        # On paper all of them are seen, below each other.
        page.page.emulate_media(media="print")
        sides = page.page.locator(".sides > div").evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect().toJSON())")
        assert sides[1]["y"] >= sides[0]["bottom"] and all(side["right"] <= 1440 for side in sides)
        # Of the table no column and no row is cut off.
        page.page.set_viewport_size({"width": 718, "height": 1000})
        cut = page.page.get_by_role("region", name="Variants, table").evaluate("node => [node.scrollWidth - node.clientWidth, node.scrollHeight - node.clientHeight]")
        assert max(cut) <= 0 and page.page.get_by_role("button", name="other figures as graphs").count() == 0, cut
        page.close()
    finally:
        server.stop()


def test_a_job_says_that_its_server_is_gone_and_that_another_knows_nothing_of_it(browser, studio, tmp_path):
    options = [studio.folder / "steady", "--keep", tmp_path, "--scenarios", studio.folder / "scenarios"]
    server = Server(options)
    page = Dashboard(browser, server, width=1440)
    try:
        page.open(page="plans")
        page.page.get_by_label("Replications").fill("500")
        page.page.get_by_role("button", name="Run the plan").click()
        job = page.page.locator(".job")
        expect(job).to_contain_text("%", timeout=60_000)
        server.process.kill()
        server.process.wait(10)
        expect(job).to_contain_text("The server does not answer: waiting for it")
        server.process = subprocess.Popen([WORKBENCH, "serve", *options, "--port", str(server.port)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert server.process.stdout.readline().strip() == server.url
        expect(job).to_contain_text("The server was started again meanwhile", timeout=60_000)
        expect(page.page.get_by_role("button", name="Run the plan")).to_be_enabled()
        # Nothing that is half made looks like a plan.
        assert server.json("api/plans") == [] and [path for path in tmp_path.iterdir() if path.is_dir() and not path.name.startswith(".")] == []
        page.problems.clear()  # The browser reports what it could not reach.
        page.close()
    finally:
        server.stop()


def test_a_plan_says_its_figures_by_the_formatter_of_the_page(page, studio, planned):
    page.open(page="plans", plan=planned)
    found = studio.json(f"api/plans/{planned}")
    say = lambda name, *values: page.page.evaluate("async ([name, values]) => (await import(new URL('shared.js', document.baseURI))).$format[name](...values)", [name, list(values)])
    rows = page.page.get_by_role("region", name="Variants, table").locator("tbody tr").all()
    for row, variant in zip(rows, found["plan"]["variants"], strict=True):
        for cell, column in zip(row.locator("td").all(), found["columns"]):
            lines = cell.inner_text().split("\n")
            metric = variant["metrics"][column["name"]]
            assert lines[0] == say("estimate", metric["value"], metric.get("halfWidth"), column["unit"])
            factor = variant.get("varianceReduction", {}).get(column["name"])
            assert factor is None or row is rows[0] or lines[-1] == f"variance {say('reduction', factor)}"
    # Ticks say the unit as well.
    ticks = page.page.locator("article", has_text="latency.p95[all]").first.locator("text.dim").all_text_contents()
    assert any(tick.endswith((" s", " ms")) for tick in ticks), ticks


def test_a_wrong_plan_says_what_is_wrong(page):
    page.open(page="plans")
    page.page.get_by_label("Must hold, objectives").fill("speed > 3")
    page.page.get_by_role("button", name="Run the plan").click()
    expect(page.page.locator(".plans > [role=alert]")).to_contain_text("speed")
    page.problems.clear()  # The browser reports the 400 itself.


@pytest.fixture(scope="module")
def planned(studio):
    """The identifier of a plan that is there."""
    run = studio.json("api/runs")[0]["id"]
    job = studio.post("api/plans", {
        "base": {"run": run}, "vary": [{"path": "models.classifier.load.scale", "values": "1,1.5"}], "replications": 3,
        "levels": "latency.p95[all] <= 10s"})["id"]
    state = eventually(lambda: studio.json(f"api/jobs/{job}"), lambda state: state["state"] in ("done", "failed", "cancelled"), timeout=120)
    assert state["state"] == "done", state
    return state["result"]["plan"]


def test_runs_of_a_plan_that_are_gone_or_changed_are_named(page, studio, planned):
    folder = studio.folder / "kept" / planned / "runs"
    gone, changed = sorted(path for path in folder.iterdir() if path.is_dir())[:2]
    aside = studio.folder / "kept/aside"
    gone.rename(aside)
    manifest = changed / "manifest.json"
    sound = manifest.read_bytes()
    manifest.write_bytes(sound.replace(b'"', b"'", 1))
    try:
        page.open(page="plans", plan=planned)
        page.page.locator("[aria-label=Recommendation]").wait_for()
        said = page.page.get_by_role("status").filter(has_text="is not shown")
        expect(said).to_contain_text(f"The run {gone.name} is not shown. It has been removed.")
        expect(said).to_contain_text(f"The run {changed.name} is not shown. It has changed since the plan was made, or cannot be read.")
    finally:
        aside.rename(gone)
        manifest.write_bytes(sound)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_a_plan_can_be_read_at_every_width(browser, studio, planned, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    page = Dashboard(browser, studio, width=width, height=900, color_scheme=scheme).open(page="plans", plan=planned)
    page.page.locator("[aria-label=Recommendation]").wait_for()
    fits(page.page)
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"plan-{width}-{scheme}")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_a_plan_can_be_written_at_every_width(browser, studio, planned, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    page = Dashboard(browser, studio, width=width, height=900, color_scheme=scheme).open(page="plans", set="models.classifier.load.scale=1.5", objective="4s")
    page.page.get_by_label("Values of classifier · load.scale").wait_for()
    # The plans that there are already stand above.
    page.page.get_by_label("Plan", exact=True).wait_for()
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Nothing of the form is cut.
    assert page.page.locator(".planform input, .planform select, .planform button").evaluate_all("nodes => nodes.filter((node) => node.getBoundingClientRect().right > node.closest('form').getBoundingClientRect().right).length") == 0
    boxes = page.page.locator(".planform input, .planform select, .planform button").evaluate_all("nodes => nodes.filter((node) => node.checkVisibility()).map((node) => node.getBoundingClientRect().toJSON())")
    assert [(a, b) for a, b in itertools.combinations(boxes, 2) if min(a["right"], b["right"]) - max(a["x"], b["x"]) > 1 and min(a["bottom"], b["bottom"]) - max(a["y"], b["y"]) > 1] == []
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"plan-form-{width}-{scheme}")
    page.close()
