"""Packed bodies: a frame that claims too much, an unknown codec and a damaged dictionary are refused."""

from __future__ import annotations

import zlib

import pytest
import zstandard

from caching.entries import codec
from caching.errors import CodecError
from tests.caching.packing import dictionary

LARGE = b'{"title":"' + b"the same words again and again " * 100 + b'"}'


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    bomb, trained = bytes(codec.LIMIT_BYTES + 1), dictionary("things")
    for tag, packed in (
        (codec.ZSTD, zstandard.ZstdCompressor().compress(bomb)),
        (codec.ZSTD_DICT, trained.pack(bomb)),
    ):
        with pytest.raises(CodecError, match="claims"):
            codec.unpack(tag, packed, lambda number: trained)


def test_a_bomb_among_others_is_refused_before_any_is_unpacked():
    trained = dictionary("things")
    packed = [trained.pack(LARGE), trained.pack(bytes(codec.LIMIT_BYTES + 1))]
    with pytest.raises(CodecError, match="claims"):
        codec.unpack_all([codec.ZSTD_DICT] * 2, packed, lambda number: trained)


def test_a_frame_that_does_not_say_its_size_is_refused():
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(LARGE)
    with pytest.raises(CodecError, match="claims -1"):
        codec.unpack(codec.ZSTD, frame)


@pytest.mark.parametrize("tag", [codec.ZSTD_DICT, 3, 9, 255])
def test_an_unknown_codec_or_dictionary_is_refused(tag):
    for data in (b"", b"abc", zlib.compress(b"x")):
        with pytest.raises(CodecError, match="unknown"):
            codec.unpack(tag, data)


def test_rubbish_is_no_dictionary():
    with pytest.raises(CodecError, match="dictionary 7"):
        codec.TrainedDictionary(7, b"rubbish" * 100)
