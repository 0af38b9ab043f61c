"""Pagination by a cursor over the whole ordering: stable while rows are added, and equally fast on every page."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from django.core.exceptions import ValidationError as FieldError
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from caching import MAX_ID


class Cursor(NamedTuple):
    """The start of a page: the values of a row in the columns of the ordering, and whether the page lies before it."""

    reverse: bool
    values: tuple[Any, ...]


class CursorPages(CursorPagination):
    """Newest first, 20 a page unless `per_page` says 1 to 100; answers `{next, previous, results}`.

    DRF's cursor holds the first column of the ordering and an offset among ties, which fails where a bulk import gives
    thousands of rows one `created_at`. This one compares all columns of the ordering. They must all point the same way,
    and the last one must be unique.
    """

    ordering = ("-created_at", "-id")
    page_size = 20
    page_size_query_param = "per_page"
    max_page_size = 100
    invalid_cursor_message = "There is no such page: the cursor is not one this API gave."

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that `request` asks for.

        Raises NotFound for a bad cursor, and DRF's ValidationError for a bad `per_page`.
        """
        self.base_url = request.build_absolute_uri()
        self.size = self.get_page_size(request)
        self.ordering = getattr(view, "page_ordering", self.ordering)
        self.at = self._decode(request.query_params.get(self.cursor_query_param), queryset.model)
        rows = list(self._slice(queryset)[: self.size + 1])
        self.more = len(rows) > self.size
        self.page = rows[: self.size]
        if self.at and self.at.reverse:
            self.page.reverse()
        return self.page

    def get_page_size(self, request: Request) -> int:
        """Return the number of rows that `request` asks for, or raise DRF's ValidationError."""
        # An empty parameter counts as missing, as in the queries that serializers read.
        asked = request.query_params.get(self.page_size_query_param) or self.page_size
        field = serializers.IntegerField(min_value=1, max_value=self.max_page_size)
        try:
            return int(field.run_validation(asked))
        except ValidationError as error:
            raise ValidationError({self.page_size_query_param: error.detail}) from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters for the OpenAPI document, `per_page` with its bounds."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        size = next(each["schema"] for each in parameters if each["name"] == self.page_size_query_param)
        size.update(minimum=1, maximum=self.max_page_size, default=self.page_size)
        return parameters

    def get_next_link(self) -> str | None:
        """Return the URL of the page after this one, or None."""
        going_back = self.at is not None and self.at.reverse
        return self._link(reverse=False, row=-1) if self.page and (going_back or self.more) else None

    def get_previous_link(self) -> str | None:
        """Return the URL of the page before this one, or None."""
        if not self.page or self.at is None or (self.at.reverse and not self.more):
            return None
        return self._link(reverse=True, row=0)

    def _slice(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        backwards = self.at is not None and self.at.reverse
        descending = self.ordering[0].startswith("-") != backwards
        names = [name.lstrip("-") for name in self.ordering]
        queryset = queryset.order_by(*(f"-{name}" if descending else name for name in names))
        return queryset if self.at is None else queryset.filter(_beyond(names, self.at.values, descending))

    def _link(self, *, reverse: bool, row: int) -> str:
        values = [getattr(self.page[row], name.lstrip("-")) for name in self.ordering]
        token = urlsafe_b64encode(orjson.dumps([reverse, *values], option=orjson.OPT_UTC_Z)).rstrip(b"=").decode()
        return replace_query_param(self.base_url, self.cursor_query_param, token)

    def _decode(self, token: str | None, model: type[Model]) -> Cursor | None:
        if token is None:
            return None
        try:
            reverse, *raw = orjson.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            names = [name.lstrip("-") for name in self.ordering]
            values = tuple(_clean(model, name, value) for name, value in zip(names, raw, strict=True))
        except (ValueError, TypeError, OverflowError, binascii.Error, FieldError) as error:
            raise NotFound(self.invalid_cursor_message) from error
        if not isinstance(reverse, bool) or not all(map(_askable, values)):
            raise NotFound(self.invalid_cursor_message)
        return Cursor(reverse, values)


def _clean(model: type[Model], name: str, value: Any) -> Any:
    cleaned = model._meta.get_field(name).clean(value, None)
    # In UTC, since PostgreSQL refuses offsets beyond 15:59. A moment for which UTC has no year is an OverflowError.
    return cleaned.astimezone(UTC) if isinstance(cleaned, datetime) else cleaned


def _askable(value: Any) -> bool:
    return value is not None and not (isinstance(value, int) and abs(value) > MAX_ID)


def _beyond(names: list[str], values: tuple[Any, ...], descending: bool) -> Q:
    """Return the condition that a row comes after `values`; its first part alone bounds an index scan."""
    step = "lt" if descending else "gt"
    (name, *rest), (value, *others) = names, values
    if not rest:
        return Q(**{f"{name}__{step}": value})
    tie = _beyond(rest, tuple(others), descending)
    return Q(**{f"{name}__{step}e": value}) & (Q(**{f"{name}__{step}": value}) | tie)
