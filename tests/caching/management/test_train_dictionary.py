from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from caching.entries import dictionaries
from caching.entries.entry import HEADER_BYTES
from caching.keys import KeySpace
from caching.models import Dictionary
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from tests.caching.packing import body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def registry():
    dictionaries.registry.start_afresh()
    yield
    dictionaries.registry.start_afresh()


@pytest.fixture
def rows(truth):
    truth.rows = {number: body(number) for number in range(400)}
    return truth.rows


@pytest.fixture
def warmer(things):
    things.warm = lambda limit: range(min(limit, 400))
    yield
    things.warm = None


def test_it_learns_from_cached_entries_and_is_used_from_then_on(things, rows, capsys, redis_state):
    # Given entries in the cache, ten of them negative
    fetch_many(things, range(410))
    # When a dictionary is trained
    call_command("train_dictionary", "things", "--size", "2048")
    # Then it prints what that saves and what happens next
    said = capsys.readouterr().out
    assert "trained on 320 bodies, tried on 80 others" in said
    assert "this dictionary" in said
    assert "Every process packs new entries of things with it within a minute" in said
    stored = Dictionary.objects.get()
    assert f"{stored.number:08x}" in said
    assert stored.packed_bytes < 0.5 * stored.raw_bytes
    # And the next fill is packed with it, and is read as it was written
    rows[500] = body(500)
    fetch(things, 500)
    raw = redis_state.get(KeySpace("things").entry(500))
    assert raw[HEADER_BYTES:].startswith(stored.number.to_bytes(4, "big"))
    assert len(raw) < 0.6 * len(body(500))
    assert fetch(things, 500) == (body(500), State.HIT, 0)


def test_a_dry_run_and_one_that_saves_nothing_store_nothing(things, rows, warmer, capsys):
    call_command("train_dictionary", "things", "--dry-run")
    assert "It would be worth storing" in capsys.readouterr().out
    assert not Dictionary.objects.exists()
    call_command("train_dictionary", "things")
    call_command("train_dictionary", "things")
    assert "about as small at present" in capsys.readouterr().out
    assert Dictionary.objects.count() == 1


def test_too_few_bodies_are_refused_with_what_to_do(things, rows):
    fetch_many(things, range(30))
    with pytest.raises(CommandError, match=r"things: 30 bodies are too few .* at least 100 .*\n.*warm_cache"):
        call_command("train_dictionary", "things")


def test_an_unknown_namespace_is_refused_with_the_known_ones():
    with pytest.raises(CommandError, match=r"no namespace 'nothing'; there are .*product"):
        call_command("train_dictionary", "nothing")


@pytest.mark.parametrize("arguments", [["--samples", "99"], ["--size", "1000"], ["--size", "1000000"]])
def test_numbers_that_make_no_sense_are_refused(things, arguments):
    with pytest.raises(CommandError, match="--samples must be at least 100, --size from 1024 to 131072"):
        call_command("train_dictionary", "things", *arguments)
