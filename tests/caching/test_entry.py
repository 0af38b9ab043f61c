"""Law 5: a bad entry is a miss, never an exception of another kind."""

from __future__ import annotations

import os
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from caching import codec
from caching.entry import HEADER_BYTES, BadEntry, Entry, decode, encode

LARGE = b'{"title":"' + b"the same words again and again " * 100 + b'"}'
GOLDEN = bytes.fromhex("0100000000020000002a0000019ab0a20800000dbba08722c8d17b7d")


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


def test_the_format_on_the_wire_is_what_it_was():
    # A change here needs a new FORMAT, or a deploy would read the old entries wrongly.
    assert encode(entry()).hex() == GOLDEN.hex()


@given(st.data())
def test_a_changed_byte_anywhere_is_a_bad_entry(data):
    whole = encode(entry(data.draw(st.sampled_from([b"{}", LARGE]))))
    position = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != whole[position]))
    with pytest.raises(BadEntry):
        decode(whole[:position] + bytes([value]) + whole[position + 1 :])


@given(st.binary(max_size=200))
def test_foreign_bytes_are_a_bad_entry(data):
    with pytest.raises(BadEntry):
        decode(data)


@given(st.integers(0, 60))
def test_a_truncated_entry_is_a_bad_entry(length):
    with pytest.raises(BadEntry):
        decode(encode(entry(LARGE))[:length])


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    bomb = zstandard.ZstdCompressor().compress(bytes(codec.LIMIT_BYTES + 1))
    with pytest.raises(codec.CodecError, match="claims"):
        codec.unpack(codec.ZSTD, bomb)


def test_an_unknown_codec_is_refused():
    with pytest.raises(codec.CodecError):
        codec.unpack(9, zlib.compress(b"x"))
