"""What graphs draw, pixel by pixel where it matters: both lines seen, gaps, marks, limits, unfinished buckets, and reading them by keyboard."""
import csv, datetime, json, subprocess

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Dashboard, Server, eventually, looks_as_it_did, moment, rfc, run_id, stretch

UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 24 * 7


def data_set(folder, models, deployments, replicas, requests, now=HOURS, incidents=()):
    """A data set written by hand, in UTC: models (id, kind, name, provider), deployments (model, version, most, from, to), hours since DAY."""
    (folder / "telemetry").mkdir(parents=True)
    at = lambda hours: rfc(DAY + datetime.timedelta(hours=hours)) if hours is not None else ""

    def table(name, head, rows):
        with open(folder / f"telemetry/{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head.split(","))
            writer.writerows(rows)

    table("accounts", "account,time_zone,subscription_max_replicas", [["acme", "UTC", 400]])
    table("hardware", "account,hardware,credits_micro_per_hour", [["acme", "A10 single", 2_000_000]])
    table("models", "model_id,account,kind,name,provider,created_at", [[number, "acme", kind, name, provider, at(0)] for number, kind, name, provider in models])
    table("deployments", "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome",
          [[model, version, "A10 single", 1, most, 8, at(start), at(start), at(end), "deployed"] for model, version, most, start, end in deployments])
    table("replicas", "at,model_id,version,hardware,starting,ready,draining,limited_by", [[at(hours), model, version, "A10 single", 0, ready, 0, limited] for hours, model, version, ready, limited in sorted(replicas)])
    table("fine_tuning_jobs", "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro", [])
    table("incidents", "model_id,provider,kind,started_at,ended_at", [["", provider, kind, at(start), at(end)] for provider, kind, start, end in incidents])
    table("requests", "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens",
          [[index + 1, rfc(DAY + datetime.timedelta(seconds=round(hours * 3600, 6))), model, version, "failure" if failed else "success", "timeout" if failed else "", 0, 0 if failed else 1000, latency, 10, 0 if failed else 5]
           for index, (hours, model, version, failed, latency) in enumerate(sorted(requests))])
    (folder / "manifest.json").write_text(json.dumps({"files": {}, "format": 1, "notDeployed": {}, "period": {"from": at(0), "to": at(now)}, "program": "test", "rows": {}, "seed": 1, "source": folder.name}))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Even: one failure in a hundred requests, always. Gaps: nothing runs for a day and a half, two versions, two models of one name. Fifty models."""
    folder = tmp_path_factory.mktemp("graphs")
    even = [(number / 100, 1, "V1", number % 100 == 50, 500_000) for number in range(HOURS * 100)]
    data_set(folder / "even", [(1, "openSource", "steady", "")], [(1, "V1", 3, 0, None)], [(0, 1, "V1", 2, "")], even)
    gaps = [(hours + minute / 6, model, version, False, 400_000 + 100_000 * model)
            for model, version, start, end in ((1, "V1", 1, 50), (1, "V2", 30, 50), (2, "V1", 92, 140), (3, "V1", 3, 20), (3, "V1", 70, 120)) for hours in range(start, end) for minute in range(6)]
    data_set(folder / "gaps", [(1, "openSource", "twin", ""), (2, "openSource", "twin", ""), (3, "fineTuned", "lone", "")],
             [(1, "V1", 2, 0, 52), (1, "V2", 3, 28, 52), (2, "V1", 4, 90, None), (3, "V1", 2, 0, 24), (3, "V1", 2, 68, None)],
             [(0, 1, "V1", 1, ""), (28, 1, "V2", 2, ""), (52, 1, "V1", 0, ""), (52, 1, "V2", 0, ""), (90, 2, "V1", 1, ""), (0, 3, "V1", 1, ""), (24, 3, "V1", 0, ""), (68, 3, "V1", 1, "")], gaps)
    fifty = range(1, 51)
    data_set(folder / "fifty", [(number, "openSource", f"model {number:02}", "") for number in fifty], [(number, "V1", number % 7 + 1, 0, None) for number in fifty],
             [(0, number, "V1", number, "") for number in fifty] + [(HOURS - 12 + number / 10, number, "V1", number, "maxReplicas") for number in fifty],
             [(HOURS - 20 + number / 50, number, "V1", False, 400_000) for number in fifty])
    data_set(folder / "lone", [(1, "openSource", "rare", "")], [(1, "V1", 3, 0, None)], [(0, 1, "V1", 2, "")],
             [(10 + number / 100, 1, "V1", False, 300_000) for number in range(300)] + [(100.25, 1, "V1", False, 900_000), (140.25, 1, "V1", False, 900_000)])
    names = ("even", "gaps", "fifty", "lone")
    server = Server([folder / name for name in names])
    server.ids = {name: run_id(folder / name) for name in names}
    yield server
    server.stop()


@pytest.fixture
def page(browser, made):
    page = Dashboard(browser, made, width=1440)
    yield page
    page.close()


PIXEL = """(chart, [x, y, scale]) => {
    const { plot } = chart, left = Math.round(plot.valToPos(x, "x", true)), top = Math.round(plot.valToPos(y, scale, true));
    return [...plot.ctx.getImageData(left, top, 1, 1).data].slice(0, 3);
}"""


@pytest.mark.parametrize("lens, kind, bucket", [("", "requests", 3600), ("analysis", "fine", 1800)])
def test_failures_at_an_even_rate_hide_no_successes(page, made, lens, kind, bucket):
    for period in ("24h", "7d"):
        page.open(run=made.ids["even"], kind="openSource", period=period, lens=lens)
        green, red = page.graph(kind)["data"]
        assert green["y"] and all(y == 0.01 * (x + y) for x, y in zip(green["y"], red["y"]) if y is not None) or lens
        chart = page.widget(kind).locator(".chart")
        apart = chart.evaluate("""(chart) => { const { plot } = chart;
            return Array.from(plot.data[0], (x, place) => [plot.data[1][place], plot.data[2][place]]).filter(([a, b]) => a && b).map(([a, b]) => Math.abs(plot.valToPos(a, "y") - plot.valToPos(b, "right"))); }""")
        assert apart and min(apart) >= 12
        # Where the red line is, the green one is seen above it.
        colours = chart.evaluate("""(chart) => { const { plot, spec } = chart, { width, height } = plot.ctx.canvas;
            const { data } = plot.ctx.getImageData(0, 0, width, height); let green = 0, red = 0;
            for (let i = 0; i < data.length; i += 4) { if (data[i] < 80 && data[i + 1] > 120 && data[i + 2] < 110) green++; if (data[i] > 150 && data[i + 1] < 80 && data[i + 2] < 80) red++; }
            return [green, red]; }""")
        assert min(colours) > 300, colours


def test_failures_are_crosses_and_hide_nothing_under_them(page, made):
    page.open(run=made.ids["even"], kind="openSource", period="24h")
    entries = page.widget("requests").locator(".chart").evaluate("(chart) => chart.spec.series.map(({ label, marker, points, line }) => [label, marker, points, line])")
    assert entries == [["Successful", None, None, "solid"], ["Failed", "cross", "some", "solid"]]
    # The cross at the pointer is no disc of the card's colour.
    page.hover("requests", 0.5)
    dots = page.widget("requests").locator(".u-cursor-pt").evaluate_all("(dots) => dots.map((dot) => [getComputedStyle(dot).borderTopWidth, getComputedStyle(dot).backgroundColor])")
    assert dots and all(width == "0px" and colour != "rgb(255, 255, 255)" for width, colour in dots)


def test_lines_end_where_nothing_was(page, made):
    for view in ({"kind": "openSource", "period": "7d"}, {"kind": "fineTuned", "period": "7d"}, {"kind": "openSource", "period": "7d", "overlay": "1"}, {"kind": "openSource", "period": "7d", "lens": "analysis"}):
        page.open(run=made.ids["gaps"], **view)
        for widget in page.page.locator("#widgets .chart").all():
            # After a null everything is null up to the next value: else uPlot joins over the gap.
            bad = widget.evaluate("""(chart) => chart.plot.data.slice(1).map((values) => { let isGap = false, bad = 0, first = values.findIndex((value) => value !== undefined), last = values.findLastIndex((value) => value !== undefined && value !== null);
                values.forEach((value, place) => { if (value === null) isGap = true; else if (value !== undefined) isGap = false; else if (isGap && place > first && place < last) bad++; }); return bad; })""")
            assert not any(bad), (view, bad)
    # Of the model that ran twice, the latency graph is empty in between: no pixel of a line.
    page.open(run=made.ids["gaps"], kind="fineTuned", period="7d")
    ink = page.widget("latency").locator(".chart").evaluate("""(chart, [from, to]) => { const { plot } = chart, { bbox, ctx } = plot;
        const left = Math.ceil(plot.valToPos(from, "x", true)), right = Math.floor(plot.valToPos(to, "x", true));
        const { data } = ctx.getImageData(left, bbox.top, right - left, bbox.height); let blue = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i + 2] - data[i] > 60 || data[i] - data[i + 2] > 60) blue++;
        return blue; }""", [(DAY + datetime.timedelta(hours=26)).timestamp(), (DAY + datetime.timedelta(hours=66)).timestamp()])
    assert ink == 0
    # A version that is deployed again steps up from nothing: there is a line halfway.
    blue = page.widget("scaling").locator(".chart").evaluate("""(chart, x) => { const { plot } = chart;
        const { data } = plot.ctx.getImageData(plot.valToPos(x, "x", true) - 3, plot.valToPos(0.5, "y", true), 6, 1); return Array.from({ length: 6 }, (_, i) => data[i * 4 + 2] - data[i * 4]).filter((more) => more > 120).length; }""", (DAY + datetime.timedelta(hours=68)).timestamp())
    assert blue >= 1
    assert page.hover("latency", 45 / HOURS) == ""


def test_what_has_nothing_beside_it_is_a_dot(page, made):
    """A request, or a bucket, to which no line leads; of few requests each."""
    ink = """(chart, [x, y]) => { const { plot } = chart, left = Math.round(plot.valToPos(x, "x", true)), top = Math.round(plot.valToPos(y, "y", true));
        const { data } = plot.ctx.getImageData(left - 3, top - 3, 7, 7); let dark = 0; for (let i = 0; i < data.length; i += 4) if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) dark++; return dark; }"""
    when = lambda hours: (DAY + datetime.timedelta(hours=hours)).timestamp()
    for view, kind, x, y in [({}, "latency", 100.25, 900), ({"lens": "analysis"}, "fine", 100.25, 1), ({"period": "2026-03-06"}, "latency", 100.25, 900)]:
        page.open(run=made.ids["lone"], kind="openSource", **{"period": "7d", **view})
        eventually(lambda: page.widget(kind).locator(".chart").evaluate(ink, [when(x), y]), lambda dots: dots >= 9)


def test_every_point_of_a_graph_is_reached_by_keyboard(page, made):
    page.open(run=made.ids["gaps"], kind="openSource", period="7d")
    chart, tip = page.widget("latency").locator(".chart"), page.widget("latency").locator(".tip")
    chart.focus()
    press = page.page.keyboard.press
    seen = []
    for _ in range(60):
        press("ArrowRight")
        seen.append(tip.inner_text())
    # Each step is another pixel, so another request.
    assert len(set(seen)) == 60
    press("ArrowLeft")
    assert tip.inner_text() == seen[-2]
    press("Home")
    assert tip.inner_text() == seen[0]
    press("End")
    assert "Sat 7 Mar 2026, 19:5" in tip.inner_text()
    press("PageUp")
    tenth = tip.inner_text()
    press("PageUp")
    assert len({tenth, tip.inner_text(), seen[0]}) == 3
    for _ in range(10):
        press("PageUp")
    assert tip.inner_text() == seen[0]
    press("PageDown")
    assert tip.inner_text() not in seen[:5]
    # The text is of what is at the crosshair.
    press("Escape")
    assert not tip.is_visible()


def test_a_stretch_is_marked_and_zoomed_into_by_keyboard(page, made):
    page.open(run=made.ids["even"], kind="openSource", period="24h")
    chart = page.widget("requests").locator(".chart")
    chart.focus()
    press = page.page.keyboard.press
    for _ in range(5):
        press("ArrowRight")
    for _ in range(3):
        press("Shift+ArrowRight")
    assert chart.locator(".u-select").bounding_box()["width"] > 40 and "Enter zooms" in page.widget("requests").locator(".tip").inner_text()
    # Escape lets go of it first, then of the crosshair.
    press("Escape")
    assert page.widget("requests").locator(".tip").is_visible() and "zoom" not in page.page.url
    for _ in range(2):
        press("Shift+ArrowLeft")
    press("Enter")
    page.settled()
    start, end = page.graph("requests")["range"]
    assert 1.9 * 3600 < end - start < 2.2 * 3600 and "zoom=" in page.page.url
    assert chart.evaluate("(chart) => chart === document.activeElement")
    page.page.go_back()
    page.settled()
    assert "zoom=" not in page.page.url


def test_fifty_deployments_can_be_read(page, made):
    page.open(run=made.ids["fifty"], kind="openSource", period="24h")
    graph = page.graph("scaling")
    names = [line["name"] for line in graph["data"]]
    # The five largest, and the others as one.
    assert names == [f"model {number:02} · V1" for number in (50, 49, 48, 47, 46)] + ["45 others"]
    assert len({line["colour"] for line in graph["data"]}) == 6 and not any(line["dash"] for line in graph["data"])
    assert graph["data"][-1]["drawn"][-1] == sum(range(1, 46))
    # Their maxima stand in the table, not on each other in the plot; crosses are those of what is drawn.
    assert not [limit for limit in graph["limits"] if limit.get("isMaximum")]
    assert {mark["text"]["model"] for mark in graph["marks"]} == {f"model {number}" for number in (46, 47, 48, 49, 50)}
    legend = page.widget("scaling").locator(".legend")
    assert legend.locator("thead").inner_text().split("\t")[-1].strip() == "Max replicas"
    assert [cell.inner_text() for cell in legend.locator("tbody tr").first.locator("td").all()][-1] == "2"
    assert legend.locator("tbody tr").count() == 6 and "45 others" in legend.inner_text()
    assert page.figures("scaling")["max replicas"] == "7, the largest of 50"
    before = {line["name"]: line["colour"] for line in graph["data"]}
    # Found by its name, and isolated: its own line, limit and cross, and nobody else's.
    legend.get_by_label("Find a series").fill("model 06")
    expect(legend.locator("tbody tr")).to_have_count(1)
    legend.locator("tbody button").first.click()
    graph = eventually(lambda: page.graph("scaling"), lambda graph: len(graph["data"]) == 1)
    assert [line["name"] for line in graph["data"]] == ["model 06 · V1"] and {mark["text"]["model"] for mark in graph["marks"]} == {"model 06"}
    assert [limit["value"] for limit in graph["limits"] if limit.get("isMaximum")] == [7]
    legend.locator("tbody button").first.click()
    eventually(lambda: len(page.graph("scaling")["data"]), 6)
    legend.get_by_label("Find a series").fill("model 48")
    legend.locator("tbody button").first.click()
    eventually(lambda: {line["name"]: line["colour"] for line in page.graph("scaling")["data"]}, {"model 48 · V1": before["model 48 · V1"]})


LABELS = """(chart) => { const { plot } = chart, { lines, labels, unit } = plot.named;
    return { lines: lines.map(({ left, right, y }) => ({ left, right, y })), labels: labels.map(({ text, left, top, wide, high, isOutside }) => ({ text, left, top, wide, high, isOutside })), top: plot.bbox.top, unit,
        inside: labels.map(({ left, top, wide, high }) => { const { data } = plot.ctx.getImageData(left, top, wide, high); let plain = 0; for (let i = 0; i < data.length; i += 4) if (data[i] > 235 && data[i + 1] > 235 && data[i + 2] > 235) plain++; return plain / (data.length / 4); }) }; }"""


def names_can_be_read(chart):
    found = chart.evaluate(LABELS)
    labels = found["labels"]
    for index, a in enumerate(labels):
        for b in labels[:index]:
            assert a["left"] >= b["left"] + b["wide"] or b["left"] >= a["left"] + a["wide"] or a["top"] >= b["top"] + b["high"] or b["top"] >= a["top"] + a["high"], (a, b)
        for line in found["lines"]:
            assert not (a["top"] < line["y"] < a["top"] + a["high"] and line["left"] < a["left"] + a["wide"] and line["right"] > a["left"]), (a, line)
    # Behind the words is the card.
    assert all(share > 0.5 for share in found["inside"]), found["inside"]
    return found


@pytest.mark.parametrize("width", [375, 1440])
def test_names_of_limits_lie_on_no_line(browser, server, made, width):
    for of, views in ((server, [("canary", "fineTuned", "24h"), ("canary", "fineTuned", "7d"), ("limits", "openSource", "7d"), ("limits", "openSource", "24h")]), (made, [("gaps", "openSource", "2026-03-03"), ("even", "openSource", "24h")])):
        page = Dashboard(browser, of, width=width, height=900)
        for name, kind, period in views:
            page.open(run=of.ids[name], kind=kind, period=period, objective="1s")
            for widget in ("latency", "scaling"):
                found = names_can_be_read(page.widget(widget).locator(".chart"))
                assert found["labels"] and all(not label["isOutside"] or label["top"] + label["high"] <= found["top"] for label in found["labels"])
        page.problems[:] = [problem for problem in page.problems if not problem.startswith("Canvas2D")]  # This test reads many pixels.
        page.close()


def test_the_objective_stands_outside_the_heat_map(page, made):
    page.open(run=made.ids["even"], kind="openSource", period="7d", lens="analysis", objective="600ms")
    found = names_can_be_read(page.widget("heat").locator(".chart"))
    assert [label["text"] for label in found["labels"]] == ["╌╌ Objective p95 ≤ 600 ms"] and found["labels"][0]["top"] + found["labels"][0]["high"] <= found["top"] and len(found["lines"]) == 1
    # What the colours of the cells stand for is said.
    key = page.widget("heat").locator(".key .ramp")
    most = page.widget("heat").locator(".chart").evaluate("(chart) => Math.max(...chart.spec.heat.columns.flatMap(({ cells }) => cells.filter((_, index) => index % 2)))")
    assert key.inner_text().split() == ["requests", "per", "cell:", "1", str(most)] and key.locator("i").count() == 10
    assert page.figures("heat")["buckets of"] == "30 min"


def test_models_of_one_name_are_told_apart_in_hover_and_credits(page, made):
    account = made.json(f"api/runs/{made.ids['gaps']}")["accounts"][0]
    twins = {f"twin (deployed {moment(model['deployedAt'][0])})": model for model in account["models"] if model["name"] == "twin"}
    assert len(twins) == 2
    page.open(run=made.ids["gaps"], kind="openSource", period="7d")
    shares = lambda: [row.locator("td").first.inner_text() for row in page.widget("credits").locator(".shares tbody tr").all()]
    assert set(shares()) == {*twins, "lone"}
    page.page.get_by_role("button", name="by version", exact=True).click()
    assert {f"{name} · V1" for name in twins} < set(shares())
    for name, model in twins.items():
        page.open(run=made.ids["gaps"], kind="openSource", period="7d", model="twin", deployedAt=model["deployedAt"][0])
        share = 0.1 if model["deployedAt"][0].startswith("2026-03-02") else 0.7
        for kind in ("latency", "requests"):
            text = page.hover(kind, share)
            assert name in text, (kind, text)


def test_points_stand_in_the_middle_of_their_bucket_and_say_from_when_to_when(page, made):
    page.open(run=made.ids["even"], kind="openSource", period="24h")
    lines = page.graph("requests")["data"]
    starts = [datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() for at in lines[0]["at"]]
    assert lines[0]["x"] == lines[1]["x"] == [start + 1800 for start in starts]
    assert stretch(lines[0]["at"][12], 3600) in page.hover("requests", 12.5 / 24) and "12:00–13:00" in page.hover("requests", 12.5 / 24)
    page.open(run=made.ids["even"], kind="openSource", period="7d")
    lines = page.graph("requests")["data"]
    assert lines[0]["x"] == [DAY.timestamp() + (day + 0.5) * 86_400 for day in range(7)]
    text = page.hover("requests", 3.5 / 7)
    assert text.startswith("Thu 5 Mar 2026\n") and page.hover("credits", 3.5 / 7).startswith("Thu 5 Mar 2026\n")
    page.open(run=made.ids["even"], kind="openSource", period="7d", lens="analysis")
    for kind in ("heat", "fine"):
        assert page.graph(kind)["data"][0]["x"][0] == DAY.timestamp() + 900
        assert "12:00–12:30" in page.hover(kind, 3.5 / 7 + 0.25 / HOURS)


def test_the_unfinished_bucket_is_hatched_in_every_panel_that_has_buckets(browser):
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "30000")
    try:
        page = Dashboard(browser, server, width=1440)
        page.open(run="live", period="7d", percentiles="1")
        eventually(lambda: int(page.figures("requests")["total requests"].replace(",", "")), lambda total: total > 20_000)
        # At the very end of a bucket none is unfinished.
        now = lambda: datetime.datetime.fromisoformat(next(run for run in server.json("api/runs") if run["live"])["now"].replace("Z", "+00:00")).timestamp()
        for _ in range(20):
            page.page.get_by_role("button", name="Pause").click()
            page.page.get_by_role("button", name="Resume").wait_for()
            if now() % 1800:
                break
            page.page.get_by_role("button", name="Resume").click()
            page.page.get_by_role("button", name="Pause").wait_for()
        for view, kinds in (({}, ("latency", "requests", "credits")), ({"lens": "analysis"}, ("heat", "fine", "credits"))):
            page.open(run="live", period="7d", percentiles="1", **view)
            for kind in kinds:
                stretch = page.widget(kind).locator(".chart").evaluate("(chart) => chart.spec.unfinished")
                lasts = page.widget(kind).locator(".chart").evaluate("(chart) => chart.spec.series[0].lasts")
                assert stretch and stretch[0] < now() <= stretch[1] and stretch[1] - stretch[0] <= lasts + 1, (kind, stretch, lasts)
        page.close()
    finally:
        server.stop()


def test_the_tokens_of_a_base_are_at_the_tops_of_its_bars(browser, server):
    page = Dashboard(browser, server, width=1440)
    page.open(page="compare", run=server.ids["outage"], kind="external", period="7d", otherPeriod="before")
    drawn = page.widget("tokens").locator(".chart").evaluate("(chart) => chart.spec.series.filter(({ colour }) => colour === 'other').map(({ label, stack, y, x, at }) => ({ label, stack, y, x, at }))")
    if drawn:
        outputs, inputs = drawn
        assert outputs["label"].startswith("Output") and outputs["stack"] == [a + b for a, b in zip(outputs["y"], inputs["y"])]
    page.close()


def test_what_is_saved_draws_the_same(page, made):
    import xml.etree.ElementTree as tree

    def saved(title):
        with page.page.expect_download() as download:
            page.page.get_by_role("button", name=f"Download as SVG, {title}").click()
        return tree.fromstring(open(download.value.path(), encoding="utf-8").read())

    page.open(run=made.ids["even"], kind="openSource", period="24h")
    name = lambda node: node.tag.split("}")[1]
    picture = saved("Requests")
    lines = [node for node in picture.iter() if name(node) == "path"]
    lowest = lambda node: min(float(point.split()[1]) for point in node.get("d")[1:].replace("L", "M").split("M"))
    green, red = [node for node in lines if node.get("stroke-linecap")]
    assert lowest(red) - lowest(green) > 100
    # A cross for each hour, as on the screen.
    assert sum(bool(node.get("transform")) for node in lines) == 24
    # The names of limits are in boxes of their own, above what they name.
    page.open(run=made.ids["gaps"], kind="openSource", period="2026-03-03")
    picture = saved("Model Scaling and Usage")
    texts = {node.text for node in picture.iter() if name(node) == "text"}
    boxes = [[float(node.get(key)) for key in ("x", "y", "width", "height")] for node in picture.iter() if name(node) == "rect" and node.get("height") in ("14", "15")]
    assert {"Max replicas 2 · twin (deployed Mon 2 Mar 2026, 00:00 (UTC)) · V1", "↑ Account's subscription: 400 replicas"} <= texts and len(boxes) == 3
    for index, (x, y, wide, high) in enumerate(boxes):
        for left, top, width, height in boxes[:index]:
            assert x >= left + width or left >= x + wide or y >= top + height or top >= y + high


def test_names_of_series_stay_on_what_is_saved(page, made):
    import xml.etree.ElementTree as tree
    page.open(run=made.ids["even"], kind="openSource", period="24h")
    text = page.widget("requests").locator(".chart").evaluate("""async ({ spec }) => {
        const { svg } = (await import(new URL("shared.js", document.baseURI))).$saving;
        const series = Array.from({ length: 6 }, (_, index) => ({ ...spec.series[0], label: `${"long ".repeat(14)}${index}` }));
        return svg("Requests", { ...spec, series }, Object.entries({ run: "r", "run id": "1", account: "a", model: "all", version: "all", period: "2026-03-02T00:00:00Z..2026-03-03T00:00:00Z", "time zone": "UTC" }));
    }""")
    picture = tree.fromstring(text)
    wide, high = [float(value) for value in picture.get("viewBox").split()[2:]]
    names = [node for node in picture.iter() if node.tag.endswith("}text") and (node.text or "").startswith("long ")]
    places = {(float(node.get("x")), float(node.get("y"))) for node in names}
    assert len(names) == len(places) == 6 and all(x + len(names[0].text) * 7 < wide and y < high for x, y in places), places


def test_the_hit_rate_of_prefix_caches_is_that_of_the_requests(browser, tmp_path):
    run = tmp_path / "run"
    subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/prefix-cache.yaml", "--set", "period.to=2026-03-02T06:00", "-q", "--out", run], check=True)
    server = Server([run])
    page = Dashboard(browser, server).open(kind="openSource", period="24h", lens="analysis", version="V1")
    with open(run / "telemetry/requests.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["version"] == "V1"]
    cached, read = sum(int(row["cached_input_tokens"] or 0) for row in rows), sum(int(row["input_tokens"]) for row in rows)
    panel = page.page.locator("article", has=page.page.get_by_role("heading", name="Time to First Token"))
    expect(panel).to_contain_text(f"input tokens from the prefix cache{100 * cached / read:.2f} %")
    assert cached / read > 0.5
    # The other version keeps nothing, and says nothing of it.
    page.open(kind="openSource", period="24h", lens="analysis", version="V2")
    expect(panel).to_contain_text("buckets of")
    expect(panel).not_to_contain_text("prefix cache")
    page.close()
    server.stop()
