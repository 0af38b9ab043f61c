"""The staff routes below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from marketplace.ops.api import views

urlpatterns = [
    path("jobs/", views.JobsView.as_view(), name="jobs"),
    path("batch/cache-stats/", views.CacheStatsView.as_view(), name="batch-cache-stats"),
]
