"""What each of the engine's measures brings: the same program with one of them taken out, on five-draws.yaml.

    .venv/bin/python Benchmarks/ablation.py [--runs N]

Copies the sources, builds each variant (a minute or two each) and measures CPU time a request; the programs run in turn,
so that the machine's moods meet all of them. Every variant must give the bytes of the whole program.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "Benchmarks/scenarios/five-draws.yaml"
SIMULATION = "Sources/Simulation/"
INGREDIENTS = """      case .exponential where !sampler.isTruncated: .uniform
      case .lognormal where !sampler.isTruncated: .normal
"""
LEAST = "    let replica = equals.trailingZeroBitCount\n"
PLAIN_LEAST = """    var replica = -1
    for index in 0..<maxReplicas where replicas[index].state == .ready {
      if replica < 0 || replicas[index].occupancy < replicas[replica].occupancy { replica = index }
    }
"""
SMALLER = """  uint64_t is_less = (uint64_t)((b.high - a.high - (b.low < a.low)) >> 63);
  // Says nothing, but that the compiler cannot know what comes out of it.
  __asm__("" : "+r"(is_less));
  return (wb_key){a.low ^ ((a.low ^ b.low) & is_less), a.high ^ ((a.high ^ b.high) & (int64_t)is_less)};"""
MICROSECONDS = "{ wb_microseconds(drawn) }"
# What is taken out: (name, [(file, text, instead)]).
VARIANTS = [
    ("as it is", []),
    ("values drawn one by one, not in two steps", [("Sources/Sampling/BlockSampler.swift", INGREDIENTS, ""), (SIMULATION + "ArrivalProcess.swift", "case .poisson: nextOfPoisson(times)", "case .poisson: for row in times.indices { times[row] = instant(after: stream.exponential(mean: 1)) }")]),
    ("vectors of two, as every x86-64 has them, not the widest", [("Sources/CGSL/blocks.c", "#if defined(__x86_64__) && defined(__linux__)", "#if 0")]),
    ("blocks of one request, not of 64", [(SIMULATION + "DrawAhead.swift", "static var ownSize: Int { 64 }", "static var ownSize: Int { 1 }")]),
    ("matches of departures by branches, not by arithmetic", [("Sources/CBranchless/include/CBranchless.h", SMALLER, "  return b.high < a.high || (b.high == a.high && b.low < a.low) ? b : a;")]),
    ("a departure taken out and the next put in, not replaced", [(SIMULATION + "ModelSimulation+Requests.swift", "departures.replaceFirst(time: finish, sequence: next)", "departures.removeFirst()\n      departures.insert(time: finish, sequence: next, deployment: index, replica: replica)")]),
    ("replicas looked through, not their sets of bits", [(SIMULATION + "DeploymentState.swift", LEAST, PLAIN_LEAST)]),
    ("durations converted with checks", [(SIMULATION + "IncidentTimeline.swift", MICROSECONDS, "{ drawn > 0 ? drawn < 3.2e15 ? Int64(drawn + 0.5) : 3_200_000_000_000_000 : 0 }")]),
    ("failures dealt with within the loop", [(SIMULATION + "ModelSimulation+Requests.swift", "  @inline(never)\n  private mutating func noteFailure", "  @inline(__always)\n  private mutating func noteFailure")]),
]


def build(folder, changes):
    originals = {}
    for file, text, instead in changes:
        path = folder / file
        source = path.read_text()
        originals.setdefault(path, source)
        if text not in source:
            sys.exit(f"{file} no longer has {text.splitlines()[0]!r}: bring Benchmarks/ablation.py up to date.")
        path.write_text(source.replace(text, instead))
    done = subprocess.run(["swift", "build", "-c", "release", "--scratch-path", str(folder / ".build-release"), "--product", "workbench"],
                          cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    for path, source in originals.items():
        path.write_text(source)


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
