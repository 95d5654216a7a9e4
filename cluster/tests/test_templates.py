"""The Kubernetes and Slurm templates: rendered, checked against the schema, and run on this machine."""
import filecmp
import os
import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKBENCH = os.environ.get("WORKBENCH", str(ROOT / ".build-release/release/workbench"))
RENDER = [sys.executable, str(ROOT / "cluster/kubernetes/render")]
FLEET = str(ROOT / "Scenarios/many-accounts.yaml")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    subprocess.run([WORKBENCH, "run", FLEET, "--formats", "none", "-q", "--out", folder / "single"], check=True)
    tasks = subprocess.run(
        [WORKBENCH, "run", FLEET, "--emit-tasks", "--requests-per-task", "30000", "--store", folder / "store"],
        check=True, stdout=subprocess.PIPE).stdout
    (folder / "tasks.jsonl").write_bytes(tasks)
    return folder


def same(a, b):
    compared = filecmp.dircmp(a, b)
    assert not compared.left_only and not compared.right_only
    assert filecmp.cmpfiles(a, b, compared.common_files, shallow=False)[1:] == ([], [])
    return all(same(pathlib.Path(a) / name, pathlib.Path(b) / name) for name in compared.common_dirs)


def collected(fleet, results, out):
    subprocess.run([WORKBENCH, "collect", fleet / "tasks.jsonl", results, "-o", out, "-q"], check=True)
    return same(fleet / "single", out)


def render(*words):
    return subprocess.run([*RENDER, *map(str, words)], capture_output=True, text=True)


def test_the_job_fits_the_schema_of_kubernetes(fleet):
    done = render("--name", "fleet", "--image", "registry.example/workbench:0.1.0", "--tasks", fleet / "tasks.jsonl")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\{[a-z]+\}", done.stdout), "a place was not filled in"
    job = yaml.safe_load(done.stdout)
    # Strict: a key that Kubernetes does not know is an error.
    kubernetes_validate.validate(job, "1.31", strict=True)
    count = len((fleet / "tasks.jsonl").read_text().splitlines())
    assert job["spec"]["completions"] == job["spec"]["maxFailedIndexes"] == count
    assert job["spec"]["completionMode"] == "Indexed"
    # The check can fail.
    job["spec"]["completionz"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.31", strict=True)


def test_the_jobs_command_does_every_task(fleet, tmp_path):
    done = render("--name", "fleet", "--image", "x", "--tasks", fleet / "tasks.jsonl", "--results", tmp_path / "results", "--store", fleet / "store")
    job = yaml.safe_load(done.stdout)
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["workbench"]
    for index in range(job["spec"]["completions"]):
        words = [word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in container["args"]]
        subprocess.run([WORKBENCH, *words], check=True)
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


@pytest.mark.parametrize("words, said", [
    (["--name", "Fleet"], "a job's name has small letters"),
    (["--name", "fleet", "--image", 'x"\nkind: Secret'], "have no place in it"),
    (["--name", "fleet", "--tasks", "/nowhere"], "/nowhere: error: No such file or directory"),
    (["--name", "fleet", "--tasks", "/dev/null"], "there are no tasks in the file"),
])
def test_what_cannot_be_rendered_is_said(words, said):
    done = render(*words, *([] if "--image" in words else ["--image", "x"]), *([] if "--tasks" in words else ["--tasks", "/dev/null"]))
    assert done.returncode != 0 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("script", ["array.sbatch", "submit", "local"])
def test_scripts_are_bash(script):
    subprocess.run(["bash", "-n", ROOT / "cluster/slurm" / script], check=True)


def test_the_array_does_every_task_in_as_many_arrays_as_it_takes(fleet, tmp_path):
    environment = {**os.environ, "WORKBENCH": WORKBENCH, "SBATCH": str(ROOT / "cluster/slurm/local"), "ARRAY_SIZE": "4", "AT_A_TIME": "2"}
    subprocess.run([ROOT / "cluster/slurm/submit", fleet / "tasks.jsonl", tmp_path / "results", "--time=10:00"], check=True, env=environment)
    assert collected(fleet, tmp_path / "results", tmp_path / "out")
    # Again: what is there is left as it is.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    subprocess.run([ROOT / "cluster/slurm/submit", fleet / "tasks.jsonl", tmp_path / "results"], check=True, env=environment)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}


def test_an_element_that_fails_does_not_stop_the_others(fleet, tmp_path):
    lines = (fleet / "tasks.jsonl").read_text().splitlines()
    (tmp_path / "tasks.jsonl").write_text("\n".join([lines[0], "not a task", *lines[1:]]) + "\n")
    environment = {**os.environ, "WORKBENCH": WORKBENCH, "SBATCH": str(ROOT / "cluster/slurm/local")}
    done = subprocess.run([ROOT / "cluster/slurm/submit", tmp_path / "tasks.jsonl", tmp_path / "results"], env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "tasks.jsonl:2: error: this is not a task" in done.stderr
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


@pytest.mark.parametrize("words, status", [([], 64), (["/nowhere", "r"], 66), (["/dev/null", "r"], 65)])
def test_what_cannot_be_submitted_is_said(words, status, tmp_path):
    done = subprocess.run([ROOT / "cluster/slurm/submit", *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == status and done.stderr
