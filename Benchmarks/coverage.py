"""Rolling origins: how often the 95 % intervals of demand to come held.

    .venv/bin/python Benchmarks/coverage.py .build-release/release/workbench [RECORDS]

RECORDS synthetic records (default 40) of 32 days, with known truth: weekdays, a level that wanders and drifts, noise of
days, hours, and a deployment that scales. From each of the origins, `fit --forecast` sees the days before; 20
replications of the day after give the prediction interval of its requests, of its 95th percentile of latency and of its
largest number of replicas. Each is compared with the record's own day. An interval of whole numbers holds from half
below to half above. The table has the shares of days that lay inside, with the binomial standard error (of independent
days: two origins of a record are nearly so), and beside them those of the same fits without uncertainty, which see
chance alone.

Then each client of ServeGen (14 days): what a fit says of the uncertainty of a record that is too short to tell it.
"""
import concurrent.futures, csv, datetime, json, math, os, pathlib, random, subprocess, sys, tempfile

WORKBENCH = os.path.abspath(sys.argv[1])
RECORDS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
DATA = pathlib.Path(os.environ.get("WORKBENCH_DATA", pathlib.Path(__file__).resolve().parents[2] / "shared/data"))
START = datetime.date(2026, 1, 5)
DAYS = 32
# Days seen: shares of the record that are exact in binary, so that days are whole.
ORIGINS = {24: 0.25, 28: 0.125}
METRICS = ["requests", "latency.p95", "peakReplicas"]
WEEK = [0.1, 0.2, 0.15, 0.1, 0.0, -0.3, -0.25]
# Standard deviations of the level's steps and of a day, drift a day.
TRUTHS = {"steady level, noise of days 5 %": (0, 0.05, 0.0), "level wanders by 5 % a day": (0.05, 0.03, 0.0),
          "grows by 5 % a week, noise 8 %": (0.01, 0.08, math.log(1.05) / 7)}


def workbench(*arguments):
    done = subprocess.run([WORKBENCH, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr}")
    return done.stdout


def document(seed, truth):
    step, noise, drift = truth
    draw = random.Random(seed)
    level, dates = 0.0, []
    for day in range(DAYS):
        level += drift + draw.gauss(0, step)
        date = START + datetime.timedelta(day)
        dates.append(f"{date}: {math.exp(level + WEEK[date.weekday()] + draw.gauss(0, noise)):.6f}")
    hours = ", ".join(f"{1 - 0.6 * math.cos((hour - 3) * math.pi / 12):.4f}" for hour in range(24))
    return f"""workbench: 1
name: record
seed: {seed}
period: {{ from: {START}, to: {START + datetime.timedelta(DAYS)} }}
account: {{ name: acme, timeZone: UTC, subscription: {{ maxReplicas: 20 }} }}
profiles: {{ rates: {{ truth: {{ hourly: [{hours}], dates: {{ {", ".join(dates)} }} }} }} }}
models:
  - name: m
    kind: openSource
    load:
      arrivals: {{ poisson: {{ rate: 3000/d }} }}
      profile: truth
      tokens: {{ input: 100, output: 50 }}
    deployments:
      - version: V1
        deployAt: {START - datetime.timedelta(1)}
        hardware: A10 single
        scaling: {{ minReplicas: 1, maxReplicas: 12, maxBatchSize: 2, scaleUpDelay: 1min, scaleDownDelay: 10min, startup: 1min }}
        service: {{ time: {{ gamma: {{ mean: 40s, cv: 0.5 }} }} }}
"""


def metrics(scenario, day, *more):
    """The prediction interval of each figure of a day, by 20 replications."""
    moved = [f"period.from={day}", f"period.to={day + datetime.timedelta(1)}", "warmUp=2h", *more]
    return json.loads(workbench("run", scenario, "--replications", 20, "--json",
                                *(word for change in moved for word in ("--set", change))))["metrics"]


def one(seed, truth):
    """What held: with or without uncertainty, the metric, and whether its interval had the day's own figure."""
    held = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "record.yaml").write_text(document(seed, truth))
        workbench("run", path / "record.yaml", "-o", path / "record", "-q")
        for origin, share in ORIGINS.items():
            fit = path / f"fit-{origin}.yaml"
            workbench("fit", path / "record", "-o", fit, "--forecast", "--hold-out", share, "--arrivals", "poisson", "-q")
            day = START + datetime.timedelta(origin)
            own = observed(path / "record", day)
            assert "uncertainty:" in fit.read_text(), fit.read_text()
            for name, change in [("with", []), ("without", ["models.m.load.uncertainty={ level: { cv: 0 } }"])]:
                found = metrics(fit, day, *change)
                for metric in METRICS:
                    interval = found[metric]["nextPeriod"]
                    slack = 0.5 if metric != "latency.p95" else 0
                    held.append((name, metric, interval["lower"] - slack <= own[metric] <= interval["upper"] + slack))
    return held


