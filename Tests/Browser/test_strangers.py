"""What somebody stumbled over who used the page for the first time: words that said what was not so, and things that stood on, or off, each other."""
import re

import pytest
from playwright.sync_api import expect

from conftest import MODEL, STEADY, Dashboard, drawn, eventually, studio_server

DESKS = [1280, 1440, 1920, 2560]
# A row of a file that tells of requests only.
ROWS = "\n".join(["time,model,status,latency_ms", *(f"2026-03-02T{hour:02}:10:00Z,chat,ok,{400 + hour}" for hour in range(24))]) + "\n"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    runs = {"steady": ["--formats", "csv", "--set", "period.to=2026-03-04"], "one of a longer name": ["--formats", "none", "--set", "name=one of a longer name", "--set", "models.classifier.name=classifier of tickets", "--set", "period.to=2026-03-04"]}
    with studio_server(tmp_path_factory.mktemp("strangers"), runs, {f"{name}.yaml": STEADY.read_text() for name in "abcdefghij"}) as server:
        (server.folder / "export.csv").write_text(ROWS)
        yield server


@pytest.fixture
def page(browser, studio):
    page = Dashboard(browser, studio, width=1440)
    yield page
    page.close()


def test_what_is_drawn_is_said_of_single_requests_only(dashboard, server):
    dashboard.open(run=server.ids["canary"], kind="fineTuned", period="7d")
    assert re.fullmatch(r"the fastest and slowest at each time, of [\d,]+ requests", dashboard.figures("latency")["drawn"])
    dashboard.page.get_by_role("button", name="Percentiles, Model Latency").click()
    dashboard.settled()
    assert "drawn" not in dashboard.figures("latency") and "p95" in dashboard.figures("latency")
    dashboard.open(page="compare", run=server.ids["tight"], other=server.ids["canary"], kind="fineTuned", period="7d")
    assert "drawn" not in dashboard.figures("latency")


# Of each axis at the sides: what its labels take, and how much there is of it beside the title.
LABELS = """() => [...document.querySelectorAll(".chart")].flatMap(({ plot }) => plot.axes.slice(1).map((axis) => {
    const context = document.createElement("canvas").getContext("2d");
    context.font = "12px system-ui, sans-serif";
    return [axis.label instanceof Function ? axis.label(plot) : axis.label, Math.max(0, ...axis._values.filter(Boolean).map((text) => context.measureText(text).width)) + 6, axis._size - 4];
}))"""


@pytest.mark.parametrize("width", [375, 1440])
def test_titles_of_axes_stand_clear_of_their_labels(browser, server, width):
    for name, kind, lens in (("canary", "fineTuned", "analysis"), ("outage", "external", "analysis"), ("outage", "external", ""), ("change", "openSource", "analysis")):
        page = Dashboard(browser, server, width=width, height=900).open(run=server.ids[name], kind=kind, period="7d", lens=lens)
        drawn(page.page)
        axes = page.page.evaluate(LABELS)
        assert len(axes) >= 4 and [axis for axis in axes if axis[1] > axis[2] + 0.5] == []
        page.close()


def test_a_billion_tokens_a_day_stand_clear_of_their_title(dashboard, server):
    def more(route):
        answer = route.fetch()
        found = answer.json()
        for point in found["tokens"]["points"]:
            point["inputTokens"] *= 1000
        route.fulfill(response=answer, json=found)

    dashboard.page.route("**/dashboard?*", more)
    dashboard.open(run=server.ids["outage"], kind="external", period="7d")
    drawn(dashboard.page)
    axes = [axis for axis in dashboard.page.evaluate(LABELS) if axis[0] == "Number of Tokens (in K)"]
    # "250,000,000" is wider than what other graphs have.
    assert len(axes) == 1 and 75 < axes[0][1] <= axes[0][2] + 0.5


