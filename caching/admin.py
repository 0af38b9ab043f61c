"""Read-only admin pages for job runs, flushed buckets, and the counter fields that a flush set aside."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from caching.jobs.default_app import layer_app
from caching.jobs.status import latest_runs
from caching.models import CounterBucket, CounterField, JobRun


class JobFilter(admin.SimpleListFilter):
    """Filter by job. The names come from the schedule: a query for them would read the whole table."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in layer_app().conf.beat_schedule]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        return queryset.filter(job=self.value()) if self.value() else queryset


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Base of the pages for rows that only jobs write."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CounterField)
class CounterFieldAdmin(ReadOnlyAdmin):
    """Fields of buckets that could not be applied, newest first."""

    list_display = ("created_at", "family", "shard", "bucket", "field", "value", "reason")
    list_filter = ("reason",)
    ordering = ("-created_at", "-id")


@admin.register(CounterBucket)
class CounterBucketAdmin(ReadOnlyAdmin):
    """The ledger, newest first. A bucket with a surplus changed after it was applied."""

    list_display = ("applied_at", "family", "shard", "bucket", "total", "fields", "orphaned", "surplus")
    list_filter = (("surplus", admin.EmptyFieldListFilter),)
    ordering = ("-applied_at", "-id")


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """The job runs, newest first."""

    list_display = ("job", "started_at", "ended", "duration", "summary")
    list_filter = (JobFilter, "outcome", "started_at")
    ordering = ("-started_at", "-id")
    fields = ("job", "started_at", "finished_at", "duration", "ended", "statistics", "error")
    readonly_fields = fields

    @admin.display(description="outcome", ordering="outcome")
    def ended(self, run: JobRun) -> str:
        if run.outcome != JobRun.Outcome.RUNNING:
            return run.outcome
        # A run whose process died stays `running` in its row; only the job's lock shows whether it is alive.
        latest = latest_runs([run.job])[run.job]
        return str(latest.outcome) if latest.id == run.pk else JobRun.Outcome.LOST.value

    @admin.display(description="duration", empty_value="-")
    def duration(self, run: JobRun) -> str | None:
        if run.finished_at is None or run.outcome == JobRun.Outcome.LOST:
            return None
        return f"{(run.finished_at - run.started_at).total_seconds():.3f} s"

    @admin.display(description="what it did", empty_value="-")
    def summary(self, run: JobRun) -> str | None:
        if run.error:
            return run.error[:120]
        return ", ".join(f"{key} {value}" for key, value in run.stats.items()) or None

    @admin.display(description="statistics")
    def statistics(self, run: JobRun) -> SafeString:
        text = orjson.dumps(run.stats, option=orjson.OPT_INDENT_2).decode()
        return format_html("<pre>{}</pre>", text)
