"""The platform's page, sentence by sentence: what was missing or wrong once, and must not be again."""
import csv, datetime, io, re

import pytest
from playwright.sync_api import expect

from conftest import MODEL, PROVIDER, START, Dashboard, drawn, eventually, moment, stretch


def test_names_with_spaces_and_plus_signs_work(page):
    page.open(kind="openSource", period="7d")
    page.page.get_by_label("Model", exact=True).first.select_option(label=MODEL)
    page.settled()
    assert page.figures("requests")["total requests"] == "100,000"
    page.page.get_by_label("Version", exact=True).first.select_option("V+2")
    page.settled()
    second = int(page.figures("requests")["total requests"].replace(",", ""))
    assert 0 < second < 100_000
    # The address says it, and brings it back.
    address = page.page.url
    page.page.goto(address)
    page.settled()
    assert int(page.figures("requests")["total requests"].replace(",", "")) == second
    page.open(kind="external", period="7d")
    page.page.get_by_label("LLM Provider").first.select_option(PROVIDER)
    page.settled()
    assert page.figures("requests")["total requests"] == "1,000"


def test_requests_are_two_lines_and_one_failure_in_100_000_is_seen_and_hit(page):
    page.open(kind="openSource", period="7d", model=MODEL)
    graph = page.graph("requests")
    green, red = graph["data"]
    assert green["kind"] == red["kind"] == "line" and green["scale"] == "y" and red["scale"] == "right"
    assert graph["titles"][:2] == ["Date", "Number of Requests"]
    failed = red["drawn"].index(1)
    # On its own axis it stands high: at least a sixth of the graph, with a marker.
    chart = page.widget("requests").locator(".chart")
    place = chart.evaluate("""(chart, x) => {
        const { plot } = chart, ratio = devicePixelRatio;
        const at = { x: plot.valToPos(x, "x"), y: plot.valToPos(1, "right"), zero: plot.valToPos(0, "right"), width: plot.over.clientWidth, height: plot.over.clientHeight };
        const pixels = plot.ctx.getImageData(plot.valToPos(x, "x", true) - 6 * ratio, plot.valToPos(1, "right", true) - 6 * ratio, 12 * ratio, 12 * ratio).data;
        let red = 0;
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i] > 140 && pixels[i + 1] < 90 && pixels[i + 2] < 90) red++;
        return { ...at, red };
    }""", red["x"][failed])
    assert place["zero"] - place["y"] > place["height"] / 6 and place["red"] > 20
    text = page.hover("requests", place["x"] / place["width"], place["y"] / place["height"])
    assert stretch(red["at"][failed], 86_400) in text
    lines = text.split("\n")
    assert lines[lines.index("Failed") + 1] == "1" and "99,999" in text and "total, 2–8 Mar 2026" in text
    assert page.figures("requests")["success rate"] == "99.999 %"
    expect(page.page.locator("#card-successRate strong")).to_have_text("99.999 %")
    # Every day can be pointed at.
    hit = sum(bool(page.hover("requests", (index + 0.5) / 7)) for index in range(1, 7))
    assert hit == 6


def test_axes_have_the_platforms_titles_and_counts_whole_ticks(page):
    page.open(kind="openSource", period="7d", model="twin")
    for widget, title in [("latency", "Latency"), ("requests", "Number of Requests"), ("scaling", "Number of Replicas")]:
        graph = page.graph(widget)
        assert graph["titles"][:2] == ["Date", title]
    for widget in ("requests", "scaling"):
        ticks = [tick for tick in page.graph(widget)["ticks"][1] if tick]
        assert ticks and all(re.fullmatch(r"[\d,]+( [KMB])?", tick) for tick in ticks), ticks
    page.open(kind="external", period="7d")
    graph = page.graph("tokens")
    assert graph["titles"][:2] == ["Date", "Number of Tokens (in K)"]
    # 1.5 billion tokens are 1,500,000 K, and no "K of K".
    assert all(re.fullmatch(r"[\d,]+", tick) for tick in graph["ticks"][1] if tick) and page.figures("tokens")["total input"] == "1,500,000 K"
    text = page.hover("tokens", 0.3)
    assert "Input tokens" in text and "Output tokens" in text and "2026" in text and "T00:00" not in text


