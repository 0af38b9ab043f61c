from __future__ import annotations

import pytest

from caching.entries.policy import Policy


@pytest.mark.parametrize(
    "numbers",
    [
        {"soft_ttl": 0},
        {"soft_ttl": 10, "hard_ttl": 9},
        {"negative_ttl": 0},
        {"jitter": 1},
        {"lease": 0},
        {"wait": -1},
        {"namespace": "Not a name"},
        {"namespace": "a:b"},
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers):
    with pytest.raises(ValueError, match=r".+"):
        Policy(**{"namespace": "things", "soft_ttl": 5, "hard_ttl": 10, **numbers})


def test_jitter_shortens_the_hard_ttl_and_never_lengthens_it():
    policy = Policy("things", soft_ttl=10, hard_ttl=100, jitter=0.2)
    seen = {policy.expire_ms(negative=False) for _ in range(200)}
    assert 80_000 <= min(seen) < max(seen) <= 100_000


def test_a_missing_row_is_remembered_for_its_own_time():
    policy = Policy("things", soft_ttl=10, hard_ttl=100, negative_ttl=3, jitter=0)
    assert (policy.soft_ms(negative=True), policy.expire_ms(negative=True)) == (3000, 3000)
