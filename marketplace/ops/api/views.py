"""The staff endpoints: jobs and cache."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caching import redis_stats
from caching.jobs import job_status
from caching.redis import REDIS_ERRORS
from marketplace.api import errors
from marketplace.api.authentication import AdminSessionAuthentication, TokenAuthentication
from marketplace.ops.api.serializers import CacheStatsSerializer, JobStatusSerializer


class StaffView(APIView):
    """A view for staff, by token or by the admin's session, whose answers no cache stores."""

    authentication_classes: ClassVar = [TokenAuthentication, AdminSessionAuthentication]
    permission_classes: ClassVar = [IsAdminUser]

    def finalize_response(self, request: Request, response: Response, *args: object, **kwargs: object) -> Response:
        """Keep the answer out of every cache."""
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class JobsView(StaffView):
    """The scheduled jobs."""

    @extend_schema(operation_id="jobs", responses={200: JobStatusSerializer})
    def get(self, request: Request) -> Response:
        """Return whether the scheduler is alive, and of each job its schedule, next run and last run."""
        return Response(job_status())


class CacheStatsView(StaffView):
    """The cache's Redis."""

    @extend_schema(operation_id="batch_cache_stats", responses={200: CacheStatsSerializer})
    def get(self, request: Request) -> Response:
        """Return Redis' memory, keys, clients and hit rate."""
        try:
            return Response(redis_stats())
        except REDIS_ERRORS as error:
            raise errors.RedisUnavailable from error
