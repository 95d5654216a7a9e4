"""The pages of the documentation as a reader follows them: files are written, commands run, and outputs compared.

What a block of a page is, its first line says:

    ```sh                   commands, run in the page's folder; they must end with status 0
    ```sh status 1          the last of them must end with this status
    ```sh not run: REASON   commands that no test can run here
    ```text                 what the commands before it print: the same words, and numbers within a tenth, since a search's
                            last digits are those of the machine's logarithms. A line "…" stands for any lines, "…" at the
                            end of a line for the rest of it
    ```yaml, python, …      with the first line "# NAME" or with "file=NAME": that file, which is written
    ```yaml DOCUMENT#SHAPE  a piece of a document: right by this shape of `workbench schema DOCUMENT`
    ```python               runs in python/tests/test_readme.py

A folder `stages/PAGE.sh` holds what a reader has already: it runs before a page's first block. `workbench serve` is
asked for its page and ended; a shared home is a PostgreSQL server of the test.
"""
import os, pathlib, re, shutil, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORKBENCH = os.environ.get("WORKBENCH", "workbench")
GUIDE = ROOT / "Sources/workbench/Workbench.docc"
BLOCK = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
NAMED = re.compile(r"# ([\w./-]+\.\w+)$")

# Pages whose blocks are pieces of one document, with nothing to say so in their first lines.
PIECES = {"DataSets.md": "mapping"}


def pages():
    return sorted([ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "python/README.md", "Benchmarks/README.md")]
                  + [*ROOT.glob("docs/*.md"), *ROOT.glob("cluster/*/README.md"), *GUIDE.glob("*.md")])


class Block:
    def __init__(self, page, match):
        self.page, self.info, self.span = page, match["info"].strip(), match.span("text")
        indent = len(match["indent"])
        self.text = "".join(line[indent:] if line.strip() else line for line in match["text"].splitlines(True))
        self.language, _, self.rest = self.info.partition(" ")
        self.line = page.read_text().count("\n", 0, match.start()) + 1

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def reason(self):
        """Why it is not run, if it says so."""
        return self.rest.removeprefix("not run: ") if self.rest.startswith("not run: ") else None

    @property
    def file(self):
        """The name of the file that it is."""
        if self.rest.startswith("file="):
            return self.rest.removeprefix("file=")
        named = NAMED.match(self.text.partition("\n")[0])
        return named[1] if named and not self.rest and self.language not in ("sh", "text") else None

    @property
    def piece(self):
        """The document and the shape of which it is a piece."""
        if self.language == "yaml" and not self.file:
            named = re.fullmatch(r"(\w+)(?:#([\w.]+))?", self.rest) if self.rest else None
            return (named[1], named[2]) if named else (PIECES[self.page.name], None) if self.page.name in PIECES and not self.rest else None
        return None

    @property
    def status(self):
        return int(self.rest.removeprefix("status ")) if self.rest.startswith("status ") else 0 if not self.rest else None


def blocks(page):
    return [Block(page, match) for match in BLOCK.finditer(page.read_text())]


def near(printed, expected):
    """Whether the words are the same, and the numbers near: within a tenth, or some of the last digit."""
    words, wanted = NUMBER.sub("#", printed).split(), NUMBER.sub("#", expected).split()
    numbers, others = NUMBER.findall(printed), NUMBER.findall(expected)
    if wanted and wanted[-1].endswith("…"):
        last = wanted.pop().removesuffix("…")
        if len(words) < len(wanted) or last and not (len(words) > len(wanted) and words[len(wanted)].startswith(last)):
            return False
        words, numbers = words[:len(wanted)], numbers[:len(others)]
    if words != wanted:
        return False
    for a, b in zip(numbers, others):
        digits = len(b.partition(".")[2].partition("e")[0])
        a, b = float(a.replace(",", "")), float(b.replace(",", ""))
        if abs(a - b) > 0.1 * abs(b) + (3 * 10 ** -digits if digits else 0):
            return False
    return True


def same(printed, expected):
    """Whether this was printed, line by line; lines "…" stand for any number of lines."""
    lines = [line for line in printed.splitlines() if line.strip()]
    wanted = [line for line in expected.splitlines() if line.strip()]
    return matches(lines, wanted)


