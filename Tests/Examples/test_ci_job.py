"""The shell example, run as a CI system would."""
import os, pathlib, subprocess, sys, xml.etree.ElementTree

HERE = pathlib.Path(__file__).parent


def run(folder):
    return subprocess.run(["sh", HERE / "ci-job.sh", folder], capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable})


def test_a_right_product_passes(tmp_path):
    outcome = run(tmp_path / "build")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.startswith("The same")
    assert xml.etree.ElementTree.parse(tmp_path / "build/report.xml").getroot().get("failures") == "0"


def test_a_wrong_product_fails_the_job(tmp_path):
    # A product that takes input tokens for output tokens.
    for name in ("ci-job.sh", "product.py", "tolerances.yaml"):
        text = (HERE / name).read_text()
        if name == "product.py":
            right, wrong = "sum(input_tokens), 0), coalesce(sum(output_tokens)", "sum(output_tokens), 0), coalesce(sum(input_tokens)"
            assert right in text
            text = text.replace(right, wrong)
        (tmp_path / name).write_text(text)
    outcome = subprocess.run(["sh", tmp_path / "ci-job.sh", tmp_path / "build"], capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable})
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    report = xml.etree.ElementTree.parse(tmp_path / "build/report.xml").getroot()
    assert [case.get("name") for case in report.iter("testcase") if case.find("failure") is not None] == ["tokens"]
    assert "::error title=dashboard differs::tokens.totalInputTokens" in outcome.stdout
