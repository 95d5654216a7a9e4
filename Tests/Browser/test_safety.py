"""Attacks on the server: each must bounce off."""
import datetime, http.client, json, os, pathlib, re, socket, subprocess, time, urllib.error, urllib.parse, urllib.request

import pytest
from conftest import ROOT, Server, WORKBENCH, eventually


def ask(server, path, method="GET", **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_api_and_command_line_give_the_same_bytes(server, runs):
    for kind in ("fineTuned", "openSource"):
        for period in ("24h", "7d", "30d"):
            _, _, body = ask(server, f"/api/runs/{server.ids['canary']}/dashboard?kind={kind}&period={period}")
            line = subprocess.run([WORKBENCH, "aggregate", str(runs["canary"]), "--kind", kind, "--period", period], check=True, stdout=subprocess.PIPE)
            assert body == line.stdout


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/runs/..%2f1", "//etc/passwd", "/manifest.json",
    "/style.css/../../Package.swift", "/api/runs/1/telemetry/requests.csv", "/.cache/plotly.min.js"])
def test_no_path_leaves_the_page(server, path):
    # As a raw line: clients would tidy the path.
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    assert answer.split(b" ")[1] in (b"404", b"400") and b"root:" not in answer


@pytest.mark.parametrize("query, parameter", [
    ("period=7d", "kind"), ("kind=x", "kind"), ("kind=fineTuned&period=yesterday", "period"), ("kind=fineTuned&maxPoints=1e9", "maxPoints"),
    ("kind=fineTuned&account=nobody", "account"), ("kind=fineTuned&deployedAt=now", "deployedAt"), ("kind=fineTuned&fetch=http://evil", "fetch"),
    ("kind=fineTuned&kind=external", "kind")])
def test_bad_parameters_are_problems(server, query, parameter):
    status, headers, body = ask(server, f"/api/runs/1/dashboard?{query}")
    problem = json.loads(body)
    assert status == 400 == problem["status"] and headers["content-type"] == "application/problem+json"
    assert problem["parameter"] == parameter and problem["detail"]


def test_unknown_filters_and_dates_out_of_range_are_problems(server):
    for query in ("kind=fineTuned&model=nobody", "kind=fineTuned&period=2031-01-01", "kind=external&version=V1", "kind=fineTuned&period=1999-01-01"):
        status, _, body = ask(server, f"/api/runs/1/dashboard?{query}")
        assert status == 400 and json.loads(body)["detail"]
    assert ask(server, "/api/runs/99/dashboard?kind=fineTuned")[0] == 404
    assert ask(server, "/api/nothing")[0] == 404


def test_headers_keep_the_page_to_itself(server):
    for path in ("/", "/api/runs", "/nothing"):
        _, headers, _ = ask(server, path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
    page = ask(server, "/")[2].decode()
    assert "<script>" not in page and " onclick=" not in page


def test_other_sites_and_other_names_are_refused(server):
    assert ask(server, "/api/runs", Host="evil.example")[0] == 403
    assert ask(server, "/api/refresh", "POST", Origin="http://evil.example")[0] == 403
    # A page of another port of this host is another site's.
    assert ask(server, "/api/refresh", "POST", Origin="http://127.0.0.1:1")[0] == 403
    assert ask(server, "/api/refresh", "POST", **{"Sec-Fetch-Site": "same-site"})[0] == 403
    assert ask(server, "/api/refresh", "POST", Origin=f"http://127.0.0.1:{server.port}")[0] == 200
    # Whatever changes something is asked by our own page, or by a program.
    for path, method in (("/api/runs/1", "DELETE"), ("/api/what-if", "POST"), ("/api/runs", "POST"), ("/api/scenarios/a.yaml", "PUT")):
        assert ask(server, path, method, Origin="http://evil.example")[0] == 403


def test_limits(server):
    assert ask(server, "/api/runs?" + "x" * 9000)[0] == 414
    assert ask(server, "/api/runs", "PATCH")[0] == 405
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"POST /api/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n")
        assert b" 413 " in raw.recv(4096)


