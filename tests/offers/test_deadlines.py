"""The Redis index of offers' deadlines."""

from __future__ import annotations

from offers.deadlines import offer_deadlines


def test_the_index_lies_under_a_key_a_shard() -> None:
    assert offer_deadlines.shards == 8
    assert offer_deadlines.key(0).endswith(":d:{offers:0}:due")
    assert offer_deadlines.key(7).endswith(":d:{offers:7}:due")
