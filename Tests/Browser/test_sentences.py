"""The platform's page, sentence by sentence: which test holds each, and the tests of those that no other file holds.

The oracle is the telemetry in CSV, summed here, wherever a figure of it is looked at."""
import ast, collections, csv, datetime, pathlib, re, subprocess, zoneinfo

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Dashboard, Server, eventually, moment, stretch

HERE = "test_sentences"
# Numbers are those of the table in the review of the platform's page; a name without a file is in this one.
SENTENCES = {
    1: ("fine-tuned, open-source and external models in one place", ["test_dashboard.test_every_preset_period_shows_the_pipelines_figures", "test_every_kind_has_its_widgets"]),
    2: ("latency of the selected period", ["test_dashboard.test_every_preset_period_shows_the_pipelines_figures"]),
    3: ("rates of successes and failures", ["test_rates_of_successes_and_failures", "test_page.test_requests_are_two_lines_and_one_failure_in_100_000_is_seen_and_hit"]),
    4: ("scaling and usage", ["test_page.test_a_version_has_replicas_from_its_deployment_to_its_undeployment_only"]),
    5: ("credits of deployments and fine-tuning", ["test_page.test_credits_are_analysed_by_model_version_hardware_and_day", "test_the_four_cards_of_the_account"]),
    6: ("interactive graphs with updates in real time", ["test_rules.test_live_data_change_figures_and_never_controls", "test_dashboard.test_the_page_follows_a_live_run"]),
    7: ("global timeline filters", ["test_rules.test_to_can_be_typed_and_keeps_its_focus", "test_page.test_a_date_that_cannot_be_selected_says_why", "test_dashboard.test_the_calendar_offers_a_year_up_to_today_and_takes_dates_and_ranges"]),
    8: ("performance filters", ["test_page.test_names_with_spaces_and_plus_signs_work", "test_dashboard.test_model_and_version_filters"]),
    9: ("widgets expand", ["test_every_widget_expands_with_its_filters_and_can_be_hovered"]),
    10: ("points can be hovered", ["test_every_point_of_a_bucket_can_be_hovered", "test_dashboard.test_hover_shows_the_figures"]),
    11: ("hourly and daily trends", ["test_a_day_is_by_the_hour_and_a_range_by_the_day"]),
    12: ("deployment and fine-tuning analysed by credits", ["test_page.test_credits_are_analysed_by_model_version_hardware_and_day"]),
    13: ("refresh loads the newest data", ["test_dashboard.test_a_run_that_is_replaced_shows_its_new_figures", "test_refresh_says_that_it_has_happened"]),
    14: ("a tip on each widget", ["test_every_widget_and_card_has_a_tip", "test_page.test_tips_stay_on_a_phone_and_close_with_escape"]),
    15: ("the subscription's limit of replicas", ["test_page.test_red_lines_belong_to_deployments_and_the_subscription_has_its_own"]),
    16: ("latency and statuses of all or some models", ["test_dashboard.test_model_and_version_filters"]),
    17: ("successes against failures over time, patterns of failures", ["test_rules.test_the_analysis_lens_has_the_same_figures", "test_page.test_requests_are_two_lines_and_one_failure_in_100_000_is_seen_and_hit"]),
    18: ("time filters of the page and of a widget", ["test_dashboard.test_expanded_filters_do_not_leak"]),
    19: ("scaling is decided by the account's limit", ["test_page.test_red_lines_belong_to_deployments_and_the_subscription_has_its_own", "test_graphs.test_names_of_limits_lie_on_no_line"]),
    20: ("the last 7 days by default", ["test_the_last_7_days_and_all_versions_are_the_default"]),
    21: ("four figures of the account", ["test_the_four_cards_of_the_account"]),
    22: ("the i has a summary of the figure", ["test_every_widget_and_card_has_a_tip"]),
    23: ("latency of each request up to 7 days", ["test_up_to_7_days_each_request_is_a_point_and_beyond_each_day_an_average"]),
    24: ("daily averages above 7 days", ["test_up_to_7_days_each_request_is_a_point_and_beyond_each_day_an_average"]),
    25: ("total requests, average credits per request", ["test_totals_and_credits_of_a_request", "test_page.test_credits_below_one_have_three_digits"]),
    26: ("requests by the day of a range, by the hour of a day", ["test_a_day_is_by_the_hour_and_a_range_by_the_day"]),
    27: ("number of replicas and their hardware", ["test_page.test_hover_names_model_version_hardware_anywhere_over_the_steps", "test_several_kinds_of_hardware_are_said"]),
    28: ("external models have tokens in bars", ["test_tokens_are_stacked_bars_with_both_totals"]),
    29: ("external models have latency, requests and totals, and no credits per request", ["test_every_kind_has_its_widgets"]),
    30: ("a deployed model is selected by its name", ["test_the_lists_of_models_and_versions", "test_many.test_accounts_and_models_are_found_with_the_keyboard"]),
    31: ("models of one name have their deployment's time", ["test_dashboard.test_same_name_models_are_told_apart_by_their_deployment_time", "test_page.test_a_version_has_replicas_from_its_deployment_to_its_undeployment_only", "test_graphs.test_models_of_one_name_are_told_apart_in_hover_and_credits"]),
    32: ("data of one version", ["test_dashboard.test_model_and_version_filters", "test_page.test_names_with_spaces_and_plus_signs_work"]),
    33: ("without versions the list is empty", ["test_the_lists_of_models_and_versions"]),
    34: ("all versions by default", ["test_the_last_7_days_and_all_versions_are_the_default"]),
    35: ("the provider is a filter of external models only", ["test_the_provider_is_a_filter_of_external_models_only"]),
    36: ("graphs follow a change of the version", ["test_every_graph_and_its_axis_follow_a_change_of_the_version"]),
    37: ("hover of a line: the count at a point, and the period's total", ["test_every_point_of_a_bucket_can_be_hovered", "test_dashboard.test_hover_shows_the_figures"]),
    38: ("data of the time deployed only", ["test_page.test_a_version_has_replicas_from_its_deployment_to_its_undeployment_only", "test_graphs.test_lines_end_where_nothing_was"]),
    39: ("no requests, no point", ["test_dashboard.test_absent_buckets_are_gaps"]),
    40: ("the axes of latency", ["test_page.test_axes_have_the_platforms_titles_and_counts_whole_ticks", "test_hover_of_latency_has_the_request_or_the_days_average"]),
    41: ("latency is blue", ["test_dashboard.test_every_preset_period_shows_the_pipelines_figures"]),
    42: ("the axis of latency follows the data", ["test_every_graph_and_its_axis_follow_a_change_of_the_version"]),
    43: ("hover of latency: the request's, or the average, with date and time", ["test_hover_of_latency_has_the_request_or_the_days_average"]),
    44: ("versions compared in real time", ["test_page.test_versions_are_laid_over_each_other", "test_versions_laid_over_each_other_follow_a_live_run"]),
    45: ("two lines, green and red", ["test_page.test_requests_are_two_lines_and_one_failure_in_100_000_is_seen_and_hit", "test_colours.test_deuteranopes_tell_successes_from_failures"]),
    46: ("the axes of requests", ["test_page.test_axes_have_the_platforms_titles_and_counts_whole_ticks"]),
    47: ("total requests are successes and failures", ["test_totals_and_credits_of_a_request"]),
    48: ("average credits are credits by responses", ["test_totals_and_credits_of_a_request"]),
    49: ("replicas are blue steps, with their axes", ["test_page.test_axes_have_the_platforms_titles_and_counts_whole_ticks", "test_several_kinds_of_hardware_are_said"]),
    50: ("several kinds of hardware", ["test_several_kinds_of_hardware_are_said"]),
    51: ("the axis of replicas follows the data", ["test_every_graph_and_its_axis_follow_a_change_of_the_version"]),
    52: ("steps up to the line of the maximum", ["test_on_a_single_day_the_axis_ends_at_the_maximum"]),
    53: ("hover of replicas: time, version, replicas, hardware", ["test_page.test_hover_names_model_version_hardware_anywhere_over_the_steps"]),
    54: ("on a single day the axis ends at the maximum, a red line", ["test_on_a_single_day_the_axis_ends_at_the_maximum"]),
    55: ("tokens are stacked in two shades", ["test_tokens_are_stacked_bars_with_both_totals", "test_colours.test_every_colour_of_a_series_is_seen_on_its_card"]),
    56: ("the axis of tokens is in K", ["test_page.test_axes_have_the_platforms_titles_and_counts_whole_ticks"]),
    57: ("totals of input and of output tokens", ["test_tokens_are_stacked_bars_with_both_totals"]),
    58: ("hover of tokens: time, input, output", ["test_tokens_are_stacked_bars_with_both_totals"]),
    59: ("the double arrow expands", ["test_every_widget_expands_with_its_filters_and_can_be_hovered"]),
    60: ("an expanded widget has filters of its own", ["test_every_widget_expands_with_its_filters_and_can_be_hovered"]),
    61: ("filters of an expanded widget change it only", ["test_dashboard.test_expanded_filters_do_not_leak", "test_page.test_a_filter_that_is_under_way_is_not_dropped_when_a_widget_is_expanded"]),
    62: ("hover in an expanded widget", ["test_every_widget_expands_with_its_filters_and_can_be_hovered"]),
    63: ("an expanded widget goes on while data come", ["test_rules.test_live_data_change_figures_and_never_controls"]),
}


