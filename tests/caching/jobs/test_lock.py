"""The lock of a job: by name, and only for the time of its block."""

from __future__ import annotations

import pytest

from caching.jobs.lock import exclusive, lock_key
from tests.other_session import other_session


@pytest.mark.django_db
def test_locks_of_different_jobs_differ() -> None:
    assert lock_key("a") != lock_key("b")
    assert -(2**63) <= lock_key("a") < 2**63
    with exclusive("a") as first, exclusive("b") as second:
        assert (first, second) == (True, True)


@pytest.mark.django_db(transaction=True)
def test_the_lock_is_gone_after_the_block() -> None:
    with exclusive("a") as mine:
        assert mine
        with other_session(autocommit=True) as other:
            assert other.execute("SELECT pg_try_advisory_lock(%s)", [lock_key("a")]).fetchone() == (False,)
    with other_session(autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [lock_key("a")]).fetchone() == (True,)
