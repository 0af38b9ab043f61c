"""Django's `default` cache on our terms: JSON instead of pickle, zstd, and a `clear` that empties only itself."""

from __future__ import annotations

from typing import Any

import orjson
from django_redis.cache import RedisCache, omit_exception
from django_redis.compressors.base import BaseCompressor
from django_redis.exceptions import CompressorError, ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer

from caching.entries import codec
from caching.errors import CodecError
from caching.redis.errors import REDIS_ERRORS
from caching.redis.scan import Walk, literal


class Serializer(BaseSerializer):
    """Values as JSON, so that nothing read from Redis can execute."""

    def dumps(self, value: Any) -> bytes:
        return orjson.dumps(value)

    def loads(self, value: bytes) -> Any:
        return orjson.loads(value)


class Compressor(BaseCompressor):
    """The layer's own codec: each value carries the tag of how it was packed."""

    def compress(self, value: bytes) -> bytes:
        tag, packed = codec.pack(value)
        return bytes([tag]) + packed

    def decompress(self, value: bytes) -> bytes:
        try:
            return codec.unpack(value[0], value[1:])
        except (IndexError, CodecError) as error:
            raise CompressorError(str(error)) from error


class Cache(RedisCache):
    """django-redis with a harmless `clear`: FLUSHDB would take queues, counters and deadlines along."""

    @omit_exception(return_value=False)
    def clear(self) -> bool:
        """Delete the keys of this cache alone, of every version; return whether Redis answered.

        It goes in batches, where `delete_pattern` would hold Redis up with all keys in one transaction.
        """
        redis = self.client.get_client(write=True)
        try:
            for names in Walk(redis, literal(f"{self.key_prefix}:") + "*"):
                redis.unlink(*names)
        except REDIS_ERRORS as error:
            raise ConnectionInterrupted(connection=redis) from error
        return True
