"""The notebooks of python/, executed, as pages with their tables and plots."""

import base64
import os
import pathlib
import re
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write(site):
    import nbformat
    from nbclient import NotebookClient

    os.environ["WORKBENCH"] = str(pathlib.Path(site.program).resolve())
    for path in sorted((ROOT / "python/notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        lines = []
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                lines += [site.prose(cell.source, path, f"notebooks/{path.stem}.md"), ""]
                continue
            lines += ["```python", cell.source.rstrip(), "```", ""]
            for place, output in enumerate(cell.outputs):
                lines += shown(site, f"{path.stem}-{number}-{place}.png", output)
        site.write(f"notebooks/{path.stem}.md", "\n".join(lines))


def shown(site, name, output):
    data = output.get("data", {})
    if "image/png" in data:
        image = site.out / "notebooks" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(base64.b64decode(data["image/png"]))
        return [f"![Plot of the cell above]({name})", ""]
    if "text/html" in data:
        # Without the frames' own style, and without blank lines, which would end it.
        html = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.DOTALL)
        return ["\n".join(line for line in html.splitlines() if line.strip()), ""]
    text = output.get("text") or data.get("text/plain") or ""
    return ["```text", text.rstrip(), "```", ""] if text.strip() else []
