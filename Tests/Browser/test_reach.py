"""The rules of the page that no other file holds, and a table of which test holds which: what can be reached, read and told apart, by whom and where."""
import ast, itertools, json, pathlib, subprocess
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from conftest import MODEL, ROOT, STEADY, WORKBENCH, Dashboard, Server, drawn, eventually, fits, run_id, studio_server
from test_colours import PALETTE, luminance, rgb
from test_sentences import THREE

HERE = "test_reach"
RULES = {
    "nothing moves that nobody touched": ["test_rules.test_live_data_change_figures_and_never_controls", "test_rules.test_every_control_keeps_its_focus", "test_a_zoom_and_an_isolated_series_survive_live_data"],
    "colour says what a thing is": ["test_colours.test_graphs_draw_colours_of_the_palette_only", "test_colours.test_every_colour_of_a_series_is_seen_on_its_card", "test_colours.test_a_version_has_one_colour_and_mark_in_every_panel"],
    "deuteranopes": ["test_colours.test_deuteranopes_tell_successes_from_failures", "test_deuteranopes_tell_apart_what_is_drawn_together"],
    "no line hides another": ["test_graphs.test_failures_at_an_even_rate_hide_no_successes", "test_lines_of_one_shape_do_not_hide_each_other"],
    "many series": ["test_graphs.test_fifty_deployments_can_be_read"],
    "one formatter": ["test_format.test_quantities_and_buckets", "test_format.test_a_fit_says_durations_as_the_page_does", "test_format.test_estimates_are_said_to_two_digits_of_their_half_width"],
    "loading": ["test_while_data_come_the_old_are_dimmed"],
    "empty": ["test_rules.test_an_empty_panel_says_why_and_where_there_is_something"],
    "error": ["test_rules.test_an_error_is_said_in_the_page_and_can_be_tried_again", "test_what_one_panel_lacks_is_said_in_that_panel"],
    "an unfinished bucket": ["test_graphs.test_the_unfinished_bucket_is_hatched_in_every_panel_that_has_buckets"],
    "what is saved says what it is": ["test_rules.test_what_is_saved_says_what_it_is", "test_flows.test_a_report_has_what_is_seen_on_every_page", "test_addresses.test_paper_says_whose_figures_it_has_and_of_when"],
    "print": ["test_addresses.test_paper_says_whose_figures_it_has_and_of_when", "test_paper_is_white_and_cuts_off_no_graph"],
    "addresses last": ["test_an_address_is_of_the_same_run_when_others_are_added", "test_dashboard.test_the_address_is_the_view", "test_addresses.test_an_address_of_what_is_gone_says_so_and_shows_nothing_else"],
    "back and forward": ["test_rules.test_dragging_sets_the_period_and_back_undoes"],
    "any name": ["test_names_of_a_thousand_characters_and_of_any_script_work", "test_page.test_names_with_spaces_and_plus_signs_work", "test_names.test_served"],
    "compressed, and small": ["test_rules.test_scripts_are_small"],
    "finer buckets and heat maps": ["test_rules.test_the_analysis_lens_has_the_same_figures"],
    "figures by version or model in one answer": ["test_safety.test_parts_of_a_view_are_what_each_is_by_itself"],
    "events carry the buckets that have changed, once a second at most": ["test_safety.test_events_carry_the_buckets_that_have_changed_once_a_second", "test_dashboard.test_the_page_follows_a_live_run", "test_safety.test_five_hundred_listeners_and_some_that_never_read"],
    "a live page is light": ["test_rules.test_live_data_change_figures_and_never_controls"],
    "verbs are safe": ["test_safety.test_other_sites_and_other_names_are_refused", "test_safety.test_the_token_guards_everything", "test_safety.test_limits", "test_safety.test_headers_keep_the_page_to_itself"],
    "jobs have progress and are cancelled": ["test_plans_page.test_variants_appear_while_they_are_estimated_and_a_plan_is_cancelled", "test_flows.test_a_running_plan_is_there_after_another_page_and_after_a_reload"],
    "keyboard only": ["test_every_control_is_reached_with_tab_and_seen_when_it_is", "test_graphs.test_every_point_of_a_graph_is_reached_by_keyboard", "test_flows.test_qa_and_on_call_by_keyboard_alone", "test_flows.test_a_planner_by_keyboard_alone"],
    "To can be typed": ["test_rules.test_to_can_be_typed_and_keeps_its_focus"],
    "names for screen readers": ["test_addresses.test_controls_have_names_and_no_two_the_same", "test_dashboard.test_accessibility"],
    "200 % zoom": ["test_at_200_percent_nothing_is_cut_off_covered_or_on_each_other", "test_addresses.test_nothing_shifts_while_a_page_comes_and_nothing_overflows"],
    "five widths": ["test_rules.test_nothing_overflows_and_everything_can_be_read", "test_rules.test_the_page_looks_as_it_did", "test_pictures.test_pages_look_as_they_did"],
    "two runs are told apart": ["test_dashboard.test_two_runs_on_the_same_axes", "test_compare.test_two_runs_are_compared_figure_by_figure_and_graph_over_graph", "test_every_dashboard_of_two_runs_has_its_graphs_on_the_same_axes"],
    "one failure in 100,000": ["test_page.test_requests_are_two_lines_and_one_failure_in_100_000_is_seen_and_hit"],
    "QA": ["test_flows.test_qa_imports_a_file_reads_its_figures_and_takes_a_fixture"],
    "planner": ["test_flows.test_a_planner_goes_from_a_slider_to_a_kept_run_a_plan_and_a_report", "test_plans_page.test_a_planner_goes_from_a_slider_to_a_plan_and_back"],
    "another kind of models": ["test_every_page_goes_from_one_kind_of_models_to_another"],
    "nothing is said that is not so, cut off or on something else": ["test_strangers.test_what_is_drawn_is_said_of_single_requests_only", "test_strangers.test_titles_of_axes_stand_clear_of_their_labels", "test_strangers.test_what_a_file_does_not_tell_did_not_cost_nothing", "test_strangers.test_what_is_to_be_typed_is_seen_whole"],
    "on call": ["test_flows.test_on_call_sees_what_broke_when_and_whether_it_is_new"],
}


