"""Members of staff: their role, cities, password and second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts import second_factor
from accounts.models import User
from accounts.staff import cities_of

from .base import StaffModelAdmin, author_of


class StaffCreationForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("login", "name", "groups", "cities")

    def clean_login(self) -> str:
        login: str = self.cleaned_data["login"].lower()
        if User.objects.filter(city=None, login=login).exists():
            raise forms.ValidationError(_("This login is taken."))
        return login

    def save(self, commit: bool = True) -> User:
        self.instance.is_staff = True
        return super().save(commit)


def _role(group: Group) -> str:
    """A role's name in the reader's language; `accounts.roles` has the texts."""
    return str(_(group.name))


class RoleFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("roles")

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [(group.pk, _role(group)) for group in Group.objects.order_by("pk")]


@admin.register(User)
class StaffAdmin(StaffModelAdmin, UserAdmin):
    city_path = None
    secret_fields = ("password", "password1", "password2", "usable_password")
    add_form = StaffCreationForm
    fieldsets = [(None, {"fields": ["login", "name", "password", "is_active", "groups", "cities", "last_login"]})]
    add_fieldsets = [(None, {"fields": ["login", "name", "password1", "password2", "groups", "cities"]})]
    readonly_fields = ["last_login"]
    list_display = ["login", "name", "roles", "in_cities", "has_second_factor", "is_active", "last_login"]
    list_filter = ["is_active", ("groups", RoleFilter), "cities"]
    search_fields = ["login", "name"]
    ordering = ["login"]
    filter_horizontal = ["groups", "cities"]
    actions = ["remove_second_factor"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """Staff of the supervisor's own cities, or of none yet; a superuser only for superusers."""
        rows = super().get_queryset(request).filter(is_staff=True).prefetch_related("groups", "cities")
        rows = rows.annotate(_has_second_factor=second_factor.exists_for("pk"))
        if request.user.is_superuser:
            return rows
        foreign = User.objects.filter(pk=models.OuterRef("pk"), cities__isnull=False).exclude(
            cities__in=cities_of(request.user)
        )
        return rows.filter(~models.Exists(foreign), is_superuser=False)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "cities":
            kwargs["queryset"] = cities_of(request.user)
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        kwargs["widget"] = FilteredSelectMultiple(_("roles"), is_stacked=False)
        field: Any = super().formfield_for_manytomany(
            db_field, request, label=capfirst(_("roles")), help_text="", **kwargs
        )
        field.label_from_instance = _role
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(map(_role, user.groups.all()))

    @admin.display(description=_("cities"))
    def in_cities(self, user: User) -> str:
        return ", ".join(map(str, user.cities.all()))

    @admin.display(description=_("second factor"), boolean=True)
    def has_second_factor(self, user: Any) -> bool:
        return bool(user._has_second_factor)

    @admin.action(description=_("Remove the second factor (lost phone)"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, users: models.QuerySet[User]) -> None:
        for user in users:
            second_factor.remove(user, actor=author_of(request), now=timezone.now())
