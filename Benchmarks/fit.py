"""Fitting: how well fitted scenarios stand for held-out telemetry, and how fast ten million requests are fitted.

    .venv/bin/python Benchmarks/fit.py .build-release/release/workbench

Held out is every second stretch of the given length, or the second half (--forecast). ServeGen's clients are simulated
from their published windows; how far fitting was developed without them, see README. In brackets: the same figure of a
plain Poisson process with lognormal tokens; its index of dispersion is 1. "what it saw" is how far the held-out data lie
from the data that the fit saw (d in the verdict): a fit is as good as the data up to 1.25 times that.
"""
import datetime, json, os, pathlib, shutil, subprocess, sys, tempfile, time

WORKBENCH = os.path.abspath(sys.argv[1])
DATA = pathlib.Path(os.environ.get("WORKBENCH_DATA", pathlib.Path(__file__).resolve().parents[2] / "shared/data"))
AZURE = DATA / "AzureLLMInferenceTrace_conv.csv"
SERVEGEN = DATA / "servegen-m-small"
# Client, and the days of its data. Interleaved: chosen before fitting could do it.
INTERLEAVED = [(17, 0, 4), (27, 0, 4), (21, 9, 13), (24, 9, 13), (30, 9, 13), (32, 9, 13)]
# The second half foreseen from the first. Each client is taken where
# it does not change its ways: its longest span of an even number of days, the earliest of them, for whose halves ServeGen's own windows,
# weighted with their requests, lie within the limits of each other (and 3,000 requests each). The others have no such span.
FORESEEN = [(2, 8, 10), (12, 0, 4), (13, 0, 14), (14, 1, 7), (16, 3, 5), (17, 11, 13), (19, 1, 7), (22, 7, 13), (26, 0, 10),
            (27, 5, 9), (29, 4, 14), (30, 6, 14), (31, 3, 9), (35, 1, 7), (36, 1, 7), (39, 2, 8), (41, 1, 7)]
LIMITS = {"inter-arrival time": 0.10, "input tokens": 0.05, "output tokens": 0.05}


def run(*arguments):
    process = subprocess.Popen([WORKBENCH, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, arguments
    return usage


def row(name, telemetry, hold_out, *more):
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    run("fit", telemetry, "-o", folder / "fit.yaml", "--json", folder / "fit.json", "-q", "--hold-out", hold_out, *more)
    model = json.loads((folder / "fit.json").read_text())["models"][0]
    if "quality" not in model:
        print(f"| {name} | {model['requests']:,} | nothing arrived in what the fit saw | | | | | | | | |", flush=True)
        return
    quality = model["quality"]
    if len(quality["marginals"]) < 3:
        print(f"| {name} | {model['requests']:,} | no figures | | | | | | | | |", flush=True)
        return
    cells, met, beaten = [], True, True
    for marginal in quality["marginals"][:3]:
        distance, plain = marginal["wasserstein"], marginal["baselineWasserstein"]
        met &= distance <= LIMITS[marginal["name"]]
        beaten &= distance < plain
        cells.append(f"{distance:.1%} ({plain:.1%}; {marginal['floorWasserstein']:.1%})")
    for window in (1, 10, 60):
        count = next((count for count in quality["counts"] if count["window"] == window), None)
        if not count:
            met = False
            cells.append("–")
            continue
        ratio = count["simulatedDispersion"] / count["observedDispersion"]
        met &= abs(ratio - 1) <= 0.2
        beaten &= abs(ratio - 1) < abs(1 / count["observedDispersion"] - 1)
        cells.append(f"{count['observedDispersion']:.3g} → {ratio - 1:+.0%}")
    print(f"| {name} | {model['requests']:,} | {model['fitted'][0]['family']}, {model['breakpoints']} levels, {model['variabilityChanges']} of variability | " + " | ".join(cells)
          + f" | {'yes' if met else 'no'} | {'yes' if beaten else 'no'} |", flush=True)


with tempfile.TemporaryDirectory() as scratch:
    print("| telemetry, held out | requests | arrivals | inter-arrival (plain; what it saw) | input tokens | output tokens | dispersion 1 s | 10 s | 60 s | all within | beats plain |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---|---|")
    for stretch in ("1min", "2min", "3min"):
        row(f"Azure conversation, every second {stretch}", AZURE, stretch)
    row("Azure conversation, last half, --forecast", AZURE, "0.5", "--forecast")
    for clients, words, *how in ((INTERLEAVED, "every second 30min", "30min"), (FORESEEN, "last half, --forecast", "0.5", "--forecast")):
        for client, first, last in clients:
            scenario, telemetry = f"{scratch}/c{client}.yaml", f"{scratch}/r{client}"
            if not os.path.exists(scenario):
                run("import", "servegen", SERVEGEN, "-o", scenario, "--clients", client)
            day = lambda number: (datetime.date(2025, 1, 6) + datetime.timedelta(number)).isoformat()
            run("run", scenario, "-o", telemetry, "-q", "--formats", "csv", "--set", f"period.from={day(first)}", "--set", f"period.to={day(last)}",
                "--set", f"models.client-{client}.load.arrivals.serveGen.startAt={day(0)}")
            row(f"ServeGen client {client}, days {first}–{last}, {words}", telemetry, *how)
            shutil.rmtree(telemetry)

    scenario, telemetry = f"{scratch}/speed.yaml", f"{scratch}/speed"
    run("import", "servegen", SERVEGEN, "-o", scenario, "--clients", 12, "--days", 2)
    run("run", scenario, "-o", telemetry, "-q", "--formats", "csv")
    requests = json.loads(pathlib.Path(telemetry, "manifest.json").read_text())["rows"]["requests"]
    start = time.monotonic()
    usage = run("fit", telemetry, "-o", f"{scratch}/speed-fit.yaml", "-q")
    print(f"\nFitting {requests / 1e6:.1f} million requests from CSV, simulating and judging the fit: {time.monotonic() - start:.1f} s, {usage.ru_maxrss / 1024:.0f} MiB")
