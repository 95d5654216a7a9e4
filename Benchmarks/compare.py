"""Comparison: two data sets of 10 million requests in several formats, and two run directories of a year with 200
versions. Prints wall time and peak memory (of the program and the DuckDB that it starts for Parquet).

    .venv/bin/python Benchmarks/compare.py .build-release/release/workbench
"""
import os, pathlib, subprocess, sys, tempfile, time

WORKBENCH = os.path.abspath(sys.argv[1])
TOKENS = "tokens: { input: { geometric: { mean: 250 } }, output: { geometric: { mean: 240 } } }"
SERVICE = "service: { firstToken: 150ms, perOutputToken: 20ms }"
BIG = f"""
workbench: 1
name: big
period: {{ from: 2026-01-01, to: 2026-01-15 }}
account: {{ name: acme, subscription: {{ maxReplicas: 50 }} }}
models:
  - name: m
    kind: openSource
    load: {{ arrivals: {{ poisson: {{ rate: 8.27/s }} }}, {TOKENS} }}
    deployments: [ {{ version: V1, deployAt: 2026-01-01, hardware: T4 single, scaling: {{ minReplicas: 10, maxReplicas: 20, maxBatchSize: 8 }}, {SERVICE} }} ]
"""
YEAR = """
workbench: 1
name: year
period: { from: 2025-03-01, to: 2026-03-01 }
account: { name: acme, timeZone: Europe/Berlin, subscription: { maxReplicas: 5000 } }
models:
""" + "".join(f"""
  - name: m{i}
    kind: openSource
    load: {{ arrivals: {{ poisson: {{ rate: 2/h }} }}, {TOKENS} }}
    deployments:
      - {{ version: V1, deployAt: 2025-03-01, undeployAt: 2025-09-01, hardware: T4 single, scaling: {{ minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }}, {SERVICE} }}
      - {{ version: V2, deployAt: 2025-09-01, hardware: A10 single, scaling: {{ minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }}, {SERVICE} }}
""" for i in range(100))


def run(*command):
    subprocess.run([WORKBENCH, *map(str, command)], check=True, stdout=subprocess.DEVNULL)


def timed(label, *command, status):
    start = time.monotonic()
    process = subprocess.Popen([WORKBENCH, *map(str, command)], stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    assert os.waitstatus_to_exitcode(code) == status, label
    print(f"| {label} | {seconds:.2f} | {usage.ru_maxrss / 1024:.0f} |", flush=True)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "big.yaml").write_text(BIG)
    (folder / "year.yaml").write_text(YEAR)
    for label, more in [("csv", []), ("other", ["--seed", "2"]), ("sqlite", ["--formats", "sqlite"]), ("parquet", ["--formats", "parquet"])]:
        run("run", folder / "big.yaml", "-q", "--out", folder / label, *more)
    for seed in (1, 2):
        run("run", folder / "year.yaml", "-q", "--formats", "none", "--seed", seed, "--out", folder / f"year{seed}")
    print("| comparison | s | MiB |\n|---|---:|---:|")
    timed("10 million requests, CSV and CSV, the same", "compare", folder / "csv", folder / "csv", "--what", "data", status=0)
    timed("10 million requests, CSV and SQLite, the same", "compare", folder / "csv", folder / "sqlite", "--what", "data", status=0)
    timed("10 million requests, CSV and Parquet, the same", "compare", folder / "csv", folder / "parquet", "--what", "data", status=0)
    timed("10 million requests, CSV and CSV, all different", "compare", folder / "csv", folder / "other", "--what", "data", status=1)
    timed("a year of 200 versions, the same", "compare", folder / "year1", folder / "year1", status=0)
    timed("a year of 200 versions, all different", "compare", folder / "year1", folder / "year2", status=1)
