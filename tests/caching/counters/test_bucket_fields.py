"""Fields of a bucket: increments are applied, and poison is kept for a person to inspect."""

from __future__ import annotations

import pytest

from caching.counters.bucket_fields import parse, set_aside_overflow, set_aside_poison
from caching.counters.buckets import Bucket
from caching.models import CounterField


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"x", b"1"), (b"", b"1"), (b"0", b"1"), (b"-4", b"1"), (b"05", b"1"), (b"1_0", b"1"), (b"9" * 19, b"1"),
        (b"5", b""), (b"5", b"x"), (b"5", b"0"), (b"5", b"-1"), (b"5", b"1.5"), (b"5", b"1000000000001"),
        (b"5", b"9" * 5000), ("\u0665".encode(), b"1"),
    ],
)  # fmt: skip
def test_a_field_that_is_no_id_with_a_positive_number_is_poison(field, value):
    assert parse(Bucket(7, {field: value, b"8": b"2"})) == ({8: 2}, {field: value})


def test_the_largest_id_and_the_largest_increment_are_applied():
    found = parse(Bucket(7, {str(2**63 - 1).encode(): b"1000000000000"}))
    assert found == ({2**63 - 1: 10**12}, {})
    assert found.total == 10**12


@pytest.mark.django_db
def test_poison_is_kept_as_text_that_a_person_can_read():
    set_aside_poison("clicks", 1, {7: {b"a\x00b\xff": b"\x01" * 500}})

    kept = CounterField.objects.get()
    assert (kept.family, kept.shard, kept.bucket, kept.reason) == ("clicks", 1, 7, "poison")
    assert kept.field == "a\\x00b\\xff"
    assert len(kept.value) == 200


@pytest.mark.django_db
def test_of_a_bucket_full_of_rubbish_a_hundred_fields_are_kept(django_assert_num_queries):
    with django_assert_num_queries(1):
        set_aside_poison("clicks", 1, {7: {b"x%d" % number: b"1" for number in range(5000)}})
    assert CounterField.objects.count() == 100


@pytest.mark.django_db
def test_what_found_no_room_is_kept_whole(django_assert_num_queries):
    set_aside_overflow("clicks", 1, 7, {5: 10**12})
    assert CounterField.objects.values_list("field", "value", "reason").get() == ("5", "1000000000000", "overflow")
    with django_assert_num_queries(0):
        set_aside_overflow("clicks", 1, 7, {})
        set_aside_poison("clicks", 1, {7: {}})