def matches(lines, wanted):
    if not wanted:
        return not lines
    if wanted[0].strip() == "…":
        return any(matches(lines[skipped:], wanted[1:]) for skipped in range(len(lines) + 1))
    return bool(lines) and near(lines[0], wanted[0]) and matches(lines[1:], wanted[1:])


# `serve` does not end: its page is asked for, then it is ended. Addresses of examples are those of the test's server.
PROGRAM = '''#!{python}
import os, subprocess, sys, urllib.request
program, database = {program!r}, os.environ.get("GUIDE_POSTGRES")
words = [word.replace("postgres://qa@db.example/quality", database).replace("postgres://qa@db/quality", database)
         if database else word for word in sys.argv[1:]]
if words[:1] != ["serve"]:
    os.execv(program, [program, *words])
server = subprocess.Popen([program, *words, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
try:
    address = next((word for word in server.stdout.readline().split() if word.startswith("http")), None)
    if address is None:
        sys.stderr.write(server.stderr.read())
        sys.exit(server.wait() or 1)
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200 and b"<html" in page.read().lower()
    with urllib.request.urlopen(address.rstrip("/") + "/api/runs", timeout=60) as runs:
        assert runs.status == 200
finally:
    server.terminate()
    server.wait()
'''


def prepare(page, folder):
    """A checkout as the reader of a page has it, with the program on the PATH. Returns where to run, and variables."""
    (folder / "bin").mkdir()
    program = shutil.which(WORKBENCH)
    assert program, f"{WORKBENCH}: there is no such program. Run make build."
    (folder / "bin/workbench").write_text(PROGRAM.format(python=sys.executable, program=str(pathlib.Path(program).resolve())))
    (folder / "bin/workbench").chmod(0o755)
    work = folder / "work"
    work.mkdir()
    for name in ("Scenarios", "Tests", "python", "cluster", ".github", ".gitlab", "docs", "README.md"):
        (work / name).symlink_to(ROOT / name)
    path = os.pathsep.join([str(folder / "bin"), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "WORKBENCH": str(folder / "bin/workbench"), "PYTHONDONTWRITEBYTECODE": "1",
                   # Pages show tables as they are, not as they are folded to 80 columns.
                   "COLUMNS": "200"}
    for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "GITHUB_ACTIONS"):
        environment.pop(name, None)
    stage = HERE / f"stages/{page.relative_to(ROOT).with_suffix('').as_posix().replace('/', '-').removeprefix('Sources-workbench-Workbench.docc-')}.sh"
    if stage.exists():
        run(stage.read_text(), work, environment)
    return work, environment


def run(text, work, environment, status=0):
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", text], cwd=work, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == status, f"status {done.returncode} of\n{text}\n{done.stdout}"
    return done.stdout.replace(str(work), "/home/you")


def follow(page, folder, server=None):
    """Does what a page says. Returns its blocks of output, each with the commands before it and what these printed."""
    work, environment = prepare(page, folder)
    if server:
        environment["GUIDE_POSTGRES"] = server
    outputs, commands, printed = [], None, None
    for block in blocks(page):
        if block.reason:
            commands = None
        elif block.file:
            (work / block.file).parent.mkdir(parents=True, exist_ok=True)
            (work / block.file).write_text(block.text)
        elif block.language == "sh":
            try:
                commands, printed = block.text, run(block.text, work, environment, block.status)
            except AssertionError as error:
                raise AssertionError(f"{block}: {error}") from None
        elif block.language == "text":
            assert commands is not None, f"{block}: it follows no commands that run"
            outputs.append((block, commands, printed))
    return outputs


def rewrite(page, folder, server=None):
    """Writes what a page's commands print now in place of what it says. Blocks with "…" stay, and are named if they differ."""
    text = page.read_text()
    for block, commands, printed in reversed(follow(page, folder, server)):
        if same(printed, block.text):
            continue
        if "…" in block.text:
            print(f"{block}: change this by hand. Of {commands}it is now\n{printed}")
        else:
            start, end = block.span
            text = text[:start] + printed.rstrip("\n") + "\n" + text[end:]
            print(f"{block}: written anew")
    page.write_text(text)
