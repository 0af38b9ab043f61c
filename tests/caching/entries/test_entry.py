"""Law 5: a bad entry is a miss, never an exception of another kind."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.entries import codec
from caching.entries import entry as envelope
from caching.entries.dictionaries import by_number
from caching.entries.entry import HEADER_BYTES, Entry, encode
from caching.errors import BadEntry
from tests.caching.packing import dictionary

LARGE = b'{"title":"' + b"the same words again and again " * 100 + b'"}'
GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("format_*.json"))
FORMS = {"raw": {"floor": 10**6}, "zstd": {"floor": 0}, "zstd_dict": {"dictionary": dictionary("things")}}


@pytest.fixture(autouse=True)
def known_dictionary():
    """Make the process know it, even if an earlier test made it forget."""
    dictionary("things")


def decode(data: bytes) -> Entry:
    """Decode with the dictionaries that this process knows."""
    return envelope.decode(data, by_number)


def entry(body: bytes = b"{}") -> Entry:
    return Entry(body, negative=False, schema=2, generation=42, loaded_ms=1_763_900_000_256, fresh_ms=900_000)


@pytest.mark.parametrize("body", [b"", b"{}", LARGE, os.urandom(5000)])
def test_what_goes_in_comes_out(body):
    assert decode(encode(entry(body))) == entry(body)


def test_a_negative_entry_comes_out_negative():
    missing = entry(b"")._replace(negative=True)
    assert decode(encode(missing)).negative


def test_a_large_body_is_packed_and_one_that_does_not_shrink_is_not():
    noise = os.urandom(5000)
    assert len(encode(entry(LARGE))) < len(LARGE) / 5
    assert len(encode(entry(noise))) == len(noise) + HEADER_BYTES


def test_a_dictionary_packs_what_is_too_small_for_plain_zstd():
    small = b'{"id":17,"title":"A title of words","price":"9.99","currency":"EUR","status":"available"}'
    with_dictionary = encode(entry(small), dictionary=dictionary("things"))
    assert len(with_dictionary) < len(encode(entry(small))) == HEADER_BYTES + len(small)
    assert decode(with_dictionary) == entry(small)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_entries_of_every_format_in_the_wild_stay_readable(path):
    golden = json.loads(path.read_text())
    trained = dictionary(golden["namespace"], base64.b64decode(golden["dictionary"]))
    assert trained.number == golden["number"]
    expected = Entry(**golden["entry"] | {"body": golden["entry"]["body"].encode()})
    for form in FORMS:
        assert decode(bytes.fromhex(golden[form])) == expected, form
    # A change here needs a new FORMAT and a new file, or a deploy would read the old entries wrongly.
    assert encode(expected, floor=10**6).hex() == golden["raw"]
    assert encode(expected, floor=0).hex()[: 2 * 22] == golden["zstd"][: 2 * 22]
    assert encode(expected, dictionary=trained).hex()[: 2 * 22] == golden["zstd_dict"][: 2 * 22]


def forms(body=LARGE):
    return st.sampled_from([encode(entry(body), **form) for form in FORMS.values()])


@given(forms(), st.data())
def test_a_changed_byte_anywhere_is_a_bad_entry(whole, data):
    position = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != whole[position]))
    with pytest.raises(BadEntry):
        decode(whole[:position] + bytes([value]) + whole[position + 1 :])


@pytest.mark.django_db
@given(forms(), st.integers(0, 255), st.binary(max_size=200))
def test_a_wrong_body_under_a_right_checksum_raises_nothing_else(whole, tag, body):
    head = whole[:1] + bytes([tag]) + whole[2:22]
    sealed = head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "big") + body
    if tag == codec.RAW:
        assert decode(sealed).body == body
    else:
        with pytest.raises(BadEntry):
            decode(sealed)


@pytest.mark.django_db
@given(forms(), st.data())
def test_a_damaged_frame_under_a_right_checksum_raises_nothing_else(whole, data):
    head, body = whole[:22], bytearray(whole[HEADER_BYTES:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadEntry):
        decode(head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "big") + bytes(body))


@given(st.binary(max_size=200))
def test_foreign_bytes_are_a_bad_entry(data):
    with pytest.raises(BadEntry):
        decode(data)


@given(forms(), st.data())
def test_a_truncated_entry_is_a_bad_entry(whole, data):
    with pytest.raises(BadEntry):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_nothing_is_packed_that_could_not_be_unpacked(form):
    large = bytes(codec.LIMIT_BYTES + 1)
    assert decode(encode(entry(large), **form)).body == large


def test_threads_share_a_dictionary():
    trained, bodies = dictionary("things"), [LARGE + bytes([number]) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        packed = list(pool.map(lambda body: encode(entry(body), dictionary=trained), bodies))
        assert [found.body for found in pool.map(decode, packed)] == bodies
