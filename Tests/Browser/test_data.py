"""Data on the page: runs that are deleted and come back, checked, saved; files that become runs; scenarios that are edited."""
import io, json, re, subprocess, urllib.request, zipfile

import pytest

from conftest import ROOT, WORKBENCH, Dashboard, Server, looks_as_it_did

SCENARIO = (ROOT / "Scenarios/steady.yaml").read_text()


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "kept").mkdir()
    (folder / "scenarios").mkdir()
    (folder / "scenarios/steady.yaml").write_text(SCENARIO)
    for name in ("first", "second"):
        subprocess.run([WORKBENCH, "run", ROOT / "Scenarios/steady.yaml", "--formats", "csv", "-q", "--set", f"name={name}", "--set", "period.to=2026-03-03", "--out", folder / "kept" / name], check=True)
    server = Server([folder / "kept/first", folder / "kept/second"], "--keep", folder / "kept", "--scenarios", folder / "scenarios")
    server.folder = folder
    yield server
    server.stop()


@pytest.fixture
def page(browser, studio):
    page = Dashboard(browser, studio, width=1440)
    page.page.on("dialog", lambda dialog: dialog.accept())
    yield page.open(page="data")
    page.close()


def row(page, name):
    return page.page.locator(".listing tbody tr").filter(has=page.page.get_by_role("button", name=name, exact=True))


def test_a_deleted_run_comes_back(page, studio):
    row(page, "second").get_by_role("button", name="Delete").click()
    undo = page.page.locator(".undo").get_by_role("button", name="Undo")
    undo.wait_for()
    assert row(page, "second").count() == 0 and [run["name"] for run in studio.json("api/runs")] == ["first"]
    # The focus is at what takes it back.
    assert undo.evaluate("node => node === document.activeElement")
    page.page.keyboard.press("Enter")
    row(page, "second").wait_for()
    assert sorted(run["name"] for run in studio.json("api/runs")) == ["first", "second"]
    # As well from the list of what was deleted.
    row(page, "second").get_by_role("button", name="Delete").click()
    undo.wait_for()
    page.page.locator("summary", has_text="Deleted runs").click()
    page.page.locator("details").get_by_role("button", name="Restore").click()
    row(page, "second").wait_for()


def test_runs_are_found_and_opened(page):
    page.page.get_by_label("Find a run", exact=True).fill("sec")
    assert page.page.locator(".listing tbody tr").count() == 1
    page.page.get_by_role("button", name="second", exact=True).click()
    page.settled()
    assert page.page.locator("#widgets article").count() >= 3
