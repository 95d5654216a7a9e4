"""The driver on a real Ray cluster of node processes on this machine: a head without cores, and three nodes with one."""
import filecmp
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import ray
from ray.cluster_utils import Cluster

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORKBENCH = os.environ.get("WORKBENCH", str(ROOT / ".build-release/release/workbench"))
DRIVER = [sys.executable, str(ROOT / "cluster/ray/workbench_ray.py")]
FLEET = str(ROOT / "Scenarios/many-accounts.yaml")
NODE = dict(num_cpus=1, object_store_memory=80 << 20, include_dashboard=False)


@pytest.fixture(scope="module")
def object_store():
    """A server that speaks S3 on this machine (moto), as fsspec's s3 finds it through the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ.update(FSSPEC_S3_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    import s3fs
    s3fs.S3FileSystem(endpoint_url=os.environ["FSSPEC_S3_ENDPOINT_URL"]).mkdir("sweeps")
    yield "s3://sweeps"
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def cluster(object_store):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Lost nodes are noticed within seconds.
    cluster = Cluster(initialize_head=True, head_node_args={
        **NODE, "num_cpus": 0, "_system_config": {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}})
    cluster.workers = [cluster.add_node(**NODE) for _ in range(3)]
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Tasks of a fleet of forty accounts, and what one machine gives."""
    folder = tmp_path_factory.mktemp("fleet")
    run("run", FLEET, "--formats", "none", "-q", "--out", folder / "single")
    tasks = run("run", FLEET, "--emit-tasks", "--requests-per-task", 10_000, "--store", folder / "store").stdout
    (folder / "tasks.jsonl").write_text(tasks)
    assert len(tasks.splitlines()) >= 30
    return folder


