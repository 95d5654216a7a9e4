"""How a product's own pytest suite uses the workbench: a fixture is loaded into the product, every question of its
index is asked, and each answer is compared with the figures that it must give.

Needs the workbench on the PATH, or its place in WORKBENCH.
"""
import json, os, pathlib, sqlite3, subprocess

import product
import pytest

HERE = pathlib.Path(__file__).parent
WORKBENCH = os.environ.get("WORKBENCH", "workbench")
TRAPS = ["silent-day", "daylight-saving-spring", "daylight-saving-autumn", "time-zone-kathmandu", "token-extremes", "external-only", "leap-day", "year-edge"]


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fixtures") / "catalogue"
    subprocess.run([WORKBENCH, "fixture", "--catalogue", "--only", ",".join(TRAPS), "-o", folder, "-q"], check=True)
    for trap in TRAPS:
        # The product's database: the fixture's own SQL.
        sqlite3.connect(folder / f"{trap}.sqlite").executescript((folder / trap / "sql/sqlite.sql").read_text())
    return folder


def compare(expected, actual):
    return subprocess.run([WORKBENCH, "compare", expected, actual, "--tolerances", HERE / "tolerances.yaml"], capture_output=True, text=True)


@pytest.mark.parametrize("trap", TRAPS)
def test_dashboard(catalogue, tmp_path, trap):
    questions = json.loads((catalogue / trap / "queries.json").read_text())
    asked = [q for q in questions if q["kind"] == "external" and q["period"] in ("7d", "30d", "90d")]
    assert asked
    for question in asked:
        answer = tmp_path / "answer.json"
        answer.write_text(json.dumps(product.dashboard(
            catalogue / f"{trap}.sqlite", question["account"], question["period"], question.get("provider"), question["now"])))
        outcome = compare(catalogue / trap / question["file"], answer)
        assert outcome.returncode == 0, f"{question['exercises']}\n{outcome.stdout}{outcome.stderr}"


def test_a_wrong_dashboard_is_told(catalogue, tmp_path):
    """A day of 24 hours where it has 23: the mistake that the fixture is for."""
    question = next(q for q in json.loads((catalogue / "daylight-saving-spring/queries.json").read_text()) if q["period"] == "7d" and q["kind"] == "external")
    answer = product.dashboard(catalogue / "daylight-saving-spring.sqlite", question["account"], "7d", None, question["now"])
    answer["requests"]["points"][2]["successes"] += 1
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    outcome = compare(catalogue / "daylight-saving-spring" / question["file"], tmp_path / "answer.json")
    assert outcome.returncode == 1
    assert "requests.points[2026-03-08T00:00:00-05:00].successes" in outcome.stdout
