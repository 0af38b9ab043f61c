"""Every ordering of what two readers, one writer and Redis itself can do to a key, each step a real call.

Steps are atomic in Redis, so concurrent calls are some ordering of their steps. Orderings that lead to the same moment
(same contents of Redis, same steps left) have the same future: it is walked once, and its orderings are counted. The
contents of Redis are dumped at each moment, and restored before each of the steps that may come next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import redis

from caching.keys import Id, KeySpace

NOW_MS = 1_800_000_000_000
FAULTS = ("expire", "evict", "flush")
READ = ("read", "lease", "load", "fill")
WRITE = ("commit", "invalidate")

# A stall of the machine must not end a lease: only the step `expire` does.
_TTL_MS = 3_600_000
_TAKE_OUT = """
local found = {}
for _, name in ipairs(redis.call('KEYS', '*')) do
  local dump = redis.call('DUMP', name)
  -- The last ten bytes of a dump are a version and a checksum, which add nothing to the others.
  local value = redis.call('TYPE', name)['ok'] == 'string' and redis.call('GET', name) or dump:sub(1, -11)
  found[#found + 1] = {name, redis.call('PTTL', name) > 0 and tonumber(ARGV[1]) or 0, dump, value}
end
return found
"""
_PUT_BACK = """
redis.call('FLUSHDB')
for i = 1, #ARGV, 3 do
  redis.call('RESTORE', ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
"""


class Cache(Protocol):
    """The cache under test: `caching.entries.store.Store`, or one with the same methods."""

    def read(self, ids: Sequence[Id]) -> Any: ...
    def lease(self, ids: Sequence[Id], background: Sequence[Id] = ()) -> dict[Id, str]: ...
    def fill(self, bodies: Mapping[Id, Any], tokens: Mapping[Id, str], loaded_ms: int, generation: int) -> Any: ...
    def invalidate(self, ids: Sequence[Id]) -> None: ...


@dataclass(frozen=True)
class Reader:
    """A caller in the middle of reading `ids`: a single read, a batch, or with `ahead` a prefetch.

    Missing entries are leased for the reader itself, or for a task if read ahead; stale ones are leased for a task.
    """

    ids: tuple[Id, ...] = (1,)
    ahead: bool = False
    steps: tuple[str, ...] = READ
    generation: int = 0
    missing: tuple[Id, ...] = ()
    background: tuple[Id, ...] = ()
    tokens: tuple[tuple[Id, str], ...] = ()
    bodies: tuple[tuple[Id, bytes | None], ...] = ()

    def step(self, cache: Cache, rows: Mapping[Id, bytes | None]) -> Reader:
        """Return the reader after its next step."""
        name, *left = self.steps
        after = getattr(replace(self, steps=tuple(left)), f"_{name}")(cache, rows)
        # A reader that is done keeps no state, so that all such readers are equal.
        return after if after.steps else Reader(self.ids, self.ahead, ())

    def _read(self, cache: Cache, rows: Mapping[Id, bytes | None]) -> Reader:
        found = cache.read(self.ids)
        missing = tuple(id for id in self.ids if id not in found.entries)
        stale = tuple(id for id, entry in found.entries.items() if not entry.is_fresh(NOW_MS))
        steps = self.steps if missing or stale else ()
        background = stale + missing if self.ahead else stale
        missing = () if self.ahead else missing
        return replace(self, steps=steps, generation=found.generation, missing=missing, background=background)

    def _lease(self, cache: Cache, rows: Mapping[Id, bytes | None]) -> Reader:
        taken = cache.lease([*self.missing, *self.background], background=self.background)
        return replace(self, tokens=tuple(taken.items()), steps=self.steps if taken or self.missing else ())

    def _load(self, cache: Cache, rows: Mapping[Id, bytes | None]) -> Reader:
        wanted = dict.fromkeys((*self.missing, *dict(self.tokens)))
        steps = self.steps if self.tokens or "lease" in self.steps else ()
        return replace(self, bodies=tuple((id, rows[id]) for id in wanted), steps=steps)

    def _fill(self, cache: Cache, rows: Mapping[Id, bytes | None]) -> Reader:
        cache.fill(dict(self.bodies), dict(self.tokens), NOW_MS, self.generation)
        return self


class Key(NamedTuple):
    """A key in Redis. `value` is compared, `dump` restores it."""

    name: bytes
    ttl: int
    dump: bytes
    value: bytes


@dataclass
class Moment:
    """A moment between two steps: the steps that are left, the contents of Redis, and the steps that led here."""

    readers: tuple[Reader, ...]
    writer: tuple[str, ...]
    faults: tuple[str, ...]
    redis: tuple[Key, ...] = ()
    orderings: int = 1
    stale: bool = False
    story: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """Return how many steps may still come; each step leaves fewer."""
        return len(self.writer) + len(self.faults) + sum(len(reader.steps) for reader in self.readers)

    def identity(self) -> Any:
        """Return what moments with the same future have in common.

        Tokens are random, but their owners are not; and the order of two equal readers does not matter.
        """
        readers = sorted(self.readers, key=lambda reader: repr(replace(reader, tokens=tuple(dict(reader.tokens)))))
        owners = {token: f"<{number}:{id}>" for number, reader in enumerate(readers) for id, token in reader.tokens}
        anonymous = [
            replace(reader, tokens=tuple((id, owners[token]) for id, token in reader.tokens)) for reader in readers
        ]
        keys = {key.name: _renamed(key.value, owners) for key in self.redis}
        return tuple(anonymous), self.writer, self.faults, tuple(sorted(keys.items()))


def _renamed(value: bytes, owners: Mapping[str, str]) -> bytes:
    for token, owner in owners.items():
        value = value.replace(token.encode(), owner.encode())
    return value


@dataclass
class Outcome:
    """What a walk found.

    `orderings` counts those that serve nothing old. `stale` counts the ways to a read that is served an old value after
    the invalidation has returned, and `stories` has some of them. `steps` counts the steps that were really taken.
    """

    orderings: int = 0
    stale: int = 0
    stories: list[str] = field(default_factory=list)
    steps: int = 0


class Walk:
    """Walks over one cache, whose rows are `old` until the writer commits and `new` from then on.

    Without `merge` each ordering is walked by itself, which is feasible only for a few.
    """

    def __init__(
        self, cache: Cache, state: redis.Redis, keys: KeySpace, old: bytes | None = b"old", merge: bool = True
    ) -> None:
        self._cache = cache
        self._redis = state
        self._keys = keys
        self._old = old
        self._merge = merge
        self._take_out = state.register_script(_TAKE_OUT)
        self._put_back = state.register_script(_PUT_BACK)

    def run(self, *readers: Reader, writer: tuple[str, ...] = WRITE, faults: tuple[str, ...] = FAULTS) -> Outcome:
        """Take every ordering of the steps, each fault with every victim, from what Redis holds now."""
        start = Moment(readers, writer, faults, self._snapshot())
        moments: list[dict[Any, Moment]] = [{} for _ in range(start.left + 1)]
        moments[start.left][self._identity(start)] = start
        outcome = Outcome()
        while moments:
            for moment in moments.pop().values():
                self._go_on(moment, moments, outcome)
        return outcome

    def _go_on(self, moment: Moment, moments: list[dict[Any, Moment]], outcome: Outcome) -> None:
        """Take each step that may come next, and keep the moments that it leads to under the number of steps left."""
        if moment.stale:
            outcome.stale += moment.orderings
            return
        if moment.left == 0:
            outcome.orderings += moment.orderings
        for name, take in self._steps(moment):
            self._put_back(args=[part for key in moment.redis for part in (key.name, key.ttl, key.dump)])
            after = replace(take(), orderings=moment.orderings, story=(*moment.story, name))
            after.redis = self._snapshot()
            outcome.steps += 1
            known = moments[after.left].setdefault(self._identity(after), after)
            if known is not after:
                known.orderings += after.orderings
            elif not after.writer and self._serves_old(after):
                after.stale = True
                outcome.stories.append(", ".join(after.story))

    def _identity(self, moment: Moment) -> Any:
        return moment.identity() if self._merge else moment.story

    def _steps(self, moment: Moment) -> Iterator[tuple[str, Callable[[], Moment]]]:
        """Return the steps that may come next, by name."""
        rows = dict.fromkeys(_ids(moment), self._old if "commit" in moment.writer else b"new")
        for number, reader in enumerate(moment.readers):
            if reader.steps:
                yield f"{reader.steps[0]} {number + 1}", partial(self._read, moment, number, rows)
        if moment.writer:
            yield moment.writer[0], partial(self._write, moment)
        for fault in moment.faults:
            left = tuple(other for other in moment.faults if other != fault)
            for name, command in self._ways(fault):
                yield name, partial(self._fail, replace(moment, faults=left), command)

    def _read(self, moment: Moment, number: int, rows: Mapping[Id, bytes | None]) -> Moment:
        readers = list(moment.readers)
        readers[number] = readers[number].step(self._cache, rows)
        return replace(moment, readers=tuple(readers))

    def _write(self, moment: Moment) -> Moment:
        if moment.writer[0] == "invalidate":
            self._cache.invalidate(_ids(moment))
        return replace(moment, writer=moment.writer[1:])

    def _fail(self, after: Moment, command: tuple[Any, ...]) -> Moment:
        self._redis.execute_command(*command)
        return after

    def _ways(self, fault: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Return the ways in which a fault may happen: to the entry or the lease of the first id, or to everything."""
        if fault == "flush":
            yield fault, ("FLUSHDB",)
            return
        for victim, name in (("entry", self._keys.entry(1)), ("lease", self._keys.lease(1))):
            yield f"{fault} {victim}", ("PEXPIRE", name, 0) if fault == "expire" else ("UNLINK", name)

    def _serves_old(self, moment: Moment) -> bool:
        """Return whether a read that begins now is served what was there before the commit."""
        entries = self._cache.read(_ids(moment)).entries
        return any((None if entry.negative else entry.body) != b"new" for entry in entries.values())

    def _snapshot(self) -> tuple[Key, ...]:
        return tuple(Key(*key) for key in self._take_out(args=[_TTL_MS]))


def _ids(moment: Moment) -> list[Id]:
    return list(dict.fromkeys(id for reader in moment.readers for id in reader.ids))
