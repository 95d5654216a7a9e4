"""The dashboard in a real Chromium. `make test` runs this after the Swift tests; WORKBENCH names the program."""
import base64, contextlib, csv, datetime, hashlib, json, os, pathlib, re, subprocess, time, urllib.parse, urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKBENCH = os.environ.get("WORKBENCH") or str(ROOT / ".build-release/release/workbench")
STEADY = ROOT / "Scenarios/steady.yaml"

# Hostile names, a clock change, same-name models, limits: what a page gets wrong first.
HOSTILE = """
workbench: 1
name: hostile
seed: 5
period: { from: 2026-03-06, to: 2026-03-10 }
account: { name: "<b>acme</b>", timeZone: America/New_York, subscription: { maxReplicas: 4 } }
models:
  - name: "<img src=x onerror=document.title='hacked'>"
    kind: fineTuned
    load: { arrivals: { poisson: { rate: 40/h } }, tokens: { input: 10, output: 10 } }
    deployments:
      - { version: "<script>1</script>", deployAt: 2026-03-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 5s }, service: { time: { exponential: { mean: 60s } } } }
  - name: "gpt \\"4\\" & co"
    kind: external
    provider: "Open<i>AI</i>"
    load: { arrivals: { poisson: { rate: 30/h } }, tokens: { input: 1000, output: 200 } }
    service: { time: 2s }
    failures: { providerError: 0.1 }
incidents:
  - { kind: outage, provider: "Open<i>AI</i>", from: 2026-03-08T10:00, to: 2026-03-08T12:00 }
"""


# As long as an action waits: a busy machine of two cores is slow.
PATIENCE = 60
expect.set_options(timeout=PATIENCE * 1000)


def eventually(value, expected=bool, timeout=PATIENCE):
    """Polls value() until it equals `expected`, or `expected`, if a function, accepts it. Returns the value; fails with the last one. `page.url` stands still meanwhile: use expect(page).to_have_url."""
    accepts = expected if callable(expected) else lambda found: found == expected
    deadline = time.monotonic() + timeout
    while True:
        try:
            found, error = value(), None
            if accepts(found):
                return found
        except Exception as reason:  # What is not there yet may raise.
            found, error = reason, reason
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s it is {found!r}" + ("" if callable(expected) else f", not {expected!r}")) from error
        time.sleep(0.05)


