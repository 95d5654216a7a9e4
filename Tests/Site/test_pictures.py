"""The guide's pictures are those that the program's runs give: drawn again, they are the same bytes."""
import os, pathlib, shutil, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "Sources/workbench/Workbench.docc/Resources"


def test_drawn_again_the_pictures_are_the_same(tmp_path):
    program = shutil.which(os.environ.get("WORKBENCH", str(ROOT / ".build-release/release/workbench")))
    subprocess.run([sys.executable, ROOT / "Tests/Examples/pictures.py", program, tmp_path], check=True, stdout=subprocess.DEVNULL)
    drawn = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert drawn == sorted(path.name for path in RESOURCES.glob("*.svg"))
    changed = [name for name in drawn if (tmp_path / name).read_bytes() != (RESOURCES / name).read_bytes()]
    assert not changed, f"{', '.join(changed)}: runs give something else now. make screenshots draws them anew."