@pytest.mark.parametrize("width", DESKS)
def test_what_a_view_is_held_against_stands_in_one_line(browser, studio, width):
    run = next(run["id"] for run in studio.json("api/runs") if run["name"] == "one of a longer name")
    page = Dashboard(browser, studio, width=width, height=900).open(run=run, kind="openSource", period="7d")
    tops = page.page.locator(".about .steer > *").evaluate_all("nodes => nodes.map((node) => { const { top, height } = node.getBoundingClientRect(); return top + height / 2; })")
    assert len(tops) == 3 and max(tops) - min(tops) < 4
    # The header's two lines, with a name of some length in its lists.
    assert page.page.locator("#top").bounding_box()["height"] <= 95
    # Dates are as wide as they would be by themselves: nothing of them is cut off.
    assert page.page.locator("#filters input[type=date]").evaluate_all("""nodes => nodes.map((node) => {
        const copy = node.cloneNode();
        copy.style.width = "auto";
        node.after(copy);
        const short = copy.offsetWidth - node.offsetWidth;
        copy.remove();
        return short <= 0;
    })""") == [True, True]
    page.close()


def test_panels_of_a_row_end_together(page):
    page.open(kind="openSource", period="7d")
    boxes = [widget.bounding_box() for widget in page.page.locator("#widgets > .widget").all()]
    assert len(boxes) == 4
    for left, right in (boxes[:2], boxes[2:]):
        assert left["y"] == right["y"] and left["height"] == right["height"]


@pytest.mark.parametrize("view", [{"page": "data"}, {"page": "plans"}, {"page": "whatif", "kind": "openSource"}, {"page": "overview"}, {"kind": "openSource"}])
@pytest.mark.parametrize("width", [375, 1440])
def test_what_is_to_be_typed_is_seen_whole(browser, studio, view, width):
    page = Dashboard(browser, studio, width=width, height=900).open(**view)
    cut = page.page.locator("input[placeholder]").evaluate_all("""nodes => nodes.filter((node) => node.checkVisibility()).map((node) => {
        const style = getComputedStyle(node), context = document.createElement("canvas").getContext("2d");
        context.font = style.font;
        return [node.placeholder, context.measureText(node.placeholder).width, node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)];
    }).filter(([, wide, room]) => wide > room)""")
    assert cut == []
    page.close()


def test_incidents_are_named_in_whole_words_or_in_their_tip(dashboard, server):
    seen = []
    for period in ("7d", "2026-03-03"):
        dashboard.open(run=server.ids["outage"], kind="external", period=period)
        found = dashboard.page.locator(".incident:visible").evaluate_all("""nodes => nodes.map((node) => {
            const word = node.firstElementChild, range = document.createRange();
            range.selectNodeContents(word);
            return [node.getBoundingClientRect().left, word.hidden ? null : range.getBoundingClientRect().right, word.textContent, node.parentElement.getBoundingClientRect().right];
        }).sort((a, b) => a[0] - b[0])""")
        assert found
        for index, (_, right, word, end) in enumerate(found):
            assert right is None or right <= (found[index + 1][0] if index + 1 < len(found) else end)
        seen += [word for _, right, word, _ in found if right is not None]
    assert "outage" in seen


def test_what_a_file_does_not_tell_did_not_cost_nothing(page, studio):
    """Requests alone: what the replicas cost is not known. And a job that is begun is in sight, wherever it stands."""
    page.open(page="data")
    page.page.get_by_label("File to import").set_input_files(studio.folder / "export.csv")
    page.page.get_by_role("region", name="Preview of the file").wait_for()
    page.page.get_by_label("Time zone", exact=True).fill("UTC")
    page.page.get_by_role("button", name="Import", exact=True).click()
    job = page.page.locator(".job", has_text="Import export")
    job.wait_for()
    eventually(lambda: page.page.evaluate("innerHeight") - job.bounding_box()["y"] - 30, lambda below: below >= 0)
    job.get_by_role("button", name="Open it").click()
    page.page.locator("#widgets [data-widget=requests] .figures").wait_for()
    page.settled()
    assert page.figures("requests")["total requests"] == "24" and page.figures("requests")["avg. credits per request"] == "–"
    assert page.page.locator("#card-deploymentCredits strong").inner_text() == "–"
    assert page.figures("credits") == {"deployment": "–", "fine-tuning": "–"}
    expect(page.widget("credits").locator(".empty")).to_have_text("The data do not say what was consumed.")
    run = page.page.evaluate("new URLSearchParams(location.search).get('run')")
    page.open(page="overview", run=run, period="7d")
    assert "0.00" not in page.page.locator(".overviewtable").inner_text() + page.page.locator(".overview .figures").inner_text()
    page.open(page="compare", run=run, other=next(entry["id"] for entry in studio.json("api/runs") if entry["name"] == "steady"), kind="openSource")
    assert page.page.locator(".figuretable tr[data-figure=deployment] td").first.inner_text() == "–"
    # Why an invariant does not apply stands below that it does not.
    page.open(page="data")
    page.page.get_by_role("button", name="Validate, export", exact=True).click()
    page.page.get_by_role("button", name="Details").click()
    reason = page.page.get_by_role("region", name="Invariants, table").locator("small").first
    assert reason.evaluate("node => getComputedStyle(node).display") == "block"


