"""A replay against a target that is away, or faulty itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from products.replay.run import GIVE_UP_AFTER, Replay
from products.replay.targets import HttpTarget


def test_a_target_that_is_away_ends_it_early(tmp_path: Path) -> None:
    target = HttpTarget("http://127.0.0.1:9")
    result = Replay(iter([0] * 10_000), [1], lambda: target, 1).run()
    assert (result.views, result.errors, result.ok) == (GIVE_UP_AFTER, GIVE_UP_AFTER, 0)
    assert "in a row failed" in result.stopped


def test_a_fault_of_the_target_itself_is_not_swallowed() -> None:
    class Broken:
        def send(self, product_id: int) -> Any:
            raise ZeroDivisionError

        def close(self) -> None:
            pass

    with pytest.raises(ZeroDivisionError):
        Replay(iter([0] * 10), [1], Broken, 2).run()
