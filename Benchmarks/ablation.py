"""What each of the engine's measures brings: the same program with one of them taken out, on five-draws.yaml.

    .venv/bin/python Benchmarks/ablation.py [--runs N]

Copies the sources, builds each variant (a minute or two each) and measures CPU time a request; the programs run in turn,
so that the machine's moods meet all of them. Every variant must give the bytes of the whole program.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "Benchmarks/scenarios/five-draws.yaml"
SIMULATION = "Sources/Simulation/"
SIFT = """    while child &+ 3 < count {
      let left = child &+ (heap[child &+ 1].precedes(heap[child]) ? 1 : 0)
      let right = child &+ (heap[child &+ 3].precedes(heap[child &+ 2]) ? 3 : 2)
      child = heap[right].precedes(heap[left]) ? right : left
      heap[index] = heap[child]"""
PLAIN_SIFT = """    while child &+ 3 < count {
      for sibling in child &+ 1...child &+ 3 where heap[sibling].precedes(heap[child]) { child = sibling }
      if !heap[child].precedes(entry) { break }
      heap[index] = heap[child]"""
LEAST = """    var least = loads[0]
    for index in 1..<max(maxReplicas, 1) { least = min(least, loads[index]) }
    return Int(least & 63)"""
PLAIN_LEAST = """    var best = -1
    for index in 0..<maxReplicas where replicas[index].state == .ready {
      if best < 0 || replicas[index].occupancy < replicas[best].occupancy { best = index }
    }
    return best"""
# What is taken out: (name, [(file, text, instead)]).
VARIANTS = [
    ("as it is", []),
    ("service drawn one request at a time, not 64 ahead", [(SIMULATION + "ServiceDraws.swift", "blockSize = 64", "blockSize = 1")]),
    ("demand drawn one request at a time, not in blocks", [(SIMULATION + "Demand.swift", "blockSize = 64", "blockSize = 1")]),
    ("time and tag compared by branches, not as one Int128", [(SIMULATION + "EventList.swift", "{ key < other.key }", "{ time != other.time ? time < other.time : tag < other.tag }")]),
    ("holes sifted down with comparisons, not to a leaf", [(SIMULATION + "EventList.swift", SIFT, PLAIN_SIFT), (SIMULATION + "EventList.swift", "    if child < count {\n", "    if child < count, child &+ 3 >= count {\n")]),
    ("a departure taken out and the next put in, not replaced", [(SIMULATION + "ModelLane+Requests.swift", "departures.replaceFirst(time: finish, tag: Self.departureTag(next, index, replica))", "departures.removeFirst()\n      departures.insert(time: finish, tag: Self.departureTag(next, index, replica))")]),
    ("replicas looked through, not their packed loads", [(SIMULATION + "DeploymentState.swift", LEAST, PLAIN_LEAST)]),
    ("durations rounded by a call", [(SIMULATION + "IncidentTimeline.swift", "Int64(drawn + 0.5)", "Int64(drawn.rounded())")]),
]


def build(folder, changes):
    for file, text, instead in changes:
        path = folder / file
        source = path.read_text()
        if text not in source:
            sys.exit(f"{file} no longer has {text.splitlines()[0]!r}: bring Benchmarks/ablation.py up to date.")
        path.write_text(source.replace(text, instead))
    done = subprocess.run(["swift", "build", "-c", "release", "--scratch-path", str(folder / ".build-release"), "--product", "workbench"],
                          cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    for file, text, instead in changes:
        path = folder / file
        path.write_text(path.read_text().replace(instead, text))


def measure(program, scratch):
    out = scratch / "run"
    before = os.times()
    done = subprocess.run([program, "run", SCENARIO, "--formats", "none", "--threads", "1", "--json", "--out", out], stdout=subprocess.PIPE, check=True)
    after = os.times()
    digest = subprocess.run(["sh", "-c", f"cd '{out}' && find . -type f ! -name manifest.json | sort | xargs sha256sum | sha256sum"], stdout=subprocess.PIPE, check=True).stdout
    shutil.rmtree(out)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu / json.loads(done.stdout)["requests"] * 1e9, digest


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=7)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "source"
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        # What is built already is taken over: only what changes is built.
        shutil.copytree(ROOT / ".cache", folder / ".cache")
        programs = []
        for index, (what, changes) in enumerate(VARIANTS):
            build(folder, changes)
            target = pathlib.Path(name) / f"program{index}"
            target.mkdir()
            release = folder / ".build-release/release"
            for entry in [release / "workbench", *release.glob("*.resources")]:
                (shutil.copytree if entry.is_dir() else shutil.copy2)(entry, target / entry.name)
            programs.append(target / "workbench")
        times = [[] for _ in VARIANTS]
        digests = set()
        for _ in range(given.runs):
            for index, program in enumerate(programs):
                ns, digest = measure(program, pathlib.Path(name))
                times[index].append(ns)
                digests.add(digest)
    if len(digests) != 1:
        sys.exit("a variant gave other bytes: it is no ablation.")
    whole = statistics.median(times[0])
    print("| taken out | ns of CPU a request | costs |\n|---|---:|---:|")
    for (what, _), taken in zip(VARIANTS, times):
        ns = statistics.median(taken)
        print(f"| {what} | {ns:.1f} | {'' if what == 'as it is' else f'{ns - whole:+.1f} ({(ns / whole - 1) * 100:+.0f} %)'} |")


if __name__ == "__main__":
    main()
