"""The numbers on the page are the pipeline's: every widget, filter and download against the JSON of the command line."""
import csv, io, json, re, shutil, subprocess, urllib.parse

import pytest
from playwright.sync_api import expect

from conftest import Dashboard, ROOT, Server, WORKBENCH, drawn, eventually, fits, stretch

PERIODS = ["24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year"]


def pipeline(run, **filters):
    options = [part for name, value in filters.items() if value for part in (f"--{name}", value)]
    return json.loads(subprocess.run([WORKBENCH, "aggregate", str(run), *options], check=True, stdout=subprocess.PIPE).stdout)


def commas(value):
    return f"{value:,}"


def check(dashboard, figures):
    """Everything shown equals the figures."""
    requests = figures["requests"]
    shown = dashboard.figures("requests")
    assert shown["total requests"] == commas(requests["totalRequests"])
    assert shown["successes"] == commas(requests["totalSuccesses"])
    assert shown["failures"] == commas(requests["totalFailures"])
    if requests["points"]:
        graph = dashboard.graph("requests")
        green, red = graph["data"][:2]
        assert [green["colour"], red["colour"]] == ["#22a04a", "#a51d12"] and green["scale"] != red["scale"]
        for line, key in [(green, "successes"), (red, "failures")]:
            assert [y for y in line["drawn"] if y is not None] == [point[key] for point in requests["points"]]
            assert [at for at in line["at"] if at] == [point["at"] for point in requests["points"]]
    else:
        expect(dashboard.widget("requests").locator(".empty")).to_be_visible()
    latency = figures["latency"]
    if latency["points"]:
        trace = dashboard.graph("latency")["data"][0]
        points = [(at, y) for at, y in zip(trace["at"], trace["drawn"]) if y is not None]
        assert points == [(point["at"], point["latency"]) for point in latency["points"]]
        assert trace["colour"] == "#1f6feb"
    if figures["scaling"] and figures["scaling"]["points"]:
        graph = dashboard.graph("scaling")
        steps = [trace for trace in graph["data"] if trace["kind"] == "steps"]
        found = sorted((row["at"], row["version"], y) for trace in steps for row, y in zip(trace["source"], trace["drawn"]) if row)
        assert found == sorted((p["at"], p["version"], p["replicas"]) for p in figures["scaling"]["points"])
        assert dashboard.figures("scaling")["hardware"] == figures["scaling"]["hardware"]
        red = [limit for limit in graph["limits"] if limit.get("isMaximum")]
        assert [limit["value"] for limit in graph["limits"] if limit.get("isSubscription")] == [figures["account"]["subscriptionMaxReplicas"]]
        if figures["scaling"]["maxReplicas"] is None:
            assert red == []
        else:
            # Each deployment has a line of its own; the largest ends the axis.
            assert max(limit["value"] for limit in red) == figures["scaling"]["maxReplicas"] and {limit["colour"] for limit in red} == {"#d1242f"}
            assert abs(graph["yrange"][1] - figures["scaling"]["maxReplicas"] * 1.04) < 1e-9
    if figures["tokens"]:
        tokens = figures["tokens"]
        shown = dashboard.figures("tokens")
        assert float(shown["total input"].replace(",", "").removesuffix(" K")) == pytest.approx(tokens["totalInputTokens"] / 1000, abs=0.051)
        if tokens["points"]:
            outputs, inputs = dashboard.graph("tokens")["data"][:2]
            assert inputs["y"] == inputs["drawn"] == [point["inputTokens"] / 1000 for point in tokens["points"]]
            assert outputs["y"] == [point["outputTokens"] / 1000 for point in tokens["points"]]
            # Stacked: output tokens on input tokens.
            assert outputs["drawn"] == [(point["inputTokens"] + point["outputTokens"]) / 1000 for point in tokens["points"]]
    for key, card in [("deployedModels", "card-deployedModels"), ("fineTunedModels", "card-fineTunedModels")]:
        expect(dashboard.page.locator(f"#{card} strong")).to_have_text(commas(figures["account"][key]))
    expect(dashboard.page.locator("#card-deploymentCredits strong")).to_have_text(f"{figures['account']['deploymentCredits']:,.2f}")


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name, kind", [("canary", "fineTuned"), ("outage", "external"), ("same", "openSource")])
def test_every_preset_period_shows_the_pipelines_figures(dashboard, runs, server, name, kind, period):
    kinds = {model["kind"] for model in server.json("api/runs/" + server.ids[name])["accounts"][0]["models"]}
    kind = kind if kind in kinds else sorted(kinds)[0]
    dashboard.open(run=server.ids[name], kind=kind)
    label = {"this-month": "This month", "last-month": "Last month", "this-year": "This year", "last-year": "Last year"}.get(period, period)
    dashboard.page.get_by_role("button", name=label, exact=True).click()
    dashboard.settled()
    check(dashboard, pipeline(runs[name], kind=kind, period=period))


