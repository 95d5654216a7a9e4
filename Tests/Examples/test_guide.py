"""README and the documentation, followed as a reader would: every command runs, and prints what the page says (see pages.py).
After a change that is meant, `python Tests/Examples/test_guide.py [PAGE…]` writes what they print now.

Needs the workbench on the PATH, or its place in WORKBENCH.
"""
import json, pathlib, re, subprocess, sys, tempfile

import database, jsonschema, pages, pytest, yaml
from pages import GUIDE, PIECES, ROOT, near, same

ALL = pages.pages()
FOLLOWED = [page for page in ALL if any(block.language == "sh" and not block.reason for block in pages.blocks(page))]


def named(page):
    return str(page.relative_to(ROOT)).removeprefix("Sources/workbench/Workbench.docc/")


def test_what_counts_as_the_same():
    assert near("mean 1,231 ms, 4.3 % off", "mean 1,230 ms, 4.1 % off")
    assert not near("mean 1,231 ms", "mean 1,031 ms")
    assert not near("reproduced; 4.3 %", "not reproduced; 4.3 %")
    assert not near("p95 20.1 s", "p95 26.1 s")
    assert near("kept, of 12 requests", "kept…") and near("kept: all", "kept: …") and not near("broken", "kept…")
    assert same("a\nb\nc\n", "a\n…\nc\n") and same("a\n", "a\n…\n") and not same("a\nb\n", "a\n") and not same("b\n", "a\n…\n")


@pytest.fixture(scope="session")
def shared_home():
    with database.server() as address:
        yield address


@pytest.mark.parametrize("page", FOLLOWED, ids=named)
def test_the_page_prints_what_it_says(page, tmp_path, request):
    server = request.getfixturevalue("shared_home") if needs_server(page) else None
    for block, commands, printed in pages.follow(page, tmp_path, server):
        assert same(printed, block.text), f"{block}: of {commands}\n{printed}"


def needs_server(page):
    return any("postgres://" in block.text for block in pages.blocks(page) if block.language == "sh" and not block.reason)


@pytest.mark.parametrize("page", ALL, ids=named)
def test_each_block_is_tried_or_says_why_not(page):
    tried_in_python = re.search(r'parametrize\("page", \[(.*?)\]', (ROOT / "python/tests/test_readme.py").read_text())[1]
    for block in pages.blocks(page):
        if block.language == "text":
            assert block.reason or block.text.replace("…", "").strip() or not block.text.strip(), f"{block}: any output would be right"
        if block.rest.startswith("not run"):
            assert block.reason and len(block.reason.split()) >= 3, f"{block}: it must say why it is not run"
        elif block.file or block.piece or block.language == "text":
            pass
        elif block.language == "sh":
            assert block.status is not None, f"{block}: '{block.rest}' is nothing that a block of commands says"
        elif block.language == "python":
            assert f'"{page.relative_to(ROOT)}"' in tried_in_python, f"{block}: python/tests/test_readme.py does not know the page"
        else:
            raise AssertionError(f"{block}: '{block.info}' says neither what it is nor why it is not tried; see pages.py")


def test_every_page_has_its_place_in_the_contents():
    contents = (GUIDE / "Workbench.md").read_text()
    assert [page.stem for page in GUIDE.glob("*.md") if page.stem != "Workbench" and f"- <doc:{page.stem}>" not in contents] == []


def schema(document):
    return json.loads(subprocess.run([pages.WORKBENCH, "schema", document], capture_output=True, check=True).stdout)


PIECES_OF = [block for page in ALL for block in pages.blocks(page) if block.piece]


@pytest.mark.parametrize("block", PIECES_OF, ids=str)
def test_each_piece_of_a_document_is_right(block):
    document, shape = block.piece
    if document in ("github", "gitlab"):
        return pipeline(document, yaml.load(block.text, yaml.BaseLoader))
    whole = schema(document)
    # A piece need not have all that the whole must have.
    part = whole["$defs"][shape] if shape else whole
    rules = {**part, "$defs": whole["$defs"], "required": []}
    errors = list(jsonschema.Draft202012Validator(rules).iter_errors(yaml.load(block.text, Text)))
    assert not errors, f"{block}: {errors[0].message} at {errors[0].json_path}"


class Text(yaml.SafeLoader):
    """Dates are texts, and only true and false are Booleans, as in the schema."""


