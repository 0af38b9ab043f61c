"""A resource over HTTP: its detail and its batch as DRF viewsets. The only package of the layer that imports DRF."""

from __future__ import annotations

from caching.http.batch import CachedBatch
from caching.http.detail import CachedDetail
from caching.http.hit_lane import HitLane, plain_body
from caching.http.id_list import MAX_IDS, IdListField, ids_serializer, plain_ids
from caching.http.responses import cache_status, conditional_response, json_response, matches, weak_etag

__all__ = [
    "MAX_IDS",
    "CachedBatch",
    "CachedDetail",
    "HitLane",
    "IdListField",
    "cache_status",
    "conditional_response",
    "ids_serializer",
    "json_response",
    "matches",
    "plain_body",
    "plain_ids",
    "weak_etag",
]