def test_a_version_has_replicas_from_its_deployment_to_its_undeployment_only(page):
    page.open(kind="openSource", period="7d", model=MODEL)
    lines = {line["version"]: line for line in page.graph("scaling")["data"]}
    first, second = lines["V 1"], lines["V+2"]
    start, end = (START.timestamp() + hours * 3600 for hours in (12, 96))
    # Up from nothing, and down to nothing, where it ends.
    assert first["drawn"][:2] == [0, 2] and abs(first["x"][0] - start) < 1 and abs(first["x"][1] - start) < 1
    assert first["drawn"][-2:] == [0, None] and abs(first["x"][-1] - end) < 1
    assert second["drawn"][:2] == [0, 3] and second["drawn"][-1] == 3
    # All versions of models of the same name are told apart, with their time in the account's zone.
    page.open(kind="openSource", period="7d", model="twin")
    times = [model["deployedAt"][0] for model in week_models(page) if model["name"] == "twin"]
    legend = page.widget("scaling").locator(".legend")
    for time in times:
        local = datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(datetime.timezone(datetime.timedelta(hours=10, minutes=30)))
        expect(legend).to_contain_text(moment(local.isoformat()))
        expect(page.page.locator("#filters")).to_contain_text(f"twin (deployed {moment(local.isoformat())})")


def week_models(page):
    return page.server.account["models"]


def test_hover_names_model_version_hardware_anywhere_over_the_steps(page):
    page.open(kind="openSource", period="2026-03-04", model=MODEL)
    hit = 0
    for index in range(40):
        text = page.hover("scaling", (index + 0.5) / 40, 0.6)
        if MODEL in text and "V 1" in text and re.search(r"\d replica", text) and "A10 single" in text and "4 Mar 2026" in text:
            hit += 1
    assert hit == 40
    # With all models each line is somebody's.
    page.open(kind="openSource", period="7d")
    assert f"{MODEL} · V 1" in page.hover("scaling", 0.4)


def test_red_lines_belong_to_deployments_and_the_subscription_has_its_own(page):
    page.open(kind="openSource", period="2026-03-05", model=MODEL)
    limits = page.graph("scaling")["limits"]
    maxima = {limit["label"]: limit["value"] for limit in limits if limit.get("isMaximum")}
    assert len(maxima) == 2 and any("V 1" in label and value == 4 for label, value in maxima.items()) and any("V+2" in label and value == 3 for label, value in maxima.items())
    subscription = [limit for limit in limits if limit.get("isSubscription")]
    assert [limit["value"] for limit in subscription] == [9] and "subscription" in subscription[0]["label"] and subscription[0]["colour"] not in {limit["colour"] for limit in limits if limit.get("isMaximum")}
    expect(page.page.locator("#card-replicas")).to_contain_text("of 9 in the subscription")
    assert page.figures("scaling")["subscription"] == "9 replicas"


def test_versions_are_laid_over_each_other(page):
    page.open(kind="openSource", period="7d", model=MODEL)
    whole = page.figures("requests")
    page.page.get_by_role("button", name="By version, Requests").click()
    page.settled()
    lines = page.graph("requests")["data"]
    assert [line["name"] for line in lines] == ["Successful, V 1", "Failed, V 1", "Successful, V+2", "Failed, V+2"]
    assert len({line["colour"] for line in lines}) == 4
    total = sum(y for line in lines for y in line["drawn"] if y)
    assert total == 100_000 and page.figures("requests") == whole
    latency = page.graph("latency")["data"]
    assert {line["name"].split(", ")[1] for line in latency} == {"V 1", "V+2"}


def test_credits_are_analysed_by_model_version_hardware_and_day(page, week):
    page.open(kind="openSource", period="7d")
    answer = week.json("api/runs/1/credits?period=7d")
    shown = lambda: page.widget("credits").locator(".shares tbody tr").evaluate_all("rows => Object.fromEntries(rows.map((row) => [row.cells[0].innerText, row.cells[1].innerText]))")
    # V 1: 36 h with 2 and 48 h with 4 at 2 an hour; V+2: 3 at 1 an hour until the end, 108 hours later.
    eventually(shown, lambda shown: shown[MODEL] == f"{36 * 4 + 48 * 8 + 108 * 3:.2f}")
    page.page.get_by_role("button", name="by version", exact=True).click()
    eventually(shown, lambda shown: shown[f"{MODEL} · V 1"] == f"{36 * 4 + 48 * 8:.2f}" and shown[f"{MODEL} · V+2"] == f"{108 * 3:.2f}")
    page.page.get_by_role("button", name="by hardware", exact=True).click()
    eventually(shown, lambda shown: set(shown) == {"A10 single", "T4 single"} and shown["T4 single"] == "324.00")
    # In bars, day by day, which add up to the card.
    bars = page.graph("credits")["data"]
    assert sum(sum(bar["y"]) for bar in bars) == pytest.approx(answer["deploymentCredits"]) and len(bars[0]["x"]) == 7
    expect(page.page.locator("#card-deploymentCredits strong")).to_have_text(f"{answer['deploymentCredits']:,.2f}")
    assert "T4 single" in page.hover("credits", 0.9, 0.9)


