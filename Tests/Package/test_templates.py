"""The GitHub action and the GitLab template, step by step in a bare Debian, as their runners would. `.ci/package` runs this."""

import subprocess

import pytest
import yaml

from packages import ROOT, another, inside

pytestmark = pytest.mark.usefixtures("again")


def step(document, *keys):
    for key in keys:
        document = document[key]
    return document


@pytest.fixture(scope="session")
def job(installed, tmp_path_factory):
    """A machine of a CI system, with two runs and the package, on which it is installed already."""
    root = another(installed, tmp_path_factory, "job")
    inside(root, "workbench", "run", "steady.yaml", "--seed", "7", "--out", "a run", "--quiet")
    inside(root, "mkdir", "-p", "qa")
    inside(root, "cp", "steady.yaml", "qa/steady.yaml")
    return root


CHECKS = [
    # A command as a pipeline says it, its status, and what its report has.
    ("compare run run", 0, 'failures="0" errors="0"'),
    ("compare run 'a run' --most 3", 1, "<failure "),
    ("baseline check --scenarios qa --baselines none", 1, "<failure "),
]


@pytest.mark.parametrize(("command", "status", "report"), CHECKS)
def test_the_github_action_checks(job, command, status, report):
    action = yaml.safe_load((ROOT / ".github/actions/workbench/action.yml").read_text())
    check = step(action, "runs", "steps", 1)
    assert check["id"] == "check" and set(check["env"]) == {"COMMAND", "JUNIT"}
    inside(job, "rm", "-f", "report.xml", "output")
    done = inside(
        job,
        "env",
        f"COMMAND={command}",
        "JUNIT=report.xml",
        "GITHUB_OUTPUT=output",
        "GITHUB_ACTIONS=true",
        "bash",
        "--noprofile",
        "--norc",
        "-e",
        "-o",
        "pipefail",
        "-c",
        check["run"],
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (job / "root/output").read_text() == f"status={status}\n"
    assert report in (job / "root/report.xml").read_text()
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    # Each difference is one, and the verdict.
    assert (len(annotations) >= 2) == (status != 0), done.stdout


def test_the_github_action_never_shows_no_verdict_as_green(job):
    action = yaml.safe_load((ROOT / ".github/actions/workbench/action.yml").read_text())
    done = inside(
        job,
        "env",
        "COMMAND=validate run",
        "JUNIT=",
        "GITHUB_OUTPUT=output",
        "GITHUB_ACTIONS=true",
        "bash",
        "-e",
        "-o",
        "pipefail",
        "-c",
        step(action, "runs", "steps", 1, "run"),
        check=False,
    )
    assert done.returncode == 2 and "::error title=workbench validate::No verdict" in done.stdout


@pytest.mark.parametrize(("command", "status", "report"), CHECKS)
def test_the_gitlab_template_checks(job, command, status, report):
    template = yaml.safe_load((ROOT / ".gitlab/workbench.yml").read_text())[".workbench"]
    assert template["artifacts"]["reports"]["junit"] == "$WORKBENCH_JUNIT"
    inside(job, "rm", "-f", "report.xml")
    done = inside(
        job,
        "env",
        f"WORKBENCH_COMMAND={command}",
        "WORKBENCH_JUNIT=report.xml",
        "sh",
        "-e",
        "-c",
        "\n".join(template["script"]),
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert report in (job / "root/report.xml").read_text()


def test_both_install_the_package_that_a_pattern_names(job):
    action = yaml.safe_load((ROOT / ".github/actions/workbench/action.yml").read_text())
    template = yaml.safe_load((ROOT / ".gitlab/workbench.yml").read_text())[".workbench"]
    install = step(action, "runs", "steps", 0, "run")
    before = "\n".join(template["before_script"])

    def there(variables, shell, script):
        return subprocess.run(
            ["chroot", job, "env", "-C", "/root", *variables, *shell, "-e", "-c", script],
            capture_output=True,
            text=True,
        )

    for pattern, status in (("workbench_*.deb", 0), ("workbench-*.none", 66)):
        done = there([f"PACKAGE={pattern}", "DUCKDB=false"], ["bash", "-o", "pipefail"], install)
        assert done.returncode == status, done.stdout + done.stderr
        done = there([f"WORKBENCH_PACKAGE={pattern}", "WORKBENCH_WITH_DUCKDB=false"], ["sh"], before)
        assert done.returncode == status, done.stdout + done.stderr