def observed(run, day):
    """Requests, 95th percentile of latency (ms) and most replicas at once of a day of a run."""
    first, last = f"{day}", f"{day + datetime.timedelta(1)}"
    latencies, requests = [], 0
    with open(next(run.glob("telemetry/requests.csv"))) as rows:
        for row in csv.DictReader(rows):
            if first <= row["arrived_at"] < last:
                requests += 1
                if row["status"] == "success":
                    latencies.append(int(row["latency_us"]))
    latencies.sort()
    most = count = 0
    with open(next(run.glob("telemetry/replicas.csv"))) as rows:
        for row in csv.DictReader(rows):
            if row["at"] >= last:
                break
            if row["at"] >= first:
                most = max(most, count)
            count = sum(int(row[state]) for state in ("starting", "ready", "draining"))
    most = max(most, count)
    return {"requests": requests, "latency.p95": latencies[math.ceil(0.95 * len(latencies)) - 1] / 1000, "peakReplicas": most}


def synthetic():
    print("| truth | figure | days | inside, % ± s.e. | without uncertainty, % |\n|---|---|---:|---:|---:|")
    for number, (name, truth) in enumerate(TRUTHS.items()):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            held = [row for rows in pool.map(lambda seed: one(seed, truth), range(1000 * number, 1000 * number + RECORDS)) for row in rows]
        for metric in METRICS:
            inside = [ok for kind, own, ok in held if kind == "with" and own == metric]
            certain = [ok for kind, own, ok in held if kind == "without" and own == metric]
            share = sum(inside) / len(inside)
            error = math.sqrt(share * (1 - share) / len(inside))
            print(f"| {name} | {metric} | {len(inside)} | {100 * share:.1f} ± {100 * error:.1f} | {100 * sum(certain) / len(certain):.1f} |", flush=True)


def short():
    """The reference data's longest records: 14 days."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = pathlib.Path(folder, "client.yaml")
        for client in [2, 22]:
            data = DATA / "servegen-m-small"
            scenario.write_text(f"""workbench: 1
name: client
period: {{ from: 2026-01-05, to: 2026-01-19 }}
account: {{ name: a, timeZone: UTC, subscription: {{ maxReplicas: 1 }} }}
models:
  - name: m
    kind: external
    provider: P
    load: {{ arrivals: {{ serveGen: {{ trace: {data}/chunk-{client}-trace.csv, dataset: {data}/chunk-{client}-dataset.json }} }} }}
    service: {{ time: 1s }}
""")
            run, fit = pathlib.Path(folder, f"run-{client}"), pathlib.Path(folder, f"fit-{client}.yaml")
            workbench("run", scenario, "-o", run, "-q")
            said = workbench("fit", run, "-o", fit, "--forecast", "--no-check", "--arrivals", "gamma")
            note = next(line.strip() for line in said.splitlines() if "Demand to come" in line)
            print(f"ServeGen client {client}: {note}")


if __name__ == "__main__":
    synthetic()
    short()
