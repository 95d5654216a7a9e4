"""Sizing of sweeps on a cluster: what one core does, what a task's result weighs, what the driver costs, how two workers
compare with one, and where a sweep on a thousand nodes saturates (that by the workbench itself).

    .venv/bin/python Benchmarks/cluster.py .build-release/release/workbench
"""
import json, os, pathlib, resource, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
WORKBENCH = os.path.abspath(sys.argv[1])
DRIVER = [sys.executable, str(ROOT / "cluster/ray/workbench_ray.py")]
NODE = dict(object_store_memory=80 << 20, include_dashboard=False)
# Of a 32-core node's hour, on demand, in the big clouds; spot prices are a third.
PRICE_PER_CORE_HOUR = 0.045


def out(*words, **options):
    return subprocess.run([WORKBENCH, *map(str, words)], check=True, stdout=subprocess.PIPE, **options).stdout


def emit(folder, name, requests_per_task, *words):
    tasks = out(*words, "--emit-tasks", "--requests-per-task", requests_per_task, "--store", folder / "store").decode()
    (folder / name).write_text(tasks)
    return tasks.splitlines()


def drive(address, tasks, results, *more):
    """Wall and CPU seconds of the driver."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*DRIVER, str(tasks), "--results", str(results), "--address", address, "--workbench", WORKBENCH, "-q", *more], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # A core: a task of 50 million requests, as they are by default.
        emit(folder, "core.jsonl", 50_000_000, "run", HERE / "scenarios/five-draws.yaml", "--set", "models.model.load.scale=2.5")
        start = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out("task", "--tasks", folder / "core.jsonl", "--index", 0, "--results", folder / "core")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall, cpu = time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        result = next((folder / "core").iterdir())
        requests = json.loads(result.read_bytes().split(b"\n", 2)[1])["requests"]
        print(f"one core: {requests / wall / 1e6:.1f} M requests a second; a billion takes {1e9 / requests * cpu:.0f} core seconds, "
              f"${1e9 / requests * cpu / 3600 * PRICE_PER_CORE_HOUR:.4f} at ${PRICE_PER_CORE_HOUR} a core and hour")
        task_seconds = wall
        # Bytes of results.
        fleet = emit(folder, "fleet.jsonl", 10_000, "run", ROOT / "Scenarios/many-accounts.yaml")
        plan = emit(folder, "plan.jsonl", 1_000_000, "plan", ROOT / "Scenarios/capacity-week.yaml", "--vary", "load.scale=1,1.1", "--replications", "4", "--warm-up", "none")
        out("task", "--tasks", folder / "plan.jsonl", "--index", 0, "--results", folder / "plan")
        out("task", "--tasks", folder / "fleet.jsonl", "--index", 0, "--results", folder / "fleet")
        sizes = {what: next((folder / what).iterdir()).stat().st_size for what in ("core", "fleet", "plan")}
        print(f"result of a task: {sizes['core'] / 1e3:.0f} kB (one busy account's week), {sizes['fleet'] / 1e3:.0f} kB (a quiet account's), "
              f"{sizes['plan'] / 1e3:.0f} kB (a plan's, one replication of a million requests); a task itself {len(fleet[0])} bytes")

        def cluster(workers):
            made = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
            for _ in range(workers):
                made.add_node(num_cpus=1, **NODE)
            made.wait_for_nodes()
            return made

        # Tasks of two seconds each; the workers' processes are started before the clock runs.
        sweep = emit(folder, "sweep.jsonl", 1_000_000, "plan", HERE / "scenarios/five-draws.yaml", "--set", "period.to=2026-01-10",
                     "--vary", "load.scale=1,1.0001", "--replications", "16", "--warm-up", "none")
        walls = {}
        for workers in (1, 2):
            made = cluster(workers)
            drive(made.address, folder / "fleet.jsonl", folder / f"warm{workers}")
            walls[workers], _ = drive(made.address, folder / "sweep.jsonl", folder / f"sweep{workers}")
            if workers == 2:
                # What the driver's process pays for starting, and for a task: the difference of two sweeps of tiny tasks.
                tiny = emit(folder, "tiny.jsonl", 1, "plan", ROOT / "Scenarios/steady.yaml", "--set", "period.to=2026-03-02T00:10", "--set", "warmUp=0s",
                            "--vary", "load.scale=1,1.1", "--replications", "200", "--warm-up", "none")
                (folder / "few.jsonl").write_text("\n".join(tiny[:20]) + "\n")
                few_wall, few = drive(made.address, folder / "few.jsonl", folder / "few")
                many_wall, many = drive(made.address, folder / "tiny.jsonl", folder / "many")
                per_task = (many - few) / (len(tiny) - 20)
                print(f"tiny tasks: {(many_wall - few_wall) / (len(tiny) - 20) * 2e3:.0f} ms of a worker each, the program's start in it")
            made.shutdown()
        plain = {}
        for count in (1, 2):
            start = time.perf_counter()
            subprocess.run(["xargs", "-P", str(count), "-I{}", WORKBENCH, "task", "--tasks", str(folder / "sweep.jsonl"), "--index", "{}", "--results", str(folder / f"plain{count}")],
                           input="".join(f"{index}\n" for index in range(len(sweep))).encode(), check=True)
            plain[count] = time.perf_counter() - start
        print(f"{len(sweep)} tasks without Ray (xargs): {plain[1]:.1f} s one at a time, {plain[2]:.1f} s two at a time: efficiency {plain[1] / plain[2] / 2:.2f}")
        print(f"{len(sweep)} tasks: {walls[1]:.1f} s on one worker process, {walls[2]:.1f} s on two: efficiency {walls[1] / walls[2] / 2:.2f} "
              f"(on {os.cpu_count()} cores that Ray's own processes and the driver share)")
        print(f"the driver: {per_task * 1e3:.2f} ms of its core a task, so {1 / per_task:.0f} tasks a second at the most")

        print("\n| nodes of 32 cores, tasks of so many seconds | tasks a second | driver's utilisation | a task waits for it | store's link (10 Gbit/s) |\n|---|---:|---:|---:|---:|")
        for nodes, seconds in ((10, 5), (100, 5), (1000, 5), (1000, 30), (1000, 60), (1000, 120), (1000, 300)):
            rate = nodes * 32 / seconds
            answer = out("run", HERE / "scenarios/sweep.yaml", "--formats", "none", "--json", "--out", folder / f"sim{nodes}-{seconds}",
                         "--set", f"models.driver.load.arrivals.poisson.rate={rate}/s", "--set", f"models.store.load.arrivals.poisson.rate={rate}/s",
                         "--set", f"models.driver.deployments.V1.service.time={per_task * 1e3:.4f}ms",
                         "--set", f"models.store.deployments.V1.service.time={sizes['core'] / 1.25e9 * 1e3:.5f}ms")
            dashboards = {}
            for model in ("driver", "store"):
                dashboards[model] = json.loads(out("aggregate", folder / f"sim{nodes}-{seconds}", "--kind", "openSource", "--model", model, "--period", "2026-01-05"))
            busy = rate * per_task
            waits = dashboards["driver"]["latency"]["summary"]["average"] - per_task * 1e3
            text = "without end: saturated" if busy >= 1 else f"{waits:.2f} ms"
            print(f"| {nodes:,}, {seconds} s | {rate:,.0f} | {busy:.0%} | {text} | {rate * sizes['core'] / 1.25e9:.0%} |")


if __name__ == "__main__":
    main()
