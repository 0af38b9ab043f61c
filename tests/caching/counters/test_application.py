"""What a flush hands to `Apply`: sums by id, and the share of those that could not be applied."""

from __future__ import annotations

from caching.counters.application import share_of, summed


def test_the_increments_of_several_buckets_are_summed_in_the_order_of_ids():
    # Sorted, so that two flushes lock their rows in one order.
    assert list(summed({7: {9: 1, 2: 3}, 8: {2: 4, 1: 5}}).items()) == [(1, 5), (2, 7), (9, 1)]
    assert summed({}) == {}


def test_the_share_of_ids_is_their_sum_and_nothing_for_an_unknown_id():
    assert share_of({1: 5, 2: 7, 9: 1}, frozenset({2, 9, 10})) == 8
    assert share_of({1: 5}, frozenset()) == 0
