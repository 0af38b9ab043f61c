"""manage.py check: with the layer's tag it asks the servers, without it only the settings."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from tests.faults.redis_servers import RedisServer, redirected

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("check", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_with_the_tag_a_redis_that_may_drop_state_is_an_error_and_without_it_no_server_is_asked(tmp_path: Path) -> None:
    # Given a Redis that may evict any key
    options = ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    with RedisServer(tmp_path / "redis", *options) as server, redirected(server.port):
        # Then the tag shows it, and a plain check asks no server
        with pytest.raises(SystemCheckError, match=r"caching\.E001"):
            run("--tag", "caching")
        assert "E001" not in run()


def test_its_help_ends_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("check", "--help")
    assert "manage.py check --tag caching" in capsys.readouterr().out