def test_every_sentence_has_a_test_that_exists():
    names = {}
    for path in pathlib.Path(__file__).parent.glob("test_*.py"):
        names[path.stem] = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    assert list(SENTENCES) == list(range(1, 64))
    for number, (_, tests) in SENTENCES.items():
        assert tests, number
        for test in tests:
            file, name = test.split(".") if "." in test else (HERE, test)
            assert name in names.get(file, ()), (number, test)
    # And no test here holds none.
    assert names[HERE] - {test for _, tests in SENTENCES.values() for test in tests} == {"test_every_sentence_has_a_test_that_exists"}


ZONE = zoneinfo.ZoneInfo("Asia/Kolkata")
THREE = """
workbench: 1
name: three
seed: 11
period: { from: 2026-03-01, to: 2026-03-13 }
account: { name: acme, timeZone: Asia/Kolkata, subscription: { maxReplicas: 6 } }
models:
  - name: tuned
    kind: fineTuned
    fineTuning: [ { startAt: 2026-03-09T09:00, hardware: A10 single, duration: 3h } ]
    load: { arrivals: { poisson: { rate: 12/h } }, tokens: { input: 10, output: 10 } }
    deployments:
      - { version: V1, deployAt: 2026-03-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 5s, scaleDownDelay: 5min }, service: { time: { exponential: { mean: 150s } } }, failures: { modelError: 0.15 } }
      - { version: V2, deployAt: 2026-03-05T06:00, traffic: 0.3, hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4, scaleUpDelay: 5s }, service: { time: { exponential: { mean: 5s } } } }
  - name: idle
    kind: fineTuned
    fineTuning: [ { startAt: 2026-03-10T09:00, hardware: A10 single, duration: 2h } ]
  - name: plain
    kind: openSource
    load: { arrivals: { poisson: { rate: 10/h } }, tokens: { input: 10, output: 10 } }
    deployments:
      - { version: V1, deployAt: 2026-03-01, hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 5s }, service: { time: { exponential: { mean: 60s } } } }
  - { name: gpt, kind: external, provider: OpenAI, load: { arrivals: { poisson: { rate: 8/h } }, tokens: { input: 900, output: 200 } }, service: { time: 2s }, failures: { providerError: 0.1 } }
  - { name: command, kind: external, provider: Cohere, load: { arrivals: { poisson: { rate: 4/h } }, tokens: { input: 300, output: 50 } }, service: { time: 1s } }
"""
NOW = datetime.datetime(2026, 3, 13, tzinfo=ZONE)
KINDS = {"fineTuned": ["latency", "requests", "scaling", "credits"], "openSource": ["latency", "requests", "scaling", "credits"], "external": ["latency", "requests", "tokens", "credits"]}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentences")
    (folder / "three.yaml").write_text(THREE)
    subprocess.run([WORKBENCH, "run", folder / "three.yaml", "-q", "--out", folder / "three"], check=True)
    server = Server([folder / "three"])
    table = lambda name: list(csv.DictReader(open(folder / f"three/telemetry/{name}.csv", newline="")))
    models = {row["model_id"]: row for row in table("models")}
    server.requests = [{
        "at": datetime.datetime.fromisoformat(row["arrived_at"].replace("Z", "+00:00")).astimezone(ZONE), "kind": models[row["model_id"]]["kind"], "model": models[row["model_id"]]["name"], "provider": models[row["model_id"]]["provider"],
        "version": row["version"], "isSuccess": row["status"] == "success", "latency": int(row["latency_us"] or 0) / 1000, "input": int(row["input_tokens"] or 0), "output": int(row["output_tokens"] or 0)} for row in table("requests")]
    server.account = server.json("api/runs/1")["accounts"][0]
    yield server
    server.stop()


