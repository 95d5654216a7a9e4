"""The dashboard in a real Chromium. `make test` runs this after the Swift tests; WORKBENCH names the program."""
import hashlib, json, os, pathlib, re, subprocess, urllib.parse, urllib.request

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKBENCH = os.environ.get("WORKBENCH") or str(ROOT / ".build-release/release/workbench")

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

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


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
        """The traces and layout that Plotly drew."""
        return self.widget(kind, inside).locator(".chart").evaluate(
            "chart => ({data: chart.data.map(t => ({name: t.name, x: [...(t.x || [])], y: [...(t.y || [])], text: t.text, customdata: t.customdata, line: t.line, marker: t.marker, mode: t.mode, type: t.type, template: t.hovertemplate})), shapes: chart.layout.shapes || [], range: chart.layout.xaxis.range, yrange: chart.layout.yaxis.range})")

    def close(self):
        assert self.problems == []
        self.page.close()


@pytest.fixture
def dashboard(browser, server):
    page = Dashboard(browser, server)
    yield page
    page.close()
