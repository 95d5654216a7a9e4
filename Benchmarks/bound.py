"""Fits judged by the bound: whether each quantity of a fitted scenario is as near to held-out telemetry as the data are.

    .venv/bin/python Benchmarks/bound.py .build-release/release/workbench [NAME ...]

Every trace of the reference data (or those whose name contains one of NAMEs) is fitted to every second stretch of 20 s,
1, 2 and 3 min (of ServeGen's clients, 30 min), and to its first half with --forecast. For each quantity, the table has e
(of the simulation from what was held out), d (of what the fit saw from it), s (of two simulations), what is allowed of e,
and whether the fit is within. The multi-turn logs, the functions and the runs of vLLM are shorter than some of the
stretches, which then hold nothing out.
"""
import collections, datetime, json, os, pathlib, shutil, subprocess, sys, tempfile

WORKBENCH = os.path.abspath(sys.argv[1])
ONLY = sys.argv[2:]
DATA = pathlib.Path(os.environ.get("WORKBENCH_DATA", pathlib.Path(__file__).resolve().parents[2] / "shared/data"))
# The second half, foreseen from the first with --forecast.
HALF = "0.5"
HELD_OUT = ["20s", "1min", "2min", "3min", HALF]
# Client, and days of its data: interleaved, and foreseen. For the second half to be foreseen from the first, it must not
# change: these days were chosen by ServeGen's own windows, see fit.py.
CLIENTS = [(17, 0, 4), (27, 0, 4), (21, 9, 13), (24, 9, 13), (30, 9, 13), (32, 9, 13)]
FORESEEN = [(2, 8, 10), (12, 0, 4), (13, 0, 14), (14, 1, 7), (16, 3, 5), (17, 11, 13), (19, 1, 7), (22, 7, 13), (26, 0, 10),
            (27, 5, 9), (29, 4, 14), (30, 6, 14), (31, 3, 9), (35, 1, 7), (36, 1, 7), (39, 2, 8), (41, 1, 7)]
IMAGES = [(10, 0, 4), (11, 0, 4)]
VLLM = """workbenchMapping: 1
account: { name: vllm, credits: { RTX 4090: 0 } }
deployments: [ { hardware: RTX 4090, replicas: 1, maxBatchSize: 256 } ]
columns:
  id: request_id
  arrivedAt: { column: arrival_time, format: s }
  waiting: { difference: [ scheduled_ts, queued_ts ], unit: s }
  firstToken: { difference: [ first_token_ts, queued_ts ], unit: s }
  latency: { difference: [ last_token_ts, queued_ts ], unit: s }
  inputTokens: input_toks
  outputTokens: output_toks
  model: { constant: m }
  version: { constant: V1 }
  kind: { constant: openSource }
"""
AIBRIX = """workbenchMapping: 1
account: { name: aibrix }
columns:
  arrivedAt: { column: launch_time, format: s }
  endedAt: { column: finish_time, format: s }
  firstToken: { column: ttft, unit: s }
  inputTokens: prompt_tokens
  outputTokens: generation_tokens
  session: user_id
  turn: question_id
  model: { constant: m }
  kind: { constant: external }
"""
MOONCAKE = """workbenchMapping: 1
account: { name: kimi }
columns:
  arrivedAt: { column: timestamp, format: ms, origin: 2026-01-05T00:00:00Z }
  inputTokens: input_length
  outputTokens: output_length
  model: { constant: m }
  kind: { constant: external }
"""
FUNCTIONS = """workbenchMapping: 1
account: { name: azure }
columns:
  endedAt: { column: end_timestamp, format: s, origin: 2021-01-31T00:00:00Z }
  latency: { column: duration, unit: s }
  model: { constant: m }
  kind: { constant: external }
"""


