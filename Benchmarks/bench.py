"""The benchmark table: one run, one table. CPU nanoseconds and peak memory a row, medians of several runs, beside the
peers; ratios are what to trust, absolute figures drift with the machine's load.

    .venv/bin/python Benchmarks/bench.py .build-release/release/workbench [--json FILE] [--record] [--quick] [--runs N]

--record adds a line to Benchmarks/README.md, the history. --quick leaves out what takes minutes.
"""
import argparse, datetime, json, os, pathlib, resource, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
FIVE, MM8, STEPS, SESSIONS = (
    str(HERE / "scenarios" / name) for name in ("five-draws.yaml", "mm8.yaml", "continuous-batching.yaml", "sessions.yaml"))
# Requests a second of five-draws.yaml; its period starts on 2026-01-05.
RATE, START = 33, datetime.datetime(2026, 1, 5)


def measure(command, **options):
    """CPU seconds, wall seconds, peak memory in MiB and output of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, **options)
    out = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024, out


def middle(runs, take):
    """The run with the median of the first figure."""
    return sorted((take() for _ in range(runs)), key=lambda taken: taken[0])[runs // 2]


class Table:
    """Rows in the order of measuring, printed as they come."""

    def __init__(self):
        self.rows = []
        print("| | requests | ns of CPU a request | wall, s | MiB | ratio | to |\n|---|---:|---:|---:|---:|---:|---|", flush=True)

    def add(self, name, requests, cpu_ns, wall=None, memory=None, base=None, inverse=False):
        """`base`: the row that this one is divided by; `inverse`: the other way round. Rows without CPU time (other
        people's programs on several threads) are compared by wall time."""
        ratio = None
        if base:
            other = next(row for row in self.rows if row["name"] == base)
            field = "nsPerRequest" if cpu_ns and other["nsPerRequest"] else "wallSeconds"
            mine, theirs = (cpu_ns, other[field]) if field == "nsPerRequest" else (wall, other[field])
            ratio = theirs / mine if inverse else mine / theirs
        self.rows.append({"name": name, "requests": requests, "nsPerRequest": cpu_ns, "wallSeconds": wall,
                          "peakMiB": memory, "ratio": ratio, "to": base, "inverse": inverse})
        show = lambda value, digits: "" if value is None else f"{value:,.{digits}f}"
        to = "" if not base else f"{base} ÷ this" if inverse else base
        print(f"| {name} | {requests:,} | {show(cpu_ns, 1)} | {show(wall, 2)} | {show(memory, 0)} | {show(ratio, 2)} | {to} |", flush=True)

    def value(self, name, field):
        return next((row[field] for row in self.rows if row["name"] == name), None)


def run(workbench, scenario, *more, threads=1, formats="none", runs=1):
    """requests, ns of CPU a request, wall seconds, peak MiB."""
    def once():
        with tempfile.TemporaryDirectory() as scratch:
            cpu, wall, memory, out = measure(
                [workbench, "run", scenario, "--json", "--threads", threads, "--formats", formats, "--out", f"{scratch}/run", *more])
            requests = json.loads(out)["requests"]
            return cpu / requests * 1e9, requests, wall, memory
    ns, requests, wall, memory = middle(runs, once)
    return requests, ns, wall, memory


def period(requests):
    """`--set` for about so many requests of five-draws.yaml."""
    end = START + datetime.timedelta(seconds=round(requests / RATE))
    return ["--set", f"period.to={end:%Y-%m-%dT%H:%M:%S}"]


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
    """ns a customer, start-up taken off; wall; MiB."""
    idle, *_ = measure([sys.executable, "-c", program, 10])
    busy, wall, memory, _ = measure([sys.executable, "-c", program, customers])
    return (busy - idle) / customers * 1e9, wall, memory


def c_program(name, scratch):
    target = f"{scratch}/{name}"
    subprocess.run(["cc", "-O3", "-march=native", f"-I{ROOT}/Sources/CGSL/include", f"{HERE}/{name}.c",
                    f"{ROOT}/Sources/CGSL/xoshiro256pp.c", f"{ROOT}/Sources/CGSL/error_handler.c", "-o", target,
                    "-lgsl", "-lgslcblas", "-lm"], check=True)
    return target


def engine(table, workbench, inner, runs, scratch):
    def inside(command):
        cpu, wall, memory, out = measure(command)
        answer = json.loads(out)
        return answer["nsPerRequest"], answer["requests"], wall, memory
    for name, command, base in [("draws alone, C and GSL", [c_program("draws", scratch), 20_000_000], None),
                                ("engine", [inner, "engine", FIVE], "draws alone, C and GSL")]:
        ns, requests, wall, memory = middle(runs, lambda: inside(command))
        table.add(name, requests, ns, wall, memory, base)
    table.add("engine with aggregation", *run(workbench, FIVE, runs=runs), base="draws alone, C and GSL")
    table.add("a million sessions of ten turns", *run(workbench, SESSIONS, runs=runs), base="engine with aggregation")


def formats(table, workbench, quick):
    requests = 2_000_000 if quick else 5_000_000
    table.add("no data set", *run(workbench, FIVE, *period(requests), runs=3))
    for name in ["csv", "ndjson", "csv.gz", "csv.zst", "ndjson.zst", "sqlite", "parquet"]:
        table.add(f"with {name}", *run(workbench, FIVE, *period(requests), formats=name), base="no data set")


def queues(table, workbench, runs, scratch):
    table.add("M/M/8: engine with aggregation", *run(workbench, MM8, runs=runs))
    cpu, wall, memory, out = measure([c_program("mmc", scratch), 20_000_000])
    table.add("M/M/8: C reference", 20_000_000, json.loads(out)["nsPerRequest"], wall, memory, "M/M/8: engine with aggregation")
    for name, program, customers in [("SimPy 4.1.2", SIMPY, 200_000), ("Ciw 3.2.7", CIW, 100_000)]:
        ns, wall, memory = middle(3, lambda: python_queue(program, customers))
        table.add(f"M/M/8: {name}", customers, ns, wall, memory, "M/M/8: engine with aggregation")


def batching(table, workbench, runs, scratch):
    table.add("continuous batching", *run(workbench, STEPS, runs=runs))
    cpu, wall, memory, out = measure([c_program("steps", scratch), 2_000_000])
    table.add("continuous batching: each step taken, C", 2_000_000, json.loads(out)["nsPerRequest"], wall, memory, "continuous batching")
    cpu, wall, memory, out = measure([sys.executable, HERE / "steps.py", 5000])
    table.add("continuous batching: each step taken, Python", 5000, float(out.split()[0]), wall, memory, "continuous batching")


def growth(table, workbench, quick, scratch):
    counts = [1, 10, 100, 1000]
    for count in counts:
        # Each deployment has a demand of its own, 2 requests a second for a day.
        path = pathlib.Path(scratch) / f"{count}.yaml"
        text = pathlib.Path(FIVE).read_text()
        head, model = text[:text.index("models:")], text[text.index("  - name: model"):]
        head = head.replace("maxReplicas: 8 }", f"maxReplicas: {max(8, count)} }}")
        model = model.replace("rate: 33.0/s", "rate: 2/s").replace("minReplicas: 8, maxReplicas: 8", "minReplicas: 1, maxReplicas: 1")
        head = head.replace("to: 2026-01-12", "to: 2026-01-06")
        path.write_text(head + "models:\n" + "".join(model.replace("name: model", f"name: model{i}") for i in range(count)))
        table.add(f"{count:,} deployment{'s' * (count > 1)}", *run(workbench, path, runs=1 if count == 1000 else 3),
                  base=None if count == 1 else "10 deployments" if count > 10 else "1 deployment")
    sizes = [100_000, 1_000_000, 10_000_000] + ([] if quick else [100_000_000, 1_000_000_000])
    names = {size: f"10{'⁵⁶⁷⁸⁹'[len(str(size)) - 6]} requests" for size in sizes}
    for size in sizes:
        table.add(names[size], *run(workbench, FIVE, *period(size), runs=3 if size < 10**8 else 1),
                  base=names[10_000_000] if size > 10_000_000 else None)


def threads(table, workbench, scratch):
    path = pathlib.Path(scratch) / "100.yaml"
    requests, ns, wall, memory = min((run(workbench, path) for _ in range(3)), key=lambda taken: taken[2])
    table.add("a hundred models of an account, 1 thread", requests, None, wall, memory)
    requests, ns, wall, memory = min((run(workbench, path, threads=2) for _ in range(3)), key=lambda taken: taken[2])
    table.add("a hundred models of an account, 2 threads", requests, None, wall, memory, "a hundred models of an account, 1 thread", inverse=True)


GROUPS = """SELECT model_id, version, epoch_us(arrived_at) // 900000000 AS quarter,
    count(*) FILTER (status = 'success'), count(*) FILTER (status <> 'success'), sum(latency_us) FILTER (status = 'success'),
    min(latency_us), max(latency_us), sum(waiting_us), sum(ttft_us), sum(input_tokens), sum(output_tokens),
    approx_quantile(latency_us, [0.5, 0.9, 0.95, 0.99, 0.999]) FROM {} GROUP BY ALL"""
DUCKDB = """
import duckdb, sys, time
base = duckdb.connect()
base.execute(f"SET threads = {sys.argv[2]}")
base.execute("SET enable_progress_bar = false")
def timed(source):
    start = time.perf_counter()
    base.execute(sys.argv[3].format(source)).fetchall()
    return time.perf_counter() - start
csv = sorted(timed(f"read_csv('{sys.argv[1]}')") for _ in range(3))[1]
base.execute(f"CREATE TABLE r AS FROM read_csv('{sys.argv[1]}')")
print(csv, sorted(timed("r") for _ in range(3))[1])
"""
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


def aggregation(table, workbench, inner, scratch, quick):
    """Wall time of aggregation with quantiles, beside DuckDB and Polars."""
    subprocess.run([workbench, "run", FIVE, *period(5e6 if quick else 2e7), "--out", f"{scratch}/run", "-q"], check=True)
    os.rename(f"{scratch}/run/telemetry", f"{scratch}/plain")  # without rollups: they would answer at once
    csv = f"{scratch}/plain/requests.csv"
    query = [workbench, "aggregate", f"{scratch}/plain", "--period", "7d", "--now", "2026-01-12T00:00:00Z"]
    csv_wall, csv_memory = middle(3, lambda: measure(query)[1:3])
    for threads in (1, 2):
        cpu, wall, memory, out = measure([inner, "memory", f"{scratch}/plain", threads])
        ours = json.loads(out)
        _, _, duck_memory, out = measure([sys.executable, "-c", DUCKDB, csv, threads, GROUPS])
        duck_csv, duck = map(float, out.split())
        _, _, polars_memory, out = measure([sys.executable, "-c", POLARS, csv, threads])
        polars_csv, polars = map(float, out.split())
        for source, mine, my_memory, others in (("memory", ours["seconds"], None, (duck, polars)), ("CSV", csv_wall, csv_memory, (duck_csv, polars_csv))):
            name = f"aggregation from {source}, {threads} thread{'s' * (threads > 1)}"
            table.add(name, ours["rows"], None, mine, my_memory)
            for peer, seconds, peak in zip(("DuckDB 2.0", "Polars 2.1"), others, (duck_memory, polars_memory)):
                table.add(f"{name}: {peer}", ours["rows"], None, seconds, peak, name)
    seconds = measure([workbench, "convert", f"{scratch}/plain", f"{scratch}/all.sqlite", "-q"])
    table.add("CSV to SQLite, indexed", ours["rows"], seconds[0] / ours["rows"] * 1e9, seconds[1], seconds[2])
    query = json.loads(measure([inner, "query"])[3])
    print(f"\nA dashboard query on a year of {query['versions']} model versions: median {query['medianMs']:.1f} ms, "
          f"95 % within {query['p95Ms']:.1f} ms.")
    return {"query": query}


def servegen(table, workbench, scratch):
    """Two weeks of a production service, demand doubled, if the data are there."""
    data = pathlib.Path(os.environ.get("WORKBENCH_DATA", ROOT.parent / "shared/data")) / "servegen-m-small"
    if not data.exists():
        print(f"\n(ServeGen's clients are not in {data}: the rows of 1.23 billion requests are left out.)")
        return
    subprocess.run([workbench, "import", "servegen", data, "-o", f"{scratch}/servegen.yaml", "--scale", "2"], check=True, stdout=subprocess.DEVNULL)
    for count in (1, 2):
        requests, ns, wall, memory = run(workbench, f"{scratch}/servegen.yaml", threads=count)
        table.add(f"ServeGen, 38 clients doubled, two weeks, {count} thread{'s' * (count > 1)}", requests, ns, wall, memory)


HISTORY = [("draws", "draws alone, C and GSL", "nsPerRequest"), ("engine", "engine", "nsPerRequest"),
           ("+ aggregation", "engine with aggregation", "nsPerRequest"), ("÷ draws", "engine with aggregation", "ratio"),
           ("SimPy ÷", "M/M/8: SimPy 4.1.2", "ratio"), ("÷ C M/M/8", "M/M/8: C reference", "ratio"),
           ("batching", "continuous batching", "nsPerRequest"), ("1,000 ÷ 10 deployments", "1,000 deployments", "ratio"),
           ("10⁹ ÷ 10⁷", "10⁹ requests", "ratio"), ("2 threads", "a hundred models of an account, 2 threads", "ratio"),
           ("DuckDB ÷, memory", "aggregation from memory, 1 thread: DuckDB 2.0", "ratio"),
           ("1.23 · 10⁹, s", "ServeGen, 38 clients doubled, two weeks, 2 threads", "wallSeconds"),
           ("MiB", "engine with aggregation", "peakMiB")]


def record(table, workbench):
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    cells = [f"{datetime.date.today()}", commit]
    for _, name, field in HISTORY:
        value = table.value(name, field)
        if value and (name, field) == ("M/M/8: C reference", "ratio"):
            value = 1 / value
        cells.append("" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}")
    path = HERE / "README.md"
    path.write_text(path.read_text().rstrip("\n") + "\n| " + " | ".join(cells) + " |\n")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("workbench")
    options.add_argument("--json", default=str(ROOT / "Outputs/bench.json"))
    options.add_argument("--record", action="store_true")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    workbench = os.path.abspath(given.workbench)
    inner = str(pathlib.Path(workbench).parent / "pipeline-benchmark")
    table = Table()
    with tempfile.TemporaryDirectory() as scratch:
        engine(table, workbench, inner, given.runs, scratch)
        queues(table, workbench, given.runs, scratch)
        batching(table, workbench, min(given.runs, 3), scratch)
        growth(table, workbench, given.quick, scratch)
        threads(table, workbench, scratch)
        formats(table, workbench, given.quick)
        if not given.quick:
            servegen(table, workbench, scratch)
        extra = aggregation(table, workbench, inner, scratch, given.quick)
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    pathlib.Path(given.json).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(given.json).write_text(json.dumps(
        {"date": str(datetime.date.today()), "processor": processor, "cores": os.cpu_count(), "rows": table.rows, **extra},
        indent=2, ensure_ascii=False) + "\n")
    print(f"\n{given.json}: the same as JSON.")
    if given.record:
        record(table, workbench)


if __name__ == "__main__":
    main()