def drawn(page):
    """Waits until the browser has drawn two frames, so that observers and handlers that were due have run."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")


def fits(page):
    """Nothing overflows sideways."""
    eventually(lambda: page.evaluate("document.documentElement.scrollWidth - innerWidth"), lambda more: more <= 0)


DAYS, MONTHS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def moment(at):
    """As the page says it: "Wed 4 Mar 2026, 10:00 (UTC−5)"."""
    when = datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))
    minutes = int(when.utcoffset().total_seconds() // 60)
    zone = "UTC" + (("−" if minutes < 0 else "+") + str(abs(minutes) // 60) + (f":{abs(minutes) % 60:02}" if minutes % 60 else "") if minutes else "")
    clock = when.strftime("%H:%M:%S" if when.second else "%H:%M")
    return f"{DAYS[when.weekday()]} {when.day} {MONTHS[when.month - 1]} {when.year}, {clock} ({zone})"


def stretch(at, seconds):
    """A bucket, as the page says it: "Wed 4 Mar 2026, 14:00–15:00 (UTC−5)"; of a day its date."""
    text = moment(at)
    if seconds >= 86_400:
        return text.split(",")[0]
    start = re.search(r", (\d\d):(\d\d)", text)
    end = int(start[1]) * 60 + int(start[2]) + seconds // 60
    return text.replace(start[0], f"{start[0]}–{end // 60:02}:{end % 60:02}")


class Server:
    def __init__(self, runs, *options):
        self.process = subprocess.Popen(
            [WORKBENCH, "serve", *map(str, runs), "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.url = line.strip()
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def json(self, path):
        with urllib.request.urlopen(self.url + path) as response:
            return json.load(response)

    def post(self, path, value):
        request = urllib.request.Request(self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@contextlib.contextmanager
def serving(folder, scenario):
    """A server of one run of a scenario, which is given as text."""
    (folder / "scenario.yaml").write_text(scenario)
    subprocess.run([WORKBENCH, "run", folder / "scenario.yaml", "--out", folder / "run", "--formats", "csv", "-q"], check=True)
    server = Server([folder / "run"])
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def studio_server(folder, runs, scenarios=None):
    """A server of runs at which users may change everything: it keeps runs in `folder`/kept and scenarios in `folder`/scenarios.

    `runs`: options of `workbench run Scenarios/steady.yaml`, by the run's path inside `folder`; `scenarios`: texts, by name."""
    for name in ("kept", "scenarios"):
        (folder / name).mkdir()
    for name, text in (scenarios or {}).items():
        (folder / "scenarios" / name).write_text(text)
    for name, options in runs.items():
        subprocess.run([WORKBENCH, "run", STEADY, "-q", *options, "--out", folder / name], check=True)
    server = Server([folder / name for name in runs], "--keep", folder / "kept", "--scenarios", folder / "scenarios")
    server.folder = folder
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "hostile.yaml").write_text(HOSTILE)
    made = {}
    for name, scenario, more in [
        ("canary", ROOT / "Scenarios/canary.yaml", []),
        ("tight", ROOT / "Scenarios/canary.yaml", ["--set", "name=tight", "--set", "models.router.deployments.0.scaling.maxReplicas=2"]),
        ("limits", ROOT / "Scenarios/subscription-exhausted.yaml", []),
        ("same", ROOT / "Scenarios/same-name-redeployed.yaml", []),
        ("change", ROOT / "Scenarios/daylight-saving.yaml", []),
        ("outage", ROOT / "Scenarios/provider-outage.yaml", []),
        ("hostile", folder / "hostile.yaml", []),
    ]:
        made[name] = folder / name
        subprocess.run([WORKBENCH, "run", str(scenario), "--out", str(made[name]), "-q", *more], check=True)
    return made


def run_id(path):
    """A run's identifier: the hash of its manifest."""
    return hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def server(runs):
    server = Server(runs.values())
    server.ids = {name: run_id(path) for name, path in runs.items()}
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


class Dashboard:
    """The page as a user sees it; fails on console errors and on requests to other hosts."""

    def __init__(self, browser, server, width=1400, height=1000, **options):
        self.server = server
        self.problems = []
        self.page = browser.new_page(viewport={"width": width, "height": height}, **options)
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: not request.url.startswith((server.url, "data:", "blob:")) and self.problems.append(request.url))

    def open(self, **view):
        self.page.goto(self.server.url + "?" + urllib.parse.urlencode(view))
        self.settled()
        return self

    def settled(self):
        # A selector, not a function: the page's policy allows no eval.
        self.page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")

    def widget(self, kind, inside="#widgets"):
        return self.page.locator(f"{inside} [data-widget={kind}]")

    def figures(self, kind, inside="#widgets"):
        pairs = self.widget(kind, inside).locator(".figures > div").all()
        return {pair.locator("dt").inner_text(): pair.locator("dd").inner_text() for pair in pairs}

    def graph(self, kind, inside="#widgets"):
        """What uPlot draws, and what it was given beside: limits, bands, marks."""
        return self.widget(kind, inside).locator(".chart").evaluate("""chart => {
            const { plot, spec } = chart;
            const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || name;
            return {
                data: spec.series.map((entry, index) => {
                    // Places of its own: a gap is nothing in others' as well.
                    const own = new Set(entry.x);
                    const places = [...plot.data[0].keys()].filter((place) => plot.data[index + 1][place] !== undefined && own.has(plot.data[0][place]));
                    return {
                        name: plot.series[index + 1].label, kind: entry.kind || "line", scale: plot.series[index + 1].scale, colour: plot.series[index + 1].stroke(plot, index + 1),
                        line: entry.line, dash: plot.series[index + 1].dash || [], x: places.map((place) => plot.data[0][place]), drawn: places.map((place) => plot.data[index + 1][place]),
                        y: entry.y, at: entry.at, source: entry.source, model: entry.model, version: entry.version,
                    };
                }),
                limits: (spec.limits || []).map((limit) => ({ ...limit, colour: colour(limit.colour) })), bands: spec.bands || [], marks: spec.marks || [], rules: spec.rules || [],
                range: [plot.scales.x.min, plot.scales.x.max], yrange: [plot.scales.y.min, plot.scales.y.max],
                titles: plot.axes.map((axis) => typeof axis.label === "function" ? axis.label(plot) : axis.label),
                ticks: plot.axes.map((axis) => axis._values),
            };
        }""")

    def hover(self, kind, share, down=0.5, inside="#widgets"):
        """The text at a place of a graph's plot, from its left edge to its right."""
        plot = self.widget(kind, inside).locator(".u-over")
        plot.scroll_into_view_if_needed()

        def missed():
            box = plot.bounding_box()
            self.page.mouse.move(box["x"] + box["width"] * share - 2, box["y"] + box["height"] * down)
            self.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * down)
            return abs(self.widget(kind, inside).locator(".chart").evaluate("chart => chart.plot.cursor.left") - box["width"] * share)

        # The text follows the crosshair, which is on whole pixels.
        eventually(missed, lambda pixels: pixels < 1.5)
        tip = self.widget(kind, inside).locator(".tip")
        return tip.inner_text() if tip.is_visible() else ""

    def close(self):
        try:
            assert self.problems == []
        finally:
            self.page.close()


