"""What people come for, from beginning to end: QA, planners, whoever is on call; by mouse, and by keyboard alone. And what must not be lost on the way."""
import datetime, re, zipfile

import pytest
from playwright.sync_api import expect

from conftest import STEADY, Dashboard, Server, run_id, studio_server

# Requests of a day in another system's file; every tenth failed.
ROWS = [f"2026-03-02T{number // 60:02}:{number % 60:02}:00Z,chat,{'error' if number % 10 == 0 else 'ok'},{200 + number % 7 * 100},{number % 5 + 1},{number % 3}" for number in range(600)]
FILE = "\n".join(["when,model_name,state,elapsed_ms,prompt_tokens,completion_tokens", *ROWS]) + "\n"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    runs = {"steady": ["--formats", "csv", "--set", "period.to=2026-03-04"]}
    with studio_server(tmp_path_factory.mktemp("flows"), runs, {"steady.yaml": STEADY.read_text()}) as server:
        (server.folder / "export.csv").write_text(FILE)
        yield server


@pytest.fixture
def page(browser, studio):
    page = Dashboard(browser, studio, width=1440)
    page.page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()


def saved(download):
    """The address of what was downloaded, under its own name."""
    path = f"{download.value.path()}-{download.value.suggested_filename}"
    download.value.save_as(path)
    return f"file://{path}"


def tab_to(page, name, most=150):
    """With the Tab key only, as whoever has no mouse."""
    for _ in range(most):
        page.page.keyboard.press("Tab")
        found = page.page.evaluate("(() => { const node = document.activeElement; return node.getAttribute('aria-label') || node.labels?.[0]?.textContent.trim() || node.textContent.trim(); })()")
        if re.fullmatch(name, found):
            return
    raise AssertionError(f"{name} is not reached with Tab")


def test_qa_imports_a_file_reads_its_figures_and_takes_a_fixture(page, studio):
    page.open(page="data")
    page.page.get_by_label("File to import").set_input_files(studio.folder / "export.csv")
    page.page.get_by_role("region", name="Preview of the file").wait_for()
    for role, column in (("Arrival", "when"), ("Model", "model_name"), ("Status", "state"), ("Latency", "elapsed_ms")):
        page.page.locator(".chipbox", has_text=re.compile(f"^{role}")).locator("input").check()
        head = page.page.locator(".preview thead button", has_text=re.compile(f"^{column}"))
        if role not in head.inner_text():
            head.click()
    page.page.get_by_label("Name of the run").fill("from elsewhere")
    page.page.get_by_label("Time zone").fill("UTC")
    page.page.get_by_role("button", name="Import", exact=True).click()
    page.page.get_by_role("button", name="Open it").click(timeout=60_000)
    page.settled()
    # The file's own figures.
    figures = page.figures("requests")
    assert (figures["total requests"], figures["successes"], figures["failures"]) == ("600", "540", "60")
    name = page.page.title().split(" · ")[0]
    page.page.get_by_role("link", name="Data").click()
    row = page.page.locator(".listing tbody tr", has_text=name)
    row.get_by_role("button", name=f"Fixture (zip), {name}").click()
    with page.page.expect_download(timeout=60_000) as download:
        page.page.locator(".job", has_text=f"Fixture of {name}").get_by_role("link", name="Download the zip").click(timeout=60_000)
    with zipfile.ZipFile(download.value.path()) as file:
        assert file.testzip() is None and any("README" in name for name in file.namelist())