def test_model_and_version_filters(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    dashboard.page.get_by_label("Version", exact=True).first.select_option("V2")
    dashboard.settled()
    check(dashboard, pipeline(runs["canary"], kind="fineTuned", period="7d", version="V2"))
    dashboard.page.get_by_label("Model", exact=True).first.select_option(label="router")
    dashboard.settled()
    expect(dashboard.page.get_by_label("Version", exact=True).first).to_have_value("")
    check(dashboard, pipeline(runs["canary"], kind="fineTuned", period="7d", model="router"))


def test_same_name_models_are_told_apart_by_their_deployment_time(dashboard, runs, server):
    account = server.json("api/runs/" + server.ids["same"])["accounts"][0]
    twins = [model for model in account["models"] if sum(other["name"] == model["name"] for other in account["models"]) > 1]
    assert len(twins) == 2
    totals = []
    for twin in twins:
        dashboard.open(run=server.ids["same"], kind=twin["kind"], period="30d")
        dashboard.page.get_by_label("Model", exact=True).first.select_option(json.dumps([twin["name"], twin["deployedAt"][0]], separators=(",", ":"), ensure_ascii=False))
        dashboard.settled()
        figures = pipeline(runs["same"], kind=twin["kind"], period="30d", model=twin["name"], **{"deployed-at": twin["deployedAt"][0]})
        check(dashboard, figures)
        totals.append(figures["requests"]["totalRequests"])
    whole = pipeline(runs["same"], kind=twins[0]["kind"], period="30d", model=twins[0]["name"])
    assert sum(totals) == whole["requests"]["totalRequests"]


def test_the_calendar_offers_a_year_up_to_today_and_takes_dates_and_ranges(dashboard, runs, server):
    account = server.json("api/runs/" + server.ids["change"])["accounts"][0]
    kind = account["models"][0]["kind"]
    dashboard.open(run=server.ids["change"], kind=kind)
    first, last = dashboard.page.get_by_label("From").first, dashboard.page.get_by_label("To").first
    expect(first).to_have_attribute("min", account["earliest"])
    expect(last).to_have_attribute("max", account["today"])
    day = pipeline(runs["change"], kind=kind, period="30d")["requests"]["points"][0]["at"][:10]
    first.fill(day)
    dashboard.settled()
    expect(dashboard.page).to_have_url(re.compile(f"period={day}"))
    check(dashboard, pipeline(runs["change"], kind=kind, period=day))
    dashboard.page.get_by_label("To").first.fill(account["today"])
    dashboard.settled()
    check(dashboard, pipeline(runs["change"], kind=kind, period=f"{day}..{account['today']}"))


def test_days_of_clock_changes_have_23_and_25_hours(dashboard, runs, server):
    account = server.json("api/runs/" + server.ids["change"])["accounts"][0]
    kind = account["models"][0]["kind"]
    days = pipeline(runs["change"], kind=kind, period="90d")["requests"]["points"]
    counts = {}
    for day in {point["at"][:10] for point in days}:
        counts[day] = len(pipeline(runs["change"], kind=kind, period=day)["requests"]["points"])
    odd = {day: count for day, count in counts.items() if count in (23, 25)}
    assert odd, counts
    for day, count in odd.items():
        dashboard.open(run=server.ids["change"], kind=kind, period=day)
        graph = dashboard.graph("requests")["data"][0]
        # Both of a repeated hour's points can be seen.
        drawn = [x for x, y in zip(graph["x"], graph["drawn"]) if y is not None]
        assert len(drawn) == count and len(set(drawn)) == count


def test_absent_buckets_are_gaps(dashboard, runs, server):
    dashboard.open(run=server.ids["same"], period="30d", kind="fineTuned")
    figures = pipeline(runs["same"], kind="fineTuned", period="30d") if "fineTuned" in json.dumps(server.json("api/runs/" + server.ids["same"])) else pipeline(runs["same"], period="30d")
    dashboard.open(run=server.ids["same"], period="30d", kind=figures["query"]["kind"])
    days = [point["at"][:10] for point in figures["requests"]["points"]]
    from datetime import date
    holes = sum((date.fromisoformat(b) - date.fromisoformat(a)).days > 1 for a, b in zip(days, days[1:]))
    line = dashboard.graph("latency")["data"][0]
    if figures["latency"]["mode"] == "dailyAverage":
        assert line["drawn"].count(None) == holes
    green, red = dashboard.graph("requests")["data"]
    assert green["drawn"].count(None) == red["drawn"].count(None) == holes
    assert len([y for y in green["drawn"] if y is not None]) == len(days) and 0 not in [a + b for a, b in zip(green["drawn"], red["drawn"]) if a is not None]


def test_hover_shows_the_figures(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="24h")
    text = dashboard.hover("requests", 0.55, 0.7)
    figures = pipeline(runs["canary"], kind="fineTuned", period="24h")["requests"]
    point = next(point for point in figures["points"] if stretch(point["at"], 3600) in text)
    assert commas(point["successes"]) in text and commas(point["failures"]) in text
    # The totals of the period, and from when to when it is.
    assert commas(figures["totalSuccesses"]) in text and "total, " in text and "Mar 2026" in text.split("total, ")[1]


def test_percentiles_and_reasons_are_options(dashboard, runs, server):
    dashboard.open(run=server.ids["outage"], kind="external", period="7d")
    dashboard.page.get_by_role("button", name="Percentiles, Model Latency").click()
    dashboard.settled()
    figures = pipeline(runs["outage"], kind="external", period="7d")
    traces = dashboard.graph("latency")["data"]
    assert [trace["name"] for trace in traces] == ["p50", "p95", "p99"]
    for trace in traces:
        assert [y for y in trace["drawn"] if y is not None] == [bucket[trace["name"]] for bucket in figures["latency"]["buckets"]]
    dashboard.page.get_by_role("button", name="Failures by reason, Requests").click()
    dashboard.settled()
    shown = dashboard.figures("requests")
    for reason, count in figures["requests"]["failuresByReason"].items():
        assert shown[reason] == commas(count)
    expect(dashboard.page).to_have_url(re.compile("percentiles=1.*reasons=1"))


def test_incidents_and_cut_short_scale_ups_are_marked(dashboard, runs, server):
    dashboard.open(run=server.ids["outage"], kind="external", period="7d")
    assert dashboard.graph("requests")["bands"]
    expect(dashboard.page.locator(".incident")).not_to_have_count(0)
    # A provider's outage is nothing to models of our own.
    dashboard.open(run=server.ids["hostile"], kind="external", period="7d")
    assert dashboard.graph("requests")["bands"]
    dashboard.open(run=server.ids["hostile"], kind="fineTuned", period="7d")
    assert not dashboard.graph("requests")["bands"]
    expect(dashboard.page.locator(".incident")).to_have_count(0)
    dashboard.open(run=server.ids["limits"], kind="openSource", period="7d")
    marks = dashboard.graph("scaling")["marks"]
    cut = server.json(f"api/runs/{server.ids['limits']}/marks")["cutShort"]
    assert marks and {mark["text"]["at"] for mark in marks} <= {mark["at"] for mark in cut}


def test_two_runs_on_the_same_axes(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], other=server.ids["tight"], kind="fineTuned", period="7d")
    base, tight = (pipeline(runs[name], kind="fineTuned", period="7d") for name in ("canary", "tight"))
    lines = dashboard.graph("requests")["data"]
    assert len(lines) == 4
    assert lines[0]["y"] == [point["successes"] for point in base["requests"]["points"]]
    assert lines[2]["y"] == [point["successes"] for point in tight["requests"]["points"]]
    # The base as on its own; only the other has a label, and is grey and dashed.
    assert [line["name"] for line in lines[:2]] == ["Successful", "Failed"]
    assert all("tight" in line["name"] for line in lines[2:])
    assert [bool(line["dash"]) for line in lines] == [False, False, True, True]
    for kind in ("latency", "scaling", "requests"):
        lines = dashboard.graph(kind)["data"]
        own = [line for line in lines if "tight" not in line["name"]]
        others = [line for line in lines if line not in own]
        assert own and others and {line["colour"] for line in others} == {"#78818c"} and all(line["dash"] for line in others)
        assert "#78818c" not in {line["colour"] for line in own}


