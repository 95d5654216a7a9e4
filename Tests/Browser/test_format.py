"""One formatter for page, plan and fit: units that people say, the half width to two digits, the value as far as it goes."""
import pytest


def said(page, name, *arguments):
    return page.page.evaluate("async ([name, values]) => (await import(new URL('shared.js', document.baseURI))).$format[name](...values)", [name, list(arguments)])


@pytest.fixture
def opened(page):
    return page.open(kind="openSource", period="7d")


def test_estimates_are_said_to_two_digits_of_their_half_width(opened):
    for arguments, text in [
        ((14_670, 170, "ms"), "14.67 ± 0.17 s"), ((30.734, 0.28, "credits"), "30.73 ± 0.28"), ((597.65, 4.74, "hours"), "597.7 ± 4.7 h"), ((0.0123, 0.00096, "share"), "1.230 ± 0.096 %"),
        ((1.23, 0.0996, "%"), "1.23 ± 0.10 %"), ((686_000, 1700), "686.0 ± 1.7 K"), ((1234, 170), "1,230 ± 170"), ((-1500, 200, "ms", True), "−1.50 ± 0.20 s"), ((1500, 200, "ms", True), "+1.50 ± 0.20 s"),
        ((12, 0, "h"), "12 h"), ((None, 1), "–"), ((0.9999, 0, "share"), "99.99 %"), ((0.5, 0, "credits"), "0.500"),
    ]:
        assert said(opened, "estimate", *arguments) == text


def test_quantities_and_buckets(opened):
    for name, arguments, text in [
        ("quantity", (0.005, "s"), "5 ms"), ("quantity", (2000, "ms", True), "2 s"), ("quantity", (0.1, "share", True), "10 %"), ("quantity", (12_345,), "12.3 K"), ("quantity", (5000,), "5,000"), ("quantity", (3.14159,), "3.14"),
        ("reduction", (1.42,), "÷ 1.42"), ("reduction", (0.70596,), "× 1.42"),
        ("stretch", ("2026-03-04T14:00:00-05:00", 3600), "Wed 4 Mar 2026, 14:00–15:00 (UTC−5)"), ("stretch", ("2026-03-04T23:30:00Z", 1800), "Wed 4 Mar 2026, 23:30–24:00 (UTC)"), ("stretch", ("2026-03-04T00:00:00+10:30", 86_400), "Wed 4 Mar 2026"),
    ]:
        assert said(opened, name, *arguments) == text


def test_a_fit_says_durations_as_the_page_does(runs, tmp_path, browser):
    import subprocess
    from conftest import WORKBENCH
    subprocess.run([WORKBENCH, "fit", runs["canary"], "-o", tmp_path / "fit.yaml", "--report", tmp_path / "fit.html", "-q"], check=True)
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto((tmp_path / "fit.html").as_uri())
    page.wait_for_selector(".figure", timeout=20_000)
    rows = {row.locator("td").first.inner_text(): row.locator("td").nth(1).inner_text() for row in page.get_by_role("region", name="Distances").first.locator("tbody tr").all()}
    assert "latency" in rows and rows["latency"].split()[-1] in ("s", "ms") and rows["inter-arrival time"].split()[-1] in ("s", "ms") and "output tokens" in rows
    ticks = page.locator("article", has_text="Distribution of latency").locator("text.dim").all_text_contents()
    assert any(tick.endswith((" s", " ms")) for tick in ticks), ticks
    page.close()