def test_a_planner_goes_from_a_slider_to_a_kept_run_a_plan_and_a_report(page, studio):
    page.open(page="whatif", kind="openSource", period="7d", objective="20s")
    scale = page.page.locator(".knob[data-path='models.classifier.load.scale'] input[type=text]")
    scale.fill("1.5")
    scale.press("Enter")
    page.settled()
    shown = page.page.locator(".figuretable tr[data-figure=requests] td").first.inner_text()
    page.page.get_by_role("button", name="Keep as run…").click()
    page.page.keyboard.type("half as much again")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("button", name="Open it").wait_for(timeout=60_000)
    assert [run["name"] for run in studio.json("api/runs")].count("half as much again") == 1
    page.page.get_by_role("button", name="Plan around here").click()
    page.page.get_by_label("Values of classifier · load.scale").fill("1,1.5")
    page.page.get_by_label("Replications").fill("3")
    page.page.get_by_role("button", name="Run the plan").click()
    page.page.locator("[aria-label=Recommendation]").wait_for(timeout=120_000)
    page.page.locator("[aria-label='Dashboards side by side'] .chart").first.wait_for()
    page.settled()
    # On the same axes: one variant's peak can be held against the other's by eye.
    ranges = page.page.locator(".sides > div").evaluate_all("sides => sides.map((side) => ['requests', 'scaling', 'latency'].map((kind) => side.querySelector(`[data-widget=${kind}] .chart`).plot.scales.y.max))")
    assert len(ranges) > 1 and all(side == ranges[0] for side in ranges), ranges
    words = page.page.locator("[aria-label=Recommendation] p").first.inner_text()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Report").click()
    report = page.page.context.browser.new_page()
    asked = []
    report.on("request", lambda request: asked.append(request.url))
    report.goto(saved(download))
    assert words in report.locator("body").inner_text() and report.locator("img.drawn").count() > 2 and "half" not in report.locator("h1").inner_text()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and report.locator("script, button, select").count() == 0
    # A plan with its graphs is small; they are drawn as large as they stand, so that their words can be read.
    assert len(report.content()) < 300_000
    sizes = report.evaluate("[...document.images].map((image) => [image.complete, image.naturalWidth, image.clientWidth])")
    assert sizes and all(is_there and 300 < natural <= shown * 1.2 for is_there, natural, shown in sizes), sizes
    # Nothing can be opened that has nothing in it.
    assert report.locator("details").evaluate_all("nodes => nodes.filter((node) => node.childElementCount < 2).length") == 0
    report.close()
    # The address brings all of it back, the graphs beside each other too.
    page.page.goto(page.page.url)
    page.page.locator("[aria-label='Dashboards side by side'] .chart").first.wait_for()
    assert shown


def test_on_call_sees_what_broke_when_and_whether_it_is_new(browser, server):
    """The provider-outage scenario: an outage on 3 March, 14:05 to 14:50 in Los Angeles."""
    page = Dashboard(browser, server, width=1440).open(page="overview", run=server.ids["outage"], period="7d")
    # What is in trouble stands first, and leads there.
    rows = page.page.locator(".overviewtable tbody tr")
    assert "failed" in rows.first.inner_text()
    rows.get_by_role("button", name="gpt-4o").click()
    page.settled()
    incident = page.page.locator(".incident", has_text="outage").first
    text = incident.get_attribute("aria-label")
    assert "outage" in text and "Tue 3 Mar 2026, 14:05" in text and "45 min" in text
    # That day, hour by hour, against the day before and against the same day a week before.
    page.page.get_by_label("From", exact=True).fill("2026-03-03")
    page.page.get_by_label("To", exact=True).fill("2026-03-03")
    page.page.keyboard.press("Enter")
    page.settled()
    page.page.get_by_role("link", name="Compare").click()
    page.settled()
    heads = lambda: page.page.locator(".figuretable thead th").all_inner_texts()[1:3]
    assert heads() == ["3 Mar 2026", "2 Mar 2026"]
    worse = page.page.locator(".cards [data-figure=failures]").inner_text()
    assert "worse" in worse
    own, base = [line for line in page.graph("requests")["data"] if line["name"].startswith("Successful")]
    assert own["x"] == base["x"] and len(own["x"]) == 24
    page.page.get_by_label("Other period").select_option(label="a week before")
    page.settled()
    assert heads() == ["3 Mar 2026", "24 Feb 2026"]
    # There was nothing a week before, and nobody is told that it is worse than nothing without a word.
    assert "no request" in page.page.locator("#widgets > .widget[role=status]").inner_text()
    page.close()


def test_24_hours_are_compared_with_the_24_hours_before_hour_by_hour(browser, server):
    """A run whose clock changes on its last day but one."""
    run = server.ids["change"]
    page = Dashboard(browser, server, width=1440)
    answer = server.json(f"api/runs/{run}")
    account = answer["accounts"][0]
    kind = account["models"][0]["kind"]
    own = server.json(f"api/runs/{run}/dashboard?kind={kind}&period=24h")["query"]
    instant = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    start = instant(own["from"])
    for which, begin in (("before", start - datetime.timedelta(hours=24)), ("week", None)):
        with page.page.expect_request(lambda request: "/dashboard?" in request.url and "period=24h" not in request.url) as asked:
            page.open(page="compare", run=run, kind=kind, period="24h", otherPeriod=which)
        other = server.json(asked.value.url[len(server.url):])["query"]
        assert instant(other["to"]) - instant(other["from"]) == datetime.timedelta(hours=24) and other["granularity"] == "hour"
        if begin:
            assert instant(other["from"]) == begin and instant(other["to"]) == start
        else:
            # The same hour of the clock, seven days before.
            assert other["from"][11:19] == own["from"][11:19] and start.date() - instant(other["from"]).date() == datetime.timedelta(days=7)
        lines = [line for line in page.graph("requests")["data"] if line["name"].startswith("Successful")]
        assert all((at - start.timestamp()) % 3600 == 1800 and 0 <= at - start.timestamp() < 24 * 3600 for line in lines for at in line["x"])
    page.close()


