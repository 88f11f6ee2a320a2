"""What every admin page of the portal keeps: the staff member's cities, and a journal row for each change."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst

from accounts import journal, networks
from accounts.models import User
from accounts.staff import cities_of, sees_every_city

from .long_lists import BoundedPaginator


def spans_cities(request: HttpRequest) -> bool:
    """Whether the member of staff sees every city. Asked for each button and link of a page, answered by one query."""
    known: bool | None = getattr(request, "spans_cities", None)
    if known is None:
        known = sees_every_city(request.user)
        setattr(request, "spans_cities", known)  # noqa: B010
    return known


class StaffModelAdmin(ModelAdmin):
    """`city_path` leads from the row to its city; None means that the rows belong to no city."""

    city_path: ClassVar[str | None] = "city"
    shows_rows_without_city: ClassVar[bool] = False
    # Form fields whose values never enter the journal.
    secret_fields: ClassVar[tuple[str, ...]] = ()
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count the whole table, filter by filter
    paginator = BoundedPaginator

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if self.city_path is None or (spans_cities(request) and (self.shows_rows_without_city or self._all_have_city)):
            return rows  # not even asked of which city they are: the tables between may have millions of rows
        seen = models.Q(**{f"{self.city_path}__in": cities_of(request.user)})
        if self.shows_rows_without_city:
            seen |= models.Q(**{self.city_path: None})
        return rows.filter(seen)

    @cached_property
    def _all_have_city(self) -> bool:
        """Whether no link on the way from a row to its city may be missing."""
        model: Any = self.model
        for name in (self.city_path or "").split("__"):
            field = model._meta.pk if name == "pk" else model._meta.get_field(name)
            if field.null:
                return False
            model = field.related_model
        return True

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list says what it lists: Django's «Select … to change» wants a case that Russian names are not in.

        Django lets a year of four hundred figures, or of less than one, through to a date; it is a wrong filter like
        any other.
        """
        try:
            changelist = super().get_changelist_instance(request)
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error
        changelist.title = str(capfirst(self.opts.verbose_name_plural))
        return changelist

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        """Offer, and accept, only rows that this member of staff may see."""
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if "queryset" not in kwargs and isinstance(related, StaffModelAdmin):
            kwargs["queryset"] = related.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> dict[str, Any]:
        """The journal's «changes»: {field: [old, new]}; secrets only say that they changed."""
        changes = {}
        for name in form.changed_data:
            if name in self.secret_fields:
                changes[name] = ["•••", "•••"]
            else:
                changes[name] = [_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))]
        return changes

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self._journal(request, obj, "added", message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        if message:
            self._journal(request, obj, "changed", message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        for row in queryset:
            self._journal(request, row, "deleted", {})

    def _journal(self, request: HttpRequest, row: Any, action: str, changes: Any) -> None:
        journal.record(
            request.user if isinstance(request.user, User) else None,
            action,
            row,
            changes=changes if isinstance(changes, dict) else {},
            network_address=networks.address_of(request),
            now=timezone.now(),
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's rows of the audit journal, in place of Django's own log."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "rows": journal.of(row)[:200],
            "opts": self.opts,
            "object": row,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/journal_of_record.html", context)


def _plain(value: Any) -> Any:
    """What JSON can hold and a person can read."""
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, models.QuerySet | list | tuple):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def author_of(request: HttpRequest) -> User:
    """The member of staff behind a request to the admin."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class ReadOnlyAdmin(StaffModelAdmin):
    """Rows that only verbs write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