def test_credits_below_one_have_three_digits(page, week):
    page.open(kind="openSource", period="7d", model=MODEL)
    value = week.json("api/runs/1/dashboard?kind=openSource&period=7d&model=" + "my+model+%2B+co+%2F+%C3%A9")["requests"]["creditsPerRequest"]
    assert 0.001 < value < 0.01
    assert page.figures("requests")["avg. credits per request"] == f"{value:.3g}"


def test_a_date_that_cannot_be_selected_says_why(page, week):
    page.open(kind="openSource", period="7d")
    before = page.page.url
    first, last = page.page.get_by_label("From", exact=True).first, page.page.get_by_label("To", exact=True).first
    problem = page.page.locator("#date-problem")
    first.fill("2031-01-01")
    expect(problem).to_contain_text("after today")
    expect(page.page).to_have_url(before)
    first.fill("2019-01-01")
    expect(problem).to_contain_text("earliest date")
    expect(page.page).to_have_url(before)
    first.fill("2026-03-05")
    page.settled()
    expect(problem).to_have_text("")
    expect(page.page).to_have_url(re.compile("period=2026-03-05"))
    last.fill("2026-03-03")
    expect(problem).to_contain_text("before the first day")
    expect(first).to_have_value("2026-03-05")


def test_a_filter_that_is_under_way_is_not_dropped_when_a_widget_is_expanded(page):
    page.open(kind="openSource", period="7d")
    page.page.evaluate("""() => {
        document.querySelector("#filters button:nth-child(3)").click();
        document.querySelector("[data-widget=requests] .tools > button:last-child").click();
    }""")
    page.settled()
    page.page.keyboard.press("Escape")
    expect(page.page.locator("#expanded")).to_have_count(0)
    page.settled()
    expect(page.page).to_have_url(re.compile("period=30d"))
    assert len(page.graph("requests")["data"][0]["y"]) >= 7 and page.graph("requests")["range"][1] - page.graph("requests")["range"][0] > 29 * 86400


def test_no_label_of_an_axis_is_cut_off_or_covered_on_a_phone(browser, server):
    page = Dashboard(browser, server, width=390, height=900)
    for run, kind, period, lens in (("canary", "fineTuned", "24h", ""), ("canary", "fineTuned", "7d", ""), ("canary", "fineTuned", "7d", "analysis"), ("canary", "fineTuned", "30d", ""), ("outage", "external", "7d", ""), ("outage", "external", "7d", "analysis")):
        page.open(run=server.ids[run], kind=kind, period=period, lens=lens)
        drawn(page.page)
        # Of dates what reaches beyond the picture; of values what reaches under their axis's title, 18 pixels wide, 6 from the plot.
        beyond = page.page.locator(".chart").evaluate_all("""charts => charts.filter(({ plot }) => plot).flatMap(({ plot }) => {
            plot.ctx.font = "12px system-ui, sans-serif";
            const wide = (label) => plot.ctx.measureText(label).width;
            return [...[...plot.labels].map(([at, label]) => [label, plot.valToPos(at, "x") + plot.over.offsetLeft + wide(label) / 2 - plot.width]),
                ...plot.axes[1]._values.map((label) => [label, wide(label) - (plot.over.offsetLeft - 24)]),
                ...(plot.axes[2]?._values || []).map((label) => [label, wide(label) - (plot.width - plot.over.offsetLeft - plot.over.offsetWidth - 24)])].filter(([, more]) => more > 0.5); })""")
        assert beyond == [], (run, period, lens)
        assert page.page.locator(".chart").first.evaluate("chart => chart.plot.labels.size") >= 2
    page.close()


def test_tips_stay_on_a_phone_and_close_with_escape(browser, week):
    page = Dashboard(browser, week, width=375, height=800).open(kind="openSource", period="7d")
    infos = page.page.locator(".info:visible")
    eventually(infos.count, lambda many: many > 4)
    for index in range(infos.count()):
        infos.nth(index).focus()
        eventually(page.page.locator("[role=tooltip]:visible").bounding_box, lambda box: box["x"] >= 0 and box["x"] + box["width"] <= 375)
        page.page.keyboard.press("Escape")
        expect(page.page.locator("[role=tooltip]:visible")).to_have_count(0)
    page.close()
