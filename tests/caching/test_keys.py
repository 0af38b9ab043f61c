"""Law 10: keys that one script touches share a hash tag, so that Redis Cluster stays possible."""

from __future__ import annotations

from typing import Any

import pytest
from redis.crc import key_slot

from caching.counters.family import CounterFamily
from caching.keys import KeySpace
from caching.readthrough.fetch import fetch
from caching.readthrough.loader import Load
from caching.redis.connection_pool import Pool
from caching.redis.scripts import script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The (digest, keys) of every script that was called."""
    found: list[tuple[str, list[str]]] = []
    ask = Pool.ask

    def recorded(pool: Pool, commands: Any, patience: float = 0.0) -> list[Any]:
        scripts = [command for command in commands if command.script is not None]
        found.extend((each.args[1], list(each.args[3 : 3 + each.args[2]])) for each in scripts)
        return ask(pool, commands, patience)

    monkeypatch.setattr(Pool, "ask", recorded)
    return found


@pytest.mark.parametrize("id", [1, "discover:2:20", "a}b{c"])
def test_the_keys_of_each_script_lie_in_one_slot(things, calls, id):
    # When a read fills (and counts), a load fails, and a flush seals
    views = CounterFamily("visits", shards=4, bucket_seconds=5)
    things.loader = lambda ids: Load(dict.fromkeys(ids, b"{}"), totals=dict.fromkeys(ids, 7))
    things.family = views if id == 1 else None
    fetch(things, id, int(id == 1))
    views.seal(1)
    things.store.release(things.store.lease(["other"]), backoff_ms=1)

    # Then each script was called, with keys of one slot
    assert {digest for digest, _ in calls} >= {script(name).digest for name in ("lease", "fill", "release", "seal")}
    for digest, keys in calls:
        assert len({key_slot(key.encode()) for key in keys}) == 1, (digest, keys)


def test_an_entry_and_its_lease_lie_in_one_slot_and_entries_in_many():
    keys = KeySpace("things")
    for id in (1, "discover:2:20"):
        names = (keys.entry(id), keys.lease(id), keys.waiters(id), keys.wake(id))
        assert len({key_slot(name.encode()) for name in names}) == 1
    assert len({key_slot(keys.entry(id).encode()) for id in range(100)}) > 90
