"""What is sold: tariffs, options, offers, turbo packages. What somebody has had is archived, never deleted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import journal
from accounts.admin.base import StaffModelAdmin, author_of, spans_cities
from accounts.admin.places import CityFilter
from accounts.staff import cities_of
from accounts.templatetags.dates import day
from billing.templatetags.money import rubles, short_rubles
from tariffs import prices
from tariffs.forms.catalogue import KINDS
from tariffs.models import (
    Offer,
    OfferUse,
    Option,
    OptionPrice,
    OptionUse,
    Subscription,
    Tariff,
    TariffPrice,
    TurboPackage,
)

from .catalogue_forms import OfferForm, OptionForm, TariffForm, TariffsOfCitiesField, TurboPackageForm
from .price_rows import OptionPriceInline, TariffPriceInline

NAME = pgettext_lazy("of what is sold", "name")  # not that of a person


def was_ever_used(row: models.Model) -> bool:
    """Whether anything refers to it but what is its own: its prices, the tariffs it names."""
    links = [rel.field for rel in row._meta.get_fields(include_hidden=True) if isinstance(rel, models.ManyToOneRel)]
    own = {TariffPrice, OptionPrice, *(field.remote_field.through for field in row._meta.many_to_many)}
    others = [link for link in links if link.model not in own]
    return any(link.model._base_manager.filter(**{link.name: row.pk}).exists() for link in others)


class CatalogueAdmin(StaffModelAdmin):
    """What is sold in every city is changed by those who answer for every city."""

    shows_rows_without_city = True
    actions = ("archive", "take_out")
    # Who has it in force, and the way to its contract.
    uses: ClassVar[type[models.Model]]
    link: ClassVar[str]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        today = timezone.localdate()
        in_force = models.Q(until=None) | models.Q(until__gt=today)
        uses = self.uses._default_manager.filter(in_force, **{self.link: models.OuterRef("pk")}).order_by()
        counted = uses.values(self.link).annotate(count=models.Count("contract", distinct=True)).values("count")
        rows = super().get_queryset(request).annotate(_contracts=models.Subquery(counted))
        return prices.with_coming(rows.priced(today), today=today) if hasattr(rows, "priced") else rows

    @admin.display(description=NAME, ordering="name")
    def titled(self, row: Any) -> str:
        badge = format_html(' <span class="quiet">· {}</span>', _t("in the archive")) if row.is_archived else ""
        return format_html("{}{}", row.name, badge)

    @admin.display(description=_("contracts"), ordering="_contracts")
    def contracts(self, row: Any) -> int:
        return row._contracts or 0

    @admin.display(description=_("monthly fee"), ordering="fee")
    def monthly(self, row: Any) -> str:
        """In force now, and under it the one to come."""
        now = "—" if row.fee is None else short_rubles(row.fee)
        if row.coming_fee is None:
            return now
        fee = {"fee": short_rubles(row.coming_fee), "day": day(row.coming_since)}
        return format_html('{}<br><span class="quiet">{}</span>', now, _t("%(fee)s from %(day)s") % fee)

    @admin.display(description=_("city"), ordering="city")
    def place(self, row: Any) -> str:
        return str(row.city) if row.city else _t("every city")

    @admin.display(description=_("for whom"), ordering="audience")
    def whom(self, row: Any) -> str:
        return str(dict(KINDS).get(row.audience, _t("everybody")))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or getattr(obj, "city_id", None) is not None or spans_cities(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What nobody has ever had may go, one at a time; the rest is archived."""
        return obj is not None and self.has_change_permission(request, obj) and not was_ever_used(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its prices go with it; nothing else may refer to it."""
        return [str(row) for row in objs], {str(self.opts.verbose_name): len(objs)}, set(), []

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        if hasattr(obj, "prices"):
            obj.prices.all().delete()
        obj.delete()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "name":
            kwargs["label"] = capfirst(str(NAME))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "city" and db_field.null and not spans_cities(request):
            kwargs |= {"required": True, "help_text": _("For every city at once: only staff of every city.")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Tariff:
            own = Tariff.objects.filter(city__in=cities_of(request.user)).select_related("city")
            kwargs |= {"queryset": own, "form_class": TariffsOfCitiesField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.action(description=_("Put into the archive"), permissions=["change"])
    def archive(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_archived(request, queryset, is_archived=True)

    @admin.action(description=_("Take out of the archive"), permissions=["change"])
    def take_out(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_archived(request, queryset, is_archived=False)

    @transaction.atomic
    def _set_archived(self, request: HttpRequest, rows: models.QuerySet[Any], *, is_archived: bool) -> None:
        others = rows.exclude(is_archived=is_archived)
        theirs = [row for row in others if self.has_change_permission(request, row)]
        for row in theirs:
            row.is_archived = is_archived
            row.save(update_fields=["is_archived"])
            changes = {"is_archived": [not is_archived, is_archived]}
            journal.record(author_of(request), "changed", row, changes=changes, now=timezone.now())
        messages.success(request, _t("Changed: %(count)d.") % {"count": len(theirs)})


class PricedAdmin(CatalogueAdmin):
    """Prices are set by verbs of their own, which tell those who pay."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        by, now = author_of(request), timezone.now()
        formset.save(commit=False)
        for price in formset.deleted_objects:
            prices.withdraw(price, by=by, now=now)
        for price, _changed in formset.changed_objects:
            prices.correct(price, fee=price.fee, by=by, now=now)
        for price in formset.new_objects:
            prices.plan(form.instance, fee=price.fee, since=price.since, by=by, now=now)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except prices.PriceRefused as refusal:  # somebody was quicker than the form's own check
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())


