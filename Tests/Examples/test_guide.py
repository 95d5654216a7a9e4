"""The guide's tutorial, followed as a reader would: its files are written, its commands run in their order, and they must
print what the page says. After a change that is meant, `python Tests/Examples/test_guide.py` writes what they print now.

Needs the workbench on the PATH, or its place in WORKBENCH.
"""
import os, pathlib, re, shutil, subprocess, tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Sources/workbench/Workbench.docc/FromABenchmark.md"
WORKBENCH = os.environ.get("WORKBENCH", "workbench")
BLOCK = re.compile(r"^```(yaml|sh|text)\n(.*?)^```$", re.M | re.S)


def follow(folder):
    """Does what the page says. Returns its blocks of output: where they stand, the commands, and what these printed."""
    (folder / "bin").mkdir()
    (folder / "bin/workbench").symlink_to(shutil.which(WORKBENCH))
    work = folder / "work"
    work.mkdir()
    outputs, commands, printed = [], "", ""
    for block in BLOCK.finditer(PAGE.read_text()):
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


def test_the_tutorial_prints_what_it_says(tmp_path):
    page = PAGE.read_text()
    outputs = follow(tmp_path)
    assert len(outputs) >= 7
    for (start, end), commands, printed in outputs:
        assert printed == page[start:end], f"of {commands}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        page = PAGE.read_text()
        for (start, end), _, printed in reversed(follow(pathlib.Path(folder))):
            page = page[:start] + printed + page[end:]
    PAGE.write_text(page)