def test_every_rule_has_a_test_that_exists():
    names = {}
    for path in pathlib.Path(__file__).parent.glob("test_*.py"):
        names[path.stem] = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    for rule, tests in RULES.items():
        for test in tests:
            file, name = test.split(".") if "." in test else (HERE, test)
            assert name in names.get(file, ()), (rule, test)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    runs = {name: ["--formats", "none", "--set", f"name={name}", "--set", "period.to=2026-03-04"] for name in ("steady", "other")}
    with studio_server(tmp_path_factory.mktemp("reach"), runs, {"steady.yaml": STEADY.read_text()}) as server:
        server.ids = {}
        yield server


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two runs of a scenario with all three kinds of models."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "three.yaml").write_text(THREE)
    for name, seed in (("first", 1), ("second", 2)):
        subprocess.run([WORKBENCH, "run", folder / "three.yaml", "--set", f"name={name}", "--seed", str(seed), "-q", "--out", folder / name], check=True)
    return folder


VIEWS = [
    ("server", {"run": "limits", "kind": "openSource", "period": "24h", "percentiles": "1", "reasons": "1", "objective": "5s"}), ("server", {"run": "canary", "kind": "fineTuned", "period": "7d", "overlay": "1"}), ("server", {"run": "outage", "kind": "external", "period": "7d"}),
    ("server", {"run": "same", "kind": "openSource", "period": "30d"}), ("server", {"run": "canary", "kind": "fineTuned", "lens": "analysis", "objective": "5s"}), ("server", {"run": "canary", "page": "overview"}), ("server", {"run": "canary", "page": "compare", "other": "tight", "kind": "fineTuned"}),
    ("studio", {"page": "whatif", "kind": "openSource", "set": "models.classifier.load.scale=1.5"}), ("studio", {"page": "plans"}), ("studio", {"page": "data"}), ("studio", {"page": "data", "scenario": "steady.yaml"}),
]