@admin.register(Tariff)
class TariffAdmin(PricedAdmin):
    form = TariffForm
    uses, link = Subscription, "tariff"
    shows_rows_without_city = False
    list_display = ["titled", "monthly", "contracts", "gives", "place", "whom"]
    list_filter = ["is_archived", CityFilter, "audience", "family"]
    list_select_related = ["city"]
    search_fields = ["name", "name_en"]
    inlines = [TariffPriceInline]
    fieldsets = [
        (None, {"fields": ["city", "audience", "services", "name", "name_en", "is_archived"]}),
        (_("What it gives"), {"fields": ["speed_down", "speed_up", "volume_gb", "floor_speed", "channels", "minutes"]}),
        (_("On the site"), {"fields": ["summary", "summary_en", "position"]}),
        (_("Switching"), {"fields": ["switch_fee"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Tariff | None = None) -> list[str]:
        """Contracts were given it as what it is, where they are."""
        return ["city", "audience", "gives"] if obj and was_ever_used(obj) else []

    def get_fieldsets(self, request: HttpRequest, obj: Tariff | None = None) -> Any:
        (title, first), *rest = super().get_fieldsets(request, obj)
        is_used = "gives" in self.get_readonly_fields(request, obj)
        fields = ["gives" if is_used and name == "services" else name for name in first["fields"]]
        return [(title, first | {"fields": fields}), *rest]

    @admin.display(description=_("services"), ordering="family")
    def gives(self, tariff: Tariff) -> str:
        return tariff.services_in_words


@admin.register(Option)
class OptionAdmin(PricedAdmin):
    form = OptionForm
    uses, link = OptionUse, "option"
    list_display = ["titled", "monthly", "contracts", "needs", "place", "whom"]
    list_filter = ["is_archived", CityFilter, "audience", "needs"]
    list_select_related = ["city"]
    search_fields = ["name", "name_en"]
    inlines = [OptionPriceInline]
    fieldsets = [
        (None, {"fields": ["city", "audience", "needs", "name", "name_en", "is_archived"]}),
        (_("Taking it"), {"fields": ["activation_fee", "max_quantity", "choice_label", "choices"]}),
        (_("On the site"), {"fields": ["summary", "summary_en", "position"]}),
    ]


@admin.register(Offer)
class OfferAdmin(CatalogueAdmin):
    form = OfferForm
    uses, link = OfferUse, "offer"
    list_display = ["titled", "gives", "contracts", "starts_on", "ends_on", "place", "whom"]
    list_filter = ["is_archived", CityFilter, "audience"]
    list_select_related = ["city", "option"]
    search_fields = ["name", "name_en"]
    filter_horizontal = ["tariffs"]
    fieldsets = [
        (None, {"fields": ["city", "audience", "name", "name_en", "is_archived"]}),
        (_("What it gives: one of the three"), {"fields": [("percent", "months", "option"), "credit", "presses"]}),
        (_("Who may take it"), {"fields": [("tenure_from", "tenure_to"), "tariffs", "per_contract"]}),
        (_("When"), {"fields": [("starts_on", "ends_on")]}),
        (_("On the site"), {"fields": ["summary", "summary_en", "position"]}),
    ]

    @admin.display(description=_("gives"))
    def gives(self, offer: Offer) -> str:
        if offer.percent:
            off = offer.option or _t("tariff")
            months = {"percent": offer.percent, "months": offer.months, "off": off}
            return _t("−%(percent)d %% off: %(off)s, months: %(months)d") % months
        if offer.credit:
            return _t("%(sum)s to the account") % {"sum": short_rubles(offer.credit)}
        return _t("turbo presses: %(count)d") % {"count": offer.presses or 0}


@admin.register(TurboPackage)
class TurboPackageAdmin(StaffModelAdmin):
    """The same in every city, so for those to change who answer for every city."""

    form = TurboPackageForm
    city_path = None
    list_display = ["family", "hours", "factor", "cost", "is_archived"]
    list_display_links = ["family", "hours"]
    list_filter = ["is_archived", "family"]

    @admin.display(description=_("price"), ordering="price")
    def cost(self, package: TurboPackage) -> str:
        return rubles(package.price)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and spans_cities(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or spans_cities(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_change_permission(request, obj) and not was_ever_used(obj)
