"""`CACHING`: one option is enough, and all errors are reported at once, by the name of the option."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from caching.conf import Conf, conf, problems
from caching.keys import prefix
from caching.redis.connections import one_server, pool

URL = "redis://127.0.0.1:1/0"


def test_a_url_is_enough(settings: Any) -> None:
    settings.CACHING = {"URL": URL}

    assert conf() == Conf(url=URL)
    assert conf().url_of("cache") == conf().url_of("state") == URL
    assert one_server()
    assert prefix() == "caching"


def test_state_may_have_a_server_of_its_own(settings: Any) -> None:
    settings.CACHING = {"URL": URL, "STATE_URL": "redis://127.0.0.1:2/0"}

    assert conf().url_of("state") == "redis://127.0.0.1:2/0"
    assert not one_server()
    assert pool("cache") is not pool("state")


def test_a_changed_setting_is_read_anew_and_a_server_keeps_its_pool(settings: Any) -> None:
    before = pool("cache")
    settings.CACHING = {**settings.CACHING, "SPILL_ROWS": 3}

    assert conf().spill_rows == 3
    assert pool("cache") is before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, ["CACHING is not set. Write CACHING = {"]),
        ([], ["CACHING is not set"]),
        ({}, ["CACHING has no 'URL'. Write CACHING = {"]),
        ({"URL": 5}, ["CACHING['URL'] is 5: it must be text."]),
        ({"URL": URL, "SPILLROWS": 5}, ["CACHING has no option 'SPILLROWS', did you mean 'SPILL_ROWS'?"]),
        ({"URL": URL, "colour": 5}, ["CACHING has no option 'colour'."]),
        ({"URL": URL, "TIMEOUT_SECONDS": "1"}, ["CACHING['TIMEOUT_SECONDS'] is '1': it must be a number."]),
        ({"URL": URL, "SPILL_ROWS": 1.5}, ["CACHING['SPILL_ROWS'] is 1.5: it must be a whole number."]),
        ({"URL": URL, "ALARM_MB": True}, ["CACHING['ALARM_MB'] is True: it must be a whole number."]),
        ({"URL": URL, "ALARM_MB": -1}, ["CACHING['ALARM_MB'] is -1: it must not be negative."]),
        ({"URL": ""}, ["CACHING['URL'] is '': it must not be empty."]),
        ({"URL": "host:6379"}, ["CACHING['URL'] is 'host:6379': it must begin with redis://, rediss:// or unix://."]),
        ({"URL": URL, "TIMEOUT_SECONDS": 0}, ["CACHING['TIMEOUT_SECONDS'] is 0: it must be more than 0."]),
        ({"URL": URL, "MAX_CONNECTIONS": 0}, ["CACHING['MAX_CONNECTIONS'] is 0: it must be more than 0."]),
        ({"STATE_URL": 1, "NAME": 1}, ["CACHING has no 'URL'", "CACHING['STATE_URL']", "CACHING['NAME']"]),
    ],
)
def test_every_error_is_reported_by_the_name_of_its_option(settings: Any, given: Any, said: list[str]) -> None:
    found = list(problems(given))
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))

    settings.CACHING = given
    with pytest.raises(ImproperlyConfigured) as refusal:
        conf()
    assert str(refusal.value) == " ".join(found)
