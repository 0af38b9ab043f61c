"""Law 5 from the reader's side: whatever is stored in Redis, a read answers the truth and replaces a bad entry."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from caching.entries.entry import HEADER_BYTES, decode, encode
from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.redis.connections import client
from tests.caching.packing import body, dictionary

pytestmark = pytest.mark.django_db(transaction=True)

IDS = range(1, 6)
KEY = KeySpace("things").entry(3)
FORMS = {"raw": {"floor": 10**6}, "zstd": {"floor": 0}, "zstd_dict": {"dictionary": dictionary("things")}}
examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def known_dictionary():
    """Make the process know it, even if an earlier test made it forget."""
    dictionary("things")


@st.composite
def damage(draw):
    """Return a function that turns the bytes of an entry into bytes that are no valid entry."""
    kind = draw(st.sampled_from(["flip", "cut", "longer", "foreign", "bad body", "unknown dictionary", "format"]))
    part, bit = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(0, 7))
    junk = draw(st.binary(min_size=1, max_size=60))

    def apply(whole):
        place = int(part * len(whole))
        match kind:
            case "flip":
                return whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
            case "cut":
                return whole[:place]
            case "longer":
                return whole + junk
            case "foreign":
                return junk
            case "bad body":
                return sealed(whole[:1] + b"\x01" + whole[2:22], junk)
            case "unknown dictionary":
                return sealed(whole[:1] + b"\x02" + whole[2:22], junk[:4].ljust(4, b"?") + whole[HEADER_BYTES + 4 :])
            case _:
                return sealed(bytes([2 + bit]) + whole[1:22], whole[HEADER_BYTES:])

    return apply


def sealed(head, packed):
    """Return an entry whose checksum is right."""
    return head + zlib.crc32(packed, zlib.crc32(head)).to_bytes(4, "big") + packed


def bad_entries():
    return REGISTRY.get_sample_value("cache_bad_entries_total", {"namespace": "things"}) or 0.0


@pytest.fixture
def filled(things, truth):
    """The source, with five entries in the cache."""
    truth.rows = {id: body(id) for id in IDS}
    fetch_many(things, IDS)
    return things


def put_bad(form, damaged):
    entry = decode(client("cache").get(KEY))
    client("cache").set(KEY, damaged(encode(entry, **form)), ex=60)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_a_hit(filled, form):
    put_bad(form, lambda whole: whole)
    found = fetch(filled, 3)
    assert (found.state, found.body) == (State.HIT, body(3))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@examples
@given(damaged=damage())
def test_a_bad_entry_is_a_miss_that_heals(filled, form, damaged):
    # Given a damaged entry
    put_bad(form, damaged)
    counted = bad_entries()
    # When it is read
    found = fetch(filled, 3)
    # Then the truth is answered, the entry was counted, and the next read finds a good one
    assert (found.state, found.body) == (State.MISS, body(3))
    assert bad_entries() == counted + 1
    assert fetch(filled, 3).state is State.HIT


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@examples
@given(damaged=damage())
def test_in_a_batch_it_costs_its_own_key_only(filled, truth, form, damaged):
    put_bad(form, damaged)
    truth.loads.clear()
    batch = fetch_many(filled, IDS)
    assert batch.bodies == {id: body(id) for id in IDS}
    assert (batch.origin.hits, batch.origin.misses) == (4, 1)
    assert truth.loads == [[3]]
    assert fetch_many(filled, IDS).origin.hits == 5
