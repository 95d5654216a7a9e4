"""Pages of the guide, followed as a reader would: their files are written, their commands run in their order, and they must
print what the page says: the same words, and numbers within a tenth, since a search's last digits are those of the
machine's logarithms. After a change that is meant, `python Tests/Examples/test_guide.py` writes what they print now.

Needs the workbench on the PATH, or its place in WORKBENCH.
"""
import os, pathlib, re, shutil, subprocess, tempfile

import pytest

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "Sources/workbench/Workbench.docc"
# Each page, and the least number of its blocks of output.
PAGES = {"FromABenchmark": 7, "Demand": 4}
WORKBENCH = os.environ.get("WORKBENCH", "workbench")
BLOCK = re.compile(r"^```(yaml|sh|text)\n(.*?)^```$", re.M | re.S)


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


def same(printed, expected):
    """Whether the words and the layout are the same, and the numbers near: within a tenth, or some of the last digit."""
    if NUMBER.sub("#", printed).split() != NUMBER.sub("#", expected).split():
        return False
    for a, b in zip(NUMBER.findall(printed), NUMBER.findall(expected)):
        digits = len(b.partition(".")[2].partition("e")[0])
        a, b = float(a.replace(",", "")), float(b.replace(",", ""))
        if abs(a - b) > 0.1 * abs(b) + (3 * 10 ** -digits if digits else 0):
            return False
    return True


def test_what_counts_as_the_same():
    assert same("mean 1,231 ms, 4.3 % off", "mean 1,230 ms, 4.1 % off")
    assert not same("mean 1,231 ms", "mean 1,031 ms")
    assert not same("reproduced; 4.3 %", "not reproduced; 4.3 %")
    assert not same("p95 20.1 s", "p95 26.1 s")


def follow(page, folder):
    """Does what a page says. Returns its blocks of output: where they stand, the commands, and what these printed."""
    (folder / "bin").mkdir()
    (folder / "bin/workbench").symlink_to(shutil.which(WORKBENCH))
    work = folder / "work"
    work.mkdir()
    outputs, commands, printed = [], "", ""
    for block in BLOCK.finditer(page):
        kind, text = block.groups()
        if kind == "yaml":
            # The first line names the file.
            (work / text.splitlines()[0].removeprefix("# ")).write_text(text)
        elif kind == "sh":
            done = subprocess.run(["sh", "-ec", text], cwd=work, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env={**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"})
            assert done.returncode == 0, f"{text}\n{done.stdout}"
            commands, printed = text, done.stdout
        else:
            outputs.append((block.span(2), commands, printed))
    return outputs


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_it_says(name, tmp_path):
    page = (GUIDE / f"{name}.md").read_text()
    outputs = follow(page, tmp_path)
    assert len(outputs) >= PAGES[name]
    for (start, end), commands, printed in outputs:
        assert same(printed, page[start:end]), f"of {commands}\n{printed}"


if __name__ == "__main__":
    for name in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            page = (GUIDE / f"{name}.md").read_text()
            for (start, end), _, printed in reversed(follow(page, pathlib.Path(folder))):
                page = page[:start] + printed + page[end:]
        (GUIDE / f"{name}.md").write_text(page)
