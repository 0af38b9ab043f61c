"""Job runs in the admin: when each ran, how it ended, what it did. Nothing can be changed here."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from caching.job_status import latest_runs
from caching.models import JobRun


class JobFilter(admin.SimpleListFilter):
    """By job; the names come from the schedule, because asking the table for them reads all of it."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in settings.CELERY_BEAT_SCHEDULE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        return queryset.filter(job=self.value()) if self.value() else queryset


@admin.register(JobRun)
class JobRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The runs, newest first."""

    list_display = ("job", "started_at", "ended", "duration", "summary")
    list_filter = (JobFilter, "outcome", "started_at")
    ordering = ("-started_at", "-id")
    show_full_result_count = False
    fields = ("job", "started_at", "finished_at", "duration", "ended", "statistics", "error")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: JobRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: JobRun | None = None) -> bool:
        return False

    @admin.display(description="outcome", ordering="outcome")
    def ended(self, run: JobRun) -> str:
        if run.outcome != JobRun.Outcome.RUNNING:
            return run.outcome
        # Its row says running; whether that is still true is known to the lock it held.
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
