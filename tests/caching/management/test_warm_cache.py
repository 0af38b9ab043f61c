"""`warm_cache` by name, and what it refuses."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from caching.readthrough import warming

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def warmer(things, truth):
    truth.rows = dict.fromkeys(range(250), b"{}")
    things.warm = lambda limit: range(min(limit, 260))
    yield
    things.warm = None


def test_the_command_warms_by_name_and_refuses_unknown_names(warmer, capsys):
    call_command("warm_cache", "things", "--limit", "20")
    assert "things: 20 filled, 0 there already" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"nothing\. Known: .*popular"):
        call_command("warm_cache", "nothing")


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--budget", "0"]])
def test_a_limit_or_budget_of_zero_is_refused(arguments):
    with pytest.raises(CommandError, match="greater than 0"):
        call_command("warm_cache", *arguments)


def test_with_nothing_to_warm_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(warming, "names", list)
    call_command("warm_cache")
    assert capsys.readouterr().out == "Nothing to warm: no resource is declared with warm=.\n"