def run(*words, status=0):
    done = subprocess.run([WORKBENCH, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done


def drive(cluster, tasks, results, *more, workbench=WORKBENCH, **options):
    return subprocess.Popen(
        [*DRIVER, str(tasks), "--results", str(results), "--address", cluster.address, "--workbench", str(workbench), *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(process, status=0):
    out, err = process.communicate(timeout=240)
    assert process.returncode == status, err
    return err


def slow(folder, extra=""):
    """The program, but each task takes a while: time to be killed in."""
    path = folder / "slow-workbench"
    path.write_text(f'#!/bin/bash\n{extra}\nsleep 0.7\nexec "{WORKBENCH}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def wait_for_results(results, count):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if results.exists() and len(list(results.glob("*.result"))) >= count:
            return
        time.sleep(0.05)
    pytest.fail("no results came")


def same(a, b):
    """Two directories, byte for byte."""
    compared = filecmp.dircmp(a, b)
    assert not compared.left_only and not compared.right_only, (compared.left_only, compared.right_only)
    assert filecmp.cmpfiles(a, b, compared.common_files, shallow=False)[1:] == ([], [])
    for name in compared.common_dirs:
        same(pathlib.Path(a) / name, pathlib.Path(b) / name)
    return True


def collected(fleet, results, out):
    run("collect", fleet / "tasks.jsonl", results, "-o", out, "-q")
    return same(fleet / "single", out)


def test_a_run_equals_one_machines_bit_for_bit(cluster, fleet, tmp_path):
    # By a URL of fsspec.
    err = finish(drive(cluster, fleet / "tasks.jsonl", f"file://{tmp_path}/results"))
    assert "0 failed" in err
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


def test_results_go_to_an_object_store_and_come_from_it(cluster, fleet, object_store, tmp_path):
    url = f"{object_store}/fleet"
    err = finish(drive(cluster, fleet / "tasks.jsonl", url, "--fetch", str(tmp_path / "results")))
    assert "0 failed" in err
    assert collected(fleet, tmp_path / "results", tmp_path / "out")
    # Again: all are there, and are read once more to see that they are sound.
    err = finish(drive(cluster, fleet / "tasks.jsonl", url, "--fetch", str(tmp_path / "again")))
    count = len((fleet / "tasks.jsonl").read_text().splitlines())
    assert f"{count} of {count} results are there already" in err
    assert same(tmp_path / "results", tmp_path / "again")


def test_a_plan_equals_one_machines_bit_for_bit(cluster, tmp_path):
    words = ["plan", str(ROOT / "Scenarios/steady.yaml"), "--vary", "load.scale=1,1.5", "--replications", "4", "--warm-up", "30min", "-o", "plan"]
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
    subprocess.run([WORKBENCH, *words], cwd=tmp_path / "one", check=True, capture_output=True)
    tasks = subprocess.run([WORKBENCH, *words, "--emit-tasks", "--requests-per-task", "300000"], cwd=tmp_path / "many", check=True, stdout=subprocess.PIPE).stdout
    (tmp_path / "many/tasks.jsonl").write_bytes(tasks)
    assert len(tasks.splitlines()) >= 4
    finish(drive(cluster, "tasks.jsonl", "results", cwd=tmp_path / "many"))
    # The command is part of the plan: the one that was asked for, not "collect".
    subprocess.run([WORKBENCH, "collect", "tasks.jsonl", "results", "-o", "plan", "-q"], cwd=tmp_path / "many", check=True)
    assert same(tmp_path / "one/plan", tmp_path / "many/plan")


def test_a_node_that_dies_in_mid_sweep_loses_nothing(cluster, fleet, tmp_path):
    process = drive(cluster, fleet / "tasks.jsonl", tmp_path / "results", workbench=slow(tmp_path))
    wait_for_results(tmp_path / "results", 4)
    cluster.remove_node(cluster.workers.pop(), allow_graceful=False)
    assert process.poll() is None, "it was over before the node died"
    finish(process)
    cluster.workers.append(cluster.add_node(**NODE))
    cluster.wait_for_nodes()
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


def test_a_driver_that_is_killed_goes_on_where_it_was(cluster, fleet, tmp_path):
    results = tmp_path / "results"
    process = drive(cluster, fleet / "tasks.jsonl", results, workbench=slow(tmp_path))
    wait_for_results(results, 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(3)  # Ray ends what the driver had begun.
    before = {path.name: path.stat().st_mtime_ns for path in results.glob("*.result")}
    assert 5 <= len(before) < len((fleet / "tasks.jsonl").read_text().splitlines())
    damaged = results / sorted(before)[0]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    err = finish(drive(cluster, fleet / "tasks.jsonl", results))
    assert f"{len(before) - 1} of" in err and "damaged" in err
    for name, when in before.items():
        if name != damaged.name:
            assert (results / name).stat().st_mtime_ns == when, "a result that was there was made again"
    assert collected(fleet, results, tmp_path / "out")


def test_a_task_that_always_crashes_is_reported_and_the_others_finish(cluster, fleet, tmp_path):
    lines = (fleet / "tasks.jsonl").read_text().splitlines()
    bad = json.loads(lines[7])["id"]
    program = tmp_path / "crashing-workbench"
    program.write_text(
        f'#!/bin/bash\ntask=$(cat)\nif [[ "$task" == *{bad}* ]]; then echo x >> {tmp_path}/attempts; echo "it broke" >&2; kill -SEGV $$; fi\n'
        f'exec "{WORKBENCH}" "$@" <<< "$task"\n')
    program.chmod(0o755)
    err = finish(drive(cluster, fleet / "tasks.jsonl", tmp_path / "results", "--attempts", "2", workbench=program), status=1)
    assert f"failed: {bad[:12]}: exit status -11: it broke" in err and "1 tasks failed" in err
    assert (tmp_path / "attempts").read_text() == "x\nx\n"
    assert len(list((tmp_path / "results").glob("*.result"))) == len(lines) - 1
    told = run("collect", fleet / "tasks.jsonl", tmp_path / "results", "-o", tmp_path / "out", "--missing", tmp_path / "again.jsonl", status=1).stderr
    assert f"missing: {bad[:12]}" in told and not (tmp_path / "out").exists()
    # What is left is done by the plain command.
    run("task", "--tasks", tmp_path / "again.jsonl", "--index", 0, "--results", tmp_path / "results")
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


def test_a_full_disk_at_a_worker_loses_nothing(cluster, fleet, tmp_path):
    # /dev/full answers every write as a full disk does: the first three tasks meet it, and are done again.
    program = tmp_path / "full-workbench"
    program.write_text(
        f'#!/bin/bash\nfor n in 1 2 3; do if mkdir {tmp_path}/full-$n 2>/dev/null; then exec "{WORKBENCH}" "$@" > /dev/full; fi; done\n'
        f'exec "{WORKBENCH}" "$@"\n')
    program.chmod(0o755)
    finish(drive(cluster, fleet / "tasks.jsonl", tmp_path / "results", workbench=program))
    assert (tmp_path / "full-3").exists()
    assert [path.name for path in (tmp_path / "results").iterdir() if not path.name.endswith(".result")] == []
    assert collected(fleet, tmp_path / "results", tmp_path / "out")


def test_results_where_nobody_may_write_are_refused_before_work_begins(cluster, fleet, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    err = finish(drive(cluster, fleet / "tasks.jsonl", tmp_path / "file"), status=1)
    assert "error:" in err and "Traceback" not in err


def test_what_is_no_task_is_named(cluster, tmp_path):
    (tmp_path / "tasks.jsonl").write_text('{"id": 1}\n')
    err = finish(drive(cluster, tmp_path / "tasks.jsonl", tmp_path / "results"), status=1)
    assert "tasks.jsonl:1: error: this is not a task" in err


def test_inputs_that_are_lost_or_damaged_are_named(cluster, fleet, tmp_path):
    err = finish(drive(cluster, fleet / "tasks.jsonl", tmp_path / "results", "--store", str(tmp_path)), status=1)
    assert "Say where the store is with --store" in err
    shutil.copytree(fleet / "store", tmp_path / "store")
    for path in (tmp_path / "store").iterdir():
        path.write_text("something else")
    err = finish(drive(cluster, fleet / "tasks.jsonl", tmp_path / "results", "--store", str(tmp_path / "store")), status=1)
    assert "the file is damaged" in err