def opened(browser, request, source, view, **options):
    server = request.getfixturevalue(source)
    view = {key: server.ids[value] if key in ("run", "other") else value for key, value in view.items()}
    page = Dashboard(browser, server, **options).open(**view)
    drawn(page.page)
    return page


# What is outside the screen, covered by something else, cut off, or on other text. Incidents are as wide as they lasted, and are read in their tip.
FAULTS = """() => {
    const name = (node) => `${node.tagName} ${(node.getAttribute("aria-label") || node.textContent || node.value || "").trim().slice(0, 50)}`;
    const root = document.querySelector("dialog[open]") || document.body;
    const framed = (node) => { for (let above = node.parentElement; above && above !== root; above = above.parentElement) if (/auto|scroll/.test(getComputedStyle(above).overflow)) return above; return null; };
    const isSeen = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const found = { outside: [], covered: [], cut: [], over: [] };
    for (const node of root.querySelectorAll("button, a[href], select, input, textarea, summary, [tabindex='0']")) {
        if (!isSeen(node) || node.matches(".skip")) continue;
        node.scrollIntoView({ block: "center", inline: "center" });
        const box = node.getBoundingClientRect();
        if (box.width < 2) continue;
        if (!framed(node) && (box.left < -0.5 || box.right > innerWidth + 0.5)) found.outside.push(name(node));
        const hit = box.height < innerHeight && document.elementFromPoint(box.left + Math.min(box.width / 2, 30), box.top + box.height / 2);
        if (hit && hit !== node && !node.contains(hit) && !hit.contains(node) && !hit.closest("label")?.contains(node)) found.covered.push([name(node), name(hit)]);
        const shown = node.matches("select") && node.selectedOptions[0]?.textContent;
        if (shown) { const context = document.createElement("canvas").getContext("2d"); context.font = getComputedStyle(node).font; if (context.measureText(shown).width > node.clientWidth - 24) found.cut.push(shown); }
    }
    scrollTo(0, 0);
    const texts = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, node = text.parentElement;
        if (!text.data.trim() || !isSeen(node) || node.closest("option, script, style, [role=tooltip], .unseen, .skip, .uplot, .incident, h1, .code")) continue;
        const range = document.createRange(), frame = framed(node);
        range.selectNodeContents(text);
        for (const box of range.getClientRects()) if (box.width > 1) texts.push({ text: text.data.trim().slice(0, 40), node, box, frame });
        for (let above = node; above && above !== root; above = above.parentElement) if (/hidden|clip/.test(getComputedStyle(above).overflowX) && above.clientWidth > 1 && above.scrollWidth > above.clientWidth + 1) { found.cut.push(name(above)); break; }
    }
    texts.forEach((one, index) => texts.slice(0, index).forEach((other) => {
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left), high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (one.frame === other.frame && one.node !== other.node && wide > 2 && high > 4) found.over.push([one.text, other.text]);
    }));
    return { ...found, wide: document.documentElement.scrollWidth - innerWidth };
}"""
FINE = {"outside": [], "covered": [], "cut": [], "over": [], "wide": 0}


@pytest.mark.parametrize("source, view", VIEWS, ids=str)
def test_at_200_percent_nothing_is_cut_off_covered_or_on_each_other(browser, request, source, view):
    """A window of 1,280 × 900 at 200 % is one of 640 × 450, with twice the pixels."""
    page = opened(browser, request, source, view, width=640, height=450, device_scale_factor=2)
    assert page.page.evaluate(FAULTS) == FINE
    if page.page.get_by_role("button", name="Filters", exact=True).count():
        page.page.get_by_role("button", name="Filters", exact=True).click()
        drawn(page.page)
        found = page.page.evaluate(FAULTS)
        # The run's name stands in full below.
        assert {**found, "cut": []} == FINE, found
        page.page.get_by_role("button", name="Filters", exact=True).click()
    expand = page.page.get_by_role("button", name="Expand, Requests")
    if expand.count():
        expand.click()
        page.page.locator("#expanded canvas").first.wait_for()
        page.settled()
        drawn(page.page)
        assert page.page.evaluate(FAULTS) == FINE
    page.close()


