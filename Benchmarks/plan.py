"""Planning: 100 variants × 30 replications of a week with a million requests each (3 billion requests), and a search over
the same variants that spends replications where they matter.

    .venv/bin/python Benchmarks/plan.py .build-release/release/workbench
"""
import json, os, pathlib, subprocess, sys, tempfile, time

WORKBENCH = os.path.abspath(sys.argv[1])
SCENARIO = pathlib.Path(__file__).resolve().parents[1] / "Scenarios/capacity-week.yaml"
SCALING = "models.assistant.deployments.V1.scaling"
VARY = ["--vary", f"{SCALING}.maxReplicas=2..6", "--vary", f"{SCALING}.scaleUpDelay=10s,30s,60s,120s,300s", "--vary",
        f"{SCALING}.maxBatchSize=3,4", "--vary", "load.scale=0.95,1.05"]

with tempfile.TemporaryDirectory() as name:
    print("| | variants | replications | requests | s | million requests a second | MiB |\n|---|---:|---:|---:|---:|---:|---:|")
    for label, more in [("every variant, 30 replications", ["--replications", "30"]),
                        ("search: p95 ≤ 5 s, least credits", ["--slo", "latency.p95 <= 5s, failureRate <= 0.1%", "--minimize", "credits", "--replications", "30"])]:
        target = pathlib.Path(name) / label[:5]
        start = time.monotonic()
        process = subprocess.Popen([WORKBENCH, "plan", str(SCENARIO), *VARY, *more, "-o", str(target), "-q"])
        _, code, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        assert os.waitstatus_to_exitcode(code) == 0
        plan = json.loads((target / "plan.json").read_text())
        requests = plan["totalRequests"]
        print(f"| {label} | {len(plan['variants'])} | {plan['totalReplications']} | {requests / 1e9:.2f} · 10⁹ | {seconds:.0f} | {requests / seconds / 1e6:.1f} | {usage.ru_maxrss / 1024:.0f} |", flush=True)
