"""Prices on the page of what they are for: those in force to read, one to come to set or to correct."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.templatetags.dates import day
from billing.shares import first_of_month
from tariffs import prices
from tariffs.models import OptionPrice, TariffPrice

MONTHS_AHEAD = 12


def months_to_choose(possible: date) -> list[tuple[str, str]]:
    """The firsts that a new price may begin on, the earliest first."""
    firsts = [first_of_month(possible, ahead) for ahead in range(MONTHS_AHEAD)]
    return [("", "—"), *((first.isoformat(), day(first)) for first in firsts)]


class PriceForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = timezone.localdate()
        price = self.instance
        self.is_in_force = price.pk is not None and price.since <= self.today
        if price.pk:
            self.fields["since"].disabled = True
            self.fields["fee"].disabled = self.is_in_force

    def offer_months(self, thing: prices.Priced) -> None:
        possible = prices.first_possible(thing, today=self.today)
        self.fields["since"].widget = forms.Select(choices=months_to_choose(possible))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        fee, since = data.get("fee"), data.get("since")
        if not self.instance.pk and since:
            reason = prices.refusal(prices.thing_of(self.instance), since, today=self.today)
            self._complain("since", reason)
        elif "fee" in self.changed_data and fee is not None:
            self._complain("fee", prices.refusal_to_correct(self.instance, fee, today=self.today))
        return data

    def _complain(self, field: str, reason: str) -> None:
        if reason:
            self.add_error(field, reason)

    @property
    def standing(self) -> str:
        """Where the price is: past, in force, or who has been told of it."""
        price = self.instance
        if self.is_in_force:
            later = prices.thing_of(price).prices.filter(since__gt=price.since, since__lte=self.today)
            return _t("past") if later.exists() else _t("in force")
        if prices.before(price) is None:
            return _t("the first price")
        if price.announced_at:
            return _t("subscribers told on %(day)s") % {"day": day(price.announced_at)}
        done = prices.progress(price)
        return _t("told %(told)d of %(all)d") % {"told": done.told, "all": done.of}


class PriceFormSet(BaseInlineFormSet):
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        setattr(form.instance, self.fk.name, self.instance)  # one row for all, not a query each
        if not form.instance.pk:
            form.offer_months(self.instance)
        if not form.instance.pk or prices.refusal_to_withdraw(form.instance, today=form.today):
            form.fields.pop("DELETE", None)


class PriceInline(admin.TabularInline):
    form = PriceForm
    formset = PriceFormSet
    template = "admin/tariffs/price_rows.html"
    fields = ["since", "fee"]
    ordering = ["-since"]
    verbose_name_plural = _("prices")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj else 0

    def get_min_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Nothing is sold without a price."""
        return 0 if obj else 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """No more rows than months can be chosen: each is drawn, so a page that claims a million would take minutes."""
        most = (obj.prices.count() if obj else 0) + MONTHS_AHEAD
        return super().get_formset(request, obj, max_num=most, absolute_max=most, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._owner.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._owner.has_change_permission(request, obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._owner.has_change_permission(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of a price to come that nobody has been told of; the rows say which."""
        return self.has_change_permission(request, obj)

    @property
    def _owner(self) -> Any:
        return self.admin_site._registry[self.parent_model]


class TariffPriceInline(PriceInline):
    model = TariffPrice


class OptionPriceInline(PriceInline):
    model = OptionPrice
