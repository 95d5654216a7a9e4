"""Live runs: what is changed, kept and planned around while they go on, and what happens in them."""
import datetime, re, urllib.parse

from playwright.sync_api import expect

from conftest import ROOT, Dashboard, Server, eventually, fits


def test_a_live_run_can_be_changed_as_far_as_it_has_come_and_kept_and_planned_around(browser, tmp_path):
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "20000", "--keep", str(tmp_path), "--scenarios", str(tmp_path))
    try:
        page = Dashboard(browser, server, width=1440)
        clock = lambda: datetime.datetime.fromisoformat(server.json("api/live")["now"].replace("Z", "+00:00"))
        start = clock()
        eventually(lambda: clock() - start > datetime.timedelta(days=2))
        server.post("api/live?paused=true", {})
        page.open(page="whatif", run="live", period="7d")
        expect(page.page.locator(".dock")).to_contain_text("what has passed of this live run")
        base = int(page.page.locator(".cards [data-figure=requests] strong").get_attribute("title").replace(",", ""))
        slider = page.page.locator(".knob[data-path$='load.scale'] input[type=range]").first
        slider.focus()
        for _ in range(5):
            page.page.keyboard.press("ArrowRight")
        page.page.locator(".cards [data-figure=requests] .change", has_text="▲").wait_for()
        page.settled()
        # The same hours on both sides: the rest of the week, which the what-if has simulated too, is not counted.
        changed = int(page.page.locator(".cards [data-figure=requests] strong").get_attribute("title").replace(",", ""))
        value = float(re.search(r"load[.]scale=([0-9.]+)", urllib.parse.unquote(page.page.url))[1])
        assert 0.9 * value < changed / base < 1.1 * value, (base, changed, value)
        page.page.get_by_role("button", name="Keep as run…").click()
        page.page.keyboard.press("Enter")
        page.page.get_by_role("button", name="Open it").click()
        page.settled()
        assert "run=live" not in page.page.url
        page.open(page="plans", run="live")
        expect(page.page.get_by_role("button", name="Run the plan")).to_be_enabled()
        page.open(page="data")
        assert page.page.get_by_role("button", name=re.compile("^What if")).count() == 2
        page.close()
    finally:
        server.stop()


def test_what_happens_in_a_live_run_is_listed_as_it_happens(browser, tmp_path):
    """Failures, an incident and changes of replicas, none of them before its time."""
    scenario = tmp_path / "eventful.yaml"
    scenario.write_text("""
workbench: 1
name: eventful
seed: 3
period: { from: 2026-03-02, to: 2026-03-05 }
account: { name: acme, timeZone: America/New_York, subscription: { maxReplicas: 4 } }
models:
  - name: chat
    kind: openSource
    load: { arrivals: { poisson: { rate: 200/h } }, tokens: { input: 10, output: 10 } }
    deployments:
      - { version: V1, deployAt: 2026-03-02T06:00, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 5s }, service: { time: { exponential: { mean: 30s } } } }
  - { name: gpt, kind: external, provider: OpenAI, load: { arrivals: { poisson: { rate: 200/h } }, tokens: { input: 10, output: 10 } }, service: { time: 2s } }
incidents:
  - { kind: outage, provider: OpenAI, from: 2026-03-03T14:00, to: 2026-03-03T16:00, errorProbability: 0.9 }
""")
    server = Server([], "--live", str(scenario), "--speed", "15000", "--keep", str(tmp_path), "--scenarios", str(tmp_path))
    try:
        server.post("api/live?paused=true", {})
        page = Dashboard(browser, server, width=1440)
        page.open(run="live", kind="external", period="7d")
        entries = page.page.locator(".happened li")
        assert page.page.locator(".happened [data-kind=incident]").count() == 0 and page.page.locator(".incident").count() == 0
        page.page.locator(".happened").evaluate("node => { node.marked = true; }")
        server.post("api/live?paused=false", {})
        begun = page.page.locator(".happened [data-kind=incident]", has_text="outage begins")
        begun.wait_for()
        expect(begun).to_contain_text("Tue 3 Mar 2026, 14:00 (UTC−5)")
        expect(begun).to_contain_text("OpenAI")
        failed = page.page.locator(".happened [data-kind=failures]", has_text="failed:").filter(has_text="providerError")
        failed.first.wait_for()
        page.page.locator(".happened [data-kind=incident]", has_text="outage ends").wait_for()
        page.page.locator(".happened [data-kind=scaling]", has_text=re.compile("[0-9] → [0-9] replicas")).first.wait_for()
        assert page.page.locator(".happened").evaluate("node => node.marked")
        for width in (375, 1440):
            page.page.set_viewport_size({"width": width, "height": 900})
            fits(page.page)
        # Each kind by itself; and from an entry to whom it is about.
        page.page.locator(".happened").get_by_role("button", name="Scaling").click()
        expect(page.page.locator(".happened li:not([data-kind=scaling])")).to_have_count(0)
        entries.get_by_role("button", name="chat · V1").first.click()
        page.settled()
        assert "model=chat" in page.page.url and "version=V1" in page.page.url and "kind=openSource" in page.page.url
        page.close()
    finally:
        server.stop()
