"""docker-compose.yml: its structure, the order of starting, and safe defaults."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.services import ROOT, SCRIPTS

COMPOSE = ROOT / "docker-compose.yml"
SPLIT = ROOT / "deploy" / "compose.split.yml"
SECRETS = {"DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
APP = ("migrate", "web", "worker", "courier", "beat")
LASTING = ("postgres", "redis", "web", "worker", "courier", "beat")

_words = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_duration = {"type": "string", "pattern": r"^[0-9]+(ms|s|m)$"}
# The part of the Compose specification that is used here. Any other key counts as a typing error.
_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string"},
        "build": {
            "type": "object",
            "required": ["context", "dockerfile"],
            "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
            "additionalProperties": False,
        },
        "command": _words,
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "env_file": {"type": "array", "items": {"type": "object", "required": ["path", "required"]}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
                "additionalProperties": False,
            },
        },
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout", "retries", "start_period"],
            "properties": {
                "test": {**_words, "prefixItems": [{"const": "CMD"}]},
                "retries": {"type": "integer", "minimum": 1},
                **dict.fromkeys(("interval", "timeout", "start_period", "start_interval"), _duration),
            },
            "additionalProperties": False,
        },
        "restart": {"enum": ["no", "unless-stopped"]},
        "stop_signal": {"type": "string", "pattern": "^SIG[A-Z]+$"},
        "stop_grace_period": _duration,
        "init": {"type": "boolean"},
        "read_only": {"type": "boolean"},
        "logging": {"type": "object", "required": ["driver"]},
        **dict.fromkeys(("cap_drop", "networks", "ports", "security_opt", "tmpfs", "volumes"), _words),
        "shm_size": {"type": "string", "pattern": "^[0-9]+m$"},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["services"],
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "networks": {"type": "object"},
        "volumes": {"type": "object"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def _seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m)", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


@pytest.mark.parametrize("path", [COMPOSE, SPLIT], ids=lambda path: path.name)
def test_structure(path: Any) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(path.read_text()))


def test_every_name_that_is_referred_to_exists(services: dict[str, dict[str, Any]]) -> None:
    document = yaml.safe_load(COMPOSE.read_text())
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service["networks"]) <= set(document["networks"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_dir() if source.startswith("./") else source in document["volumes"]


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_checked_restarted_and_given_time_to_stop(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert _seconds(service["healthcheck"]["timeout"]) <= _seconds(service["healthcheck"]["interval"])
    assert _seconds(service["stop_grace_period"]) > 10


def test_the_schema_is_migrated_once_between_the_servers_and_the_processes(services: dict[str, Any]) -> None:
    servers = {"postgres": {"condition": "service_healthy"}, "redis": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["depends_on"] == servers
    for name in ("web", "worker", "courier", "beat"):
        assert services[name]["depends_on"] == {
            **servers,
            "migrate": {"condition": "service_completed_successfully"},
        }


def test_processes_end_before_their_grace_period_does(services: dict[str, Any], settings: Any) -> None:
    web = int(re.search(r"WEB_STOP_SECONDS:-([0-9]+)", (SCRIPTS / "web").read_text())[1])  # type: ignore[index]
    assert web < _seconds(services["web"]["stop_grace_period"])
    soft = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    for name in ("worker", "courier"):
        assert 0 < soft <= _seconds(services[name]["stop_grace_period"]) / 2


def test_only_web_is_published_and_by_default_to_this_machine_alone(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert services["web"]["ports"][0].startswith("${PUBLISH_ADDRESS:-127.0.0.1}:")
    assert yaml.safe_load(COMPOSE.read_text())["networks"]["inner"] == {"internal": True}
    assert [name for name, service in services.items() if "outer" in service["networks"]] == ["web", "courier"]


@pytest.mark.parametrize("path", [COMPOSE, SPLIT], ids=lambda path: path.name)
def test_a_secret_has_no_default(path: Any) -> None:
    text = path.read_text()
    for secret in SECRETS:
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert all(use.startswith(":?") for use in uses)


def test_every_variable_is_explained_in_the_example() -> None:
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()))
    assert used - example == {"MARKETPLACE_TAG"}
    assert example - used == set()


def test_processes_run_with_as_little_as_they_need(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["logging"]["options"]["max-size"]
    for name in APP:
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["environment"]["DJANGO_ENV"] == "production"


def test_images_are_pinned_to_a_minor_version(services: dict[str, Any]) -> None:
    for name in ("postgres", "redis"):
        assert re.search(r":[0-9]+\.[0-9]+", services[name]["image"])


def test_commands_are_scripts_that_can_run(services: dict[str, Any]) -> None:
    for name in ("web", "worker", "courier", "beat"):
        assert services[name]["command"] == [name]
        assert services[name]["healthcheck"]["test"] == ["CMD", "healthy", name]
    scripts = [*SCRIPTS.iterdir(), ROOT / "deploy/redis/start", ROOT / "deploy/redis/healthy"]
    for script in scripts:
        assert script.stat().st_mode & 0o111 == 0o111
        assert script.read_text().startswith("#!/bin/sh\n")
