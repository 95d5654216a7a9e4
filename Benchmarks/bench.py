"""The benchmark table: each figure is CPU time a request, the median of several runs, all in one session of one
machine. Ratios are what to trust; absolute figures drift.

    .venv/bin/python Benchmarks/bench.py .build-release/release/workbench [--json FILE] [--runs N]
"""
import argparse, json, os, pathlib, resource, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent


def cpu(command, **options):
    """CPU seconds, wall seconds and peak memory (MiB) of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, **options)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with status {done.returncode}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout.decode())


def peak(command):
    """Peak memory of a command alone, MiB."""
    code = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True);print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024)"
    return float(subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, check=True).stdout)


def median(runs, measure):
    return statistics.median(measure() for _ in range(runs))


def workbench_run(workbench, scenario, *more):
    with tempfile.TemporaryDirectory() as scratch:
        command = [workbench, "run", scenario, "--json", "--out", f"{scratch}/run", *more]
        seconds, wall, out = cpu(command)
        return seconds / json.loads(out)["requests"] * 1e9


SIMPY = """
import random, simpy, sys
def main(n):
    env = simpy.Environment(); servers = simpy.Resource(env, capacity=8); rng = random.Random(1)
    def customer():
        with servers.request() as turn:
            yield turn
            yield env.timeout(rng.expovariate(1.0))
    def source():
        for _ in range(n):
            env.process(customer())
            yield env.timeout(rng.expovariate(6.4))
    env.process(source()); env.run()
main(int(sys.argv[1]))
"""
CIW = """
import ciw, sys
n = int(sys.argv[1])
network = ciw.create_network(arrival_distributions=[ciw.dists.Exponential(6.4)],
    service_distributions=[ciw.dists.Exponential(1.0)], number_of_servers=[8])