@pytest.mark.parametrize("source, view", VIEWS, ids=str)
def test_every_control_is_reached_with_tab_and_seen_when_it_is(browser, request, source, view):
    page = opened(browser, request, source, view, width=1440, height=900)
    # Of tabs and of radio buttons one is reached with Tab, the others with arrows.
    controls = page.page.evaluate("""() => {
        const all = [...document.querySelectorAll("button, a[href], select, input, textarea, summary, [tabindex='0']")].filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0 && !(node.type === "radio" && !node.checked));
        all.forEach((node, index) => { node.place = index; });
        return all.map((node) => node.getAttribute("aria-label") || node.textContent.trim().slice(0, 50) || node.className);
    }""")
    assert page.page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
    page.page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
    reached, hidden, outlined = [], [], set()
    for _ in range(4 * len(controls)):
        page.page.keyboard.press("Tab")
        place, isOutlined, isHidden = page.page.evaluate("""() => {
            const node = document.activeElement, box = node.getBoundingClientRect(), style = getComputedStyle(node.closest(".chipbox") || node);
            const hit = document.elementFromPoint(Math.min(innerWidth - 1, box.left + Math.min(box.width / 2, 10)), Math.max(0, Math.min(innerHeight - 1, box.top + Math.min(box.height / 2, 10))));
            return [node.place ?? -1, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1, Boolean(hit) && hit !== node && !node.contains(hit) && !hit.contains(node) && !hit.closest("label")?.contains(node)];
        }""")
        if place < 0 and reached and len(set(reached)) >= len(controls):
            break
        if place >= 0:
            reached.append(place)
            # The parts of a date field are marked by the browser.
            if isOutlined:
                outlined.add(place)
            if isHidden:
                hidden.append(controls[place])
    assert [name for index, name in enumerate(controls) if index not in reached] == []
    assert [controls[place] for place in set(reached) - outlined] == []
    assert hidden == []
    # In the order in which they stand.
    first = list(dict.fromkeys(reached))
    assert first == sorted(first)
    page.close()


def deuteranope(colour):
    """What a deuteranope sees of a colour, in CIELAB. Source: Machado, Oliveira & Fernandes (2009), severity 1."""
    line = [value / 255 for value in colour]
    line = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in line]
    seen = [max(0, sum(a * b for a, b in zip(row, line))) for row in ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))]
    x, y, z = [sum(a * b for a, b in zip(row, seen)) for row in ((0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505), (0.2126, 0.7152, 0.0722), (0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089))]
    bend = lambda value: value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
    return 116 * bend(y) - 16, 500 * (bend(x) - bend(y)), 200 * (bend(y) - bend(z))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_deuteranopes_tell_apart_what_is_drawn_together(browser, week, scheme):
    """A difference of 10 in CIELAB is seen at a glance, of 2.3 just so."""
    page = Dashboard(browser, week, width=1440, color_scheme=scheme).open(kind="openSource", period="7d")
    found = page.page.evaluate(PALETTE)
    apart = lambda a, b: sum((x - y) ** 2 for x, y in zip(*[deuteranope(rgb(found["palette"][name])) for name in (a, b)])) ** 0.5
    for group in (["latency", "high", "top"], ["input", "output"], ["success", "failure"], found["parts"], ["failure", *found["parts"][1:]], ["limit", "account"], found["shades"]):
        close = {(a, b): round(apart(a, b), 1) for a, b in itertools.combinations(group, 2) if apart(a, b) < 10}
        assert close == {}, group
    page.close()