# Each width once, light and dark in turn; the other five of ten are compared by `make verify`.
ALWAYS = {(375, "light"), (768, "dark"), (1440, "light"), (1920, "dark"), (2560, "light")}


def pytest_collection_modifyitems(config, items):
    if os.environ.get("WORKBENCH_VERIFY") or os.environ.get("WORKBENCH_KEEP"):
        return
    view = lambda item: (lambda params: (params.get("width"), params.get("scheme")))(getattr(item, "callspec", None).params if hasattr(item, "callspec") else {})
    later = [item for item in items if None not in view(item) and view(item) not in ALWAYS]
    items[:] = [item for item in items if item not in later]
    config.hook.pytest_deselected(items=later)


KEPT = ROOT / "Tests/Browser/kept"


def looks_as_it_did(browser, page, name):
    """Against a picture that is kept, as averages of 48 × 36 cells: fonts differ between machines. WORKBENCH_KEEP=1 keeps what it looks like now."""
    pictures = [b""]

    def is_still():
        pictures.append(page.page.screenshot(type="jpeg", quality=60))
        return pictures[-1] == pictures[-2]

    eventually(is_still)
    now = pictures[-1]
    kept = KEPT / f"{name}.jpg"
    blank = browser.new_page()
    if os.environ.get("WORKBENCH_KEEP"):
        KEPT.mkdir(exist_ok=True)
        # At most 960 pixels wide: enough to be looked at.
        small = blank.evaluate("""async (text) => {
            const image = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${text}`)).blob());
            const share = Math.min(1, 960 / image.width), canvas = new OffscreenCanvas(Math.round(image.width * share), Math.round(image.height * share)), context = canvas.getContext("2d");
            context.imageSmoothingQuality = "high";
            context.drawImage(image, 0, 0, canvas.width, canvas.height);
            const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.55 })).arrayBuffer());
            return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }""", base64.b64encode(now).decode())
        kept.write_bytes(base64.b64decode(small))
    difference = blank.evaluate("""async (pictures) => {
        const wide = 48, high = 36;
        const [a, b] = await Promise.all(pictures.map(async (text) => {
            const image = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${text}`)).blob());
            const canvas = new OffscreenCanvas(wide, high), context = canvas.getContext("2d");
            context.imageSmoothingQuality = "high";
            context.drawImage(image, 0, 0, wide, high);
            return context.getImageData(0, 0, wide, high).data;
        }));
        let far = 0;
        for (let i = 0; i < a.length; i += 4) if (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]) > 45) far++;
        return far / (wide * high);
    }""", [base64.b64encode(picture).decode() for picture in (kept.read_bytes(), now)])
    blank.close()
    assert difference < 0.08, f"{difference:.1%} of the page looks different. Look at it; if it is meant, WORKBENCH_KEEP=1."


@pytest.fixture
def dashboard(browser, server):
    page = Dashboard(browser, server)
    yield page
    page.close()


