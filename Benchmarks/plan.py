"""Planning: 100 variants × 30 replications of a week with a million requests each (3 billion requests), a search over
the same variants that spends replications where they matter, and a search over 200 variants: four scaling policies with
five parameters each, on two kinds of hardware, with five limits.

    .venv/bin/python Benchmarks/plan.py .build-release/release/workbench [FIRST WORDS OF A LABEL]
"""
import json, os, pathlib, subprocess, sys, tempfile, time

WORKBENCH = os.path.abspath(sys.argv[1])
SCENARIO = pathlib.Path(__file__).resolve().parents[1] / "Scenarios/capacity-week.yaml"
DEPLOYMENT = "models.assistant.deployments.V1"
VARY = ["--vary", f"{DEPLOYMENT}.scaling.maxReplicas=2..6", "--vary", f"{DEPLOYMENT}.scaling.scaleUpDelay=10s,30s,60s,120s,300s",
        "--vary", f"{DEPLOYMENT}.scaling.maxBatchSize=3,4", "--vary", "load.scale=0.95,1.05"]
SEARCH = ["--slo", "latency.p95 <= 5s, failureRate <= 0.1%", "--minimize", "credits"]
# The service of the scenario, and one that takes half as long again.
SERVICE = ("{ byHardware: { A10 single: { firstToken: 250ms, perInputToken: 0.3ms, perOutputToken: 9ms, batchSlowdown: 0.05 }, "
           "T4 single: { firstToken: 375ms, perInputToken: 0.45ms, perOutputToken: 13.5ms, batchSlowdown: 0.05 } } }")
POLICIES = f"""
workbenchPlan: 1
decisions:
  - {{ name: concurrency, vary: {{ scaling.scaleUpDelay: [ 10s, 30s, 60s, 120s, 300s ] }} }}
  - {{ name: HPA, policy: {{ targetUtilisation: {{ target: 0.6 }} }}, vary: {{ scaling.policy.targetUtilisation.target: 0.4..0.8:0.1 }} }}
  - {{ name: KEDA, policy: {{ queueLength: {{ target: 4, counts: pending }} }}, vary: {{ scaling.policy.queueLength.target: 2..6 }} }}
  - {{ name: Knative, policy: {{ averageConcurrency: {{ target: 0.6 }} }}, vary: {{ scaling.policy.averageConcurrency.target: 0.4..0.8:0.1 }} }}
vary:
  {DEPLOYMENT}.hardware: [ A10 single, T4 single ]
  scaling.maxReplicas: 4..8
"""

with tempfile.TemporaryDirectory() as name:
    policies = pathlib.Path(name, "policies.yaml")
    policies.write_text(POLICIES)
    print("| | variants | replications | requests | s | million requests a second | MiB |\n|---|---:|---:|---:|---:|---:|---:|")
    for label, more in [("every variant, 30 replications", [*VARY, "--replications", "30"]),
                        ("search: p95 ≤ 5 s, least credits", [*VARY, *SEARCH, "--replications", "30"]),
                        ("policies and hardware: p95 ≤ 5 s, least credits", [*SEARCH, "--replications", "10", "--indifference", "0.05", "--file", str(policies), "--set", f"{DEPLOYMENT}.service={SERVICE}"])]:
        if not label.startswith(" ".join(sys.argv[2:])): continue
        target = pathlib.Path(name) / label[:5]
        start = time.monotonic()
        process = subprocess.Popen([WORKBENCH, "plan", str(SCENARIO), *more, "-o", str(target), "-q"])
        _, code, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        # 1: no variant meets the objectives; 2: undecided, with as many replications as are allowed.
        assert os.waitstatus_to_exitcode(code) in (0, 2), code
        plan = json.loads((target / "plan.json").read_text())
        requests = plan["totalRequests"]
        # The base is one of the variants that are planned.
        count = sum(1 + len(variant.get("alsoNamed", [])) for variant in plan["variants"]) - 1
        print(f"| {label} | {count} | {plan['totalReplications']} | {requests / 1e9:.2f} · 10⁹ | {seconds:.0f} | {requests / seconds / 1e6:.1f} | {usage.ru_maxrss / 1024:.0f} |", flush=True)
