"""The deployment's own environment and scripts, on the test's databases."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.services import SCRIPTS, Service, free_port, is_healthy, wait_until

Start = Callable[..., Service]


@pytest.fixture
def production(process_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """What docker-compose.yml gives a service, on free ports and with files in a folder of the test's."""
    return {
        **process_env,
        "DJANGO_ENV": "production",
        "DJANGO_SECRET_KEY": "0123456789abcdef" * 4,
        "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DJANGO_SSL_REDIRECT": "false",
        "PATH": os.pathsep.join([str(SCRIPTS), str(Path(sys.executable).parent), process_env["PATH"]]),
        "NODE_NAME": f"test-{os.getpid()}",
        "WEB_HOST": "127.0.0.1",
        "WEB_PORT": str(free_port()),
        "WEB_WORKERS": "1",
        "WORKER_PROCESSES": "1",
        "BEAT_SCHEDULE_FILE": str(tmp_path / "beat-schedule"),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }


@pytest.fixture
def start(production: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start a service by name and return it once its health check holds; all are ended after the test."""
    started: list[Service] = []

    def begin(name: str, **env: str) -> Service:
        service = Service([name], {**production, **env}, tmp_path / f"{name}.log")
        started.append(service)
        wait_until(lambda: is_healthy(name, service.env), 60.0)
        return service

    yield begin
    for service in started:
        service.kill()
        print(f"--- {service.log.name}\n{service.log.read_text()}")
