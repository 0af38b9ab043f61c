"""The Redis index of offers' deadlines."""

from __future__ import annotations

from offers.deadlines import offer_deadlines


def test_each_shard_of_the_index_has_a_key() -> None:
    assert offer_deadlines.shards == 8
    assert offer_deadlines.key(0).endswith(":d:{offers:0}:due")
    assert offer_deadlines.key(7).endswith(":d:{offers:7}:due")
