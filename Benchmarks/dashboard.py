"""The dashboard's speed: first paint and filter changes on a run of 100 million requests in a real Chromium, and API
queries a second under 64 connections (wrk), beside the same query as SQL on SQLite behind a plain handler.

    .venv/bin/python Benchmarks/dashboard.py .build-release/release/workbench [--requests 100000000]
"""
import argparse, http.server, json, os, pathlib, re, sqlite3, statistics, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).parent


def serve(workbench, *runs):
    process = subprocess.Popen([workbench, "serve", *runs, "--port", "0"], stdout=subprocess.PIPE, text=True)
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
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def main():
    options = argparse.ArgumentParser()
    options.add_argument("workbench")
    options.add_argument("--requests", type=int, default=100_000_000)
    given = options.parse_args()
    workbench = os.path.abspath(given.workbench)
    with tempfile.TemporaryDirectory() as scratch:
        days = max(1, round(given.requests / 33 / 86_400))
        scenario = str(HERE / "scenarios/five-draws.yaml")
        from datetime import date, timedelta
        end = date(2026, 1, 5) + timedelta(days=days)
        run = subprocess.run([workbench, "run", scenario, "--formats", "none", "--json", "--set", f"period.to={end}", "--out", f"{scratch}/large"], check=True, stdout=subprocess.PIPE)
        requests = json.loads(run.stdout)["requests"]
        process, url = serve(workbench, f"{scratch}/large")
        try:
            from playwright.sync_api import sync_playwright
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                figures, paints, changes = [], [], []
                for _ in range(5):
                    page = browser.new_page(viewport={"width": 1400, "height": 1000})
                    start = time.perf_counter()
                    page.goto(url + "?kind=openSource&period=7d", wait_until="commit")
                    page.wait_for_selector("[data-widget=requests] .figures dd")
                    figures.append(time.perf_counter() - start)
                    page.wait_for_selector("body[data-shown] [data-widget=requests] .chart .main-svg", state="attached")
                    paints.append(time.perf_counter() - start)
                    for label in ("30d", "90d", "24h", "This month", "7d"):
                        page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")
                        changes.append(page.evaluate(
                            """label => new Promise((resolve) => {
                              const button = [...document.querySelectorAll("#filters button")].find((b) => b.textContent === label);
                              const before = document.body.dataset.shown, start = performance.now();
                              button.click();
                              const look = () => document.body.dataset.shown !== before ? resolve(performance.now() - start) : requestAnimationFrame(look);
                              look();
                            })""", label))
                    page.close()
                browser.close()
            print(f"A run of {requests:,} requests: first paint with its figures {statistics.median(figures) * 1000:.0f} ms, "
                  f"all graphs drawn {statistics.median(paints) * 1000:.0f} ms "
                  f"(median of {len(paints)}), a change of filter {statistics.median(changes):.0f} ms (largest {max(changes):.0f} ms).")
            view = url + "api/runs/1/dashboard?kind=openSource&period=30d"
            print(f"API, wrk with 64 connections: {wrk(view):,.0f} queries a second.")
        finally:
            process.terminate()
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
