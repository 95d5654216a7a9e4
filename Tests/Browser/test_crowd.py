"""Runs of many accounts: the overview, an account by name, and the sheet of filters on a phone."""
import re, subprocess

import pytest
from playwright.sync_api import expect

from conftest import ROOT, WORKBENCH, Dashboard, Server, fits


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/many-accounts.yaml", "--formats", "none", "-q", "--out", folder / "many"], check=True)
    server = Server([folder / "many"])
    yield server
    server.stop()


def test_the_overview_has_all_accounts(browser, crowd):
    page = Dashboard(browser, crowd, width=1440).open(page="overview", period="7d")
    accounts = crowd.json("api/runs")[0]["accounts"]
    models = sum(len(account["models"]) for account in accounts)
    assert len(accounts) > 30 and page.page.locator(".overview h2").inner_text() == f"{models} models of {len(accounts)} accounts"
    total = 0
    for account in accounts:
        answer = crowd.json(f"api/runs/1/overview?period=7d&account={account['account']}")
        total += sum(row["successes"] + row["failures"] for row in answer["models"])
    assert f"{total:,}" in page.page.locator(".overview .figures").inner_text()
    assert "Account" in page.page.locator(".overviewtable thead").inner_text()
    # An account is found by its name, and the way leads to it.
    page.page.get_by_label("Find a model or account by name").fill(accounts[-1]["account"])
    row = page.page.locator(".overviewtable tbody tr").first
    assert accounts[-1]["account"] in row.inner_text()
    row.get_by_role("button").click()
    page.settled()
    assert page.page.get_by_label("Account", exact=True).input_value() == accounts[-1]["account"]
    # A program that gives one account at a time says that it does not know the question for all.
    page.problems[:] = [problem for problem in page.problems if "404" not in problem]
    page.close()


def test_on_a_phone_an_account_is_named_and_every_graph_can_be_saved(browser, crowd):
    page = Dashboard(browser, crowd, width=375, height=800).open(period="7d")
    account = crowd.json("api/runs")[0]["accounts"][0]["account"]
    expect(page.page.locator(".about .what")).to_contain_text(account)
    expect(page.page.locator(".about .what span", has_text=re.compile(f"^{account}$"))).to_be_visible()
    # Where a graph cannot be expanded, it is saved where it stands.
    for view, is_expanded in (({}, True), ({"page": "compare", "otherPeriod": "week"}, False), ({"page": "whatif"}, False)):
        page.open(period="7d", **view)
        widget = page.page.locator("[data-widget=requests], [data-widget=fine]").first
        widget.wait_for()
        expect(widget.get_by_role("button", name=re.compile("Expand, Requests"))).to_have_count(1 if is_expanded else 0)
        if is_expanded:
            widget.get_by_role("button", name="Expand, Requests").click()
            page.settled()
            widget = page.page.locator("#expanded")
        expect(widget.get_by_role("button", name=re.compile("Download as PNG"))).to_be_visible()
        fits(page.page)
    page.close()


def test_an_open_sheet_of_filters_takes_the_whole_width(browser, crowd):
    page = Dashboard(browser, crowd, width=768, height=1000).open(period="7d")
    page.page.get_by_role("button", name="Filters", exact=True).click()
    sheet, tabs = [page.page.locator(place).bounding_box() for place in ("#filters", "#tabs")]
    assert sheet["y"] >= tabs["y"] + tabs["height"] and sheet["width"] > 700, (sheet, tabs)
    page.close()