ciw.seed(1)
ciw.Simulation(network).simulate_until_max_customers(n)
"""


def python_queue(program, customers):
    """CPU nanoseconds a customer, start-up taken off."""
    idle, _, _ = cpu([sys.executable, "-c", program, "10"])
    busy, _, _ = cpu([sys.executable, "-c", program, str(customers)])
    return (busy - idle) / customers * 1e9


def engine(workbench, runs):
    with tempfile.TemporaryDirectory() as scratch:
        draws = f"{scratch}/draws"
        subprocess.run(
            ["cc", "-O3", "-march=native", f"-I{ROOT}/Sources/CGSL/include", f"{HERE}/draws.c",
             f"{ROOT}/Sources/CGSL/xoshiro256pp.c", f"{ROOT}/Sources/CGSL/error_handler.c", "-o", draws,
             "-lgsl", "-lgslcblas", "-lm"], check=True)
        floor = median(runs, lambda: json.loads(cpu([draws, "20000000"])[2])["nsPerRequest"])
    five = str(HERE / "scenarios/five-draws.yaml")
    mm8 = str(HERE / "scenarios/mm8.yaml")
    one = ["--threads", "1"]
    # 20 million requests a week at this scenario's 33 a second.
    ours = median(runs, lambda: workbench_run(workbench, five, "--formats", "none", *one))
    queue = median(runs, lambda: workbench_run(workbench, mm8, "--formats", "none", *one))
    simpy = median(3, lambda: python_queue(SIMPY, 200_000))
    ciw = median(3, lambda: python_queue(CIW, 100_000))
    memory = peak([workbench, "run", five, "--formats", "none", "--out", f"{tempfile.mkdtemp()}/run", *one])
    return [
        ("five draws a request, C and GSL, nothing else", floor, 1.0),
        ("engine with aggregation, the same draws", ours, ours / floor),
        ("M/M/8: engine with aggregation", queue, 1.0),
        ("M/M/8: SimPy 4.1.2", simpy, simpy / queue),
        ("M/M/8: Ciw 3.2.7", ciw, ciw / queue),
    ], {"peakMemoryMiB": memory}


GROUPS = """SELECT model_id, version, epoch_us(arrived_at) // 900000000 AS quarter,
    count(*) FILTER (status = 'success'), count(*) FILTER (status <> 'success'), sum(latency_us) FILTER (status = 'success'),
    min(latency_us), max(latency_us), sum(waiting_us), sum(ttft_us), sum(input_tokens), sum(output_tokens),
    approx_quantile(latency_us, [0.5, 0.9, 0.95, 0.99, 0.999]) FROM {} GROUP BY ALL"""


def duckdb_times(path, threads, runs):
    import duckdb
    base = duckdb.connect()
    base.execute(f"SET threads = {threads}")

    def timed(source):
        start = time.perf_counter()
        base.execute(GROUPS.format(source)).fetchall()
        return time.perf_counter() - start

    csv = median(runs, lambda: timed(f"read_csv('{path}')"))
    base.execute(f"CREATE TABLE r AS FROM read_csv('{path}')")
    return csv, median(runs, lambda: timed("r"))


POLARS = """
import os, sys, time
os.environ["POLARS_MAX_THREADS"] = sys.argv[2]
import polars as pl
ok = pl.col("status") == "success"
def aggregate(frame):
    return frame.group_by("model_id", "version", (pl.col("arrived_at").dt.epoch("us") // 900_000_000).alias("quarter")).agg(
        ok.sum().alias("s"), (~ok).sum().alias("f"), pl.col("latency_us").filter(ok).sum().alias("l"),
        pl.col("latency_us").min().alias("lo"), pl.col("latency_us").max().alias("hi"),
        *[pl.col(c).sum() for c in ("waiting_us", "ttft_us", "input_tokens", "output_tokens")],
        *[pl.col("latency_us").quantile(q).alias(f"q{q}") for q in (0.5, 0.9, 0.95, 0.99, 0.999)])
frame = pl.read_csv(sys.argv[1], try_parse_dates=True)
times = []
for _ in range(3):
    start = time.perf_counter(); aggregate(frame.lazy()).collect(); times.append(time.perf_counter() - start)
start = time.perf_counter(); aggregate(pl.scan_csv(sys.argv[1], try_parse_dates=True)).collect()
print(time.perf_counter() - start, sorted(times)[1])
"""


def pipeline(workbench, runs):
    """Aggregation of 20 million requests, wall seconds, beside DuckDB and Polars."""
    inner = str(pathlib.Path(workbench).parent / "pipeline-benchmark")
    rows, extra = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([workbench, "run", str(HERE / "scenarios/five-draws.yaml"), "--out", f"{scratch}/run", "-q"], check=True)
        os.rename(f"{scratch}/run/telemetry", f"{scratch}/plain")  # without rollups: they would answer at once
        csv = f"{scratch}/plain/requests.csv"
        query = [workbench, "aggregate", f"{scratch}/plain", "--period", "7d", "--now", "2026-01-12T00:00:00Z"]
        ours_csv = median(runs, lambda: cpu(query)[1])
        for threads in (1, 2):
            measured = json.loads(cpu([inner, "memory", f"{scratch}/plain", str(threads)])[2])
            requests, ours = measured["rows"], measured["seconds"]
            duck_csv, duck = duckdb_times(csv, threads, runs)
            polars_csv, polars = map(float, cpu([sys.executable, "-c", POLARS, csv, str(threads)])[2].split())
            for source, mine, others in (("memory", ours, (duck, polars)), ("CSV", ours_csv, (duck_csv, polars_csv))):
                rows.append((f"from {source}, {threads} thread{'s' * (threads > 1)}", requests, mine, *others))
        seconds = cpu([workbench, "convert", f"{scratch}/plain", f"{scratch}/all.sqlite", "-q"])[1]
        extra["sqliteRowsPerSecond"] = requests / seconds
        extra["csvMemoryMiB"] = peak(query)
    extra["query"] = json.loads(cpu([inner, "query"])[2])
    return rows, extra


def pipeline_table(rows):
    print("| 20 million requests, with quantiles | workbench, s | DuckDB, s | Polars, s | DuckDB ÷ workbench | Polars ÷ workbench |\n|---|---:|---:|---:|---:|---:|")
    for name, _, mine, duck, polars in rows:
        print(f"| {name} | {mine:.2f} | {duck:.2f} | {polars:.2f} | {duck / mine:.1f} | {polars / mine:.1f} |")


def table(rows):
    print("| | ns of CPU a request | million requests a CPU second | ratio |\n|---|---:|---:|---:|")
    for name, ns, ratio in rows:
        print(f"| {name} | {ns:,.1f} | {1e3 / ns:,.3g} | {ratio:,.2f} |")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("workbench")
    options.add_argument("--json")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    rows, extra = engine(os.path.abspath(given.workbench), given.runs)
    table(rows)
    print(f"\nPeak memory of the engine's 20 million requests: {extra['peakMemoryMiB']:.0f} MiB")
    parts, more = pipeline(os.path.abspath(given.workbench), 3)
    print()
    pipeline_table(parts)
    print(f"\nSQLite: {more['sqliteRowsPerSecond']:,.0f} rows a second, read from CSV and indexed. "
          f"Aggregation from CSV needs {more['csvMemoryMiB']:.0f} MiB.")
    print(f"A dashboard query on a year of {more['query']['versions']} model versions: median "
          f"{more['query']['medianMs']:.1f} ms, 95 % within {more['query']['p95Ms']:.1f} ms.")
    extra.update(more)
    if given.json:
        result = {"pipeline": [{"name": n, "workbench": m, "duckdb": d, "polars": p} for n, _, m, d, p in parts],
                  "rows": [{"name": n, "nsPerRequest": v, "ratio": r} for n, v, r in rows], **extra}
        pathlib.Path(given.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
