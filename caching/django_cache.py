"""A backend for Django's `default` cache: JSON, not pickle; zstd; and a `clear` that deletes only its own keys."""

from __future__ import annotations

from typing import Any

import orjson
import redis
from django_redis.cache import RedisCache, omit_exception
from django_redis.compressors.base import BaseCompressor
from django_redis.exceptions import CompressorError, ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer

from caching.entries import codec
from caching.errors import CodecError
from caching.redis.connections import pool_at
from caching.redis.errors import REDIS_ERRORS
from caching.redis.scan import Walk, literal


class Serializer(BaseSerializer):
    """Serializes values as JSON: unlike pickle, reading it back cannot execute code."""

    def dumps(self, value: Any) -> bytes:
        return orjson.dumps(value)

    def loads(self, value: bytes) -> Any:
        return orjson.loads(value)


class Compressor(BaseCompressor):
    """Compresses by the layer's codec: the first byte of a value is the tag of its codec."""

    def compress(self, value: bytes) -> bytes:
        tag, packed = codec.pack(value)
        return bytes([tag]) + packed

    def decompress(self, value: bytes) -> bytes:
        try:
            return codec.unpack(value[0], value[1:])
        except (IndexError, CodecError) as error:
            raise CompressorError(str(error)) from error


class ConnectionFactory:
    """Gives django-redis clients that use the layer's own pools."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def connect(self, url: str) -> redis.Redis:
        """Return a client of the Redis at a URL."""
        return redis.Redis(connection_pool=pool_at(url))

    def disconnect(self, connection: redis.Redis) -> None:
        """Close the connections of a client's pool."""
        connection.connection_pool.disconnect()


_OPTIONS = {
    "CLIENT_CLASS": "django_redis.client.DefaultClient",
    "SERIALIZER": "caching.django_cache.Serializer",
    "COMPRESSOR": "caching.django_cache.Compressor",
    "CONNECTION_FACTORY": "caching.django_cache.ConnectionFactory",
    "IGNORE_EXCEPTIONS": True,
}


class Cache(RedisCache):
    """A cache backend for Django: `CACHES = {"default": {"BACKEND": "caching.django_cache.Cache", "LOCATION": url}}`.

    It is django-redis on the layer's pools. Its `clear` deletes its own keys only, where FLUSHDB would delete queues,
    counters and deadlines too. Its keys begin with `KEY_PREFIX`, which must not be the layer's own prefix.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": _OPTIONS | params.get("OPTIONS", {})})

    @omit_exception(return_value=False)
    def clear(self) -> bool:
        """Delete the keys of this cache, of every version, and no others; return whether Redis answered.

        It deletes in batches. `delete_pattern` would delete all keys in one transaction, which blocks Redis.
        """
        connection = self.client.get_client(write=True)
        try:
            for names in Walk(connection, literal(f"{self.key_prefix}:") + "*"):
                connection.unlink(*names)
        except REDIS_ERRORS as error:
            raise ConnectionInterrupted(connection=connection) from error
        return True
