"""The steps that apps add to the daily clean-up."""

from __future__ import annotations

import pytest

from caching.upkeep.cleanup import cleanup_old_cache
from caching.upkeep.steps import add_cleanup_step, steps

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_step_runs_with_the_clean_up_and_its_number_stands_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps, "old_letters", lambda: 1)
    # The later one of a name counts, as when a module is imported again.
    add_cleanup_step("old_letters", lambda: 7)

    assert cleanup_old_cache()["old_letters"] == 7