def test_expanded_filters_do_not_leak(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    before, address = dashboard.figures("requests"), dashboard.page.url
    dashboard.page.get_by_role("button", name="Expand, Requests").click()
    dialog = dashboard.page.locator("#expanded")
    dialog.locator("[data-widget=requests]").wait_for()
    dialog.get_by_role("button", name="24h", exact=True).click()
    dashboard.settled()
    dialog.get_by_label("Version", exact=True).select_option("V1")
    dashboard.settled()
    expected = pipeline(runs["canary"], kind="fineTuned", period="24h", version="V1")["requests"]
    assert dashboard.figures("requests", "#expanded")["total requests"] == commas(expected["totalRequests"])
    dashboard.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert dashboard.figures("requests") == before
    expect(dashboard.page).to_have_url(address)


def test_the_address_is_the_view(dashboard, browser, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="24h")
    dashboard.page.get_by_label("Version", exact=True).first.select_option("V2")
    dashboard.settled()
    other = Dashboard(browser, server)
    other.page.goto(dashboard.page.url)
    other.settled()
    for widget in ("latency", "requests", "scaling"):
        assert other.figures(widget) == dashboard.figures(widget)
    other.close()


def test_downloads_hold_what_is_shown(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    figures = pipeline(runs["canary"], kind="fineTuned", period="7d")
    with dashboard.page.expect_download() as download:
        dashboard.page.get_by_role("button", name="Download as CSV, Requests").click()
    rows = list(csv.DictReader(io.StringIO(open(download.value.path()).read())))
    assert [(row["time"], int(row["successes"]), int(row["failures"])) for row in rows] == [
        (point["at"], point["successes"], point["failures"]) for point in figures["requests"]["points"]]
    with dashboard.page.expect_download() as download:
        dashboard.page.get_by_role("button", name="Download as JSON, Model Scaling").click()
    assert json.load(open(download.value.path())) == figures["scaling"]
    with dashboard.page.expect_download() as download:
        dashboard.page.get_by_role("button", name="Download as PNG, Model Latency").click()
    assert open(download.value.path(), "rb").read(8) == b"\x89PNG\r\n\x1a\n"


def test_a_table_behind_every_graph(dashboard, runs, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    figures = pipeline(runs["canary"], kind="fineTuned", period="7d")
    for widget, points in [("requests", figures["requests"]["points"]), ("scaling", figures["scaling"]["points"])]:
        dashboard.widget(widget).locator("summary").click()
        rows = dashboard.widget(widget).locator("details tbody tr")
        expect(rows).to_have_count(min(len(points), 2000))
        expect(rows.first.locator("td").first).to_have_text(points[0]["at"])


def test_refresh_reads_the_runs_anew(dashboard, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned")
    with dashboard.page.expect_response(lambda response: response.url.endswith("api/refresh") and response.ok):
        dashboard.page.get_by_role("button", name="Refresh").click()
    dashboard.settled()


def test_a_run_that_is_replaced_shows_its_new_figures(browser, runs, tmp_path):
    place = tmp_path / "run"
    shutil.copytree(runs["same"], place)
    old = pipeline(place, period="30d", kind="openSource")["requests"]["totalRequests"]
    server = Server([place])
    try:
        dashboard = Dashboard(browser, server)
        dashboard.open(kind="openSource", period="30d")
        assert dashboard.figures("requests")["total requests"] == commas(old)

        def replace(seed):
            other = tmp_path / f"other-{seed}"
            subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/same-name-redeployed.yaml", "--seed", str(seed), "--out", other, "-q"], check=True)
            place.rename(tmp_path / f"gone-{seed}")
            other.rename(place)
            figures = pipeline(place, period="30d", kind="openSource")["requests"]["totalRequests"]
            assert figures != old
            return figures

        new = replace(1001)
        dashboard.page.get_by_role("button", name="Refresh").click()
        dashboard.page.locator("[data-widget=requests] dd", has_text=commas(new)).first.wait_for()
        # Without a refresh the page notices at the next question, and goes on with the new run.
        newer = replace(1002)
        dashboard.problems.clear()
        dashboard.page.get_by_role("button", name="7d", exact=True).click()
        dashboard.settled()
        dashboard.page.get_by_role("button", name="30d", exact=True).click()
        dashboard.page.locator("[data-widget=requests] dd", has_text=commas(newer)).first.wait_for()
        # The browser reports the 410 itself.
        assert all("410" in problem for problem in dashboard.problems)
        dashboard.problems.clear()
        dashboard.close()
    finally:
        server.stop()


@pytest.mark.parametrize("width", [360, 1400, 2560])
def test_the_layout_fits(browser, server, width):
    dashboard = Dashboard(browser, server, width=width, height=900).open(run=server.ids["canary"], kind="fineTuned", period="7d")
    fits(dashboard.page)
    boxes = lambda: [dashboard.widget(kind).bounding_box() for kind in ("latency", "requests", "scaling")]
    side_by_side = lambda boxes: abs(boxes[0]["y"] - boxes[1]["y"]) < 5
    eventually(boxes, lambda boxes: all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes) and side_by_side(boxes) == (width > 1100))
    dashboard.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(browser, server, scheme):
    from axe_playwright_python.sync_playwright import Axe
    dashboard = Dashboard(browser, server, color_scheme=scheme).open(run=server.ids["canary"], kind="fineTuned", period="7d")
    violations = [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(dashboard.page).response["violations"]]
    assert violations == []
    dashboard.close()


def test_the_keyboard_reaches_everything(dashboard, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    dashboard.page.locator("#tab-fineTuned").focus()
    dashboard.page.keyboard.press("ArrowRight")
    dashboard.settled()
    expect(dashboard.page.locator("#tab-openSource")).to_have_attribute("aria-selected", "true")
    dashboard.page.locator(".info").first.focus()
    expect(dashboard.page.locator(".info [role=tooltip]").first).to_be_visible()


def test_printing_keeps_the_widgets_and_drops_the_tools(dashboard, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    dashboard.page.emulate_media(media="print")
    expect(dashboard.page.locator("#filters")).to_be_hidden()
    expect(dashboard.widget("requests").locator(".chart")).to_be_visible()


def test_hostile_names_are_text(dashboard, runs, server):
    for kind, period in [("fineTuned", "24h"), ("fineTuned", "7d"), ("external", "7d")]:
        dashboard.open(run=server.ids["hostile"], kind=kind, period=period)
        drawn(dashboard.page)
        assert dashboard.page.title().startswith("hostile · ")
        assert dashboard.page.locator("img, main script, main iframe").count() == 0
        check(dashboard, pipeline(runs["hostile"], kind=kind, period=period))
    dashboard.open(run=server.ids["hostile"], kind="fineTuned", period="24h")
    expect(dashboard.page.locator("#filters")).to_contain_text("<img src=x onerror=")
    expect(dashboard.widget("scaling").locator(".legend")).to_contain_text("<script>1</script>")
    assert "<script>1</script>" in dashboard.hover("scaling", 0.7)


def test_the_report_is_one_file_with_the_same_figures(browser, runs, server, tmp_path):
    report = tmp_path / "report.html"
    subprocess.run([WORKBENCH, "report", str(runs["canary"]), "-o", str(report)], check=True, stdout=subprocess.DEVNULL)
    problems = []
    page = browser.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: not request.url.startswith((report.as_uri(), "data:", "blob:")) and problems.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")
    page.get_by_role("button", name="30d", exact=True).click()
    page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")
    page.get_by_label("Version", exact=True).first.select_option("V2")
    page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")
    expected = pipeline(runs["canary"], kind="fineTuned", period="30d", version="V2")["requests"]
    expect(page.locator("[data-widget=requests] .figures")).to_contain_text(commas(expected["totalRequests"]))
    assert problems == []
    page.close()


def test_the_page_follows_a_live_run(browser):
    from conftest import ROOT, Server
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "20000")
    try:
        dashboard = Dashboard(browser, server)
        streams = []
        dashboard.page.on("request", lambda request: request.url.endswith("api/live/events") and streams.append(request.url))
        dashboard.open(run="live", period="7d")
        total = lambda: int(dashboard.figures("requests")["total requests"].replace(",", ""))
        before = total()
        eventually(total, lambda now: now > before, timeout=60)
        dashboard.page.get_by_role("button", name="Pause").click()
        dashboard.page.get_by_role("button", name="Resume").wait_for()
        dashboard.settled()
        assert total() > before
        # Followed once, after a refresh as well.
        with dashboard.page.expect_response(lambda response: response.url.endswith("api/refresh") and response.ok):
            dashboard.page.get_by_role("button", name="Refresh").click()
        dashboard.settled()
        drawn(dashboard.page)
        assert len(streams) == 1
        dashboard.close()
    finally:
        server.stop()
