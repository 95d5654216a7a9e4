"""The documentation site, opened from the file system in a real browser: no error, no request that leaves it, a search that finds.

    WORKBENCH_SITE=.build-docs pytest Tests/Site     after `make docs`; .ci/long runs it
"""
import functools, http.server, os, pathlib, re, threading
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = pathlib.Path(os.environ.get("WORKBENCH_SITE", ROOT / ".build-docs")).resolve()
PAGES = sorted(path for path in SITE.rglob("*.html") if "libraries" not in path.relative_to(SITE).parts and "_static" not in path.parts)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page that keeps what it complains of, and what it asks for."""
    page = browser.new_page()
    page.complaints, page.asked = [], []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("requestfailed", lambda request: page.complaints.append(f"failed: {request.url}"))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    page.close()


def test_there_is_a_site():
    assert len(PAGES) > 45 and SITE / "index.html" in PAGES, f"{SITE}: there is no site. Run make docs."


def test_each_page_opens_from_the_file_system(page):
    for path in PAGES:
        page.goto(path.as_uri(), wait_until="load")
        assert page.inner_text("body").strip() and (path.name == "search.html" or page.locator("h1").count() == 1), path
        assert not page.complaints, (path, page.complaints)
    away = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert not away, away


@pytest.mark.parametrize(("words", "found"), [
    ("preemption", "Glossary"), ("panic", "Scaling policies"), ("maxTokensPerStep", "Scenarios"), ("reject file", "Glossary"), ("--requests-per-task", "Clusters"),
])
def test_its_search_finds(page, words, found):
    page.goto((SITE / "index.html").as_uri())
    page.fill("input[name=q]", words)
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results ul.search li a")
    page.wait_for_function("document.querySelector('#search-results .search-summary').textContent.match(/\\d+/)")
    titles = page.locator("#search-results ul.search li a").all_inner_texts()
    assert any(found in title for title in titles), titles
    # A result opens.
    page.locator("#search-results ul.search li a", has_text=found).first.click()
    page.wait_for_load_state()
    assert page.url.startswith("file:") and page.inner_text("h1").strip()
    assert not page.complaints, page.complaints
    assert all(url.startswith(("file:", "data:")) for url in page.asked)


def test_a_search_for_nothing_finds_nothing(page):
    page.goto((SITE / "search.html").as_uri() + "?q=quetzalcoatl")
    page.wait_for_function("document.querySelector('#search-results .search-summary')?.textContent.includes('did not match')")


class Links(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.names = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value and tag not in ("use",):
                self.links.append(value)
            if name == "id":
                self.names.add(value)


def test_each_link_resolves():
    known = {path: Links(path) for path in PAGES}
    wrong = []
    for path, parsed in known.items():
        for link in parsed.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if "libraries" in target.relative_to(SITE).parts if target.is_relative_to(SITE) else False:
                # What DocC makes; see below. It is left out by `.ci/docs … --without-libraries`.
                if (SITE / "libraries").exists() and not target.exists():
                    wrong.append(f"{path.relative_to(SITE)}: {link}")
            elif not target.is_relative_to(SITE) or not target.is_file():
                wrong.append(f"{path.relative_to(SITE)}: {link}")
            elif parts.fragment and target in known and unquote(parts.fragment) not in known[target].names:
                wrong.append(f"{path.relative_to(SITE)}: {link}")
    assert not wrong, "\n".join(wrong)


def test_no_page_shows_the_marks_of_its_source():
    for path in PAGES:
        if path.parts[-2] == "_modules":
            continue
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", path.read_text(), flags=re.DOTALL)
        for mark in ("&lt;doc:", "@Metadata", "not run:", "]("):
            assert mark not in text, (path, mark)


@pytest.mark.skipif(not (SITE / "libraries").exists(), reason="made --without-libraries")
def test_the_libraries_can_be_read_from_a_server(page):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/libraries.html")
        page.click("a[href='libraries/documentation/']")
        page.wait_for_selector("h1:has-text('Model Analytics Workbench')")
        page.locator("a", has_text="ScenarioModel").first.click()
        page.wait_for_selector("h1:has-text('ScenarioModel')")
    finally:
        server.shutdown()
