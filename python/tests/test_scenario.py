"""Scenarios: their forms, changes on top, and what is wrong with them."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

import workbench
from workbench import Scenario


def test_all_three_forms_give_the_same_run(document, tmp_path, run):
    file = tmp_path / "two-hours.yaml"
    file.write_text(json.dumps(document, indent=2))
    for scenario in (Scenario(file), Scenario.from_text(file.read_text())):
        other = scenario.run(formats="none")
        assert other.manifest.rows["requests"] == run.rows["requests"]
        assert other.dashboard(kind="external").requests == run.dashboard(kind="external").requests


def test_set_gives_another_scenario(document):
    scenario = Scenario(document)
    other = scenario.set("models.chat.load.scale", 2).set("name", "twice")
    assert scenario.overrides == ()
    assert other.overrides == ("models.chat.load.scale=2", 'name="twice"')
    made = other.run(formats=[])
    assert made.manifest.scenario.name == "twice"
    assert made.scenario.check() == ()


def test_append_adds_to_a_list(document):
    outage = {
        "kind": "outage",
        "provider": "OpenAI",
        "from": datetime(2026, 3, 7, 23, 30, tzinfo=timezone.utc),
        "to": datetime(2026, 3, 8, 0, 0, tzinfo=timezone.utc),
    }
    made = Scenario({**document, "incidents": []}).append("incidents", outage).run(formats="none")
    assert made.rows["incidents"] == 1


def test_an_error_has_its_place(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("workbench: 1\nname: x\nmodells: 3\n")
    with pytest.raises(workbench.DataError) as caught:
        Scenario(file).check()
    placed = [(d.line, d.column) for d in caught.value.diagnostics if "modells" in d.message]
    assert placed == [(3, 1)]
    assert caught.value.file == str(file)
    with pytest.raises(workbench.DataError, match=r'wrong.yaml:3:1: error: unknown key "modells"'):
        Scenario(file).run()


def test_an_error_in_a_dictionary_does_not_name_a_temporary_file(document):
    with pytest.raises(workbench.DataError) as caught:
        Scenario({**document, "perriod": 3}).run()
    assert caught.value.file == "scenario.yaml"
    assert "/tmp" not in str(caught.value)


def test_an_error_in_a_change_names_the_change(document):
    for ask in (Scenario.check, Scenario.run):
        with pytest.raises(
            workbench.DataError, match=r'models\.chatt\.load\.scale=2: error: the list has no element "chatt"'
        ) as caught:
            ask(Scenario(document).set("models.chatt.load.scale", 2))
        assert caught.value.diagnostics[0].override == "models.chatt.load.scale=2"


def test_warnings_are_returned(document):
    document["profiles"] = {"rates": {"unused": {"hourly": [1] * 24}}}
    found = Scenario(document).check()
    assert [d.severity for d in found] == ["warning"]
    assert "unused" in found[0].message


def test_a_file_that_is_not_there():
    with pytest.raises(workbench.NotFound, match=r"nope.yaml: error: there is no such file"):
        Scenario("nope.yaml").run()
    with pytest.raises(workbench.NotFound):
        Scenario("nope.yaml").check()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scenario("workbench: 1\nname: x\n"), "goes to Scenario.from_text"),
        (lambda: Scenario(3), "a path or a dictionary, not int"),
        (lambda: Scenario("week.yaml", folder="."), "folder= is for dictionaries and texts"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(workbench.UsageError, match=message):
        make()


def test_names_of_files_begin_in_the_folder(tmp_path, document):
    (tmp_path / "trace.csv").write_text("nothing\n")
    document["models"][1]["load"] = {"arrivals": {"trace": {"file": "trace.csv"}}}
    with pytest.raises(workbench.DataError) as elsewhere:
        Scenario(document).check()
    with pytest.raises(workbench.DataError) as here:
        Scenario(document, folder=tmp_path).check()
    assert "no such file" in str(elsewhere.value)
    assert "no such file" not in str(here.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["trace.csv"]