@pytest.mark.parametrize("view", [{"kind": "openSource", "period": "7d"}, {"kind": "openSource", "period": "7d", "lens": "analysis"}, {"page": "compare", "kind": "openSource", "period": "2026-03-05..2026-03-06", "otherPeriod": "before"}], ids=str)
def test_paper_is_white_and_cuts_off_no_graph(browser, week, view):
    """A browser lays a page out for paper, 718 pixels wide, without telling its scripts: graphs stay as wide as they were drawn."""
    page = Dashboard(browser, week, width=1440, color_scheme="dark")
    page.page.add_init_script("""const Real = ResizeObserver; window.ResizeObserver = class extends Real { constructor(told) { super((...list) => window.isPaper || told(...list)); } };""")
    page.open(**view)
    page.page.evaluate("() => { window.isPaper = true; dispatchEvent(new Event('beforeprint')); }")
    page.page.emulate_media(media="print", color_scheme="dark")
    page.page.set_viewport_size({"width": 718, "height": 1000})
    drawn(page.page)
    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)" and page.page.evaluate("getComputedStyle(document.querySelector('.widget')).backgroundColor") == "rgb(255, 255, 255)"
    cut = page.page.locator(".chart canvas").evaluate_all("list => list.map((node) => [node.getBoundingClientRect(), node.closest('.plot').getBoundingClientRect()]).map(([own, place]) => [own.right - place.right, own.bottom - place.bottom, own.right - 718])")
    assert len(cut) >= 3 and all(more <= 0.5 for place in cut for more in place), cut
    # Drawn for white paper, and the page is as it was afterwards.
    corner = page.page.locator(".chart").first.evaluate("({ plot }) => plot.axes[0].stroke(plot)")
    assert luminance(rgb(corner)) < 0.3, corner
    page.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.page.emulate_media(media="screen", color_scheme="dark")
    assert page.page.evaluate("getComputedStyle(document.querySelector('.widget')).backgroundColor") == "rgb(20, 23, 28)"
    page.close()


def test_while_data_come_the_old_are_dimmed(page):
    page.open(kind="openSource", period="7d")
    held = []
    page.page.route("**/dashboard?*period=24h*", lambda route: held.append(route))
    before = page.figures("requests")
    page.page.get_by_role("button", name="24h", exact=True).click()
    section = page.page.locator("#widgets")
    expect(section).to_have_attribute("aria-busy", "true")
    expect(section).to_have_css("opacity", "0.55")
    assert page.figures("requests") == before
    # Which period was chosen is said at once.
    expect(page.page.get_by_role("button", name="24h", exact=True)).to_have_attribute("aria-pressed", "true")
    eventually(lambda: drawn(page.page) or len(held) == 1)
    held[0].continue_()
    page.settled()
    expect(section).to_have_css("opacity", "1")
    assert page.figures("requests") != before


