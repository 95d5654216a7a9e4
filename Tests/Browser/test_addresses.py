"""Addresses, titles and names: what a link names is what is shown, and every page and control can be told from the others."""
import re

import pytest

from conftest import MODEL, STEADY, Dashboard, studio_server


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    runs = {"steady": ["--formats", "none"], "other": ["--formats", "none", "--set", "name=other"]}
    with studio_server(tmp_path_factory.mktemp("addresses"), runs, {"steady.yaml": STEADY.read_text()}) as server:
        yield server


@pytest.mark.parametrize("view, what", [
    ({"run": "deadbeef" * 8}, "This run is"), ({"kind": "openSource", "model": "nobody"}, "This model is"), ({"kind": "openSource", "version": "V9"}, "This version is"),
    ({"kind": "external", "provider": "nobody"}, "This provider is"), ({"account": "nobody"}, "This account is"), ({"other": "deadbeef" * 8}, "The run to compare with is"),
    ({"page": "compare", "run": "deadbeef" * 8}, "This run is"), ({"page": "overview", "run": "deadbeef" * 8}, "This run is"), ({"page": "whatif", "kind": "openSource", "model": "nobody"}, "This model is"),
])
def test_an_address_of_what_is_gone_says_so_and_shows_nothing_else(browser, studio, view, what):
    page = Dashboard(browser, studio, width=1440).open(**view)
    assert page.page.get_by_role("alert").filter(has_text="no longer here").locator("h2").inner_text() == f"{what} no longer here."
    # No figure of anything else, and the address stays as it was sent.
    assert page.page.locator("article, .cards, .overviewtable").count() == 0
    for name, value in view.items():
        assert f"{name}={value}" in page.page.url
    # Another period does not bring figures of something else either.
    if "run" not in view and "page" not in view:
        page.page.get_by_role("button", name="24h", exact=True).click()
        page.settled()
        assert page.page.locator("article, .cards").count() == 0
    # A way out.
    page.page.locator(".gone button").first.click()
    page.settled()
    assert page.page.locator(".gone").count() == 0 and page.page.locator("article, .overviewtable").count() > 0
    page.page.go_back()
    page.page.locator(".gone").wait_for()
    page.close()


@pytest.mark.parametrize("view", [{"by": "constructor", "lens": "bogus", "kind": "bogus", "zoom": "abc"}, {"page": "whatif", "set": "garbage", "knobs": "x.y"}], ids=str)
def test_an_address_with_anything_in_it_shows_what_it_can(browser, studio, view):
    page = Dashboard(browser, studio, width=1440).open(**view)
    assert page.page.locator(".chart, .overviewtable").count() > 0 and page.page.locator("#unzoom").count() == 0
    assert not {"undefined", "NaN", "[object Object]"} & set(re.findall(r"undefined|NaN|\[object Object\]", page.page.locator("body").inner_text()))
    page.problems[:] = [problem for problem in page.problems if "400" not in problem]  # What the scenario does not have.
    page.close()


@pytest.mark.parametrize("period", ["2026-13-45", "2026-99-01T00:00:00Z..2026-99-02T00:00:00Z"])
def test_a_period_that_is_none_is_said_and_another_can_be_chosen(browser, studio, period):
    page = Dashboard(browser, studio, width=1440).open(kind="openSource", period=period)
    page.page.locator(".failure").wait_for()
    page.page.get_by_role("button", name="7d", exact=True).click()
    page.settled()
    assert page.page.locator(".failure").count() == 0 and page.page.locator(".chart").count() > 2
    page.problems[:] = [problem for problem in page.problems if "400" not in problem and "does not conform" not in problem]  # The browser says so, too.
    page.close()


def test_another_kind_forgets_a_filter_that_it_does_not_have(browser, studio):
    page = Dashboard(browser, studio, width=1440).open(kind="openSource", model="classifier")
    page.page.get_by_role("tab", name="External").click()
    page.settled()
    assert page.page.locator(".gone").count() == 0 and "model=" not in page.page.url
    page.close()


def test_every_page_has_a_title_of_its_own(browser, studio):
    page = Dashboard(browser, studio, width=1440)
    titles = []
    for view, expected in [({"kind": "openSource"}, r"^steady · .+ Mar · Dashboard$"), ({"kind": "openSource", "model": "classifier", "version": "V1"}, r"^steady · classifier · V1 · .+ · Dashboard$"),
                           ({"page": "overview"}, "^steady · .+ · Overview$"), ({"page": "compare"}, "Compare$"), ({"page": "whatif"}, "What-if$"), ({"page": "plans"}, "Plans$"), ({"page": "data"}, "^Data$"), ({"page": "data", "scenario": "steady.yaml"}, r"^steady\.yaml · Data$")]:
        page.open(**view)
        assert re.search(expected, page.page.title()), page.page.title()
        titles.append(page.page.title())
    assert len(set(titles)) == len(titles)
    # The title follows what is chosen.
    page.open(kind="openSource", period="7d")
    before = page.page.title()
    page.page.get_by_role("button", name="24h", exact=True).click()
    page.settled()
    assert page.page.title() != before
    page.close()


PAGES = [
    {"kind": "openSource"}, {"kind": "openSource", "lens": "analysis"}, {"kind": "external"}, {"page": "overview"}, {"page": "compare", "kind": "openSource"}, {"page": "whatif", "kind": "openSource", "set": "models.classifier.load.scale=1.5"},
    {"page": "plans"}, {"page": "data"}, {"page": "data", "scenario": "steady.yaml"},
]


