"""Names that try to be script, in every page: served, report, plan, comparison, fit. Nothing runs, every name reads back."""
import json, re, subprocess

import pytest
from playwright.sync_api import expect

from conftest import WORKBENCH, Server, drawn, eventually

# U+0600 and what follows it are one grapheme cluster: code that looks for characters sees no bracket and no quote.
EVIL = {
    "account": "acc\u0600</script>\u0600<script>window.pwned='acc'//\u0600</script><img src=x onerror=window.pwned=2>",
    "model": "m\u0600\"'</script>\u0600<script>window.pwned='model'//</script><img/src=x/onerror=window.pwned=3>",
    "version": "V<img/src=x/onerror=window.pwned=5> %{x} $& <!-- &lt;b&gt; <b>1</b>",
    "other": "<a/href='javascript:window.pwned=6'>V2</a>\u0600<svg/onload=window.pwned=7>",
    "external": "ext + & # é \U0001f98a <img src=x onerror=window.pwned=4>",
    "provider": "prov\u0600</script>\u0600<svg/onload=window.pwned=8> +%20&",
}
SCENARIO = {
    "workbench": 1, "name": "run <img src=x onerror=window.pwned=1> \u0600<b>", "description": "d\u0600</script>\u0600<script>window.pwned='desc'//</script>",
    "seed": 1, "period": {"from": "2026-03-02", "to": "2026-03-02T02:00"},
    "account": {"name": EVIL["account"], "timeZone": "UTC", "subscription": {"maxReplicas": 6}},
    "models": [
        {"name": EVIL["model"], "kind": "openSource", "load": {"arrivals": {"poisson": {"rate": "0.5/s"}}, "tokens": {"input": 10, "output": 5}},
         "deployments": [
             {"version": version, "deployAt": "2026-03-01", "hardware": "A10 single", "traffic": 0.5, "scaling": {"minReplicas": 1, "maxReplicas": 2, "maxBatchSize": 1},
              "service": {"time": {"exponential": {"mean": "2s"}}}, "failures": {"modelError": 0.3}} for version in (EVIL["version"], EVIL["other"])]},
        {"name": EVIL["external"], "kind": "external", "provider": EVIL["provider"], "load": {"arrivals": {"poisson": {"rate": "0.05/s"}}, "tokens": {"input": 10, "output": 5}}, "service": {"time": "120ms"}},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    # JSON is YAML, and has no escapes of ours.
    (folder / "evil.yaml").write_text(json.dumps(SCENARIO, ensure_ascii=False))
    for name, seed in (("a", "1"), ("b", "2")):
        subprocess.run([WORKBENCH, "run", folder / "evil.yaml", "--seed", seed, "--out", folder / name, "-q"], check=True)
    return folder


class Watched:
    """A page in which nothing of a name may run."""

    def __init__(self, browser):
        self.page = browser.new_page(viewport={"width": 1500, "height": 1200}, accept_downloads=True)
        self.problems = []
        self.page.on("dialog", lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))

    def check(self, *names):
        # Graphs are drawn when they come into view; hovering writes the names into texts.
        for article in self.page.locator("article").all():
            article.scroll_into_view_if_needed()
            drawn(self.page)
        for chart in self.page.locator(".u-over, .figure").all()[:4]:
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            for step in range(1, 8):
                self.page.mouse.move(box["x"] + box["width"] * step / 8, box["y"] + box["height"] / 2)
        for name in names:
            eventually(lambda: self.page.evaluate("document.body.textContent"), lambda text: name in text)
        drawn(self.page)
        assert self.page.evaluate("window.pwned") is None
        assert self.page.locator("main img, main iframe, main svg[onload], main script, main a[href^=javascript], .chart a, .figure a").count() == 0
        assert not self.problems, self.problems

    def close(self):
        self.page.close()


@pytest.fixture
def watched(browser):
    page = Watched(browser)
    yield page
    page.close()


def shown(page):
    page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")


def use_dashboard(watched):
    """Both tabs, every filter, the expanded view, a table."""
    page = watched.page
    shown(page)
    page.locator("#tab-openSource").click()
    shown(page)
    page.get_by_role("button", name="24h", exact=True).click()
    shown(page)
    watched.check(EVIL["model"], EVIL["version"], EVIL["other"])
    page.get_by_label("Model", exact=True).first.select_option(label=EVIL["model"])
    shown(page)
    whole = page.locator("[data-widget=requests] .figures dd").first.inner_text()
    page.get_by_label("Version", exact=True).first.select_option(EVIL["version"])
    shown(page)
    part = page.locator("[data-widget=requests] .figures dd").first.inner_text()
    assert 0 < int(part.replace(",", "")) < int(whole.replace(",", ""))
    page.locator("[data-widget=scaling] summary").click()
    expect(page.locator("[data-widget=scaling] details tbody")).to_contain_text(EVIL["version"])
    page.locator("#tab-external").click()
    shown(page)
    page.get_by_label("Provider").first.select_option(EVIL["provider"])
    shown(page)
    eventually(lambda: int(page.locator("[data-widget=requests] .figures dd").first.inner_text().replace(",", "")), lambda total: total > 0)
    watched.check(EVIL["provider"])


def test_served(watched, folder):
    server = Server([folder / "a", folder / "b"])
    try:
        watched.page.goto(server.url)
        use_dashboard(watched)
        watched.page.get_by_label("Compare with").select_option(index=1)
        shown(watched.page)
        watched.check(SCENARIO["name"])
    finally:
        server.stop()


def policy(path):
    text = path.read_text()
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert found and "default-src 'none'; script-src 'sha256-" in found[1] and "script-src 'unsafe-inline'" not in found[1]
    return text


def test_report(watched, folder):
    target = folder / "report.html"
    subprocess.run([WORKBENCH, "report", folder / "a", "-o", target], check=True, stdout=subprocess.DEVNULL)
    assert policy(target).count("<script") == 3
    watched.page.goto(target.as_uri())
    use_dashboard(watched)
    # What the policy allows still works: the download of a graph.
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Download as PNG, Requests").click()
    assert open(download.value.path(), "rb").read(4) == b"\x89PNG"


def test_a_script_that_gets_into_a_file_does_not_run(browser, folder):
    target = folder / "sound.html"
    subprocess.run([WORKBENCH, "report", folder / "a", "-o", target], check=True, stdout=subprocess.DEVNULL)
    worse = folder / "worse.html"
    worse.write_text(target.read_text().replace("<main>", "<main><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>"))
    page = browser.new_page()
    page.goto(worse.as_uri())
    shown(page)
    assert page.evaluate("window.pwned") is None
    page.close()


def test_plan(watched, folder):
    plan = folder / "plan"
    subprocess.run(
        [WORKBENCH, "plan", folder / "evil.yaml", "--vary", "load.scale=0.5,1", "--replications", "3", "-o", plan, "-q"], check=True)
    target = folder / "plan.html"
    subprocess.run([WORKBENCH, "report", plan, "-o", target], check=True, stdout=subprocess.DEVNULL)
    policy(target)
    watched.page.goto(target.as_uri())
    watched.page.wait_for_selector("main[aria-busy=false]")
    watched.check(SCENARIO["name"], SCENARIO["description"])


def test_comparison(watched, folder):
    target = folder / "diff.html"
    assert subprocess.run([WORKBENCH, "compare", folder / "a", folder / "b", "--html", target, "-q"]).returncode == 1
    policy(target)
    watched.page.goto(target.as_uri())
    watched.page.wait_for_selector(".u-over")
    # Both runs have one name, and one account and its models.
    watched.check(SCENARIO["name"])
    dashboards = watched.page.get_by_label("Dashboard", exact=True)
    for kind, names in (("openSource", (EVIL["version"], EVIL["other"])), ("external", ())):
        dashboards.select_option(next(name for name in dashboards.locator("option").evaluate_all("options => options.map((option) => option.value)") if f"/{kind}-24h" in name))
        watched.page.wait_for_selector(".u-over")
        watched.check(*names)


def test_fit(watched, folder):
    target = folder / "fit.html"
    subprocess.run([WORKBENCH, "fit", folder / "a", "-o", folder / "fit.yaml", "--report", target, "-q"], check=True)
    policy(target)
    watched.page.goto(target.as_uri())
    watched.page.wait_for_selector(".figure")
    watched.check(EVIL["model"], EVIL["account"])


def test_cells_of_downloads_are_not_formulas(watched, folder):
    server = Server([folder / "a"])
    try:
        watched.page.goto(server.url)
        shown(watched.page)
        source = watched.page.evaluate("fetch('shared.js').then((r) => r.text())")
        line = re.search(r"const csv = .*", source)[0]
    finally:
        server.stop()
    names = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\uff1d1", "plain", 'a"b', "a,b", "a\nb", "2026-03-02", "'", "\ufeff=1"]
    # On a page without a policy: the line is evaluated as it stands.
    page = watched.page.context.browser.new_page()
    cells = page.evaluate(f"(names) => {{ {line} return names.map(csv); }}", names)
    numbers = page.evaluate(f"() => {{ {line} return [-1, 0.5, null].map(csv); }}")
    page.close()
    assert [str(cell) for cell in numbers] == ["-1", "0.5", ""]
    import csv, io
    for name, cell in zip(names, cells):
        back = next(csv.reader(io.StringIO(cell, newline="")))[0]
        protected = back != name
        assert back == (f"'{name}" if protected else name)
        assert protected == (name.strip(" \t\r\ufeff")[0] in "=+-@\uff1d"), name
