"""A PostgreSQL server of the tests' own, in a temporary folder, for the commands of the documentation that name a shared home."""
import contextlib, os, pathlib, pwd, shutil, socket, subprocess, tempfile


@contextlib.contextmanager
def server():
    """The address of a database `quality`."""
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    assert programs, "There is no PostgreSQL server here: .ci/setup tests installs it."
    # It does not run as root, and has a folder of its own: those of pytest are root's alone.
    as_user = []
    folder = pathlib.Path(tempfile.mkdtemp(prefix="workbench-guide-"))
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program, *words):
        done = subprocess.run([*as_user, programs[-1] / program, *map(str, words)], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert done.returncode == 0, f"{program}: {done.stderr}{(folder / 'log').read_text() if (folder / 'log').exists() else ''}"

    data = folder / "data"
    run("initdb", "-D", data, "-A", "trust", "-U", "qa", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", f"-p {port} -h 127.0.0.1 -k {folder} -F", "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", port, "-U", "qa", "quality")
        yield f"postgres://qa@127.0.0.1:{port}/quality"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)
