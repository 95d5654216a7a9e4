#!/usr/bin/env python3
"""Lays out the pages of the site for Sphinx: the guide and the other documents as they are in the repository, and the
reference, which the program writes.

    sources.py WORKBENCH OUT

There is one source of everything: articles are copied, with links that hold in the site; shapes, commands, prices and
models come from the program (`workbench schema`, `--experimental-dump-help`, `workbench catalogue`).
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "Sources/workbench/Workbench.docc"
# Pages beside the guide, and where they are in the site.
OTHERS = {
    "README.md": "readme.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "Benchmarks/README.md": "benchmarks.md",
    "python/README.md": "python-package.md",
    "cluster/kubernetes/README.md": "cluster-kubernetes.md",
    "cluster/slurm/README.md": "cluster-slurm.md",
    "docs/api.md": "api.md",
    "docs/contracts.md": "contracts.md",
    "docs/glossary.md": "glossary.md",
    "docs/invariants.md": "invariants.md",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")


class Site:
    def __init__(self, program, out):
        self.program, self.out = program, out
        self.places = {ROOT / source: target for source, target in OTHERS.items()}
        self.places |= {page: f"guide/{page.name}" for page in GUIDE.glob("*.md") if page.name != "Workbench.md"}
        self.titles = {page.stem: re.search(r"^# (.+)$", page.read_text(), re.MULTILINE)[1] for page in GUIDE.glob("*.md")}
        self.problems = []

    def run(self, *words):
        return subprocess.run([self.program, *words], check=True, capture_output=True, text=True).stdout

    def write(self, name, text):
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy(self, page, target):
        text = page.read_text()
        # What only DocC reads.
        text = re.sub(r"^@Metadata \{.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"^## Topics\n.*\Z", "", text, flags=re.MULTILINE | re.DOTALL) if page.parent == GUIDE else text
        self.write(target, self.fences(self.prose(text, page, target)))

    def prose(self, text, page, target):
        # Code is not searched for links.
        code = []
        text = re.sub(r"^ *```.*?^ *```$|`[^`\n]+`", lambda found: code.append(found[0]) or f"\0{len(code) - 1}\0", text, flags=re.MULTILINE | re.DOTALL)
        return re.sub(r"\0(\d+)\0", lambda found: code[int(found[1])], self.links(text, page, target))

    @staticmethod
    def fences(text):
        # The first line of a block says more than its language, to the tests.
        return re.sub(r"^( *```\w+) .*$", r"\1", text, flags=re.MULTILINE)

    def links(self, text, page, target):
        def doc(match):
            name, _, anchor = match[1].partition("#")
            if name not in self.titles:
                self.problems.append(f"{page.relative_to(ROOT)}: there is no article {name}")
                return match[0]
            return f"[{self.titles[name]}]({self.relative(f'guide/{name}.md', target)}{'#' + anchor.lower() if anchor else ''})"

        def link(match):
            mark, words, address = match.groups()
            if re.match(r"[a-z]+:", address) or address.startswith("#"):
                return match[0]
            path, _, anchor = address.partition("#")
            found = (page.parent / path).resolve()
            anchor = "#" + anchor.lower() if anchor else ""
            if found in self.places:
                return f"{mark}[{words}]({self.relative(self.places[found], target)}{anchor})"
            if found == ROOT / "Scenarios":
                return f"{mark}[{words}]({self.relative('scenarios.md', target)}{anchor})"
            if found.suffix == ".ipynb":
                return f"{mark}[{words}]({self.relative(f'notebooks/{found.stem}.md', target)})"
            if found.is_file():
                # Anything else of the repository is a file beside the pages.
                place = f"files/{found.relative_to(ROOT)}"
                (self.out / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, self.out / place)
                return f"{mark}[{words}]({self.relative(place, target)})"
            if not found.exists():
                self.problems.append(f"{page.relative_to(ROOT)}: {address} does not exist")
                return match[0]
            # A folder, which a site cannot show.
            return words if "\0" in words else f"{words} (`{found.relative_to(ROOT)}`)"

        text = re.sub(r"<doc:([\w#-]+)>", doc, text)
        return LINK.sub(link, text)

    @staticmethod
    def relative(place, target):
        return os.path.relpath(place, pathlib.Path(target).parent)

    # The guide's contents stand in its first page, in groups.
    def index(self):
        text = (GUIDE / "Workbench.md").read_text()
        groups = ["", "Guide", *re.split(r"^### (.+)$", text.partition("## Topics\n")[2], flags=re.MULTILINE)]
        lines = ["# Model Analytics Workbench", "", text.partition("}\n")[2].partition("## Topics")[0].strip(), ""]
        lines += ["A picture and the commands in a screen: [README](readme.md).", ""]
        listed = set()
        for title, members in zip(groups[1::2], groups[2::2], strict=True):
            names = re.findall(r"^- <doc:(\w+)>$", members, re.MULTILINE)
            listed |= set(names)
            lines += [] if not names else self.contents(title, [f"guide/{name}" for name in names])
        if missing := {page.stem for page in GUIDE.glob("*.md")} - listed - {"Workbench"}:
            self.problems.append(f"Workbench.md: its groups of topics lack {', '.join(sorted(missing))}")
        lines += self.contents("Notebooks", sorted(f"notebooks/{p.stem}" for p in (ROOT / "python/notebooks").glob("*.ipynb")))
        lines += self.contents("Reference", [*sorted(p.relative_to(self.out).with_suffix("").as_posix() for p in (self.out / "reference").glob("*.md")),
                                             "scenarios", "glossary", "invariants", "contracts", "api", "libraries"])
        rest = ["readme", "python-package", "cluster-kubernetes", "cluster-slurm", "benchmarks", "architecture", "contributing", "changelog"]
        lines += self.contents("Project", rest)
        self.write("index.md", "\n".join(lines) + "\n")

    @staticmethod
    def contents(caption, pages):
        return ["```{toctree}", ":maxdepth: 1", f":caption: {caption}", "", *pages, "```", ""]

    def scenarios(self):
        lines = ["# Scenarios that ship", "", "Ready-made situations, in the folder `Scenarios` of the repository.", ""]
        for path in sorted((ROOT / "Scenarios").glob("*.yaml")):
            lines += [f"## {path.stem}", "", "```yaml", path.read_text().rstrip(), "```", ""]
        self.write("scenarios.md", "\n".join(lines))

    def libraries(self):
        lines = ["# Libraries", "", "The documentation of each library's declarations, `package` access included, is made by DocC and lies in the folder "
                 "`libraries` of this site. Browsers do not let DocC's pages read their data from the file system, so they need a server:", "",
                 "```sh", "python3 -m http.server --directory .build-docs 8000    # http://localhost:8000/libraries/documentation/", "```", "",
                 '<a href="libraries/documentation/">The libraries</a>, if this page came from a server.', ""]
        architecture = (ROOT / "ARCHITECTURE.md").read_text()
        table = re.search(r"^\| target \|.*?(?=\n\n)", architecture, re.MULTILINE | re.DOTALL)
        lines += ["What each library knows, from [Architecture](architecture.md):", "", table[0], ""]
        self.write("libraries.md", "\n".join(lines))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    site = Site(sys.argv[1], pathlib.Path(sys.argv[2]))
    import notebooks
    import reference

    site.out.mkdir(parents=True)
    shutil.copy2(ROOT / ".ci/site/conf.py", site.out)
    for page, target in site.places.items():
        site.copy(page, target)
    shutil.copytree(GUIDE / "Resources", site.out / "guide/Resources")
    site.scenarios()
    site.libraries()
    reference.write(site)
    notebooks.write(site)
    site.index()
    if site.problems:
        sys.exit("\n".join(f"{problem.partition(':')[0]}: error:{problem.partition(':')[2]}." for problem in sorted(set(site.problems))))


if __name__ == "__main__":
    main()
