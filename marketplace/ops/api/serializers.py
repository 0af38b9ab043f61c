"""The shapes of the staff endpoints, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class JobRunSerializer(serializers.Serializer[Any]):
    """One run of a job."""

    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField()
    stats = serializers.DictField()


class JobSerializer(serializers.Serializer[Any]):
    """A job on its schedule."""

    id = serializers.CharField()
    schedule = serializers.CharField()
    next_run_time = serializers.DateTimeField(allow_null=True)
    last_run = JobRunSerializer(allow_null=True)


class JobStatusSerializer(serializers.Serializer[Any]):
    """Whether the scheduler is alive, and its jobs."""

    running = serializers.BooleanField()
    jobs = JobSerializer(many=True)


class CacheStatsSerializer(serializers.Serializer[Any]):
    """Redis' own statistics; `hit_rate` is a fraction from 0 to 1, memory is in MB."""

    redis_version = serializers.CharField()
    memory_used_mb = serializers.FloatField()
    memory_peak_mb = serializers.FloatField()
    memory_limit_mb = serializers.FloatField(allow_null=True)
    memory_fragmentation = serializers.FloatField(allow_null=True)
    eviction_policy = serializers.CharField(allow_null=True)
    connected_clients = serializers.IntegerField()
    total_keys = serializers.IntegerField()
    hit_rate = serializers.FloatField(allow_null=True)
    hits = serializers.IntegerField()
    misses = serializers.IntegerField()
    evicted_keys = serializers.IntegerField()
    expired_keys = serializers.IntegerField()
    operations_per_second = serializers.IntegerField()
    uptime_seconds = serializers.IntegerField()
    state = serializers.DictField(required=False)
