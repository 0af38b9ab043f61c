"""bin/dev in a fresh clone, from the first start to the last stop, with the faults that can occur."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.development import identity
from marketplace.development.bootstrap import ports
from marketplace.development.run_files import wait_until

ROOT = Path(__file__).resolve().parents[2]
RUNS = "The marketplace runs"
# Long enough for machines that run the rest of the suite at the same time.
START_SECONDS = 240
PROCESSES = {"postgres", "redis", "web", "worker", "beat"}

pytestmark = [pytest.mark.slow, pytest.mark.fault]


class Clone:
    """A copy of this tree as a clone would have it, and the bin/dev of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = root / ".local"
        self.port = ports.free_port()
        self.log = root.parent / "output"
        self.process: subprocess.Popen[bytes] | None = None
        foreign = ("DATABASE_URL", "REDIS_URL", "LOCAL_DIR", "PROMETHEUS_MULTIPROC_DIR", "PYTHONPATH")
        self.env = {
            name: value for name, value in os.environ.items() if name not in foreign and not name.startswith("DJANGO_")
        }

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the clone to its end."""
        argv = [str(self.root / "bin" / name), *arguments]
        return subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)

    def start(self) -> None:
        """Start bin/dev, and wait until it has printed its table."""
        argv = [str(self.root / "bin" / "dev"), "--port", str(self.port), "--no-seed"]
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(argv, env=self.env, stdout=sink, stderr=sink, start_new_session=True)
        process = self.process
        wait_until(lambda: RUNS in self.output() or process.poll() is not None, START_SECONDS)
        assert RUNS in self.output(), self.output()[-3000:]

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def end(self, number: int) -> int:
        """Signal bin/dev and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def sessions(self) -> dict[str, int]:
        """Return the pids by the names in the run files."""
        found = {}
        for path in (self.local / "run").glob("*.json"):
            # The file of a process that has just ended may go between the listing and the reading.
            with contextlib.suppress(FileNotFoundError):
                record = json.loads(path.read_text())
                found[record["name"]] = record["pid"]
        return found

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse().status

    def database(self) -> psycopg.Connection:
        """Connect with the URL in LOCAL_DIR/env."""
        lines = shlex.split((self.local / "env").read_text())
        url = next(line.split("=", 1)[1] for line in lines if line.startswith("DATABASE_URL="))
        return psycopg.connect(url, autocommit=True)


def processes_below(root: Path) -> list[int]:
    """Return the living processes that were started from the clone."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(root) in command:
                found.append(int(entry.name))
    return found


def strangers(running: Clone) -> set[int]:
    """Return the processes that belong to none of those in the run files."""
    members = {pid for session in running.sessions().values() for pid in identity.members(session)}
    return set(processes_below(running.root)) - members


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no git checkout, so what a clone would hold is unknown")
    root = tmp_path_factory.mktemp("clone") / "marketplace"
    root.mkdir()
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(listing, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, target = ROOT / name, root / name
        # A file may be deleted without a commit yet.
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    made = Clone(root)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)


@pytest.fixture
def running(clone: Clone) -> Clone:
    """The clone with bin/dev running."""
    if clone.process is None or clone.process.poll() is not None:
        clone.start()
    return clone


def test_a_clone_starts_and_serves(running: Clone) -> None:
    assert running.status("/livez") == 200
    assert running.status("/readyz") == 200
    assert set(running.sessions()) == PROCESSES
    assert f"http://127.0.0.1:{running.port}/" in running.output()


def test_output_has_names_in_front_and_logs_beside(running: Clone) -> None:
    assert "postgres | " in running.output()
    assert "web      | " in running.output()
    assert {f"{name}.log" for name in PROCESSES} <= {path.name for path in (running.local / "logs").iterdir()}


def test_everything_listens_on_the_loopback_address_only(running: Clone) -> None:
    # In the kernel's table 0100007F is 127.0.0.1, and 0A is the state LISTEN.
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {int(row[1].split(":")[1], 16): row[1].split(":")[0] for row in rows if row[3] == "0A"}

    assert listening[running.port] == "0100007F"


def test_a_second_start_names_the_first(running: Clone) -> None:
    assert running.process is not None

    done = running.command("dev", "--port", str(ports.free_port()))

    assert done.returncode == 1
    assert f"(pid {running.process.pid})" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(running: Clone, tmp_path: Path) -> None:
    running.env["LOCAL_DIR"] = str(tmp_path)
    try:
        done = running.command("dev", "--port", str(running.port))
    finally:
        del running.env["LOCAL_DIR"]

    assert done.returncode == 1
    assert done.stderr == (
        f"bin/dev: port {running.port} is in use; stop what listens there, or choose another: bin/dev --port N\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_a_stop_leaves_no_process(number: int, running: Clone) -> None:
    assert running.end(number) == 0

    assert processes_below(running.root) == []
    assert running.sessions() == {}


def test_a_killed_parent_costs_no_data_and_leaves_one_set(running: Clone) -> None:
    # given a row that was committed
    with running.database() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO kept DEFAULT VALUES")
        before = connection.execute("SELECT count(*) FROM kept").fetchone()

    # when the parent is killed, and started again at once
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    running.start()

    # then each process exists once, and the row is there
    assert set(running.sessions()) == PROCESSES
    assert running.process is not None
    # Polled, because programs may fork during the count.
    assert wait_until(lambda: strangers(running) == {running.process.pid}, 10), strangers(running)
    with running.database() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == before


@pytest.mark.parametrize("name", ["postgres", "redis", "web", "worker", "beat"])
def test_a_killed_process_comes_back(name: str, running: Clone) -> None:
    first = running.sessions()[name]

    os.kill(first, signal.SIGKILL)

    assert wait_until(lambda: running.sessions().get(name, first) != first, 30)
    assert wait_until(lambda: _serves(running), 30)


def test_the_tests_run_beside_it_on_servers_of_their_own(running: Clone) -> None:
    before = running.sessions()

    done = running.command("test", "--version")

    assert done.returncode == 0, done.stderr
    assert "pytest" in done.stdout + done.stderr
    assert running.sessions() == before


def _serves(clone: Clone) -> bool:
    try:
        return clone.status("/readyz") == 200
    except OSError:
        return False
