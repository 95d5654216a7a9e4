"""Makes the README's picture anew: a week of the month's scenario in a real Chromium."""
import pathlib, subprocess, sys, tempfile

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "Sources/workbench/Workbench.docc/Resources/dashboard.png"

with tempfile.TemporaryDirectory() as scratch:
    workbench = str(pathlib.Path(sys.argv[1]).resolve())
    subprocess.run([workbench, "run", str(ROOT / "Scenarios/support-assistant-month.yaml"), "--formats", "none", "-q", "--out", f"{scratch}/run"], check=True)
    server = subprocess.Popen([workbench, "serve", f"{scratch}/run", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1120})
            page.goto(url + "?kind=fineTuned&period=30d&percentiles=1&reasons=1")
            page.wait_for_selector("body[data-shown]:not(:has([aria-busy=true]))", state="attached")
            page.wait_for_timeout(500)
            TARGET.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=TARGET)
            browser.close()
    finally:
        server.terminate()
print(f"{TARGET.relative_to(ROOT)}: written.")