def test_opening_compare_starts_with_the_same_run_in_the_period_before(browser, server):
    page = Dashboard(browser, server, width=1440).open(run=server.ids["canary"], kind="fineTuned", period="7d")
    page.page.get_by_role("link", name="Compare").click()
    page.settled()
    assert "otherPeriod=before" in page.page.url and "other=" not in page.page.url
    assert page.page.get_by_label("Other run").input_value() == "" and page.page.get_by_label("Other period").input_value() == "before"
    page.close()


def test_qa_and_on_call_by_keyboard_alone(browser, studio, server):
    """What takes a mouse in the flows above, with keys: a run is validated, a fixture asked for; a day is compared."""
    page = Dashboard(browser, studio, width=1440).open(page="data")
    tab_to(page, "Validate, steady")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("button", name="Details").wait_for(timeout=60_000)
    tab_to(page, "Details")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("region", name="Invariants").wait_for()
    page.close()
    page = Dashboard(browser, server, width=1440).open(page="overview", run=server.ids["outage"], period="7d")
    tab_to(page, "gpt-4o")
    page.page.keyboard.press("Enter")
    page.settled()
    tab_to(page, "outage.*14:05.*")
    tab_to(page, "Compare")
    page.page.keyboard.press("Enter")
    page.settled()
    tab_to(page, "Other period")
    page.page.keyboard.type("a week")
    page.settled()
    assert "otherPeriod=week" in page.page.url
    page.close()


def test_a_planner_by_keyboard_alone(browser, studio):
    page = Dashboard(browser, studio, width=1440).open(page="whatif", kind="openSource", period="7d")
    tab_to(page, r"classifier\s+Load scale")
    page.page.keyboard.press("ArrowRight")
    page.settled()
    assert page.page.locator(".figuretable").count() == 1
    tab_to(page, "Plan around here")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("button", name="Run the plan").wait_for()
    tab_to(page, "Replications")
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("2")
    tab_to(page, "Run the plan")
    page.page.keyboard.press("Enter")
    page.page.locator(".job").wait_for()
    tab_to(page, "Cancel")
    page.page.keyboard.press("Enter")
    page.page.locator(".job.cancelled, [aria-label=Recommendation]").first.wait_for(timeout=30_000)
    page.close()


def test_a_running_plan_is_there_after_another_page_and_after_a_reload(page, studio):
    page.open(page="plans")
    page.page.get_by_label("Values of load · scale of all models").fill("0.6..1:0.01")
    page.page.get_by_label("Replications").fill("200")
    page.page.get_by_role("button", name="Run the plan").click()
    table = page.page.get_by_role("region", name="Variants so far, table")
    table.locator("tbody tr").first.wait_for(timeout=60_000)
    page.page.get_by_role("link", name="Overview").click()
    page.settled()
    page.page.get_by_role("link", name="Plans").click()
    page.page.locator("progress").wait_for()
    table.locator("tbody tr").first.wait_for()
    page.page.reload()
    page.page.locator("progress").wait_for()
    table.locator("tbody tr").first.wait_for(timeout=20_000)
    page.page.get_by_role("button", name="Cancel").click()
    page.page.locator(".job.cancelled").wait_for(timeout=30_000)
    # Dismissed is dismissed.
    page.page.get_by_role("button", name=re.compile("^Dismiss")).click()
    page.page.reload()
    page.page.get_by_role("button", name="Run the plan").wait_for()
    page.page.wait_for_timeout(300)
    assert page.page.locator(".job").count() == 0


def test_what_a_job_has_made_can_be_downloaded_after_a_reload(page):
    page.open(page="data")
    page.page.get_by_role("button", name="Export, steady", exact=True).click()
    page.page.get_by_role("link", name="Download the zip").wait_for(timeout=60_000)
    page.page.reload()
    link = page.page.locator(".job", has_text="Export of steady, ").get_by_role("link", name="Download the zip")
    with page.page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as file:
        assert file.testzip() is None


def test_a_format_is_chosen_for_one_run_only(page, studio):
    page.open(page="data")
    rows = page.page.get_by_label(re.compile("^Format, "))
    if rows.count() < 2:
        pytest.skip("There is one run only.")
    before = rows.nth(1).input_value()
    rows.nth(0).select_option(index=1)
    assert rows.nth(1).input_value() == before and rows.nth(0).input_value() != before