# Midnight in Adelaide.
START = datetime.datetime(2026, 3, 1, 13, 30, tzinfo=datetime.timezone.utc)
MODEL, PROVIDER = "my model + co / é", "Azure OpenAI + 1"


def rfc(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(scope="session")
def week_folder(tmp_path_factory):
    """A data set written by hand: 100,000 requests in a week, of which one failed; two versions; two models of one name."""
    folder = tmp_path_factory.mktemp("page") / "week"
    (folder / "telemetry").mkdir(parents=True)

    def table(name, head, rows):
        with open(folder / f"telemetry/{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head.split(","))
            writer.writerows(rows)

    at = lambda hours: rfc(START + datetime.timedelta(hours=hours))
    table("accounts", "account,time_zone,subscription_max_replicas", [["a b & c", "Australia/Adelaide", 9]])
    table("hardware", "account,hardware,credits_micro_per_hour", [["a b & c", "A10 single", 2_000_000], ["a b & c", "T4 single", 1_000_000]])
    table("models", "model_id,account,kind,name,provider,created_at", [
        [1, "a b & c", "openSource", MODEL, "", at(0)], [2, "a b & c", "openSource", "twin", "", at(0)], [3, "a b & c", "openSource", "twin", "", at(0)],
        [4, "a b & c", "external", "gpt", PROVIDER, at(0)]])
    table("deployments", "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome", [
        [1, "V 1", "A10 single", 1, 4, 8, at(12), at(12), at(96), "deployed"], [1, "V+2", "T4 single", 1, 3, 8, at(60), at(60), "", "deployed"],
        [2, "V1", "A10 single", 1, 1, 8, at(10), at(10), at(40), "deployed"], [3, "V1", "A10 single", 1, 1, 8, at(100), at(100), "", "deployed"]])
    table("replicas", "at,model_id,version,hardware,starting,ready,draining,limited_by", [
        [at(10), 2, "V1", "A10 single", 0, 1, 0, ""], [at(12), 1, "V 1", "A10 single", 0, 2, 0, ""], [at(40), 2, "V1", "A10 single", 0, 0, 0, ""],
        [at(48), 1, "V 1", "A10 single", 0, 4, 0, ""],
        [at(60), 1, "V+2", "T4 single", 0, 3, 0, ""], [at(96), 1, "V 1", "A10 single", 0, 0, 0, ""], [at(100), 3, "V1", "A10 single", 0, 1, 0, ""]])
    table("fine_tuning_jobs", "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro", [])
    table("incidents", "model_id,provider,kind,started_at,ended_at", [["", PROVIDER, "outage", at(30), at(32)]])
    rows = []
    for number in range(100_000):
        hours = 12 + number * 150 / 100_000
        version = "V 1" if hours < 60 or hours < 96 and number % 2 else "V+2"
        failed = number == 41_234
        rows.append((hours, 1, version, "failure" if failed else "success", "timeout" if failed else "", 0, 0 if failed else 1000, 60_000_000 if failed else 400_000 + number % 1000 * 100, 10, 0 if failed else 5))
    rows += [(20 + number / 10, 4, "", "success", "", 0, 1000, 900_000, 1_500_000, 300_000) for number in range(1000)]
    rows += [(hours, model, "V1", "success", "", 0, 1000, 100_000, 1, 1) for model, hours in ((2, 11), (2, 39), (3, 101))]
    rows.sort()
    table("requests", "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens",
          [[index + 1, rfc(START + datetime.timedelta(seconds=round(row[0] * 3600, 6))), *row[1:]] for index, row in enumerate(rows)])
    (folder / "manifest.json").write_text(json.dumps({
        "files": {}, "format": 1, "notDeployed": {}, "period": {"from": at(0), "to": at(24 * 7)}, "program": "test", "rows": {}, "seed": 1, "source": "week"}))
    return folder


@pytest.fixture(scope="session")
def week(week_folder):
    server = Server([week_folder])
    server.account = server.json("api/runs/1")["accounts"][0]
    yield server
    server.stop()


@pytest.fixture
def page(browser, week):
    page = Dashboard(browser, week, width=1440)
    yield page
    page.close()