def test_a_host_for_others_needs_a_token(runs):
    refused = subprocess.run([WORKBENCH, "serve", str(runs["canary"]), "--host", "0.0.0.0"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert refused.returncode == 64 and "--token" in refused.stderr


def test_the_token_guards_everything(runs):
    token = "0123456789abcdef-secret"
    server = Server([runs["canary"]], "--host", "127.0.0.1", "--token", token)
    try:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer " + token[:-1]}, {"Cookie": "workbench-token="}):
            for path in ("/", "/api/runs", "/style.css"):
                status, answer, _ = ask(server, path, **headers)
                assert status == 401 and answer["www-authenticate"] == "Bearer"
        assert ask(server, "/api/runs", Authorization=f"Bearer {token}")[0] == 200
        status, headers, _ = ask(server, f"/?token={token}")
        assert status == 200 and "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
        cookie = headers["set-cookie"].split(";")[0]
        # Other servers on this host get to see the cookie: it is not the token, and bears the port.
        assert cookie.startswith(f"workbench-{server.port}=") and token not in cookie
        assert ask(server, "/api/runs", Cookie=f"other=1; {cookie}")[0] == 200
        assert ask(server, "/api/runs", Cookie=cookie.replace(str(server.port), str(server.port + 1)))[0] == 401
        assert ask(server, "/api/refresh", "POST", Cookie=cookie, Origin="http://127.0.0.1:1")[0] == 403
    finally:
        server.stop()


def test_the_next_free_port(runs):
    first = Server([runs["canary"]])
    try:
        second = subprocess.Popen([WORKBENCH, "serve", str(runs["canary"]), "--port", str(first.port)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        port = int(re.search(r":(\d+)/", second.stdout.readline())[1])
        # Others on the machine may have taken those between.
        assert first.port < port
        for taken in range(first.port + 1, port):
            with socket.socket() as probe, pytest.raises(OSError):
                probe.bind(("127.0.0.1", taken))
        second.terminate()
        second.wait(10)
    finally:
        first.stop()


def test_the_openapi_file_describes_what_there_is(server):
    import yaml
    status, _, body = ask(server, "/api/openapi.yaml")
    document = yaml.safe_load(body)
    assert status == 200 and document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        if operations.pop("x-only", None):
            continue
        for method, operation in operations.items():
            if operation.get("x-only"):
                continue
            assert ask(server, path.replace("{run}", server.ids["canary"]) + ("?kind=fineTuned" if path.endswith(("dashboard", "analysis")) else "?kind=fineTuned&by=version" if path.endswith("dashboards") else ""), method.upper())[0] == 200


def test_a_live_run_goes_on_pauses_and_takes_a_speed():
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "7200")
    try:
        clock = lambda: json.loads(ask(server, "/api/live")[2])
        first = clock()
        second = eventually(clock, lambda second: second["now"] > first["now"])
        assert second["speed"] == 7200
        assert json.loads(ask(server, "/api/live?paused=true", "POST")[2])["paused"]
        times = [None]

        def stands():
            times.append(clock()["now"])
            time.sleep(0.5)
            return clock()["now"] == times[-1]

        # A step under way ends; then the clock stands still.
        eventually(stands)
        still = times[-1]
        assert ask(server, "/api/live?speed=-1", "POST")[0] == 400
        assert json.loads(ask(server, "/api/live?speed=500000&paused=false", "POST")[2])["speed"] == 500000
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/live/events") as events:
            line = events.readline()
            while not line.startswith(b"data: "):
                line = events.readline()
            assert json.loads(line[6:])["now"] >= still
        eventually(lambda: clock()["ended"], timeout=60)
        # At its end it is the run that `workbench run` makes.
        import tempfile, pathlib
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run([WORKBENCH, "run", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--formats", "none", "-q", "--out", f"{scratch}/run"], check=True)
            kind = json.loads(ask(server, "/api/runs/live")[2])["accounts"][0]["models"][0]["kind"]
            expected = subprocess.run([WORKBENCH, "aggregate", f"{scratch}/run", "--kind", kind, "--period", "30d"], check=True, stdout=subprocess.PIPE).stdout
        assert ask(server, f"/api/runs/live/dashboard?kind={kind}&period=30d")[2] == expected
    finally:
        server.stop()


def test_parts_of_a_view_are_what_each_is_by_itself(server):
    def parts(name, query):
        status, _, body = ask(server, f"/api/runs/{server.ids[name]}/dashboards?{query}")
        return status, json.loads(body)

    for name, kind, by, values in (("canary", "fineTuned", "version", ["V1", "V2"]), ("limits", "openSource", "model", None), ("outage", "external", "provider", None), ("same", "openSource", "deployedAt", None)):
        status, found = parts(name, f"kind={kind}&by={by}&period=7d")
        assert (status, found["by"], found["more"]) == (200, by, 0)
        names = [part["value"] for part in found["parts"]]
        assert names and len(set(names)) == len(names) and values in (None, names)
        for part in found["parts"]:
            alone = json.loads(ask(server, f"/api/runs/{server.ids[name]}/dashboard?" + urllib.parse.urlencode({"kind": kind, "period": "7d", by: part["value"]}))[2])
            assert part["dashboard"] == alone
    status, first = parts("canary", "kind=fineTuned&by=version&most=1")
    assert status == 200 and [part["value"] for part in first["parts"]] == ["V1"] and first["more"] == 1
    # What is chosen already is the only part.
    assert [part["value"] for part in parts("canary", "kind=fineTuned&by=version&version=V2")[1]["parts"]] == ["V2"]
    for query in ("kind=fineTuned", "kind=fineTuned&by=colour", "kind=fineTuned&by=provider", "kind=external&by=version", "kind=fineTuned&by=version&most=0", "kind=fineTuned&by=version&most=101"):
        assert parts("canary", query)[0] == 400, query


def test_events_carry_the_buckets_that_have_changed_once_a_second():
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "3600")
    try:
        seen, arrivals = [], []
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/live/events") as events:
            name = None
            while len(arrivals) < 4:
                line = events.readline().decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: ") and name == "buckets":
                    arrivals.append(time.monotonic())
                    found = json.loads(line[6:])
                    assert found["more"] == 0
                    seen += found["buckets"]
                elif not line:
                    name = None
        assert all(later - earlier > 0.7 for earlier, later in zip(arrivals, arrivals[1:]))
        assert seen == sorted(seen, key=lambda bucket: bucket["at"]) and len({(bucket["at"], bucket["modelId"], bucket["version"]) for bucket in seen}) == len(seen)
        # They are the quarters of what the dashboard says of the whole hours among them.
        run = json.loads(ask(server, "/api/runs/live")[2])
        kind = run["accounts"][0]["models"][0]["kind"]
        points = json.loads(ask(server, f"/api/runs/live/dashboard?kind={kind}&period={run['accounts'][0]['today']}")[2])["requests"]["points"]
        instant = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        whole = 0
        for point in points:
            quarters = [bucket for bucket in seen if 0 <= (instant(bucket["at"]) - instant(point["at"])).total_seconds() < 3600]
            if len({bucket["at"] for bucket in quarters}) == 4:
                whole += 1
                assert (sum(bucket["successes"] for bucket in quarters), sum(bucket["failures"] for bucket in quarters)) == (point["successes"], point["failures"])
        assert whole >= 1
    finally:
        server.stop()


def test_connections_that_send_nothing_are_closed_and_event_streams_are_not():
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "1")
    try:
        ask(server, "/api/live?paused=true", "POST")
        stream = socket.create_connection(("127.0.0.1", server.port))
        stream.sendall(b"GET /api/live/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.sendall(b"GET /api/runs HTTP/1.1\r\nHost: 127")
        slow.settimeout(35)
        start = time.time()
        while slow.recv(4096):
            pass
        assert 10 < time.time() - start < 30
        # By now the stream has been silent but for comments.
        stream.settimeout(15)
        received = b""
        while received.count(b": still here") < 2:
            piece = stream.recv(4096)
            assert piece, "the event stream was closed"
            received += piece
        many = socket.create_connection(("127.0.0.1", server.port))
        many.sendall(b"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: b\r\n" * 500 + b"\r\n")
        assert b" 200 " not in many.recv(4096)
    finally:
        server.stop()


def resident(server):
    """Bytes that the server holds in memory."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def test_five_hundred_listeners_and_some_that_never_read():
    server = Server([], "--live", str(ROOT / "Scenarios/office-hours-spike.yaml"), "--speed", "2000")
    listeners, deaf = [], []
    request = b"GET /api/live/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    try:
        before = resident(server)
        for number in range(500):
            listener = socket.create_connection(("127.0.0.1", server.port))
            if number % 50 == 0:
                # Ten take nothing, and have room for little.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.append(listener)
            listener.sendall(request)
            listeners.append(listener)
        reading = [listener for listener in listeners if listener not in deaf]
        # Everybody who reads is told how far the simulation is, again and again.
        for _ in range(3):
            for listener in reading:
                listener.settimeout(30)
                text = b""
                while b"data: " not in text:
                    piece = listener.recv(65536)
                    assert piece, "a listener was cut off"
                    text += piece
        # And whoever asks is answered.
        assert json.loads(ask(server, "/api/live")[2])["speed"] == 2000
        assert resident(server) - before < 200 << 20, f"{(resident(server) - before) >> 20} MiB for 500 listeners"
    finally:
        for listener in listeners:
            listener.close()
        server.stop()


def test_memory_after_many_requests_is_what_it_was(server):
    most = 100_000 if os.environ.get("WORKBENCH_VERIFY") else 4_000
    paths = ["/api/runs", f"/api/runs/{server.ids['canary']}/dashboard?kind=fineTuned&period=7d", "/", "/app.js", "/api/runs/none", "/api/figures"]
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def answered(count):
        for number in range(count):
            connection.request("GET", paths[number % len(paths)])
            connection.getresponse().read()

    answered(1_000)  # What is kept for answers is there.
    before = resident(server)
    answered(most)
    connection.close()
    assert resident(server) - before < 64 << 20, f"{(resident(server) - before) >> 20} MiB more after {most} requests"
