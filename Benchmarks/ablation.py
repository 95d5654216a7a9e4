"""What each optimisation of the engine saves: the same program without one of them, on five-draws.yaml.

    .venv/bin/python Benchmarks/ablation.py [--runs N]
    .venv/bin/python Benchmarks/ablation.py --check

Copies the sources, builds each variant (a minute or two each) and measures CPU time per request; the programs run in
turn, so that changes in the machine's speed affect all of them. Every variant must give the bytes of the complete
program. --check builds nothing: it only says whether every patch still applies to the sources, and reverses.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "Benchmarks/scenarios/five-draws.yaml"
SIMULATION = "Sources/Simulation/"
INGREDIENTS = """      case .exponential where !sampler.isTruncated: .uniform
      case .lognormal where !sampler.isTruncated: .normal
"""
LEAST = "    let (replica, level) = levels.raiseLowest()\n"
PLAIN_LEAST = """    var replica = -1
    for index in 0..<maxReplicas where replicas[index].state == .ready {
      if replica < 0 || replicas[index].occupancy < replicas[replica].occupancy { replica = index }
    }
    let level = replicas[replica].occupancy
    _ = levels.raiseLowest()
"""
SMALLER = """  uint64_t is_less = (uint64_t)((b.high - a.high - (b.low < a.low)) >> 63);
  // Says nothing, but that the compiler cannot know what comes out of it.
  __asm__("" : "+r"(is_less));
  return (wb_key){a.low ^ ((a.low ^ b.low) & is_less), a.high ^ ((a.high ^ b.high) & (int64_t)is_less)};"""
MICROSECONDS = "{ wb_microseconds(drawn) }"
IN_BLOCKS = """    withUnsafeTemporaryAllocation(of: Double.self, capacity: BlockSampler.most) { exposures in
      guard let values = exposures.baseAddress else { return }
      var row = 0
      while row < times.count {
        let rows = min(BlockSampler.most, times.count - row)
        stream.exponentials(rows, mean: 1, into: values)
        var index = 0
        while index < rows {
          index = rate.timesWithin(
            values, from: index, to: rows, UnsafeMutableBufferPointer(rebasing: times[row...]))
          if index < rows {
            times[row + index] = rate.time(after: values[index])
            index += 1
          }
        }
        row += rows
      }
    }
"""
ONE_BY_ONE = "    for row in times.indices { times[row] = rate.time(after: stream.exponential(mean: 1)) }\n"
# What is taken out: (name, [(file, text, replacement)]). Each text occurs exactly once in its file.
VARIANTS = [
    ("as it is", []),
    ("values drawn one by one, not in two steps", [("Sources/Sampling/BlockSampler.swift", INGREDIENTS, ""), (SIMULATION + "Arrivals/PoissonProcess.swift", IN_BLOCKS, ONE_BY_ONE)]),
    ("vectors of two, as every x86-64 has them, not the widest", [("Sources/CGSL/blocks.c", "#if defined(__x86_64__) && defined(__linux__)", "#if 0")]),
    ("blocks of one request, not of 64", [(SIMULATION + "DrawAhead.swift", "static var ownSize: Int { 64 }", "static var ownSize: Int { 1 }")]),
    ("matches of departures by branches, not by arithmetic", [("Sources/CBranchless/include/CBranchless.h", SMALLER, "  return b.high < a.high || (b.high == a.high && b.low < a.low) ? b : a;")]),
    ("a departure taken out and the next put in, not replaced", [(SIMULATION + "ModelSimulation+Requests.swift", "departures.replaceFirst(time: finish, sequence: next)", "departures.removeFirst()\n      departures.insert(time: finish, sequence: next, deployment: index, replica: replica)")]),
    ("replicas looked through, not their sets of bits", [(SIMULATION + "DeploymentState.swift", LEAST, PLAIN_LEAST)]),
    ("durations converted with checks", [(SIMULATION + "IncidentTimeline.swift", MICROSECONDS, "{ drawn > 0 ? drawn < 3.2e15 ? Int64(drawn + 0.5) : 3_200_000_000_000_000 : 0 }")]),
    ("failures dealt with within the loop", [(SIMULATION + "ModelSimulation+Requests.swift", "  @inline(never)\n  private mutating func tellClient", "  @inline(__always)\n  private mutating func tellClient")]),
]


class StalePatch(Exception):
    """A patch that does not fit the sources any longer."""


def apply(folder, changes):
    """Patches the sources in `folder`, or throws `StalePatch` and leaves them as they are. Returns the original texts by path."""
    originals, patched = {}, {}
    for file, text, replacement in changes:
        path = folder / file
        if not path.exists():
            raise StalePatch(f"{file} does not exist")
        originals.setdefault(path, path.read_bytes())
        source = patched.get(path, originals[path].decode())
        found = source.count(text)
        if found != 1:
            raise StalePatch(f"{file} has {text.splitlines()[0].strip()!r} and what follows {found} times, not once")
        patched[path] = source.replace(text, replacement)
        if patched[path].replace(replacement, text, 1) != source and replacement:
            raise StalePatch(f"{file}: {replacement.splitlines()[0].strip()!r} occurs elsewhere too")
    for path, source in patched.items():
        path.write_bytes(source.encode())
    return originals


def restore(originals):
    for path, source in originals.items():
        path.write_bytes(source)


def stale(root=ROOT):
    """What is wrong with the patches, one sentence for each that does not apply to the sources, or does not reverse."""
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in {file for _, changes in VARIANTS for file, _, _ in changes}:
            if (root / file).exists():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / file, folder / file)
        for what, changes in VARIANTS:
            try:
                restore(apply(folder, changes))
            except StalePatch as problem:
                problems.append(f"{what}: {problem}.")
            for file, _, _ in changes:
                if (root / file).exists() and (folder / file).read_bytes() != (root / file).read_bytes():
                    problems.append(f"{what}: {file} is not what it was after the patch was reversed.")
    return problems


def build(folder, changes):
    originals = apply(folder, changes)
    done = subprocess.run(["swift", "build", "-c", "release", "--scratch-path", str(folder / ".build-release"), "--product", "workbench"],
                          cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    restore(originals)


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
    options.add_argument("--runs", type=int, default=7, help="runs of each program (default: 7)")
    options.add_argument("--check", action="store_true", help="only checks that every patch applies to the sources and reverses")
    given = options.parse_args()
    problems = stale()
    if problems:
        sys.exit("\n".join([*problems, "Bring Benchmarks/ablation.py up to date."]))
    if given.check:
        return print(f"All {sum(len(changes) for _, changes in VARIANTS)} patches apply and reverse.")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "source"
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        # The same versions of dependencies as here.
        if (ROOT / "Package.resolved").exists():
            shutil.copy2(ROOT / "Package.resolved", folder)
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
        sys.exit("A variant gave different bytes, so it does more than leave an optimisation out.")
    whole = statistics.median(times[0])
    print("| taken out | ns of CPU a request | costs |\n|---|---:|---:|")
    for (what, _), taken in zip(VARIANTS, times):
        ns = statistics.median(taken)
        print(f"| {what} | {ns:.1f} | {'' if what == 'as it is' else f'{ns - whole:+.1f} ({(ns / whole - 1) * 100:+.0f} %)'} |")


if __name__ == "__main__":
    main()