def test_what_one_panel_lacks_is_said_in_that_panel(page):
    page.page.route("**/credits?*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "Too many questions.", "title": "Busy", "status": 503}'))
    page.open(kind="openSource", period="7d")
    alert = page.widget("credits").get_by_role("alert")
    expect(alert).to_have_text("Too many questions. Refresh (↻) asks for it again.")
    expect(page.page.get_by_role("alert").filter(has_text="Too many")).to_have_count(1)
    assert page.figures("requests")["total requests"] == "100,003"
    page.page.unroute("**/credits?*")
    page.page.get_by_role("button", name="Refresh").click()
    page.widget("credits").locator("canvas").wait_for()
    expect(alert).to_have_count(0)
    page.problems.clear()  # The browser reports the 503 itself.


def test_a_zoom_and_an_isolated_series_survive_live_data(browser):
    server = Server([], "--live", str(ROOT / "Scenarios/canary.yaml"), "--speed", "5000")
    try:
        page = Dashboard(browser, server, width=1440).open(run="live", kind="fineTuned", period="24h")
        total = lambda: int(page.figures("requests")["total requests"].replace(",", ""))
        legend = page.widget("scaling").locator(".legend tbody button")
        eventually(lambda: legend.count(), lambda many: many > 1)
        name = legend.nth(1).inner_text().strip()
        legend.nth(1).click()
        eventually(lambda: [line["name"] for line in page.graph("scaling")["data"]], [name])
        server.post("api/live?paused=true", {})
        page.settled()
        start, end = page.graph("requests")["range"]
        middle = int((start + end) / 2)
        page.open(run="live", kind="fineTuned", period="7d", zoom=f"{middle - 7200}-{middle + 7200}")
        legend.nth(1).click()
        legend.nth(1).focus()
        before = total()
        server.post("api/live?paused=false", {})
        eventually(total, lambda now: now > before)
        assert page.graph("requests")["range"] == page.graph("latency")["range"] == [middle - 7200, middle + 7200]
        assert [line["name"] for line in page.graph("scaling")["data"]] == [name]
        expect(legend.nth(1)).to_be_focused()
        expect(legend.nth(1)).to_have_attribute("aria-pressed", "true")
        page.close()
    finally:
        server.stop()


def test_an_address_is_of_the_same_run_when_others_are_added(browser, week_folder, runs):
    figures = []
    for folders in ([week_folder], [runs["canary"], runs["tight"], week_folder]):
        server = Server(folders)
        try:
            page = Dashboard(browser, server).open(run=run_id(week_folder), kind="openSource", period="7d", model=MODEL)
            assert page.page.title().startswith("week · ")
            figures.append(page.figures("requests"))
            page.close()
        finally:
            server.stop()
    assert figures[0] == figures[1] and figures[0]["total requests"] == "100,000"


def test_names_of_a_thousand_characters_and_of_any_script_work(browser, tmp_path):
    long, arabic = "m" * 500 + " & + / " + "n" * 493, "نموذج اللغة & ترجمة"
    scenario = tmp_path / "names.yaml"
    scenario.write_text(THREE.replace("name: tuned", f"name: {json.dumps(long)}").replace("name: plain", f"name: {json.dumps(arabic, ensure_ascii=False)}").replace("version: V2", 'version: "V 2 + ½ / &"').replace("provider: Cohere", 'provider: "مزود + 1"'))
    subprocess.run([WORKBENCH, "run", scenario, "-q", "--out", tmp_path / "run"], check=True)
    server = Server([tmp_path / "run"])
    try:
        for width in (375, 1440):
            page = Dashboard(browser, server, width=width, height=900)
            for kind, label, name in (("fineTuned", "Model", long), ("fineTuned", "Version", "V 2 + ½ / &"), ("openSource", "Model", arabic), ("external", "LLM Provider", "مزود + 1")):
                page.open(kind=kind, period="7d")
                whole = page.figures("requests")["total requests"]
                if width == 375:
                    page.page.get_by_role("button", name="Filters", exact=True).click()
                page.page.get_by_label(label, exact=True).select_option(label=name)
                page.settled()
                fits(page.page)
                part = page.figures("requests")
                assert int(part["total requests"].replace(",", "")) > 0 and (part["total requests"] != whole) == (label in ("Version", "LLM Provider"))
                # The address brings it back.
                page.page.goto(page.page.url)
                page.settled()
                assert page.figures("requests") == part
            page.open(page="overview", period="7d")
            fits(page.page)
            expect(page.page.locator(".overviewtable")).to_contain_text(arabic)
            page.close()
    finally:
        server.stop()


def test_lines_of_one_shape_do_not_hide_each_other(page):
    """Every answer of the week has as many tokens: both lines of the throughput have one shape."""
    page.open(kind="openSource", period="7d", lens="analysis", model=MODEL)
    heights = page.widget("throughput").locator(".chart").evaluate("""({ plot, spec }) => spec.series.map((entry, index) => plot.data[index + 1].map((value) => (value ? plot.valToPos(value, entry.scale || "y") : null)).filter((value) => value !== null))""")
    assert len(heights[0]) == len(heights[1]) > 100
    between = sorted(abs(a - b) for a, b in zip(*heights))
    assert between[len(between) // 2] > 20, between[len(between) // 2]


GRAPHS = {"fineTuned": ["latency", "requests", "scaling"], "openSource": ["latency", "requests", "scaling"], "external": ["latency", "requests", "tokens"]}


def both(page, kind, other):
    """Every graph has lines of both, on the same axes, those of the other grey and dashed."""
    for widget in GRAPHS[kind]:
        graph = page.graph(widget)
        base = [line for line in graph["data"] if other in line["name"]]
        own = [line for line in graph["data"] if line not in base]
        values = [value for line in graph["data"] if line["scale"] == "y" for value in line["drawn"] if value is not None]
        assert own and base and any(value for line in base for value in line["drawn"]), (kind, widget)
        assert {line["colour"] for line in base} == {"#78818c"} and "#78818c" not in {line["colour"] for line in own} and all(line["dash"] for line in base), (kind, widget)
        assert max(values) <= graph["yrange"][1] and {line["scale"] for line in base} == {line["scale"] for line in own}, (kind, widget)


def test_every_dashboard_of_two_runs_has_its_graphs_on_the_same_axes(browser, two):
    server = Server([two / "first", two / "second"])
    try:
        page = Dashboard(browser, server, width=1440).open(page="compare", run=run_id(two / "second"), other=run_id(two / "first"), period="7d")
        for kind, label in (("fineTuned", "Fine-tuned"), ("openSource", "Open-source"), ("external", "External")):
            page.page.get_by_role("tab", name=label).click()
            page.settled()
            eventually(lambda: page.page.locator(".widgets [data-widget]").evaluate_all("list => list.map((node) => node.dataset.widget)"), [*GRAPHS[kind], "credits"])
            # The answer of another kind takes a moment, and what was there stays until it has come.
            eventually(lambda: page.graph("requests")["data"] and page.page.locator(".figuretable").inner_text(), lambda text: page.page.locator("#widgets").get_attribute("aria-busy") == "false")
            both(page, kind, "first")
        page.close()
    finally:
        server.stop()
    # And so has the file.
    subprocess.run([WORKBENCH, "compare", two / "first", two / "second", "--html", two / "d.html", "--json"], capture_output=True)
    page = Dashboard(browser, SimpleNamespace(url=(two / "d.html").as_uri()), width=1440)
    page.page.goto((two / "d.html").as_uri())
    choice = page.page.get_by_label("Dashboard", exact=True)
    names = choice.locator("option").evaluate_all("list => list.map((node) => node.value)")
    assert {name.split("/")[1].split("-")[0] for name in names} == set(GRAPHS)
    for name in names:
        choice.select_option(name)
        drawn(page.page)
        assert page.page.locator(".widgets [data-widget]").evaluate_all("list => list.map((node) => node.dataset.widget)") == [*GRAPHS[name.split("/")[1].split("-")[0]], "credits"]
        both(page, name.split("/")[1].split("-")[0], "first")
    page.close()


@pytest.mark.parametrize("view", [{"page": "compare", "otherPeriod": "before"}, {"page": "whatif"}, {"page": "whatif", "set": "models.gpt.load.scale=1.5"}, {"lens": "analysis"}], ids=str)
def test_every_page_goes_from_one_kind_of_models_to_another(browser, two, tmp_path, view):
    server = Server([two / "first"], "--keep", str(tmp_path), "--scenarios", str(tmp_path))
    try:
        page = Dashboard(browser, server, width=1440).open(kind="openSource", period="7d", **view)
        for kind, label in (("external", "External"), ("fineTuned", "Fine-tuned"), ("external", "External"), ("openSource", "Open-source")):
            page.page.get_by_role("tab", name=label).click()
            last = "tokens" if kind == "external" else "scaling"
            other = "scaling" if kind == "external" else "tokens"
            page.page.locator(f"[data-widget={last}] canvas").wait_for()
            expect(page.page.locator(f"[data-widget={other}]")).to_have_count(0)
            page.settled()
        page.close()
    finally:
        server.stop()