@pytest.fixture
def page(browser, three):
    page = Dashboard(browser, three, width=1440)
    yield page
    page.close()


def of(three, kind, days=7, **values):
    """Requests of the last days of one kind, by hand."""
    return [row for row in three.requests if row["kind"] == kind and row["at"] >= NOW - datetime.timedelta(days=days) and all(row[key] == value for key, value in values.items())]


def figure(text):
    return float(re.sub(r"[^\d.]", "", text))


def known(line):
    return [(x, y) for x, y in zip(line["x"], line["y"]) if y is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_widgets(page, three, kind):
    page.open()
    page.page.get_by_role("tab", name={"fineTuned": "Fine-tuned", "openSource": "Open-source", "external": "External"}[kind]).click()
    page.settled()
    assert page.page.locator("#widgets [data-widget]").evaluate_all("list => list.map((node) => node.dataset.widget)") == KINDS[kind]
    rows = of(three, kind)
    assert len(rows) > 500 and page.figures("requests")["total requests"] == f"{len(rows):,}"
    assert ("avg. credits per request" in page.figures("requests")) == (kind != "external")
    # All of its panels are of it.
    latencies = [row["latency"] for row in rows if row["isSuccess"]]
    line = page.graph("latency")["data"][0]
    assert sorted(y for _, y in known(line)) == pytest.approx(sorted(latencies)) and figure(page.widget("latency").locator("dd").first.get_attribute("title")) == pytest.approx(sum(latencies) / len(latencies), rel=1e-3)


def test_rates_of_successes_and_failures(page, three):
    page.open(kind="fineTuned", period="7d")
    rows = of(three, "fineTuned")
    failed = sum(not row["isSuccess"] for row in rows)
    assert failed > 20
    share = 100 * failed / len(rows)
    assert page.figures("requests")["success rate"] == f"{100 - share:.2f} %"
    expect(page.page.locator("#card-successRate strong")).to_have_text(f"{100 - share:.2f} %")
    expect(page.page.locator("#card-successRate small")).to_have_text(f"{failed:,} failed, {share:.2f} %")
    # Over time as well.
    day = [row for row in rows if row["at"].date() == datetime.date(2026, 3, 9)]
    bad = sum(not row["isSuccess"] for row in day)
    lines = page.hover("requests", 3.5 / 7).split("\n")
    assert lines[0] == "Mon 9 Mar 2026"
    assert lines[lines.index("Success rate") + 1] == f"{100 - 100 * bad / len(day):.2f} %" and lines[lines.index("Failure rate") + 1] == f"{100 * bad / len(day):.2f} %"


def test_the_last_7_days_and_all_versions_are_the_default(page, three):
    page.open()
    expect(page.page.get_by_role("button", name="7d", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.page.locator("#period")).to_have_text("6–12 Mar 2026")
    assert page.graph("requests")["range"] == [(NOW - datetime.timedelta(days=7)).timestamp(), NOW.timestamp()]
    version = page.page.get_by_label("Version", exact=True)
    expect(version).to_have_value("")
    expect(version.locator("option:checked")).to_have_text("All versions")
    rows = of(three, "fineTuned")
    assert {row["version"] for row in rows} == {"V1", "V2"} and page.figures("requests")["total requests"] == f"{len(rows):,}"


def test_the_four_cards_of_the_account(page, three):
    page.open(kind="external", period="7d")
    account = three.json("api/runs/1/dashboard?kind=external&period=7d")["account"]
    # Two that are fine-tuned: "idle" without having been deployed; "gpt" and "command" need no deployment.
    expected = {"deploymentCredits": f"{account['deploymentCredits']:,.2f}", "fineTuningCredits": f"{account['fineTuningCredits']:,.2f}", "deployedModels": str(account["deployedModels"]), "fineTunedModels": "2"}
    assert account["deploymentCredits"] > 1 and account["fineTuningCredits"] > 1
    for name, text in expected.items():
        expect(page.page.locator(f"#card-{name} strong")).to_have_text(text)
    # 3 h and 2 h of fine-tuning at one price: the credits of both jobs, to the share.
    shares = lambda: page.widget("credits").locator(".shares tbody tr").evaluate_all("rows => Object.fromEntries(rows.map((row) => [row.cells[0].innerText, row.cells[1].innerText]))")
    page.page.get_by_role("button", name="by version", exact=True).click()
    found = eventually(shares, lambda found: "idle (fine-tuning)" in found)
    assert figure(found["tuned (fine-tuning)"]) / figure(found["idle (fine-tuning)"]) == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_every_widget_and_card_has_a_tip(page, kind):
    page.open(kind=kind, period="7d")
    texts = []
    for place in [page.widget(widget).locator(".head") for widget in KINDS[kind]] + page.page.locator(".cards li").all():
        info = place.locator(".info")
        info.hover()
        tip = info.get_by_role("tooltip")
        expect(tip).to_be_visible()
        texts.append(tip.inner_text())
        page.page.mouse.move(5, 5)
        expect(tip).to_be_hidden()
    assert len(texts) == len(set(texts)) == 12 and all(len(text) > 30 for text in texts)


def test_refresh_says_that_it_has_happened(page):
    page.open()
    status = page.page.locator("#loaded")
    expect(status).to_have_text("")
    expect(status).to_have_attribute("role", "status")
    page.page.get_by_role("button", name="Refresh").click()
    expect(status).to_have_text(re.compile(r"^Loaded again at \d\d:\d\d:\d\d\.$"))
    expect(page.page.get_by_role("button", name="Refresh")).to_be_focused()


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_is_by_the_hour_and_a_range_by_the_day(page, three, kind):
    for period, size, days in (("24h", 3600, 1), ("2026-03-10", 3600, 0), ("7d", 86_400, 7), ("30d", 86_400, 30)):
        page.open(kind=kind, period=period)
        start = (lambda at: at.replace(minute=0, second=0, microsecond=0)) if size == 3600 else (lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0))
        rows = [row for row in of(three, kind, 30) if row["at"].date() == datetime.date(2026, 3, 10)] if not days else of(three, kind, days)
        for status, line in zip((True, False), page.graph("requests")["data"]):
            counts = collections.Counter({start(row["at"]): 0 for row in rows})
            counts.update(start(row["at"]) for row in rows if row["isSuccess"] == status)
            assert known(line) == [(at.timestamp() + size / 2, counts[at]) for at in sorted(counts)], (period, status)


def test_every_point_of_a_bucket_can_be_hovered(page, three):
    page.open(kind="external", period="24h")
    rows = of(three, "external", 1)
    for hour in range(24):
        at = NOW - datetime.timedelta(hours=24 - hour)
        here = [row for row in rows if at <= row["at"] < at + datetime.timedelta(hours=1)]
        for status, name in ((True, "Successful"), (False, "Failed")):
            lines = page.hover("requests", (hour + 0.5) / 24, 0.3 if status else 0.95).split("\n")
            assert lines[0] == stretch(at.isoformat(), 3600) or hour == 23 and lines[0].startswith("Thu 12 Mar 2026, 23:00")
            place = lines.index(name)
            assert lines[place + 1] == f"{sum(row['isSuccess'] == status for row in here):,}"
            assert lines[place + 2].startswith("total, 12 Mar 2026") and lines[place + 3] == f"{sum(row['isSuccess'] == status for row in rows):,}"


def test_up_to_7_days_each_request_is_a_point_and_beyond_each_day_an_average(page, three):
    good = [row for row in three.requests if row["kind"] == "fineTuned" and row["isSuccess"]]
    inside = lambda first, last: [row for row in good if datetime.date(2026, 3, first) <= row["at"].date() <= datetime.date(2026, 3, last)]
    page.open(kind="fineTuned", period="2026-03-04..2026-03-10")
    line = page.graph("latency")["data"][0]
    rows = inside(4, 10)
    assert line["name"] == "Latency" and len(known(line)) == len(rows)
    for (x, y), row in zip(known(line), rows):
        assert y == pytest.approx(row["latency"]) and abs(x - row["at"].timestamp()) < 0.01
    page.open(kind="fineTuned", period="2026-03-03..2026-03-10")
    line = page.graph("latency")["data"][0]
    days = collections.defaultdict(list)
    for row in inside(3, 10):
        days[row["at"].date()].append(row["latency"])
    assert line["name"] == "Average Latency" and [y for _, y in known(line)] == pytest.approx([sum(values) / len(values) for values in days.values()], rel=1e-6) and len(days) == 8


def test_hover_of_latency_has_the_request_or_the_days_average(page, three):
    page.open(kind="openSource", period="24h")
    chart = page.widget("latency").locator(".chart")
    chart.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowRight")
    text = page.widget("latency").locator(".tip").inner_text()
    shown = re.search(r"\(([\d,.]+) ms\)", text)[1]
    row = next(row for row in of(three, "openSource", 1) if row["isSuccess"] and f"{row['latency']:,.3f}".rstrip("0").rstrip(".") == shown)
    assert text.startswith(moment(row["at"].replace(microsecond=0).isoformat())), text
    page.open(kind="openSource", period="30d")
    day = [row["latency"] for row in of(three, "openSource", 30) if row["isSuccess"] and row["at"].date() == datetime.date(2026, 3, 9)]
    text = page.hover("latency", 26.5 / 30)
    assert text.startswith("Mon 9 Mar 2026\n") and f"of {len(day)}" in text and f"{sum(day) / len(day) / 1000:.1f} s" in text


@pytest.mark.parametrize("kind", ["fineTuned", "openSource"])
def test_totals_and_credits_of_a_request(page, three, kind):
    page.open(kind=kind, period="7d")
    figures, rows = page.figures("requests"), of(three, kind)
    good = sum(row["isSuccess"] for row in rows)
    assert [figure(figures[name]) for name in ("total requests", "successes", "failures")] == [len(rows), good, len(rows) - good]
    ids = {model["id"] for model in three.account["models"] if model["kind"] == kind}
    spent = sum(entry["credits"] for entry in three.json("api/runs/1/credits?period=7d")["entries"] if entry["modelId"] in ids and entry["use"] == "deployment")
    assert figures["avg. credits per request"] == f"{spent / len(rows):#.3g}" and figures["per response"] == f"{spent / good:#.3g}"


def test_tokens_are_stacked_bars_with_both_totals(page, three):
    page.open(kind="external", period="7d")
    rows = of(three, "external")
    days = sorted({row["at"].date() for row in rows})
    sums = {key: [sum(row[key] for row in rows if row["at"].date() == day) for day in days] for key in ("input", "output")}
    outputs, inputs = page.graph("tokens")["data"]
    assert outputs["kind"] == inputs["kind"] == "bars" and outputs["colour"] != inputs["colour"]
    assert inputs["drawn"] == [value / 1000 for value in sums["input"]] and outputs["drawn"] == pytest.approx([(a + b) / 1000 for a, b in zip(sums["input"], sums["output"])])
    shown = page.widget("tokens").locator(".figures dd")
    assert [cell.get_attribute("title") for cell in shown.all()] == [f"{sum(sums[key]):,}" for key in ("input", "output")]
    for index, day in enumerate(days):
        lines = page.hover("tokens", (index + 0.5) / 7).split("\n")
        assert lines[0] == f"{day:%a} {day.day} Mar 2026" and lines[lines.index("Input tokens") + 1] == f"{sums['input'][index]:,}" and lines[lines.index("Output tokens") + 1] == f"{sums['output'][index]:,}"


def test_the_lists_of_models_and_versions(page):
    page.open(kind="fineTuned", period="7d")
    model, version = page.page.get_by_label("Model", exact=True), page.page.get_by_label("Version", exact=True)
    assert model.locator("option").all_inner_texts() == ["All models", "tuned", "idle"] or model.locator("option").all_inner_texts() == ["All models", "idle", "tuned"]
    assert version.locator("option").all_inner_texts() == ["All versions", "V1", "V2"]
    model.select_option(label="idle")
    page.settled()
    # Never deployed: nothing to choose, and the panels say why they are empty.
    assert version.locator("option").all_inner_texts() == ["–"]
    expect(page.widget("scaling").locator(".empty")).to_contain_text("Nothing was deployed")
    page.page.get_by_role("tab", name="Open-source").click()
    page.settled()
    assert model.locator("option").all_inner_texts() == ["All models", "plain"]


def test_the_provider_is_a_filter_of_external_models_only(page, three):
    page.open(kind="external", period="7d")
    provider = page.page.get_by_label("LLM Provider")
    assert sorted(provider.locator("option").all_inner_texts()) == ["All providers", "Cohere", "OpenAI"] and page.page.get_by_label("Version", exact=True).count() == page.page.get_by_label("Model", exact=True).count() == 0
    provider.select_option("Cohere")
    page.settled()
    rows = of(three, "external", provider="Cohere")
    assert page.figures("requests")["total requests"] == f"{len(rows):,}" and len(known(page.graph("latency")["data"][0])) == len(rows)
    assert page.widget("tokens").locator(".figures dd").first.get_attribute("title") == f"{300 * len(rows):,}"
    for kind in ("Fine-tuned", "Open-source"):
        page.page.get_by_role("tab", name=kind).click()
        page.settled()
        assert provider.count() == 0 and "provider=" not in page.page.url


def test_every_graph_and_its_axis_follow_a_change_of_the_version(page, three):
    page.open(kind="fineTuned", period="7d")
    tops = {}
    for version in ("V1", "V2"):
        page.page.get_by_label("Version", exact=True).select_option(version)
        page.settled()
        rows = of(three, "fineTuned", version=version)
        good = [row["latency"] for row in rows if row["isSuccess"]]
        for widget in ("latency", "requests", "scaling"):
            graph = page.graph(widget)
            most = max(y for line in graph["data"] if line["scale"] == "y" for _, y in known(line))
            tops[widget, version] = graph["yrange"][1]
            # All of it is in sight, and it fills its graph.
            assert most <= graph["yrange"][1] and (widget == "scaling" or graph["yrange"][1] < 1.5 * most), (widget, version)
        assert max(y for _, y in known(page.graph("latency")["data"][0])) == pytest.approx(max(good)) and page.figures("requests")["total requests"] == f"{len(rows):,}"
        assert {line["version"] for line in page.graph("scaling")["data"]} == {version}
    assert tops["latency", "V1"] > 2 * tops["latency", "V2"] and tops["requests", "V1"] > 1.5 * tops["requests", "V2"] and tops["scaling", "V1"] > tops["scaling", "V2"]


def test_several_kinds_of_hardware_are_said(page):
    page.open(kind="fineTuned", period="7d")
    assert page.figures("scaling")["hardware"] == "Multiple Hardware"
    assert all(line["kind"] == "steps" for line in page.graph("scaling")["data"])
    for version, hardware in (("V1", "A10 single"), ("V2", "T4 single")):
        page.page.get_by_label("Version", exact=True).select_option(version)
        page.settled()
        assert page.figures("scaling")["hardware"] == hardware
        # A single one is the blue of replicas.
        assert [line["colour"] for line in page.graph("scaling")["data"]] == ["#1f6feb"]
        assert hardware in page.hover("scaling", 0.5) and version in page.hover("scaling", 0.5)


def test_on_a_single_day_the_axis_ends_at_the_maximum(page):
    for version, most in (("V1", 3), ("V2", 1)):
        page.open(kind="fineTuned", period="2026-03-10", version=version)
        graph = page.graph("scaling")
        assert graph["titles"][:2] == ["Date", "Number of Replicas"] and graph["yrange"][0] == 0 and most <= graph["yrange"][1] <= most * 1.05
        red = [limit for limit in graph["limits"] if limit.get("isMaximum")]
        assert [(limit["value"], limit["colour"]) for limit in red] == [(most, "#d1242f")] and f"Max replicas {most}" in red[0]["label"]
        steps = [y for _, y in known(graph["data"][0])]
        assert max(steps) == most and page.figures("scaling")["max replicas"] == str(most)
    # Of a range there is none.
    page.open(kind="fineTuned", period="7d", version="V1")
    assert not [limit for limit in page.graph("scaling")["limits"] if limit.get("isMaximum")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_widget_expands_with_its_filters_and_can_be_hovered(page, kind):
    page.open(kind=kind, period="7d")
    for widget in KINDS[kind]:
        title = page.widget(widget).locator("h2").inner_text()
        button = page.page.get_by_role("button", name=f"Expand, {title}")
        assert button.inner_text() == "⤢"
        button.click()
        dialog = page.page.get_by_role("dialog", name=title)
        dialog.locator(f"[data-widget={widget}] canvas").wait_for()
        page.settled()
        filters = dialog.get_by_role("group", name="Filters of this widget")
        expect(filters.get_by_role("group", name="Period").get_by_role("button")).to_have_count(8)
        for label in ["From", "To", *(["LLM Provider"] if kind == "external" else ["Model", "Version"])]:
            expect(filters.get_by_label(label, exact=True)).to_be_visible()
        assert "2026" in page.hover(widget, 0.5 + 0.5 / 7, 0.6, "#expanded")
        page.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        # Whoever has closed it is where it was opened.
        expect(button).to_be_focused()


def test_versions_laid_over_each_other_follow_a_live_run(browser):
    server = Server([], "--live", str(ROOT / "Scenarios/canary.yaml"), "--speed", "5000")
    try:
        page = Dashboard(browser, server, width=1440).open(run="live", kind="fineTuned", period="7d", overlay="1")
        sums = lambda: {line["name"]: sum(y for _, y in known(line)) for line in page.graph("requests")["data"]}
        before = eventually(sums, lambda found: found.get("Successful, V1", 0) > 0 and found.get("Successful, V2", 0) > 0)
        eventually(sums, lambda found: all(found[name] > before[name] for name in ("Successful, V1", "Successful, V2")))
        assert {line["version"] or line["name"].split(", ")[1] for line in page.graph("latency")["data"]} == {"V1", "V2"}
        expect(page.page.get_by_role("button", name="By version, Requests")).to_have_attribute("aria-pressed", "true")
        page.close()
    finally:
        server.stop()
