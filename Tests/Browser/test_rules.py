"""The page's rules: nothing moves that nobody touched, every panel says what it has, what is saved says what it is."""
import csv, datetime, io, os, re

import pytest
from playwright.sync_api import expect

from conftest import MODEL, PROVIDER, ROOT, START, Dashboard, Server, drawn, eventually, fits, looks_as_it_did, moment

TWO_DAYS = re.compile(r"2026-03-04(\.|%2E){2}2026-03-05")


def test_to_can_be_typed_and_keeps_its_focus(page):
    page.open(kind="openSource", period="2026-03-02")
    last = page.page.get_by_label("To", exact=True).first
    last.focus()
    for key in "03072026":
        page.page.keyboard.type(key)
        drawn(page.page)
        expect(last).to_be_focused()
    page.page.keyboard.press("Enter")
    page.settled()
    expect(page.page).to_have_url(re.compile(r"period=2026-03-02(\.|%2E){2}2026-03-07"))
    expect(last).to_have_value("2026-03-07")
    expect(last).to_be_focused()


def test_every_control_keeps_its_focus(page):
    page.open(kind="openSource", period="7d")
    controls = page.page.locator("#top button:visible, #top select:visible, [data-widget] .tools button:visible")
    for index in range(100):
        # What a control changes may bring others, or take them away.
        if index >= controls.count():
            break
        control = controls.nth(index)
        name = control.get_attribute("aria-label") or control.inner_text()
        if re.match(r"Download|Expand|Refresh|⌕ Find", name):
            continue
        control.focus()
        page.page.keyboard.press("Space" if control.evaluate("node => node.tagName") == "BUTTON" else "ArrowDown")
        page.settled()
        focused = lambda: (name, page.page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"))
        eventually(focused, lambda found: found[1] == (control.get_attribute("aria-label") or control.inner_text()) or found[1].startswith(name))
        if "Analysis" in name:
            page.page.get_by_role("button", name="Platform").click()
            page.settled()


def test_dragging_sets_the_period_and_back_undoes(page):
    page.open(kind="openSource", period="7d")
    before = page.figures("requests")

    def drag(widget, start, end):
        plot = page.widget(widget).locator(".u-over")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.page.mouse.move(box["x"] + box["width"] * start, box["y"] + 60)
        page.page.mouse.down()
        page.page.mouse.move(box["x"] + box["width"] * (start + end) / 2, box["y"] + 60)
        page.page.mouse.move(box["x"] + box["width"] * end, box["y"] + 60)
        page.page.mouse.up()
        page.settled()

    drag("latency", 2.2 / 7, 3.8 / 7)
    expect(page.page).to_have_url(TWO_DAYS)
    assert page.figures("requests") != before
    drag("requests", 0.1, 0.3)
    expect(page.page).to_have_url(re.compile("period=2026-03-04(&|$)"))
    # Inside a day the graphs are zoomed, and the figures stay the day's.
    figures = page.figures("requests")
    drag("requests", 0.25, 0.5)
    eventually(lambda: page.graph("scaling")["range"], lambda range: 5 * 3600 < range[1] - range[0] < 7 * 3600)
    assert page.figures("requests") == figures
    expect(page.page.locator("#unzoom")).to_have_text(re.compile("^Zoomed"))
    for expected in (re.compile(r"period=2026-03-04(?![.%])(?!.*zoom=)"), TWO_DAYS, re.compile("period=7d")):
        page.page.go_back()
        expect(page.page).to_have_url(expected)
        page.settled()
    assert page.figures("requests") == before
    page.page.go_forward()
    expect(page.page).to_have_url(TWO_DAYS)
    page.settled()


def test_one_crosshair_over_all_graphs(page):
    page.open(kind="openSource", period="7d")
    page.hover("latency", 0.6)
    lefts = lambda: page.page.evaluate("Array.from(document.querySelectorAll('#widgets .chart')).map((chart) => Math.round(chart.plot.posToVal(chart.plot.cursor.left, 'x') / 600))")
    eventually(lefts, lambda lefts: len(lefts) == 4 and len(set(lefts)) <= 2 and max(lefts) - min(lefts) <= 2)
    # The text is at the graph that is pointed at, and at no other.
    expect(page.page.locator("#widgets .tip:visible")).to_have_count(1)


def test_graphs_can_be_read_with_the_keyboard(page):
    page.open(kind="openSource", period="7d", model=MODEL)
    chart = page.widget("requests").locator(".chart")
    chart.focus()
    page.page.keyboard.press("ArrowRight")
    tip = page.widget("requests").locator(".tip")
    first = eventually(tip.inner_text, lambda text: "Successful" in text)
    page.page.keyboard.press("ArrowRight")
    eventually(tip.inner_text, lambda second: "Successful" in second and second != first)
    page.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_on_a_phone_filters_are_a_sheet_and_the_first_graph_is_above_the_fold(browser, week):
    page = Dashboard(browser, week, width=375, height=800).open(kind="openSource", period="7d")
    fits(page.page)
    expect(page.page.locator("#filters")).to_be_hidden()
    eventually(page.widget("latency").locator(".plot").bounding_box, lambda box: box["y"] + 200 < 800)
    page.page.get_by_role("button", name="Filters").click()
    expect(page.page.locator("#filters")).to_be_visible()
    page.page.get_by_role("button", name="24h", exact=True).click()
    page.settled()
    expect(page.page.locator("#filters")).to_be_visible()
    expect(page.page).to_have_url(re.compile("period=24h"))
    page.close()


def test_an_empty_panel_says_why_and_where_there_is_something(page):
    page.open(kind="openSource", period="2026-03-02", model="twin", version="V1")
    page.open(kind="openSource", period="last-month", model=MODEL)
    empty = page.widget("requests").locator(".empty")
    expect(empty).to_contain_text("No requests in this period")
    expect(empty).to_contain_text("deployed")
    empty.get_by_role("button").click()
    page.settled()
    assert page.figures("requests")["total requests"] == "100,000"


def test_an_error_is_said_in_the_page_and_can_be_tried_again(page):
    page.open(kind="openSource", period="7d")
    page.page.route("**/dashboard?*period=30d*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "Too many questions.", "title": "Busy", "status": 503}'))
    page.page.get_by_role("button", name="30d", exact=True).click()
    page.page.get_by_text("Too many questions.").wait_for()
    page.page.unroute("**/dashboard?*period=30d*")
    page.page.get_by_role("button", name="Try again").click()
    page.page.get_by_text("Too many questions.").wait_for(state="detached")
    page.settled()
    assert page.graph("requests")["range"][1] - page.graph("requests")["range"][0] > 29 * 86400
    page.problems.clear()  # The browser reports the 503 itself.


def test_what_is_saved_says_what_it_is(page):
    page.open(kind="openSource", period="7d", model=MODEL, version="V 1")
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download as CSV, Requests").click()
    rows = list(csv.DictReader(io.StringIO(open(download.value.path()).read())))
    for row in rows:
        assert row["run"] == "week" and row["account"] == "a b & c" and row["model"] == MODEL and row["version"] == "V 1" and row["time zone"] == "Australia/Adelaide" and row["period"].startswith("2026-03-02T00:00:00+10:30..")
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download as SVG, Requests").click()
    text = open(download.value.path()).read()
    import xml.etree.ElementTree as tree
    content = " ".join(tree.fromstring(text).itertext())
    for name in ("week", "a b & c", MODEL, "V 1", "2–8 Mar 2026", "Australia/Adelaide", "Number of Requests", "Date", "Successful", "Failed"):
        assert name in content, name
    assert "#ffffff" in text
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download as PNG, Model Scaling and Usage").click()
    image = open(download.value.path(), "rb").read()
    assert image[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(image[16:20], "big") >= 1400
    # In words, of what is not chosen and of external models as well.
    for view, said in (({"kind": "openSource"}, "a b & c · Open-source · all models · all versions ·"), ({"kind": "external"}, "a b & c · External · all providers ·"), ({"kind": "external", "provider": PROVIDER}, f"a b & c · External · {PROVIDER} ·")):
        page.open(period="7d", **view)
        with page.page.expect_download() as download:
            page.page.get_by_role("button", name="Download as SVG, Requests").click()
        content = " ".join(tree.fromstring(open(download.value.path()).read()).itertext())
        assert said in content and "all providers · " + PROVIDER not in content, content[:300]


def test_the_analysis_lens_has_the_same_figures(page, week):
    page.open(kind="openSource", period="7d")
    platform = page.figures("requests")
    page.page.get_by_role("button", name="Analysis").click()
    page.settled()
    assert {key: page.figures("fine")[key] for key in ("total requests", "successes", "failures", "success rate")} == {key: platform[key] for key in ("total requests", "successes", "failures", "success rate")}
    answer = week.json("api/runs/1/analysis?kind=openSource&period=7d")
    assert answer["bucketSeconds"] == 1800
    heat = page.widget("heat").locator(".chart").evaluate("chart => ({ cells: chart.spec.heat.columns.map(({ cells }) => cells.filter((_, index) => index % 2).reduce((a, b) => a + b, 0)), rows: chart.spec.heat.rows })")
    assert sum(heat["cells"]) == sum(bucket["successes"] for bucket in answer["buckets"]) == 100_002
    assert [line["name"] for line in page.graph("heat")["data"]] == ["p50", "p95", "p99"]
    text = page.hover("heat", 0.5, 0.5)
    assert all(key in text for key in ("p50", "p95", "p99", "Successful requests", "requests"))
    # Failures by reason over time.
    bars = page.graph("reasons")["data"]
    assert [bar["name"] for bar in bars] == ["timeout"] and sum(bars[0]["y"]) == 1
    assert page.figures("reasons") == {"timeout": "1"}


def test_times_to_first_token_are_those_of_the_analysis(page, week):
    page.open(kind="openSource", period="7d", lens="analysis")
    buckets = week.json("api/runs/1/analysis?kind=openSource&period=7d")["buckets"]
    first, each = page.graph("tokenTimes")["data"]
    known = lambda entry: [value for value in entry["y"] if value is not None]
    assert known(first) == [bucket["firstToken"] for bucket in buckets if bucket["firstToken"] is not None] and len(known(first)) > 100
    assert known(each) == [bucket["perOutputToken"] for bucket in buckets if bucket["perOutputToken"] is not None]
    assert "To the first token" in page.hover("tokenTimes", 0.5)


def test_throughput_is_that_of_the_analysis(page, week):
    page.open(kind="openSource", period="7d", lens="analysis")
    buckets = week.json("api/runs/1/analysis?kind=openSource&period=7d")["buckets"]
    tokens, answers = page.graph("throughput")["data"]
    known = lambda entry: [value for value in entry["y"] if value is not None]
    assert known(tokens) == [bucket["outputTokens"] / bucket["seconds"] for bucket in buckets] and len(known(tokens)) > 100
    assert known(answers) == [bucket["successes"] / bucket["seconds"] for bucket in buckets]
    # The same totals as those of the dashboard, whatever the buckets.
    requests = week.json("api/runs/1/dashboard?kind=openSource&period=7d")["requests"]
    assert sum(bucket["successes"] for bucket in buckets) == requests["totalSuccesses"]
    assert "Output tokens" in page.hover("throughput", 0.5) and "/s" in page.hover("throughput", 0.5)


def test_objectives_are_dashed_and_judged(page):
    page.open(kind="openSource", period="7d", lens="analysis")
    field = page.page.get_by_label("Objective, p95 at most")
    field.fill("300ms")
    field.press("Enter")
    page.settled()
    eventually(lambda: [(limit["value"], limit["label"]) for limit in page.graph("heat")["limits"]], [(300, "Objective p95 ≤ 300 ms")])
    expect(page.page.locator("#card-latency")).to_contain_text("✕ Objective p95 ≤ 300 ms")
    expect(page.page).to_have_url(re.compile("objective=300ms"))
    field.fill("2s")
    field.press("Enter")
    expect(page.page.locator("#card-latency")).to_contain_text("✓ Objective p95 ≤ 2 s")
    field.fill("soon")
    field.press("Enter")
    expect(page.page.locator(".about")).to_contain_text("Write 15s")


def test_incidents_have_a_lane_that_says_what_from_when_how_long(page):
    page.open(kind="external", period="7d")
    incident = page.page.locator(".incident")
    incident.hover()
    text = page.page.locator(".incident [role=tooltip]")
    expect(text).to_be_visible()
    local = (START + datetime.timedelta(hours=30)).astimezone(datetime.timezone(datetime.timedelta(hours=10, minutes=30)))
    for part in ("outage", PROVIDER, moment(local.isoformat()), "for 2 h"):
        expect(text).to_contain_text(part)


def test_the_overview_shows_all_models_with_trouble_first(page):
    page.open(page="overview", period="7d")
    rows = page.page.locator(".overviewtable tbody tr")
    expect(rows).to_have_count(4)
    for part in (MODEL, "1 failed", "99.999 %", "of 7 configured"):
        expect(rows.first).to_contain_text(part)
    page.page.get_by_label("Find a model by name").type("twin")
    expect(rows).to_have_count(2)
    expect(page.page.get_by_label("Find a model by name")).to_be_focused()
    page.page.get_by_label("Find a model by name").fill("")
    expect(rows).to_have_count(4)
    page.page.get_by_role("button", name="Replicas at peak").click()
    expect(page.page.locator(".overviewtable th", has_text="Replicas at peak")).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_contain_text(MODEL)
    page.page.get_by_role("button", name=MODEL).click()
    page.settled()
    assert page.figures("requests")["total requests"] == "100,000"
    page.page.go_back()
    page.page.locator(".overviewtable").wait_for()


def test_scripts_are_small(week):
    """All that the page may ever load, its other pages included."""
    import gzip, urllib.request
    read = lambda name: urllib.request.urlopen(week.url + name).read()
    left = re.findall(r'(?:src|href)="([a-z]+\.js)"', read("").decode())
    assert "vendor.js" in left and "app.js" in left
    sizes = {}
    while left:
        name = left.pop()
        if name in sizes:
            continue
        request = urllib.request.Request(week.url + name, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as response:
            packed = response.read()
        sizes[name] = len(packed)
        # What comes compressed is the file.
        text = gzip.decompress(packed)
        assert text == read(name)
        left += re.findall(r'(?:from |import |import\()"\./([a-z]+\.js)"', text.decode())
    assert "whatif.js" in sizes and "work.js" in sizes
    assert sum(sizes.values()) <= 120_000, sizes
    # What most modules share is one script: a cold browser asks few times before it draws.
    assert set(re.findall(r'(?:src|href)="([a-z]+\.js)"', read("").decode())) == {"vendor.js", "shared.js", "asking.js", "app.js"}
    assert not {"graphs.js", "editor.js"} & set(sizes) and "shared.js" in sizes


def test_figures_are_asked_for_before_the_rest_is_known_and_graphs_are_drawn_once(browser, week):
    page = Dashboard(browser, week, width=1440)
    page.page.add_init_script("""window.drawn = new Map();
        const { clearRect } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.clearRect = function (...place) { window.drawn.set(this.canvas, (window.drawn.get(this.canvas) || 0) + 1); return clearRect.apply(this, place); };""")
    held = []
    page.page.route("**/api/abilities", lambda route: held.append(route))
    with page.page.expect_request(re.compile("/dashboard[?]")):
        page.page.goto(week.url + "?kind=openSource&period=7d")
    eventually(lambda: drawn(page.page) or len(held) == 1)
    held[0].continue_()
    page.settled()
    drawn(page.page)
    times = page.page.evaluate("[...document.querySelectorAll('#widgets .chart canvas')].map((canvas) => window.drawn.get(canvas))")
    assert len(times) == 4 and set(times) == {1}, times
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_nothing_overflows_and_everything_can_be_read(browser, week, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    for view in ({"kind": "openSource", "period": "7d"}, {"kind": "openSource", "period": "7d", "lens": "analysis", "objective": "1s"}, {"page": "overview"}):
        page = Dashboard(browser, week, width=width, height=900, color_scheme=scheme).open(**view)
        fits(page.page)
        if width in (375, 1440):
            violations = [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]]
            assert violations == []
        page.close()


def test_live_data_change_figures_and_never_controls(browser):
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "3000")
    try:
        page = Dashboard(browser, server, width=1440)
        page.open(run="live", period="7d")
        asked = []
        page.page.on("request", lambda request: asked.append(request.url))
        page.widget("requests").locator("summary").click()
        page.widget("requests").locator("details tbody tr").first.wait_for()
        page.page.get_by_role("button", name="Expand, Model Latency").focus()
        last = page.page.get_by_label("To", exact=True).first
        last.focus()
        page.page.keyboard.type("03")
        select = page.page.get_by_label("Model", exact=True).first
        mark = "node => { node.marked = true; }"
        for node in (page.widget("requests"), page.widget("requests").locator("canvas"), last, select, page.page.locator("#speed")):
            node.evaluate(mark)
        total = lambda: int(page.figures("requests")["total requests"].replace(",", ""))
        asked.clear()
        before, seconds = total(), 60 if os.environ.get("WORKBENCH_VERIFY") else 12
        page.page.wait_for_timeout(seconds * 1000)  # A rate needs a stretch of time.
        rate = len(asked) / seconds
        eventually(total, lambda now: now > before)
        expect(page.widget("requests").locator("details")).to_have_attribute("open", "")
        expect(page.widget("requests").locator("details tbody tr")).not_to_have_count(0)
        expect(last).to_be_focused()
        for node in (page.widget("requests"), page.widget("requests").locator("canvas"), last, select, page.page.locator("#speed")):
            assert node.evaluate("node => node.marked === true")
        assert rate <= 2, rate
        # The rest of the date, and a hover, work as ever.
        page.page.keyboard.type("022026")
        page.page.get_by_role("button", name="24h", exact=True).click()
        page.settled()
        expect(page.page).to_have_url(re.compile("period=24h"))
        # What is expanded goes on as well.
        page.page.get_by_role("button", name="Expand, Requests").click()
        page.page.locator("#expanded [data-widget=requests]").wait_for()
        page.settled()
        shown = lambda: page.figures("requests", "#expanded")["total requests"]
        first = shown()
        eventually(shown, lambda now: now != first)
        page.close()
    finally:
        server.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_the_page_looks_as_it_did(browser, week, width, scheme):
    page = Dashboard(browser, week, width=width, height=round(width * 0.75) if width > 400 else 800, color_scheme=scheme).open(kind="openSource", period="7d")
    looks_as_it_did(browser, page, f"dashboard-{width}-{scheme}")
    page.close()