def test_what_is_typed_and_not_saved_is_not_lost(page, studio):
    asked = []
    page.page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.open(page="data", scenario="steady.yaml")
    area = page.page.get_by_label("Text of steady.yaml")
    saved = area.input_value()
    area.focus()
    page.page.keyboard.press("Control+Home")
    page.page.keyboard.type("# mine\n")
    mine = area.input_value()
    # Another page and back.
    page.page.get_by_role("link", name="Overview").click()
    page.settled()
    page.page.go_back()
    page.page.get_by_text("This is what you typed before you left. It is not saved.").wait_for()
    assert area.input_value() == mine and asked == []
    # Leaving the page itself asks, and a reload brings the text again.
    page.page.reload()
    page.page.get_by_text("It is not saved.").wait_for()
    assert asked == ["beforeunload"] and area.input_value() == mine
    # The list says which are not saved.
    page.page.goto(studio.url + "?page=data")
    page.page.locator(".scenarios li", has_text="steady.yaml").get_by_text("not saved").wait_for()
    page.page.goto(studio.url + "?page=data&scenario=steady.yaml")
    page.page.get_by_role("button", name="Use the saved version").click()
    page.settled()
    assert area.input_value() == saved and page.page.get_by_text("It is not saved.").count() == 0
    asked.clear()
    page.page.reload()
    page.settled()
    assert asked == []


def test_a_what_if_that_is_too_large_says_so_and_shows_no_noughts(page):
    """The limit as the server says it, lowered; and a first part in which the selected models have nothing yet."""
    def abilities(route):
        answer = route.fetch().json()
        answer["limits"]["whatIfRequests"] = 1000
        route.fulfill(json=answer)

    def what_if(route):
        response = route.fetch()
        answer = response.json()
        answer["slice"] = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z", "period": "2026-03-02"}
        answer["dashboard"]["requests"].update(totalRequests=0, totalSuccesses=0, totalFailures=0, points=[])
        route.fulfill(json=answer)

    page.page.route("**/api/abilities", abilities)
    page.page.route(re.compile("/api/what-if$"), lambda route: what_if(route) if route.request.method == "POST" else route.continue_())
    page.open(page="whatif", kind="openSource", period="7d", set="models.classifier.load.scale=1.25")
    words = page.page.locator(".whatif").inner_text()
    assert "a what-if simulates at most 1,000" in words and "keep it as a run" in words
    assert "The first part, 2 Mar 2026, has no request of what is selected" in words
    assert page.page.locator(".figuretable").count() == 0 and "No requests in this period" not in words
    # What the run itself has stays in sight.
    assert page.page.locator(".cards [data-figure=requests] strong").inner_text() not in ("0", "–")


def test_a_server_that_may_change_nothing_offers_nothing_and_misses_nothing(browser, runs):
    server = Server([runs["canary"], runs["tight"]], "--read-only")
    try:
        page = Dashboard(browser, server, width=1440).open()
        assert page.page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts() == ["Overview", "Dashboard", "Compare"]
        page.open(page="compare", other=run_id(runs["tight"]))
        expect(page.page.locator(".against")).to_be_visible()
        page.open(page="data")
        expect(page.page.locator("#message")).to_be_hidden()
        page.close()
    finally:
        server.stop()


def test_external_models_have_the_numbers_of_their_provider(browser, server):
    page = Dashboard(browser, server, width=1440).open(page="whatif", run=server.ids["outage"], kind="external", period="7d")
    paths = page.page.locator(".knob").evaluate_all("nodes => nodes.map((node) => node.dataset.path)")
    assert any("rateLimit.requestsPerMinute" in path for path in paths) and any(".service." in path for path in paths) and any("failures.providerError" in path for path in paths)
    assert not any("subscription" in path for path in paths)
    page.close()


def test_a_report_has_what_is_seen_on_every_page(browser, server):
    page = Dashboard(browser, server, width=1440, accept_downloads=True)
    for view, graphs in [({"kind": "fineTuned"}, 4), ({"kind": "fineTuned", "lens": "analysis"}, 3), ({"page": "overview"}, 0), ({"page": "compare", "other": server.ids["tight"], "kind": "fineTuned"}, 3)]:
        page.open(run=server.ids["canary"], period="7d", **view)
        seen = page.page.locator("#widgets h2").all_inner_texts()
        with page.page.expect_download() as download:
            page.page.get_by_role("button", name="Report").click()
        text = open(download.value.path(), encoding="utf-8").read()
        assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", text.split("</style>")[1]) and "<script" not in text
        report = browser.new_page()
        report.goto(saved(download))
        shown = report.locator("body").inner_text()
        for part in ["canary", "Mar 2026", *[title for title in seen if title != "Against"]]:
            assert part in shown, part
        assert report.locator("img.drawn").count() >= graphs and report.evaluate("document.documentElement.scrollWidth <= innerWidth")
        report.close()
    page.close()
