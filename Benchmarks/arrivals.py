"""Arrival processes: what a request costs under each of them, against the cheapest renewal process that draws its intervals.

    .venv/bin/python Benchmarks/arrivals.py .build-release/release/workbench

One external model that answers at once, ten million requests, processor time of the whole run without any output; the
least of three runs. The aim is at most 1.2 times a gamma process.
"""
import os, pathlib, subprocess, sys, tempfile

WORKBENCH = os.path.abspath(sys.argv[1])
REQUESTS = 10_000_000
PROCESSES = {
    "poisson": "poisson: { rate: 100/s }",
    "gamma, cv 2": "gamma: { rate: 100/s, cv: 2 }",
    "weibull, cv 2": "weibull: { rate: 100/s, cv: 2 }",
    "markovModulated": "markovModulated: { states: [ { rate: 50/s, mean: 1min }, { rate: 250/s, mean: 20s } ] }",
    "neymanScott": "neymanScott: { rate: 100/s, requests: 5, spread: 10s }",
    "neymanScott, shape 0.3": "neymanScott: { rate: 100/s, requests: 5, spread: 10s, shape: 0.3 }",
    "bartlettLewis": "bartlettLewis: { rate: 100/s, requests: 5, gap: 2s }",
    "bartlettLewis, shape 0.3": "bartlettLewis: { rate: 100/s, requests: 5, gap: 2s, shape: 0.3 }",
    "hawkes": "hawkes: { rate: 100/s, branching: 0.6, delay: 3s }",
    "hawkes, tail 1.5": "hawkes: { rate: 100/s, branching: 0.6, delay: 3s, tail: 1.5 }",
}


def seconds(scenario):
    process = subprocess.Popen([WORKBENCH, "run", scenario, "--formats", "none", "-o", f"{scenario}.out", "-q", "--threads", "1"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, scenario
    subprocess.run(["rm", "-rf", f"{scenario}.out"], check=True)
    return usage.ru_utime + usage.ru_stime


with tempfile.TemporaryDirectory() as scratch:
    files = {}
    for place, (name, process) in enumerate(PROCESSES.items()):
        files[name] = pathlib.Path(scratch, f"p{place}.yaml")
        files[name].write_text(f"""workbench: 1
name: p
seed: 1
period: {{ from: 2026-01-05T00:00:00Z, to: 2026-01-06T03:46:40Z }}
account: {{ name: a, timeZone: UTC, subscription: {{ maxReplicas: 1 }} }}
models:
  - {{ name: m, kind: external, provider: p, load: {{ arrivals: {{ {process} }}, tokens: {{ input: 10, output: 10 }} }}, service: {{ time: 1ms }} }}
""")
    least = {name: float("inf") for name in files}
    # In turn, so that what else the machine does meets all of them.
    for _ in range(3):
        for name, file in files.items():
            least[name] = min(least[name], seconds(file))
    print("| process | ns a request | over gamma |\n|---|---:|---:|")
    for name, value in least.items():
        print(f"| {name} | {value / REQUESTS * 1e9:.0f} | {value / least['gamma, cv 2']:.2f} |")