Text.yaml_implicit_resolvers = {
    first: [(tag, re.compile("^(?:true|false)$") if tag.endswith(":bool") else pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def pipeline(system, piece):
    """A step or a job names what the action or the template has."""
    if system == "github":
        action = yaml.safe_load((ROOT / ".github/actions/workbench/action.yml").read_text())
        for step in piece:
            assert step["uses"].endswith(".github/actions/workbench") and set(step["with"]) <= set(action["inputs"])
    else:
        template = yaml.safe_load((ROOT / ".gitlab/workbench.yml").read_text())
        jobs = [job for name, job in piece.items() if name != "include"]
        assert jobs and all(set(job["variables"]) <= set(template[job["extends"]]["variables"]) for job in jobs)


def options():
    """Of each command, by its words: the names of its options."""
    help = json.loads(subprocess.run([pages.WORKBENCH, "--experimental-dump-help"], capture_output=True, check=True).stdout)
    found = {}

    def visit(command, words):
        found[words] = {("-" if name["kind"] == "short" else "--") + name["name"]
                        for argument in command.get("arguments", []) for name in argument.get("names", [])}
        for inner in command.get("subcommands", []):
            visit(inner, (*words, inner["commandName"]))

    visit(help["command"], ())
    return found


# Options of other programs of this repository: of Benchmarks, of workbench-ray, of cluster/kubernetes/render.
OTHERS = {"--check", "--workbench", "--fetch", "--parallelism", "--cpu", "--memory", "--tasks"}


def test_every_command_and_option_that_a_page_names_exists():
    known = options()
    everywhere = set().union(*known.values()) | OTHERS
    wrong = []
    for page in ALL:
        text = pages.BLOCK.sub("", page.read_text())
        spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
        spans += [line for block in pages.blocks(page) if block.language == "sh" for line in block.text.replace("\\\n", " ").splitlines()]
        for span in spans:
            for call in re.findall(r"(?:^|[;&|] *)workbench ([^;&|#]*)", span):
                words = call.split()
                command = ()
                while words and (*command, words[0]) in known:
                    command = (*command, words.pop(0))
                if not command and words and re.fullmatch(r"[a-z-]+", words[0]) and not words[0].startswith("-"):
                    wrong.append(f"{named(page)}: there is no command {words[0]}: {span}")
                bad = [word for word in words if re.fullmatch(r"--[a-z][a-z-]+", word) and word not in known[command] | {"--help"}]
                wrong += [f"{named(page)}: {' '.join(command)} has no {word}: {span}" for word in bad if command]
            if re.fullmatch(r"--[a-z][a-z-]+", span) and span not in everywhere | {"--help", "--experimental-dump-help"}:
                wrong.append(f"{named(page)}: no command has {span}")
    assert not wrong, "\n".join(wrong)


def commands_of(page):
    return "\n".join(block.text for block in pages.blocks(GUIDE / page) if block.language == "sh" and not block.reason)


def test_every_arrival_process_has_an_example_that_runs():
    text = commands_of("ArrivalProcesses.md") + next(block.text for block in pages.blocks(GUIDE / "ArrivalProcesses.md") if block.file == "arrivals.yaml")
    missing = [name for name in schema("scenario")["$defs"]["arrivals"]["properties"] if f"{name}: " not in text]
    assert not missing, f"ArrivalProcesses.md: no example of {missing}"


def test_every_scaling_policy_has_an_example_that_runs():
    page = GUIDE / "PoliciesCompared.md"
    text = "".join(block.text for block in pages.blocks(page) if block.file or block.language == "sh")
    # The base scales by concurrency, which is the policy of a deployment that names none.
    missing = [name for name in schema("scenario")["$defs"]["scalingPolicy"]["properties"] if f"{name}: " not in text and name != "concurrency"]
    assert not missing, f"PoliciesCompared.md: no example of {missing}"
    described = (GUIDE / "ScalingPolicies.md").read_text()
    missing = [name for name in schema("scenario")["$defs"]["scalingPolicy"]["properties"] if name not in described]
    assert not missing, f"ScalingPolicies.md says nothing of {missing}"


# What brings data in or takes them out; all other commands work on what is here.
DOORS = {"import", "convert", "fixture", "report", "push", "pull", "aggregate", "compare", "export", "emit", "mock"}


def test_every_door_has_an_example_that_runs():
    known, text = options(), commands_of("Doors.md")
    doors = [words for words in known if words and words[0] in DOORS and not any(more[:len(words)] == words != more for more in known)]
    assert len(doors) >= 10
    missing = [" ".join(words) for words in doors if f"workbench {' '.join(words)} " not in text]
    assert not missing, f"Doors.md: no example of {missing}"
    formats = subprocess.run([pages.WORKBENCH, "convert", "--help"], capture_output=True, text=True, check=True).stdout
    formats = re.search(r"Of a directory: ([^()]*)\.", " ".join(formats.split()))[1].split(", ")
    assert len(formats) >= 8 and not [name for name in formats if f" {name}" not in text]


LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


def anchors(page):
    """Of the headings of a page, as GitHub makes them."""
    text = pages.BLOCK.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]*>|[`*]", "", heading).lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*ALL, ROOT / "CHANGELOG.md"], ids=named)
def test_each_link_resolves(page):
    text = re.sub(r"`[^`\n]+`", "code", pages.BLOCK.sub("", page.read_text()))
    wrong = []
    for address in LINK.findall(text):
        if re.match(r"[a-z]+:", address):
            continue
        path, _, anchor = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or not target.is_relative_to(ROOT):
            wrong.append(address)
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(address)
    wrong += [f"<doc:{name}>" for name in re.findall(r"<doc:([\w-]+)>", text) if not (GUIDE / f"{name}.md").exists()]
    assert not wrong, f"{named(page)}: {wrong}"


if __name__ == "__main__":
    chosen = [pathlib.Path(name).resolve() for name in sys.argv[1:]] or FOLLOWED
    for page in chosen:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            if needs_server(page):
                with database.server() as address:
                    pages.rewrite(page, folder, address)
            else:
                pages.rewrite(page, folder)