@pytest.mark.parametrize("view", PAGES, ids=str)
def test_controls_have_names_and_no_two_the_same(browser, studio, view):
    page = Dashboard(browser, studio, width=1440).open(**view)
    # As assistive technology hears them: roles and names of the accessibility tree.
    nodes = page.page.context.new_cdp_session(page.page).send("Accessibility.getFullAXTree")["nodes"]
    names = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored") and node["role"]["value"] in ("button", "link", "combobox", "textbox", "searchbox", "slider", "tab", "DisclosureTriangle", "spinbutton", "Date", "region", "dialog")]
    # The parts of date fields are the browser's own, and are named by their group.
    names = [name for name in names if not re.match("(Show date picker|Day|Month|Year)( |$)", name[1])]
    assert names and [name for name in names if not name[1]] == []
    assert sorted({name for name in names if names.count(name) > 1}) == []
    page.close()


def test_dates_and_zone_are_shown_and_periods_are_stepped_through(browser, week):
    page = Dashboard(browser, week, width=1440).open(kind="openSource", period="7d")
    assert page.page.locator("#period").inner_text() == "2–8 Mar 2026" and "Australia/Adelaide" in page.page.locator(".about").inner_text()
    after = page.page.get_by_role("button", name="The period after")
    assert after.is_disabled()
    page.page.get_by_role("button", name="The period before").click()
    page.settled()
    assert page.page.locator("#period").inner_text() == "23 Feb – 1 Mar 2026" and "period=2026-02-23..2026-03-01" in page.page.url.replace("%2E", ".")
    after.click()
    page.settled()
    assert page.page.locator("#period").inner_text() == "2–8 Mar 2026"
    page.page.get_by_role("button", name="24h", exact=True).click()
    page.settled()
    assert page.page.locator("#period").inner_text() == "8 Mar 2026"
    page.page.get_by_role("button", name="Last month").click()
    page.settled()
    assert page.page.locator("#period").inner_text() == "1–28 Feb 2026"
    page.page.get_by_role("button", name="The period before").click()
    page.settled()
    assert page.page.locator("#period").inner_text() == "1–31 Jan 2026"
    page.close()


@pytest.mark.parametrize("view, texts", [
    ({"kind": "openSource", "period": "7d", "model": MODEL, "version": "V 1"}, ["week", "a b & c", "Open-source", MODEL, "V 1", "2–8 Mar 2026", "Australia/Adelaide"]), ({"page": "overview"}, ["week", "2–8 Mar 2026", "Australia/Adelaide"]),
    ({"page": "compare", "kind": "openSource", "period": "2026-03-05..2026-03-06"}, ["week", "5–6 Mar 2026", "3–4 Mar 2026", "Australia/Adelaide"]),
])
def test_paper_says_whose_figures_it_has_and_of_when(browser, week, view, texts):
    page = Dashboard(browser, week, width=760).open(**view)
    page.page.emulate_media(media="print")
    heading = page.page.locator(".about")
    shown = page.page.locator("body").inner_text()
    assert heading.is_visible() and heading.bounding_box()["y"] < 60
    for text in texts:
        assert text in shown, text
    # Nothing that could be pressed.
    assert page.page.locator("button:visible:not(.link):not(.incident):not(.legend button):not(th button)").all_inner_texts() == []
    page.close()


@pytest.mark.parametrize("width, height", [(375, 800), (720, 450), (1440, 900)])
@pytest.mark.parametrize("view", PAGES, ids=str)
def test_nothing_shifts_while_a_page_comes_and_nothing_overflows(browser, studio, view, width, height):
    """720 × 450 is a screen of 1,440 × 900 at 200 %."""
    page = Dashboard(browser, studio, width=width, height=height)
    page.page.add_init_script("window.shift = 0; window.moved = []; new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) { window.shift += entry.value; window.moved.push([entry.value, ...entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]); } }).observe({ type: 'layout-shift', buffered: true });")
    # Busy machines bring parts of a page in another order: one of three times nothing moves.
    for _ in range(3):
        page.open(**view)
        page.page.wait_for_timeout(300)
        shift, moved = page.page.evaluate("[window.shift, window.moved]")
        if shift <= 0.05:
            break
    assert shift <= 0.05, moved
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # What stays in sight leaves room, or does not stay.
    header = page.page.locator("#top").evaluate("node => [getComputedStyle(node).position, node.offsetHeight]")
    assert header[0] == "static" if height <= 500 else header[1] <= 90, header
    page.close()


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_header_has_two_lines_on_every_desk(browser, studio, width):
    page = Dashboard(browser, studio, width=width, height=800).open(kind="openSource", period="7d")
    assert page.page.locator("#top").bounding_box()["height"] <= 95
    page.page.get_by_role("heading", name="Model Analytics Dashboard", level=1).wait_for(state="attached")
    page.close()


def test_a_lost_server_is_said_in_words(browser, studio):
    page = Dashboard(browser, studio, width=1440).open(kind="openSource", period="7d")
    page.page.route("**/api/**", lambda route: route.abort("connectionrefused"))
    page.page.get_by_role("button", name="30d", exact=True).click()
    failure = page.page.locator(".failure")
    failure.wait_for()
    assert "does not answer" in failure.inner_text() and "start it again" in failure.inner_text()
    page.page.unroute("**/api/**")
    page.page.get_by_role("button", name="Try again").click()
    failure.wait_for(state="detached")
    page.problems.clear()  # The browser reports what it could not reach.
    page.close()