def test_without_an_earlier_period_another_is_offered(dashboard, server):
    """The run has five days: there is nothing before its last seven."""
    dashboard.open(page="compare", run=server.ids["canary"], kind="fineTuned", period="7d")
    status = dashboard.page.get_by_role("status").filter(has_text="There is no request in")
    status.wait_for()
    # More than nothing is neither better nor worse.
    assert "worse" not in dashboard.page.locator("[data-figure=deployment]").first.inner_text()
    status.get_by_role("button", name="compare the last 24 hours with the 24 before").click()
    status.wait_for(state="detached")
    dashboard.settled()
    assert dashboard.page.locator(".figuretable tr[data-figure=requests] td").nth(1).inner_text() != "0"
    assert "period=24h" in dashboard.page.url


def test_averages_to_the_first_token_are_those_of_the_period(browser, week):
    page = Dashboard(browser, week, width=1440).open(kind="openSource", period="7d", lens="analysis")
    # Every first token of the week came after a millisecond.
    assert page.figures("tokenTimes")["average"] == "1 ms"
    analysis = week.json("api/runs/1/analysis?kind=openSource&period=7d")
    assert analysis["firstToken"] == 1 and analysis["perOutputToken"] == pytest.approx(sum(399 + number % 1000 * 0.1 for number in range(100_000) if number != 41_234) / (4 * 99_999), rel=1e-3)
    assert page.figures("tokenTimes")["per output token"].endswith(" ms")
    page.close()


def test_on_ranges_the_analysis_has_the_maxima_dashed_and_the_platform_none(browser, week):
    page = Dashboard(browser, week, width=1440)
    for lens, expected in (("", []), ("analysis", [(3, "dashed"), (4, "dashed")])):
        page.open(kind="openSource", period="7d", model=MODEL, lens=lens)
        limits = page.graph("scaling")["limits"]
        assert sorted((limit["value"], limit["line"]) for limit in limits if limit.get("isMaximum")) == expected
        assert [limit["value"] for limit in limits if limit.get("isSubscription")] == [9]
    page.close()


def test_fields_of_a_sheet_have_their_names(browser, week):
    page = Dashboard(browser, week, width=375, height=800).open(kind="openSource", period="7d")
    page.page.locator("#sheet").click()
    for name in ("From", "To", "Model", "Version"):
        expect(page.page.locator("#filters label > span", has_text=re.compile(f"^{name}$"))).to_be_visible()
    page.close()


def test_what_changes_no_figure_draws_no_graph_again(browser, week):
    page = Dashboard(browser, week, width=768, height=900).open(kind="openSource", period="7d")
    page.page.evaluate("""() => {
        document.body.drawn = 0;
        for (const { plot } of document.querySelectorAll(".chart")) { const set = plot.setData; plot.setData = (...data) => { document.body.drawn++; return set.apply(plot, data); }; }
    }""")
    sheet = page.page.locator("#sheet")
    sheet.click()
    expect(sheet).to_have_attribute("aria-expanded", "true")
    drawn(page.page)
    assert page.page.evaluate("document.body.drawn") == 0
    page.page.get_by_role("button", name="24h", exact=True).click()
    page.settled()
    eventually(lambda: page.page.evaluate("document.body.drawn"))
    page.close()
