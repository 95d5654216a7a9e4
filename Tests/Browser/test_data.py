"""Data on the page: runs that are deleted and come back, checked, saved; files that become runs; scenarios that are edited."""
import csv, hmac, json, re, urllib.request, zipfile

import pytest

from playwright.sync_api import expect

from conftest import STEADY, Dashboard, eventually, fits, looks_as_it_did, studio_server

SCENARIO = STEADY.read_text()


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    runs = {f"kept/{name}": ["--formats", "csv", "--set", f"name={name}", "--set", "period.to=2026-03-03"] for name in ("first", "second")}
    with studio_server(tmp_path_factory.mktemp("data"), runs, {"steady.yaml": SCENARIO}) as server:
        yield server


@pytest.fixture
def page(browser, studio):
    # Restores what an earlier test left behind if it failed.
    for entry in studio.json("api/trash"):
        studio.post(f"api/trash/{entry['id']}/restore", {})
    (studio.folder / "scenarios/steady.yaml").write_text(SCENARIO)
    page = Dashboard(browser, studio, width=1440)
    page.page.on("dialog", lambda dialog: dialog.accept())
    yield page.open(page="data")
    page.close()


def names(studio):
    return sorted(run["name"] for run in studio.json("api/runs"))


def row(page, name):
    return page.page.locator(".listing tbody tr").filter(has=page.page.get_by_role("button", name=name, exact=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
@pytest.mark.parametrize("scenario", ["", "steady.yaml"])
def test_data_can_be_read_at_every_width(browser, studio, width, scheme, scenario):
    """First, while there are the two runs only."""
    from axe_playwright_python.sync_playwright import Axe
    page = Dashboard(browser, studio, width=width, height=900, color_scheme=scheme).open(page="data", **({"scenario": scenario} if scenario else {}))
    if scenario:
        page.page.locator("#checked", has_text="requests are expected").wait_for()
    fits(page.page)
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"{'editor' if scenario else 'data'}-{width}-{scheme}")
    page.close()


def test_a_deleted_run_comes_back(page, studio):
    row(page, "second").get_by_role("button", name="Delete").click()
    undo = page.page.locator(".undo").get_by_role("button", name="Undo")
    undo.wait_for()
    expect(row(page, "second")).to_have_count(0)
    eventually(lambda: names(studio), ["first"])
    # The focus is at what takes it back.
    expect(undo).to_be_focused()
    page.page.keyboard.press("Enter")
    row(page, "second").wait_for()
    eventually(lambda: names(studio), ["first", "second"])
    # As well from the list of what was deleted.
    row(page, "second").get_by_role("button", name="Delete").click()
    undo.wait_for()
    expect(row(page, "second")).to_have_count(0)
    page.page.locator("summary", has_text="Deleted runs").click()
    page.page.locator("details").get_by_role("button", name="Restore").click()
    row(page, "second").wait_for()


def open_it(page, studio, job):
    """Opens a job's run once the page has it in its list."""
    job.get_by_role("button", name="Open it").wait_for(timeout=60_000)
    expect(page.page.get_by_role("heading", name=f"{len(names(studio))} runs", exact=True)).to_be_visible()
    job.get_by_role("button", name="Open it").click()
    expect(page.page).not_to_have_url(re.compile("page=data"))
    page.settled()


def test_runs_are_found_and_opened(page):
    page.page.get_by_label("Find a run", exact=True).fill("sec")
    expect(page.page.locator(".listing tbody tr")).to_have_count(1)
    page.page.get_by_role("button", name="second", exact=True).click()
    page.settled()
    eventually(page.page.locator("#widgets [data-widget]").count, lambda many: many >= 3)


def test_a_run_is_validated(page):
    row(page, "first").get_by_role("button", name="Validate").click()
    job = page.page.locator(".job", has_text="Validate first")
    job.get_by_role("button", name="Details").click(timeout=60_000)
    table = page.page.get_by_role("region", name="Invariants")
    expect(table).to_contain_text("Replicas")
    eventually(table.locator("tbody tr").count, lambda many: many > 10)
    expect(job).to_contain_text(re.compile("everything applicable holds|inconclusive"))


def test_objectives_are_judged(page):
    page.page.get_by_role("button", name="Objectives, first", exact=True).click()
    field = page.page.get_by_label("Objectives", exact=True)
    expect(field).to_be_focused()
    page.page.keyboard.type("latency.p95 <= 1ms, failureRate <= 50%")
    page.page.keyboard.press("Enter")
    job = page.page.locator(".job", has_text="Objectives of first")
    expect(job).to_contain_text("✕ broken", timeout=60_000)
    job.get_by_role("button", name="Details").click()
    rows = page.page.get_by_role("region", name="Objectives, table").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("latency.p95 <= 1ms")
    expect(rows.first.locator(".bad")).to_have_text("✕ broken")
    expect(rows.last).to_contain_text("✓ kept")
    # What is no objective is said at once, and why.
    field.fill("latncy.p95 <= 5s")
    page.page.get_by_role("button", name="Judge").click()
    expect(page.page.get_by_role("alert")).to_contain_text("latency")
    # The browser notes the refusal.
    assert [text for text in page.problems if "400" not in text] == []
    page.problems.clear()


@pytest.mark.parametrize("action, inside", [("Fixture (zip)", "README"), ("Export", "telemetry/requests")])
def test_a_run_is_taken_away_as_a_zip(page, action, inside):
    row(page, "first").get_by_role("button", name=f"{action}, first", exact=True).click()
    with page.page.expect_download(timeout=60_000) as download:
        page.page.locator(".job").first.get_by_role("link", name="Download the zip").click(timeout=60_000)
    with zipfile.ZipFile(download.value.path()) as file:
        assert file.testzip() is None and any(inside in name for name in file.namelist())


def test_a_scenario_is_edited_checked_and_completed_in_place(page, studio):
    page.page.get_by_role("button", name="steady.yaml").click()
    area = page.page.get_by_label("Text of steady.yaml")
    page.settled()
    expect(area).to_have_value(SCENARIO)
    page.page.locator("#checked", has_text="requests are expected").wait_for()
    area.focus()
    page.page.keyboard.press("Control+End")
    page.page.keyboard.type("bogus: 1")
    # Beside the line, and in a list that leads there.
    line = SCENARIO.count("\n") + 1
    message = page.page.locator(".layer .error b")
    message.wait_for()
    expect(message).to_contain_text("bogus")
    expect(page.page.locator(".layer > div").nth(line - 1)).to_have_class("error")
    page.page.get_by_role("button", name=f"Line {line}").click()
    expect(area).to_be_focused()
    # The schema completes, by keyboard; what was typed is undone as ever.
    page.page.keyboard.press("Control+End")
    page.page.keyboard.press("Shift+Home")
    page.page.keyboard.type("desc")
    page.page.locator(".completions [role=option]").first.wait_for()
    page.page.keyboard.press("Enter")
    expect(area).to_have_value(re.compile(r"\ndescription: $"))
    page.page.keyboard.press("Control+z")
    expect(area).not_to_have_value(re.compile(r"description: $"))
    page.page.get_by_role("button", name="Close").click()
    page.page.get_by_role("button", name="New scenario").wait_for()


def test_two_people_do_not_overwrite_each_other(page, studio):
    page.page.get_by_role("button", name="steady.yaml").click()
    area = page.page.get_by_label("Text of steady.yaml")
    expect(area).to_have_value(SCENARIO)
    area.focus()
    page.page.keyboard.press("Control+Home")
    page.page.keyboard.type("# mine\n")
    # Somebody else is faster.
    theirs = "# theirs\n" + SCENARIO
    url = studio.url + "api/scenarios/steady.yaml"
    with urllib.request.urlopen(url) as response:
        version = response.headers["ETag"]
    urllib.request.urlopen(urllib.request.Request(url, theirs.encode(), {"Content-Type": "application/yaml", "If-Match": version}, method="PUT")).close()
    page.page.keyboard.press("Control+s")
    page.page.get_by_text("Somebody else has saved steady.yaml").wait_for()
    assert (studio.folder / "scenarios/steady.yaml").read_text() == theirs
    page.page.get_by_role("button", name="Save mine under another name").click()
    expect(page.page.get_by_label("Name", exact=True)).to_be_focused()
    page.page.keyboard.type("mine")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("heading", name="mine.yaml").wait_for()
    assert (studio.folder / "scenarios/mine.yaml").read_text() == "# mine\n" + SCENARIO
    page.problems.clear()  # The browser reports the 412 itself.


def test_a_new_scenario_is_written_simulated_and_kept(page, studio):
    page.page.get_by_role("button", name="New scenario").click()
    area = page.page.get_by_label("Text of new")
    page.page.locator("#checked", has_text="requests are expected").wait_for()
    area.evaluate("(area) => { area.value = area.value.replace('to: 2026-03-09', 'to: 2026-03-03'); area.dispatchEvent(new Event('input', { bubbles: true })); }")
    page.page.get_by_role("button", name="Save", exact=True).click()
    expect(page.page.get_by_label("Name", exact=True)).to_be_focused()
    page.page.keyboard.type("tiny")
    page.page.keyboard.press("Enter")
    page.page.get_by_role("heading", name="tiny.yaml").wait_for()
    page.page.locator("#checked", has_text="requests are expected").wait_for()
    page.page.get_by_role("button", name="Simulate and keep").click()
    open_it(page, studio, page.page.locator(".job", has_text="Simulate tiny"))
    assert int(page.figures("requests")["total requests"].replace(",", "")) > 50_000


EXPORT = "when,model_name,deployment,state,seconds,in_tok,out_tok\n" + "".join(
    f"2026-03-{1 + number % 7:02}T10:{number % 60:02}:00Z,chat {number % 2},V1,{'ok' if number % 10 else 'error'},{0.5 + number / 100},{100 + number},{20 + number}\n" for number in range(200)) + "soon,chat 0,V1,ok,1,1,1\n"


def test_a_file_becomes_a_run_by_clicking_on_its_columns(page, studio):
    page.page.set_input_files("input[type=file]", {"name": "export.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()})
    preview = page.page.get_by_role("region", name="Preview of the file")
    preview.wait_for()
    expect(preview.locator("tbody tr")).to_have_count(20)
    column = lambda name: preview.get_by_role("button", name=re.compile(f"^{name}"))
    # What the name gives away is there; the rest is chosen, and clicked on: in the head by keyboard, in a cell by mouse.
    expect(column("model_name")).to_contain_text("Model")
    expect(column("seconds")).to_contain_text("Latency")
    page.page.get_by_role("radio", name="Arrival").check()
    column("when").focus()
    page.page.keyboard.press("Enter")
    expect(column("when")).to_contain_text("Arrival")
    for role, name in (("Input tokens", "in_tok"), ("Output tokens", "out_tok")):
        page.page.get_by_role("radio", name=role, exact=True).check()
        index = preview.locator("thead th").all_inner_texts().index(next(text for text in preview.locator("thead th").all_inner_texts() if text.startswith(name)))
        preview.locator("tbody tr").nth(2).locator("td").nth(index).click()
        expect(column(name)).to_contain_text(role)
    expect(page.page.get_by_role("checkbox", name="ok")).to_be_checked()
    expect(page.page.get_by_role("checkbox", name="error")).not_to_be_checked()
    page.page.get_by_label("Account", exact=True).fill("platform")
    page.page.get_by_label("Time zone", exact=True).fill("UTC")
    page.page.get_by_role("button", name="Import", exact=True).click()
    job = page.page.locator(".job", has_text="Import export")
    job.get_by_role("button", name="Open it").wait_for(timeout=60_000)
    expect(job).to_contain_text("200 requests, 1 row")
    open_it(page, studio, job)
    page.open(kind="openSource", period="7d", run=page.page.url.split("run=")[1].split("&")[0])
    assert page.figures("requests")["total requests"] == "200" and page.figures("requests")["failures"] == "20"


SERVED = "arrived,model,dequeued_at,first_token_at,finished_at,prompt_tokens,completion_tokens,cached_prompt_tokens,gpu,request,tenant,conversation_id,reasoning_tokens,user_id\n" + "".join(
    f"2026-03-{1 + number % 7:02}T10:{number % 60:02}:00Z,chat,2026-03-{1 + number % 7:02}T10:{number % 60:02}:01Z,2026-03-{1 + number % 7:02}T10:{number % 60:02}:02Z,2026-03-{1 + number % 7:02}T10:{number % 60:02}:12Z,100,10,25,A10 single,{number},{'north' if number % 4 else 'south'},c{number % 9},3,ann\n"
    for number in [*range(200), 7])


def test_service_first_token_cache_hardware_identity_and_account_are_columns(page, studio):
    page.page.set_input_files("input[type=file]", {"name": "served.csv", "mimeType": "text/csv", "buffer": SERVED.encode()})
    preview = page.page.get_by_role("region", name="Preview of the file")
    column = lambda name: preview.get_by_role("button", name=re.compile(f"^{name}"))
    for name, role in (("arrived", "Arrival"), ("dequeued_at", "Service start"), ("first_token_at", "First token at"), ("finished_at", "End"), ("cached_prompt_tokens", "Cached input tokens"), ("gpu", "Hardware"), ("conversation_id", "Session"), ("reasoning_tokens", "Reasoning tokens"), ("user_id", "User (kept as a hash)")):
        expect(column(name)).to_contain_text(role)
    # Never guessed: rows are told apart, and accounts, only by what somebody has chosen.
    for name, role in (("request", "Row ID"), ("tenant", "Account of the row")):
        expect(column(name)).to_contain_text("not used")
        page.page.get_by_role("radio", name=role, exact=True).check()
        column(name).click()
        expect(column(name)).to_contain_text(role)
    page.page.get_by_label("Time zone", exact=True).fill("UTC")
    page.page.get_by_role("button", name="Import", exact=True).click()
    job = page.page.locator(".job", has_text="Import served")
    expect(job).to_contain_text("200 requests", timeout=60_000)
    open_it(page, studio, job)
    run = re.search("run=([^&]+)", page.page.url)[1]
    accounts = {account["account"] for account in studio.json(f"api/runs/{run}")["accounts"]}
    assert accounts == {"north", "south"}
    answer = studio.json(f"api/runs/{run}/analysis?account=north&kind=openSource&period=7d")
    assert answer["cacheHitRate"] == 0.25 and {bucket["firstToken"] for bucket in answer["buckets"]} == {2000} and {round(bucket["perOutputToken"], 2) for bucket in answer["buckets"]} == {1111.11}
    assert {bucket["average"] for bucket in answer["buckets"]} == {12_000}
    # What the dashboard does not show is in the data set, and of users no name.
    [table] = [table for table in (studio.folder / "kept").glob("served*/telemetry/requests.csv")]
    rows = list(csv.DictReader(table.open()))
    assert {row["session"] for row in rows} == {f"c{number}" for number in range(9)} and {row["reasoning_tokens"] for row in rows} == {"3"}
    assert {row["user"] for row in rows} == {hmac.new(account.encode(), b"ann", "sha256").hexdigest()[:32] for account in ("north", "south")}


# As an observability platform exports calls: empty columns, and seconds of which no name says that they are.
OBSERVED = "".join(json.dumps({
    "id": f"o{number}", "startTime": f"2026-03-02T10:{number:02}:00.000Z", "endTime": f"2026-03-02T10:{number:02}:{3 + number % 5:02}.250Z", "statusMessage": None, "version": None, "model": "chat",
    "latency": 3.25 + number % 5, "timeToFirstToken": 0.5, "input_length": 10, "output_length": 5}) + "\n" for number in range(40))


def test_what_a_file_tells_of_itself_is_not_asked_for(page, studio):
    page.page.set_input_files("input[type=file]", {"name": "observed.ndjson", "mimeType": "application/x-ndjson", "buffer": OBSERVED.encode()})
    preview = page.page.get_by_role("region", name="Preview of the file")
    preview.wait_for()
    # Empty columns are nothing; the beginning and the end say the unit of the time between.
    for name, role in (("statusMessage", "not used"), ("version", "not used"), ("latency", "Latency"), ("timeToFirstToken", "Time to first token"), ("input_length", "Input tokens"), ("output_length", "Output tokens")):
        expect(preview.get_by_role("button", name=re.compile(f"^{name}"))).to_contain_text(role)
    expect(page.page.get_by_label("Latency in")).to_have_value("s")
    expect(page.page.get_by_label("Time to first token in")).to_have_value("s")
    page.page.get_by_label("Time zone", exact=True).fill("UTC")
    page.page.get_by_role("button", name="Import", exact=True).click()
    job = page.page.locator(".job", has_text="Import observed")
    open_it(page, studio, job)
    assert page.figures("requests")["total requests"] == "40" and page.figures("requests")["failures"] == "0"
    assert page.figures("latency")["average"] == "5.25 s"
    # Replicas are not in such a file: that is not none.
    expect(page.page.locator("#card-replicas")).to_contain_text("not in the data")
    assert page.figures("scaling")["subscription"] == "–"
    expect(page.widget("scaling").locator(".empty")).to_have_text("The data do not say how many replicas there were.")
    # Of latencies that are alike the axis has something to read them by.
    page.page.get_by_role("button", name="Analysis", exact=True).click()
    page.settled()
    eventually(lambda: [tick for tick in page.graph("heat")["ticks"][1] if tick], lambda ticks: len(ticks) >= 2)


def test_a_file_of_failures_and_one_without_rows_say_what_they_are(page, studio):
    head = "time,model,status,latency_ms\n"
    page.page.set_input_files("input[type=file]", {"name": "none.csv", "mimeType": "text/csv", "buffer": head.encode()})
    expect(page.page.locator("[aria-label=Import] [role=alert]")).to_have_text("The file has no rows.")
    page.page.set_input_files("input[type=file]", {"name": "failed.csv", "mimeType": "text/csv", "buffer": f"{head}2026-03-02T10:00:00Z,chat,error,100\n".encode()})
    expect(page.page.get_by_role("checkbox", name="error")).not_to_be_checked()
    page.page.get_by_role("button", name="Import", exact=True).click()
    job = page.page.locator(".job", has_text="Import failed")
    expect(job).to_contain_text("1 request", timeout=60_000)
    expect(job).not_to_contain_text("1 requests")
    open_it(page, studio, job)
    assert page.figures("requests")["failures"] == "1" and page.figures("requests")["success rate"] == "0 %"


def test_what_is_wrong_with_an_import_is_said(page):
    page.page.set_input_files("input[type=file]", {"name": "export.csv", "mimeType": "text/csv", "buffer": EXPORT.replace("when", "time").encode()})
    page.page.get_by_role("region", name="Preview of the file").wait_for()
    page.page.get_by_label("Time zone", exact=True).fill("Nowhere/Land")
    page.page.get_by_role("button", name="Import", exact=True).click()
    alert = page.page.locator("[aria-label=Import] [role=alert]")
    expect(alert).not_to_have_text("")
    expect(page.page.locator("[aria-label=Import]")).to_contain_text("zone")
    # Once.
    said = alert.inner_text()
    assert page.page.locator("[aria-label=Import]").inner_text().count(said) == 1
    page.problems.clear()  # The browser reports the 400 itself.


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
def test_columns_can_be_told_at_every_width(browser, studio, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    # The time zone in the form is the browser's.
    page = Dashboard(browser, studio, width=width, height=900, color_scheme=scheme, timezone_id="UTC").open(page="data")
    page.page.set_input_files("input[type=file]", {"name": "export.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()})
    page.page.get_by_role("region", name="Preview of the file").wait_for()
    page.page.locator("[aria-label=Import]").evaluate("node => scrollTo(0, node.getBoundingClientRect().top + scrollY - document.getElementById('top').offsetHeight - 12)")
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width in (375, 1440):
        assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in Axe().run(page.page).response["violations"]] == []
    looks_as_it_did(browser, page, f"import-{width}-{scheme}")
    # Whoever leaves takes the file away: the server holds a few of them only.
    with page.page.expect_request(lambda request: request.method == "DELETE" and "/api/uploads/" in request.url):
        page.page.get_by_role("link", name="Overview").click()
    page.close()
