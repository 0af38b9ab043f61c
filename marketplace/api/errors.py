"""The exception handler of the API, the only place where an exception becomes a problem (RFC 9457)."""

from __future__ import annotations

import logging
import math
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.http.request import UnreadablePostError
from django.utils.log import log_response
from psycopg_pool import PoolTimeout
from rest_framework import exceptions

from caching import LoaderBackedOff
from marketplace.api.problems import ProblemResponse, flatten_errors, make_problem
from products.errors import Conflict, Forbidden, InvalidInput, Refusal

logger = logging.getLogger(__name__)

# PostgreSQL cannot be used now. DATABASE_ERRORS of the layer also has errors of a statement, which are no outage.
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
_STATUSES = {InvalidInput: 400, Forbidden: 403, Conflict: 409}


class ContentTooLarge(exceptions.APIException):
    """The request's body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = 413
    default_code = "content_too_large"
    default_detail = "The request body is too large."


class BadRequestProblem(exceptions.APIException):
    """The request cannot be understood. The reason is not disclosed."""

    status_code = 400
    default_code = "bad_request"
    default_detail = "The request could not be understood."


class Unavailable(exceptions.APIException):
    """A service that the answer needs is unavailable; `wait` is in seconds and becomes Retry-After."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "A service that this answer needs is not available. Try again shortly."
    wait = 5


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is unreachable, has no free connection, or timed the statement out."""

    default_code = "database_unavailable"
    default_detail = "The database is not available. Try again shortly."


class RedisUnavailable(Unavailable):
    """Redis is unreachable or too slow, and the answer needs it."""

    default_code = "redis_unavailable"
    default_detail = "Redis is not available. Try again shortly."


class LoadingFailed(Unavailable):
    """Loading the answer has just failed, and is not retried for `wait` seconds."""

    default_code = "loading_failed"
    default_detail = "This could not be loaded a moment ago. Try again shortly."

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = math.ceil(wait)


def problem_handler(exc: Exception, context: dict[str, Any]) -> ProblemResponse:
    """Answer `exc` with a problem: DRF's EXCEPTION_HANDLER."""
    return answer(exc, context["request"])


def answer(exc: Exception, request: HttpRequest) -> ProblemResponse:
    """Return the problem for any exception. An unexpected one is logged and answered with 500."""
    if isinstance(exc, Refusal):
        return ProblemResponse(_describe_refusal(exc))
    known = exc if isinstance(exc, exceptions.APIException) else _translate(exc)
    if known is None:
        return _unexpected(exc, request)
    if isinstance(known, DatabaseUnavailable):
        # One line without a traceback, since an outage logs one for every request.
        logger.error("%s %s: database unavailable: %s", request.method, request.path, exc)
    response = ProblemResponse(_describe(known), _headers(known))
    if response.status_code >= 500:
        response._has_been_logged = True
    return response


def _translate(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, Http404):
        return exceptions.NotFound(_message(exc))
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied(_message(exc))
    if isinstance(exc, _DATABASE_AWAY):
        return DatabaseUnavailable()
    if isinstance(exc, LoaderBackedOff):
        return LoadingFailed(exc.retry_after)
    if isinstance(exc, RequestDataTooBig):
        return ContentTooLarge()
    if isinstance(exc, (SuspiciousOperation, BadRequest, UnreadablePostError)):
        return BadRequestProblem()
    return None


def _message(exc: Exception) -> str | None:
    """Return the message that was written for the client. Django's own 404s carry a structure instead."""
    return exc.args[0] if exc.args and isinstance(exc.args[0], str) else None


def _describe_refusal(refusal: Refusal) -> dict[str, Any]:
    status = next(status for kind, status in _STATUSES.items() if isinstance(refusal, kind))
    if isinstance(refusal, InvalidInput):
        errors = {refusal.field: [refusal.detail]}
        return make_problem(status, refusal.code, _summary(errors), errors)
    return make_problem(status, refusal.code, refusal.detail, extra=refusal.extra)


def _describe(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc.detail, (list, dict)):
        errors = flatten_errors(exc.detail)
        code = "invalid_input" if isinstance(exc, exceptions.ValidationError) else exc.default_code
        return make_problem(exc.status_code, code, _summary(errors), errors)
    return make_problem(exc.status_code, exc.detail.code or exc.default_code, str(exc.detail))


def _summary(errors: dict[str, list[str]]) -> str:
    if len(errors) == 1:
        ((field, messages),) = errors.items()
        return messages[0] if field == "non_field_errors" else f"{field}: {messages[0]}"
    return f"These fields are not valid: {', '.join(errors)}."


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return headers


def _unexpected(exc: Exception, request: HttpRequest) -> ProblemResponse:
    response = ProblemResponse(make_problem(500, "internal_error", "The server failed to answer this request."))
    got_request_exception.send(sender=None, request=request)
    log_response("%s: %s", "Internal Server Error", request.path, response=response, request=request, exception=exc)
    return response
