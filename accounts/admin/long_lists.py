"""Lists of a million rows: counted no further than anybody pages, narrowed by days without looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar, cast

from django.contrib.admin import ListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import DateTimeField, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.local_time import midnight


class BoundedPaginator(Paginator):
    """Has pages for the first `ceiling` rows; who wants others narrows the list."""

    ceiling = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.ceiling)

    @property
    def is_bounded(self) -> bool:
        return self._counted > self.ceiling

    @cached_property
    def _counted(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.ceiling + 1].count()


class PeriodFilter(ListFilter):
    """Local days from one to another, both included. Django's date hierarchy reads the whole table to draw itself."""

    title = _("period")  # type: ignore[assignment]
    template = "admin/period_filter.html"
    field: ClassVar[str]

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)  # type: ignore[arg-type]
        self.first, self.last = (_day(params.pop(name, [""])[-1]) for name in self.expected_parameters())
        self.is_of_moments = isinstance(model._meta.get_field(self.field), DateTimeField)
        self.others: list[tuple[str, Any]] = []

    def expected_parameters(self) -> list[str]:
        return [f"{self.field}_from", f"{self.field}_to"]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        begins = midnight if self.is_of_moments else _itself
        if self.first:
            queryset = queryset.filter(**{f"{self.field}__gte": begins(self.first)})
        if self.last:
            queryset = queryset.filter(**{f"{self.field}__lt": begins(self.last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        from_, to = self.expected_parameters()
        self.others = [(name, value) for name, value in changelist.params.items() if name not in (from_, to)]
        for title, (first, last) in _periods(timezone.localdate()):
            days = {from_: first and first.isoformat(), to: last and last.isoformat()}
            yield {
                "selected": (self.first, self.last) == (first, last),
                "query_string": changelist.get_query_string(days),
                "display": title,
            }


def by_period(field: str) -> type[PeriodFilter]:
    """For `list_filter`: the period of a moment or of a day."""
    return type("PeriodFilter", (PeriodFilter,), {"field": field})


def _itself(day: date) -> date:
    return day


def _periods(today: date) -> list[tuple[Any, tuple[date | None, date | None]]]:
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    return [
        (_("Any time"), (None, None)),
        (_("Today"), (today, today)),
        (_("Past 7 days"), (today - timedelta(days=6), today)),
        (_("This month"), (month, today)),
        (_("Last month"), (before.replace(day=1), before)),
    ]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise IncorrectLookupParameters(error) from error


def meeting_any(rows: QuerySet[Any], conditions: Iterable[Q]) -> QuerySet[Any]:
    """Those of the rows that meet a condition, each looked up by its own index: one OR over joined tables reads all."""
    first, *others = (rows.model._default_manager.filter(each).order_by().values("pk") for each in conditions)
    return rows.filter(pk__in=first.union(*others))