def run(*arguments):
    result = subprocess.run([WORKBENCH, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, (arguments, result.stdout, result.stderr)


def imported(scratch, name, file, mapping):
    (scratch / f"{name}.mapping.yaml").write_text(mapping)
    run("import", "table", DATA / file, "--mapping", scratch / f"{name}.mapping.yaml", "-o", scratch / name)
    return scratch / name


def client(scratch, folder, number, first, last):
    """A client's demand, simulated from its published windows."""
    scenario, telemetry = scratch / f"{folder}-{number}-{first}.yaml", scratch / f"{folder}-{number}-{first}"
    day = lambda days: (datetime.date(2025, 1, 6) + datetime.timedelta(days)).isoformat()
    run("import", "servegen", DATA / folder, "-o", scenario, "--clients", number)
    run("run", scenario, "-o", telemetry, "-q", "--formats", "csv", "--set", f"period.from={day(first)}", "--set", f"period.to={day(last)}",
        "--set", f"models.client-{number}.load.arrivals.serveGen.startAt={day(0)}")
    return telemetry


# Name, how it is made ready, what is held out.
TRACES = [("Azure conversation", lambda scratch: DATA / "AzureLLMInferenceTrace_conv.csv", HELD_OUT),
          ("Mooncake", lambda scratch: imported(scratch, "mooncake", "mooncake-conversation.jsonl", MOONCAKE), HELD_OUT)]
TRACES += [(f"AIBrix {load}", lambda scratch, load=load: imported(scratch, f"aibrix-{load}", f"aibrix-multiturn/{load}.csv", AIBRIX), HELD_OUT)
           for load in ("naive-1.3", "naive-2.9", "prefix-routing-2.9")]
TRACES += [(f"vLLM {name}", lambda scratch, name=name: imported(scratch, name, f"{name}/requests.jsonl", VLLM), HELD_OUT)
           for name in ("vllm-rtx4090-llama-3.1-8b", "vllm-rtxpro6000-qwen3-32b")]
TRACES += [("Azure functions", lambda scratch: imported(scratch, "functions", "azure-functions-2021.csv", FUNCTIONS), HELD_OUT)]
TRACES += [(f"ServeGen {number}", lambda scratch, number=number, first=first, last=last: client(scratch, "servegen-m-small", number, first, last), [held_out])
           for clients, held_out in ((CLIENTS, "30min"), (FORESEEN, HALF)) for number, first, last in clients]
TRACES += [(f"ServeGen images {number}", lambda scratch, number=number, first=first, last=last: client(scratch, "servegen-mm-image", number, first, last), ["30min"])
           for number, first, last in IMAGES]


def percent(value):
    return "" if value is None else f"{value:.1%}"


def judged(telemetry, hold_out, folder):
    """The family of arrivals, and each quantity with its bound; nothing where too little is held out."""
    out = pathlib.Path(tempfile.mkdtemp(dir=folder))
    forecast = ["--forecast"] if hold_out == HALF else []
    result = subprocess.run([WORKBENCH, "fit", telemetry, "-o", out / "fit.yaml", "--json", out / "fit.json", "-q", "--hold-out", hold_out, *forecast],
                            capture_output=True, text=True)
    if "holds nothing out" in result.stderr:
        return None, []
    if result.returncode:
        return result.stderr.strip().splitlines()[-1], []
    model = json.loads((out / "fit.json").read_text())["models"][0]
    quality = model.get("quality")
    family = model["fitted"][0]["family"] if model["fitted"] else ""
    if not quality:
        return family, []
    return family, [(own["name"], own["bound"]) for own in quality["marginals"]] + [
        (f"dispersion, {count['window']:g} s", count["bound"]) for count in quality["counts"]]


def main():
    print("| telemetry | held out | arrivals | quantity | e | d | s | allowed | within |")
    print("|---|---|---|---|---:|---:|---:|---:|---|")
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for name, make, held_out in TRACES:
            if ONLY and not any(word in name for word in ONLY):
                continue
            telemetry = make(pathlib.Path(scratch))
            for hold_out in held_out:
                family, quantities = judged(telemetry, hold_out, scratch)
                if family is None:
                    continue
                if not quantities:
                    print(f"| {name} | {hold_out} | {family} | not judged | | | | | |", flush=True)
                for quantity, bound in quantities:
                    d, e, s = bound.get("d"), bound["e"], bound.get("s")
                    allowed = max(1.25 * (d or 0), s or 0, bound["limit"])
                    counts[e <= allowed] += 1
                    print(f"| {name} | {hold_out} | {family} | {quantity} | {percent(e)} | {percent(d)} | {percent(s)} | {percent(allowed)} | {'yes' if e <= allowed else '**no**'} |", flush=True)
            if telemetry.is_relative_to(scratch):
                shutil.rmtree(telemetry)
    print(f"\n{counts[False]} of {counts[False] + counts[True]} quantities are outside the bound.")


if __name__ == "__main__":
    main()
