"""The patches of ablation.py fit the sources: it is run too rarely to notice itself that one does not."""
import shutil

import ablation


def test_every_patch_applies_and_reverses():
    assert ablation.stale() == []


def test_a_patch_that_does_not_fit_is_named(tmp_path):
    for _, changes in ablation.VARIANTS:
        for file, _, _ in changes:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ablation.ROOT / file, tmp_path / file)
    assert ablation.stale(tmp_path) == []
    draws = tmp_path / "Sources/Simulation/DrawAhead.swift"
    draws.write_text(draws.read_text().replace("ownSize: Int { 64 }", "ownSize: Int { 32 }"))
    (tmp_path / "Sources/Simulation/IncidentTimeline.swift").unlink()
    assert [problem.split(":")[0] for problem in ablation.stale(tmp_path)] == ["blocks of one request, not of 64", "durations converted with checks"]
    # A text that occurs twice: which one is meant is unknown.
    blocks = tmp_path / "Sources/CGSL/blocks.c"
    blocks.write_text(blocks.read_text() + "\n#if defined(__x86_64__) && defined(__linux__)\n#endif\n")
    assert any("2 times, not once" in problem for problem in ablation.stale(tmp_path))
