"""What every way of filling entries ahead of their readers promises: warming, a task, `refresh`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from tests.caching.contract import OutOfOrder, fail, write


class Filling:
    """One key."""

    def test_the_next_read_is_a_hit(self, face: Any, truth: Any, values: Any) -> None:
        truth.values[1] = values(1)
        face.fill(1)
        assert face.read(1) == values(1)
        assert truth.loads == [1]

    def test_an_invalidation_during_the_load_refuses_the_fill(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values[1] = values(1)
        truth.during_load = lambda: write(face, truth, values(2))
        face.fill(1)
        assert redis_state.get(key(1)) is None
        assert face.read(1) == values(2)

    def test_a_clear_during_the_load_leaves_nothing_to_read(self, face: Any, truth: Any, values: Any) -> None:
        truth.values[1] = values(1)

        def clear() -> None:
            truth.during_load = lambda: None
            truth.values[1] = values(2)
            face.source.store.clear()

        truth.during_load = clear
        face.fill(1)
        assert face.read(1) == values(2)

    @pytest.mark.django_db(transaction=True)
    def test_in_a_transaction_nothing_is_filled(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values[1] = values(1)
        with transaction.atomic():
            face.fill(1)
        assert redis_state.get(key(1)) is None

    def test_a_loader_that_fails_leaves_no_lease_behind(self, face: Any, truth: Any, redis_state: Any) -> None:
        truth.during_load = fail
        with pytest.raises(OutOfOrder):
            face.fill(1)
        assert redis_state.get(face.source.store.keys.lease(face.id(1))) == b"x"
