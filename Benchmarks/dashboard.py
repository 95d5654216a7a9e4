"""The dashboard's speed in a real Chromium, against its limits: opened to all drawn with a cold cache, on a run of 100
million requests and a server that has just started; a slider of What-if on a week of a million; a change of filter among a
thousand models; the longest task of the page's thread; the size of all scripts; a minute of a live run: CPU time of the page's thread, and requests a second. And
what `serve` holds: 500 listeners of whom ten never read, and its memory after 100,000 requests. And API queries a second under 64
connections (where wrk is installed), beside the same query as SQL on SQLite behind a plain handler.

Each figure is the least of several times, as a machine that does other things as well makes long tasks of short ones, with
the median beside it. The exit status is 1 if a least is above its limit.

    .venv/bin/python Benchmarks/dashboard.py .build-release/release/workbench [--requests 100000000]
"""
import argparse, gzip, http.client, http.server, json, os, pathlib, re, shutil, socket, sqlite3, statistics, subprocess, sys, tempfile, threading, time, urllib.request

HERE = pathlib.Path(__file__).parent


def serve(workbench, *runs):
    process = subprocess.Popen([workbench, "serve", *runs, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, process.stdout.readline().strip()


def wrk(url, seconds=8):
    out = subprocess.run(["wrk", "-t2", "-c64", f"-d{seconds}s", url], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "Non-2xx" in out:
        sys.exit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


class Plain(http.server.BaseHTTPRequestHandler):
    """What one would write in an afternoon: SQL on the requests, JSON out."""
    database = ""
    local = threading.local()

    def do_GET(self):
        if not hasattr(self.local, "base"):
            self.local.base = sqlite3.connect(self.database)
        rows = self.local.base.execute(
            "SELECT arrived_at / 86400000000, sum(status = 'success'), sum(status <> 'success'), avg(latency_us) FROM requests "
            "WHERE arrived_at >= ? GROUP BY 1", (0,)).fetchall()
        body = json.dumps(rows).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # wrk has had enough.

    def log_message(self, *ignored):
        pass


SETTLED = "body[data-shown]:not(:has([aria-busy=true]))"

# Milliseconds from a click until the page shows something else.
CLICKED = """label => new Promise((resolve) => {
  const button = [...document.querySelectorAll("#filters button")].find((b) => b.textContent === label);
  const before = document.body.dataset.shown, start = performance.now();
  button.click();
  const look = () => document.body.dataset.shown !== before ? resolve(performance.now() - start) : requestAnimationFrame(look);
  look();
})"""

# Milliseconds from a slider's move until the graphs show what was simulated for it.
SLID = """([path, value]) => new Promise((resolve) => {
  const slider = document.querySelector(`.knob[data-path='${path}'] input[type=range]`);
  const isBusy = () => document.getElementById("widgets").getAttribute("aria-busy") === "true";
  let wasBusy = false;
  const start = performance.now();
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(slider, value);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  const look = () => {
    wasBusy ||= isBusy();
    if (wasBusy && !isBusy()) requestAnimationFrame(() => resolve(performance.now() - start)); else requestAnimationFrame(look);
  };
  look();
})"""

LONG_TASKS = "window.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); }).observe({ entryTypes: ['longtask'] });"


def simulate(workbench, out, scenario, *overrides):
    run = subprocess.run(
        [workbench, "run", scenario, "--formats", "none", "--json", "--out", out, *(word for override in overrides for word in ("--set", override))],
        check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)["requests"]


def blank(browser):
    """A tab of a browser that has seen nothing yet."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.add_init_script(LONG_TASKS)
    return page


def opened(browser, address):
    page = blank(browser)
    page.goto(address, wait_until="commit")
    return page


# All graphs of the page: canvases that are drawn, and nothing that is still asked for.
DRAWN = "body[data-shown]:not(:has([aria-busy=true])):has([data-widget=latency] .u-over):has([data-widget=requests] .u-over):has([data-widget=scaling] .u-over):has([data-widget=credits] .u-over)"
TRIALS = 7


def painted(browser, workbench, run):
    """First figures and all graphs, s, each of a server that has just started and a browser that has nothing; the longest task, ms."""
    figures, paints, longest = [], [], []
    for _ in range(TRIALS):
        process, url = serve(workbench, run)
        try:
            page = blank(browser)
            start = time.perf_counter()
            page.goto(url + "?kind=openSource&period=7d", wait_until="commit")
            page.wait_for_selector("[data-widget=requests] .figures dd")
            figures.append(time.perf_counter() - start)
            page.wait_for_selector(DRAWN, state="attached")
            paints.append(time.perf_counter() - start)
            longest.append(page.evaluate("window.longest"))
            page.close()
        finally:
            process.terminate()
    return figures, paints, longest


def slid(browser, url):
    """From a slider's move to its graphs, ms, and the longest task of each time the page was opened."""
    path = "models.model.deployments.V1.scaling.maxBatchSize"
    times, longest = [], []
    for _ in range(3):
        page = opened(browser, url + "?page=whatif&kind=openSource&period=7d")
        page.wait_for_selector(SETTLED, state="attached")
        page.wait_for_selector(f".knob[data-path='{path}'] input[type=range]")
        times += [page.evaluate(SLID, [path, value]) for value in ("2", "3", "4", "5", "6", "7")]
        longest.append(page.evaluate("window.longest"))
        page.close()
    return times, longest


def thousand(folder):
    """A scenario of a thousand models, a request in five minutes each."""
    models = "".join(
        f"  - {{ name: model-{number}, kind: external, provider: p, load: {{ arrivals: {{ poisson: {{ rate: 12/h }} }}, tokens: {{ input: 100, output: 100 }} }}, service: {{ time: 1s }} }}\n"
        for number in range(1000))
    path = pathlib.Path(folder) / "thousand.yaml"
    path.write_text(f"workbench: 1\nname: thousand\nperiod: {{ from: 2026-01-05, to: 2026-01-12 }}\naccount: {{ name: a, timeZone: UTC, subscription: {{ maxReplicas: 1 }} }}\nmodels:\n{models}")
    return str(path)


def filtered(browser, url, kind):
    """Changes of the period, ms, and the longest task of each time the page was opened. Answers are asked for the first time once."""
    changes, longest = [], []
    for _ in range(3):
        page = opened(browser, url + f"?kind={kind}&period=7d")
        for label in ("30d", "24h", "90d", "This month", "7d"):
            page.wait_for_selector(SETTLED, state="attached", timeout=60_000)
            changes.append(page.evaluate(CLICKED, label))
        longest.append(page.evaluate("window.longest"))
        page.close()
    return changes, longest


def scripts(url):
    """Bytes of all scripts that the page may ever load, compressed."""
    read = lambda name: urllib.request.urlopen(urllib.request.Request(url + name, headers={"Accept-Encoding": "gzip"})).read()
    left, sizes = re.findall(r'src="([a-z]+\.js)"', gzip.decompress(read("")).decode()), {}
    while left:
        if (name := left.pop()) not in sizes:
            packed = read(name)
            sizes[name] = len(packed)
            left += re.findall(r'(?:from |import |import\()"\./([a-z]+\.js)"', gzip.decompress(packed).decode())
    return sum(sizes.values())


def followed(browser, workbench, seconds=60):
    """Of a page that shows a live run: the share of a core that its thread takes, by CPU time, and requests a second."""
    process = subprocess.Popen([workbench, "serve", "--live", str(HERE.parent / "Scenarios/office-hours-spike.yaml"), "--speed", "3000", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        page = opened(browser, process.stdout.readline().strip() + "?run=live&period=7d")
        page.wait_for_selector(SETTLED, state="attached")
        devtools, asked = page.context.new_cdp_session(page), []
        devtools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        devtools.send("Performance.enable")
        worked = lambda: {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}["TaskDuration"]
        page.on("request", lambda request: asked.append(request.url))
        start = worked()
        page.wait_for_timeout(seconds * 1000)
        return (worked() - start) / seconds, len(asked) / seconds
    finally:
        process.terminate()


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def listened(workbench, many=500):
    """Listeners to a live run of whom one in fifty never reads: the slowest time until all others were told something, s, and the server's memory for them, MiB."""
    process = subprocess.Popen([workbench, "serve", "--live", str(HERE.parent / "Scenarios/office-hours-spike.yaml"), "--speed", "2000", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    listeners = []
    try:
        port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
        before = resident(process)
        for number in range(many):
            listener = socket.create_connection(("127.0.0.1", port))
            if number % 50 == 0:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.sendall(b"GET /api/live/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            listener.settimeout(60)
            listeners.append(listener)
        slowest = 0
        for _ in range(10):
            start = time.perf_counter()
            for listener in (listener for number, listener in enumerate(listeners) if number % 50):
                text = b""
                while b"data: " not in text:
                    text += listener.recv(65536)
            slowest = max(slowest, time.perf_counter() - start)
        return slowest, resident(process) - before
    finally:
        for listener in listeners:
            listener.close()
        process.terminate()


def remembered(workbench, run, many=100_000):
    """The server's memory before and after many requests, MiB."""
    process, url = serve(workbench, run)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(re.search(r":(\d+)/", url)[1]))
        paths = ["/api/runs", "/api/runs/1/dashboard?kind=openSource&period=7d", "/", "/app.js", "/api/runs/none", "/api/figures"]

        def ask(count):
            for number in range(count):
                connection.request("GET", paths[number % len(paths)])
                connection.getresponse().read()

        ask(1000)  # What is kept for answers is there.
        before = resident(process)
        ask(many)
        return before, resident(process)
    finally:
        process.terminate()


class Limits:
    """Prints figures beside their limits."""
    failed = False

    def say(self, name, values, unit, limit, digits=0):
        least = min(values)
        self.failed |= least > limit
        median = f", median {statistics.median(values):,.{digits}f} of {len(values)}" if len(values) > 1 else ""
        print(f"{'ok  ' if least <= limit else 'FAIL'} {name}: {least:,.{digits}f} {unit}{median}; limit {limit:,.{digits}f} {unit}", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("workbench")
    options.add_argument("--requests", type=int, default=100_000_000)
    given = options.parse_args()
    workbench = os.path.abspath(given.workbench)
    limits = Limits()
    from playwright.sync_api import sync_playwright
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        days = max(1, round(given.requests / 33 / 86_400))
        scenario = str(HERE / "scenarios/five-draws.yaml")
        from datetime import date, timedelta
        end = date(2026, 1, 5) + timedelta(days=days)
        requests = simulate(workbench, f"{scratch}/large", scenario, f"period.to={end}")
        week = simulate(workbench, f"{scratch}/week", scenario, "models.model.load.scale=0.05")
        simulate(workbench, f"{scratch}/thousand", thousand(scratch))
        figures, paints, longest = painted(browser, workbench, f"{scratch}/large")
        print(f"A run of {requests:,} requests: first figures {min(figures):.2f} s, median {statistics.median(figures):.2f}.")
        limits.say(f"{requests:,} requests, opened to all drawn", paints, "s", 1.0, 2)
        limits.say("longest task while opening", longest, "ms", 150)
        process, url = serve(workbench, f"{scratch}/large")
        try:
            limits.say("scripts", [scripts(url)], "bytes", 120_000)
            changes, longest = filtered(browser, url, "openSource")
            limits.say(f"{requests:,} requests, a change of filter", changes, "ms", 100)
            limits.say("longest task while filtering", longest, "ms", 150)
            if wrk_is_there := shutil.which("wrk") is not None:
                print(f"API, wrk with 64 connections: {wrk(url + 'api/runs/1/dashboard?kind=openSource&period=30d'):,.0f} queries a second.")
        finally:
            process.terminate()
        process, url = serve(workbench, f"{scratch}/week")
        try:
            times, longest = slid(browser, url)
            limits.say(f"What-if on {week:,} requests, slider to graphs", times, "ms", 500)
            limits.say("longest task while sliding", longest, "ms", 150)
        finally:
            process.terminate()
        process, url = serve(workbench, f"{scratch}/thousand")
        try:
            changes, longest = filtered(browser, url, "external")
            limits.say("a thousand models, a change of filter", changes, "ms", 100)
            limits.say("longest task among a thousand models", longest, "ms", 150)
        finally:
            process.terminate()
        share, rate = followed(browser, workbench)
        limits.say("a minute of a live run: CPU time of the page's thread", [share * 100], "% of a core", 15, 1)
        limits.say("a minute of a live run: requests", [rate], "a second", 2, 2)
        browser.close()
        slowest, more = listened(workbench)
        limits.say("500 listeners, ten of whom never read: until all others were told", [slowest], "s", 5, 2)
        limits.say("memory for them", [more], "MiB", 200)
        before, after = remembered(workbench, f"{scratch}/week")
        print(f"Memory after 1,000 requests {before:.0f} MiB, after 100,000 more {after:.0f} MiB.")
        limits.say("memory that 100,000 requests leave behind", [max(0, after - before)], "MiB", 64)
        if wrk_is_there:
            beside_sqlite(workbench, scratch)
    sys.exit(1 if limits.failed else 0)


def beside_sqlite(workbench, scratch):
    subprocess.run([workbench, "run", str(HERE.parent / "Scenarios/canary.yaml"), "--formats", "csv,sqlite", "-q", "--out", f"{scratch}/small"], check=True)
    process, url = serve(workbench, f"{scratch}/small")
    try:
        ours = wrk(url + "api/runs/1/dashboard?kind=fineTuned&period=30d")
    finally:
        process.terminate()
    Plain.database = f"{scratch}/small/telemetry/telemetry.sqlite"
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    theirs = wrk(f"http://127.0.0.1:{plain.server_port}/")
    print(f"The same on 647 thousand requests: {ours:,.0f} queries a second; SQL on SQLite behind a plain handler: {theirs:,.1f}.")


main()
