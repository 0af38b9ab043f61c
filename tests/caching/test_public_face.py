"""The names that `import caching` provides, and what the import must not do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import caching
import caching.counters
import caching.deadlines
import caching.http
import caching.jobs
import caching.redis

ROOT = Path(__file__).resolve().parent.parent.parent

# Runs in an interpreter that has no settings: reading one of them would fail.
IMPORT = """
import sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.fork"}:
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(watch)
import caching
from django.conf import settings

assert not settings.configured
assert not any(name.split(".")[0] in {"marketplace", "products", "offers"} for name in sys.modules)
assert "caching.models" not in sys.modules

@caching.stale_while_revalidate(key_prefix="face", ttl=60)
def face(who: str) -> str:
    return who

caching.resource(caching.Policy("more", soft_ttl=1, hard_ttl=2), lambda ids: caching.Load({}))
assert not settings.configured
print(" ".join(sorted(caching.__all__)))
"""


def test_importing_it_opens_no_socket_and_reads_no_settings():
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "DATABASE", "REDIS"))}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(caching.__all__)


def test_every_public_name_exists_and_has_a_docstring():
    for face in (caching, caching.counters, caching.deadlines, caching.http, caching.jobs, caching.redis):
        for name in set(face.__all__) - {"Apply", "Deadline", "Id", "Loader", "Role"}:
            assert getattr(face, name).__doc__, name
