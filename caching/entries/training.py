"""Training a dictionary on bodies of a namespace, and measuring on others how much it would save."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zstandard

from caching.entries import codec
from caching.entries.codec import TrainedDictionary
from caching.entries.dictionaries import number_of
from caching.errors import CannotTrain, CodecError

# From fewer samples a dictionary learns these very bodies, not what they have in common.
MIN_SAMPLES = 100
# One body in this many is kept out of the training, so that the measurement uses bodies it has not seen.
_HELD_OUT = 5
# The least part that a dictionary must save: it costs a query in each process and a few kilobytes in each thread.
_WORTH = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of packing, measured on the held-out bodies: bytes in all, microseconds a body."""

    name: str
    bytes: int
    pack_us: float
    unpack_us: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A dictionary, and its measurement beside the other ways; `present` is how such bodies are packed at present."""

    data: bytes
    samples: int
    tried: int
    raw: Measured
    plain: Measured
    present: Measured
    packed: Measured

    @property
    def is_worth_it(self) -> bool:
        """Whether entries become noticeably smaller than they are."""
        return self.packed.bytes < self.present.bytes * (1 - _WORTH)


def train(namespace: str, bodies: Sequence[bytes], size: int, present: TrainedDictionary | None = None) -> Trained:
    """Train a dictionary of at most `size` bytes on four bodies of five, and measure it on the fifth.

    `present` is the current dictionary of the namespace. Raises CannotTrain if the bodies are too few or too different.
    """
    if len(bodies) < MIN_SAMPLES:
        raise CannotTrain(f"{len(bodies)} bodies are too few to learn from: at least {MIN_SAMPLES} are needed")
    held_out = bodies[::_HELD_OUT]
    samples: list[Any] = [body for place, body in enumerate(bodies) if place % _HELD_OUT]
    try:
        data: bytes = zstandard.train_dictionary(size, samples).as_bytes()
        dictionary = TrainedDictionary(number_of(namespace, data), data)
    except (zstandard.ZstdError, CodecError) as error:
        raise CannotTrain(
            f"{len(samples)} bodies of {sum(map(len, samples)):,} bytes teach nothing: {error}"
        ) from error
    return Trained(
        data,
        len(samples),
        len(held_out),
        raw=measure("as it is", held_out, floor=codec.LIMIT_BYTES),
        plain=measure("zstd", held_out, floor=0),
        present=measure("at present", held_out, dictionary=present),
        packed=measure("this dictionary", held_out, dictionary=dictionary),
    )


def measure(
    name: str, bodies: Sequence[bytes], floor: int | None = None, dictionary: TrainedDictionary | None = None
) -> Measured:
    """Pack and unpack all bodies once, and return their size and the times."""
    start = time.perf_counter()
    packed = [codec.pack(body, floor, dictionary) for body in bodies]
    middle = time.perf_counter()
    for tag, data in packed:
        codec.unpack(tag, data, lambda number: dictionary)
    end = time.perf_counter()
    each = 1e6 / len(bodies)
    return Measured(name, sum(len(data) for _, data in packed), (middle - start) * each, (end - middle) * each)
