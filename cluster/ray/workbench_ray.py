"""Runs tasks of the Model Analytics Workbench on a Ray cluster that is already there.

    workbench run fleet.yaml --emit-tasks > tasks.jsonl
    workbench-ray tasks.jsonl --results s3://bucket/fleet --fetch results
    workbench collect tasks.jsonl results -o Outputs/fleet

A task is a command: every node needs the program (--workbench), nothing else. Inputs travel through Ray's object store
and are kept on each node by their hash; results go from the workers straight to the directory or object store. A result
appears under its final name when it is whole, so the same command again goes on where it was stopped, by whatever.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import errno
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

import fsspec
import ray

MARK = b"workbench-result 1 "
# Attempts that end because a node or a worker process was lost are not the task's fault.
LOSSES = 20


class TaskError(Exception):
    """A task that failed on a worker: what it said, and where."""


def header_if_sound(stream):
    """The header of a result, if a stream of bytes is a complete and undamaged one; otherwise None."""
    first = stream.read(len(MARK) + 65)
    if not first.startswith(MARK) or not first.endswith(b"\n"):
        return None
    hashed, header, is_over = hashlib.sha256(), b"", False
    while chunk := stream.read(1 << 20):
        hashed.update(chunk)
        if not is_over:
            line, end, _ = chunk.partition(b"\n")
            header += line
            is_over = bool(end)
    if hashed.hexdigest().encode() != first[len(MARK):-1]:
        return None
    return json.loads(header)


def keep(cache, name, data):
    """Puts an input into a node's cache, unless it is there. The name is the content's SHA-256."""
    path = cache / name
    if not path.exists():
        partial = cache / f".{name}.{uuid.uuid4()}"
        try:
            partial.write_bytes(data() if callable(data) else data)
            os.replace(partial, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()


def store_result(local, url, name):
    """Copies a file to a directory or object store; it appears whole or not at all."""
    filesystem, directory = fsspec.core.url_to_fs(url)
    final = f"{directory.rstrip('/')}/{name}"
    if isinstance(filesystem, fsspec.implementations.local.LocalFileSystem):
        partial = f"{directory.rstrip('/')}/.{name}.partial-{uuid.uuid4()}"
        try:
            filesystem.put_file(local, partial)
            os.replace(partial, final)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
    else:
        # A put to an object store is atomic.
        filesystem.put_file(local, final)


def do_task(line, inputs, workbench, results, timeout):
    """On a worker: does one task and stores its result.

    inputs: object references by name in the store. Returns the node, requests, bytes and seconds.
    """
    task = json.loads(line)
    scratch = pathlib.Path(os.environ.get("WORKBENCH_RAY_SCRATCH", tempfile.gettempdir()))
    cache = scratch / f"workbench-ray-{os.getuid()}"
    node = ray.get_runtime_context().get_node_id()
    start = time.monotonic()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for name, reference in inputs.items():
            keep(cache, name, lambda: ray.get(reference))
        with tempfile.TemporaryDirectory(dir=scratch, prefix="workbench-task-") as own:
            target = pathlib.Path(own) / "result"
            with open(target, "wb") as stream:
                done = subprocess.run(
                    [workbench, "task", "--store", str(cache)], input=line.encode(), stdout=stream,
                    stderr=subprocess.PIPE, timeout=timeout, env={**os.environ, "TMPDIR": own})
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip()[-2000:] or "nothing was said"
                raise TaskError(f"exit status {done.returncode}: {said}")
            with open(target, "rb") as stream:
                header = header_if_sound(stream)
            if header is None or header["task"]["id"] != task["id"]:
                raise TaskError("its result is not whole")
            store_result(str(target), results, f"{task['id']}.result")
            return {"node": node, "requests": header["requests"], "bytes": target.stat().st_size, "seconds": time.monotonic() - start}
    except subprocess.TimeoutExpired:
        raise TaskError(f"not done after {timeout} s") from None
    except OSError as error:
        where = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise TaskError(f"on node {node[:8]}: {where}") from None


class Progress:
    """A line on standard error: rewritten on a terminal, printed from time to time elsewhere."""

    def __init__(self, total, quiet):
        self.total, self.quiet = total, quiet
        self.start = time.monotonic()
        self.shown = 0.0
        self.is_terminal = sys.stderr.isatty()

    def show(self, done, failed, requests, flying, last=False):
        now = time.monotonic()
        if self.quiet or (not last and now - self.shown < (0.2 if self.is_terminal else 10)):
            return
        self.shown = now
        elapsed = max(now - self.start, 1e-9)
        left = "" if not done or last else f", {elapsed / done * (self.total - done - failed):.0f} s left"
        text = f"{done}/{self.total} tasks, {failed} failed, {flying} in flight, {requests / elapsed / 1e6:.1f} M requests/s{left}"
        print(f"\r\x1b[K{text}" if self.is_terminal else text, end="\n" if last or not self.is_terminal else "", file=sys.stderr, flush=True)


def read_tasks(path):
    tasks = []
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            task = json.loads(line)
            tasks.append((task["id"], line, [task["scenario"], *task["files"].values()], task.get("store")))
        except (ValueError, KeyError, TypeError):
            sys.exit(f"{path}:{number}: error: this is not a task. \"workbench run --emit-tasks\" prints tasks, one a line.")
    if not tasks:
        sys.exit(f"{path}: error: there are no tasks in the file.")
    return list({task[0]: task for task in tasks}.values())


def finished(url, ids, trust):
    """Tasks with complete and undamaged results; other results are removed, so that their tasks are done again."""
    filesystem, directory = fsspec.core.url_to_fs(url)
    filesystem.makedirs(directory, exist_ok=True)
    filesystem.invalidate_cache()
    try:
        names = {path.rsplit("/", 1)[-1] for path in filesystem.ls(directory, detail=False)}
    except FileNotFoundError:
        # Object stores have no directories: nothing is there yet.
        names = set()
    there = [task_id for task_id in ids if f"{task_id}.result" in names]
    if trust:
        return set(there)

    def check(task_id):
        path = f"{directory.rstrip('/')}/{task_id}.result"
        with filesystem.open(path, "rb") as stream:
            header = header_if_sound(stream)
            if header is not None and header["task"]["id"] == task_id:
                return task_id
        print(f"damaged: {path}; it is done again", file=sys.stderr)
        filesystem.rm_file(path)
        return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return {task_id for task_id in pool.map(check, there) if task_id}


def fetch(url, ids, target):
    """Copies results to a directory here, each completely or not at all; existing ones are left unchanged."""
    filesystem, directory = fsspec.core.url_to_fs(url)
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)

    def copy(task_id):
        path = target / f"{task_id}.result"
        if path.exists():
            return
        partial = target / f".{task_id}.partial-{uuid.uuid4()}"
        try:
            filesystem.get_file(f"{directory.rstrip('/')}/{task_id}.result", str(partial))
            os.replace(partial, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(copy, ids))


class Driver:
    """Keeps a given number of tasks in flight; lost tasks are submitted again, failed ones until they have failed too often."""

    def __init__(self, tasks, given):
        self.given = given
        self.waiting = collections.deque(tasks)
        self.flying = {}
        self.references = {}
        self.failures = collections.Counter()
        self.losses = collections.Counter()
        self.done, self.failed, self.requests = 0, {}, 0
        self.cores, self.asked = 1, float("-inf")
        # Tasks are lost with their node; Ray would count such retries as ours.
        self.remote = ray.remote(num_cpus=1, max_retries=0)(do_task)
        self.progress = Progress(len(tasks), given.quiet)

    def input(self, name, store):
        """The object with an input; put once."""
        if name not in self.references:
            path = pathlib.Path(self.given.store or os.environ.get("WORKBENCH_STORE") or store or "Outputs/store") / name
            try:
                data = path.read_bytes()
            except OSError as error:
                sys.exit(f"{path}: error: an input of the tasks cannot be read ({error.strerror}). Say where the store is with --store.")
            if hashlib.sha256(data).hexdigest() != name[:64]:
                sys.exit(f"{path}: error: the file is damaged: its content does not fit its name.")
            self.references[name] = ray.put(data)
        return self.references[name]

    def limit(self):
        if self.given.in_flight:
            return self.given.in_flight
        # Enough that no core waits for the driver, few enough that Ray's queue stays short. Nodes come and go; asking
        # for them costs more than a task does.
        if time.monotonic() - self.asked > 5:
            self.cores, self.asked = int(ray.cluster_resources().get("CPU", 1)), time.monotonic()
        return max(2, 2 * self.cores)

    def submit(self):
        task = self.waiting.popleft()
        task_id, line, names, store = task
        reference = self.remote.remote(
            line, {name: self.input(name, store) for name in names}, self.given.workbench, self.given.results, self.given.timeout)
        self.flying[reference] = task

    def settle(self, reference):
        task = self.flying.pop(reference)
        try:
            summary = ray.get(reference)
            self.done += 1
            self.requests += summary["requests"]
            return
        except ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, TaskError) else error
            self.failures[task[0]] += 1
            if self.failures[task[0]] < self.given.attempts:
                self.waiting.append(task)
                return
            said = str(cause).strip().splitlines()
        except ray.exceptions.RayError as error:
            # The worker or its node is gone.
            self.losses[task[0]] += 1
            if self.losses[task[0]] < LOSSES:
                self.waiting.append(task)
                return
            said = [f"lost {LOSSES} times with its worker: {type(error).__name__}"]
        self.failed[task[0]] = said[-1] if said else "no reason was given"
        print(f"failed: {task[0][:12]}: {self.failed[task[0]]}", file=sys.stderr)

    def run(self):
        while self.waiting or self.flying:
            while self.waiting and len(self.flying) < self.limit():
                self.submit()
            ready, _ = ray.wait(list(self.flying), num_returns=1, timeout=1)
            if ready:
                # All that are ready by now, in one call.
                ready, _ = ray.wait(list(self.flying), num_returns=len(self.flying), timeout=0)
            for reference in ready:
                self.settle(reference)
            self.progress.show(self.done, len(self.failed), self.requests, len(self.flying))
        self.progress.show(self.done, len(self.failed), self.requests, 0, last=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="workbench-ray", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit status: 0 all results are there; 1 some tasks failed, which are named; 2 wrong usage.")
    parser.add_argument("tasks", help="the file of tasks")
    parser.add_argument("--results", required=True, help="a directory, or a URL of fsspec such as s3://bucket/prefix")
    parser.add_argument("--address", default="auto", help="of the cluster (default: the one that this machine belongs to)")
    parser.add_argument("--workbench", default="workbench", help="the program on the nodes (default: by PATH)")
    parser.add_argument("--store", help="where the inputs lie here (default: WORKBENCH_STORE, or where the tasks say)")
    parser.add_argument("--in-flight", type=int, help="most tasks submitted to Ray at a time (default: twice the cores of the cluster)")
    parser.add_argument("--attempts", type=int, default=3, help="how often a failing task is tried before it is given up (default: 3)")
    parser.add_argument("--timeout", type=float, help="seconds that one task may take (default: no limit)")
    parser.add_argument("--trust", action="store_true", help="take existing results as undamaged without reading them")
    parser.add_argument("--fetch", metavar="DIR", help="when all are done, copy the results to this directory, for collect")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress")
    given = parser.parse_args()
    if given.attempts < 1 or (given.in_flight is not None and given.in_flight < 1):
        parser.error("--attempts and --in-flight must be at least 1")
    if "://" not in given.results:
        given.results = os.path.abspath(given.results)
    return given


def main():
    given = arguments()
    try:
        tasks = read_tasks(given.tasks)
        there = finished(given.results, [task[0] for task in tasks], given.trust)
    except OSError as error:
        sys.exit(f"{error.filename or given.results}: error: {error.strerror or error}")
    if there and not given.quiet:
        print(f"{len(there)} of {len(tasks)} results are there already", file=sys.stderr)
    ids = [task[0] for task in tasks]
    tasks = [task for task in tasks if task[0] not in there]
    if tasks:
        sweep(tasks, given)
    if given.fetch:
        try:
            fetch(given.results, ids, given.fetch)
        except OSError as error:
            sys.exit(f"{error.filename or given.fetch}: error: {error.strerror or error}")


def sweep(tasks, given):
    # Workers get this module as it is here; nodes need not have it.
    ray.cloudpickle.register_pickle_by_value(sys.modules[do_task.__module__])
    ray.init(address=given.address, log_to_driver=False, logging_level="error")
    driver = Driver(tasks, given)
    try:
        driver.run()
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where it stopped", file=sys.stderr)
        sys.exit(130)
    if driver.failed:
        print(f"error: {len(driver.failed)} tasks failed; all others are done. The same command tries them again.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
