"""Subscribers and contracts: opening one, its printed password, the passport check."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import contracts, credentials, identity, limits, vault
from accounts.models import Contract, Subscriber
from accounts.staff import cities_of

from .base import StaffModelAdmin, author_of
from .long_lists import by_period


class SubscriberForm(forms.ModelForm):
    passport = forms.CharField(
        label=_("Passport series and number"),
        required=False,
        max_length=20,
        help_text=_("Kept encrypted and never shown again. Leave empty to keep what is on file."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    inn = forms.CharField(
        label=_("INN"),
        required=False,
        max_length=14,
        help_text=_("Kept encrypted and never shown again. Leave empty to keep what is on file."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Subscriber
        fields = ["kind", "name", "phone", "email", "passport", "inn", "kpp"]

    def clean_passport(self) -> str:
        return self._clean_document("passport", identity.passport_number)

    def clean_inn(self) -> str:
        return self._clean_document("inn", identity.inn)

    def _clean_document(self, name: str, parse: Any) -> str:
        typed = self.cleaned_data[name]
        if not typed:
            return ""
        number: str = parse(typed)
        return number

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        is_legal = data.get("kind") == Subscriber.Kind.LEGAL_ENTITY
        needed, on_file = ("inn", self.instance.has_inn) if is_legal else ("passport", self.instance.has_passport)
        if not data.get(needed) and not on_file and needed not in self.errors:
            self.add_error(needed, _("It is needed: without it a lost password cannot be reissued."))
        if data.get("passport"):
            self._refuse_double("passport", {"passport_match": vault.match(data["passport"], purpose="passport")})
        if is_legal and data.get("inn"):
            match = vault.match(data["inn"], purpose="inn")
            self._refuse_double("inn", {"inn_match": match, "kpp": data.get("kpp", ""), "kind": data["kind"]})
        return data

    def _refuse_double(self, name: str, same: dict[str, Any]) -> None:
        if Subscriber.objects.filter(**same).exclude(pk=self.instance.pk).exists():
            self.add_error(name, _("A subscriber with this document is already on file: find them and choose them."))

    def save(self, commit: bool = True) -> Subscriber:
        if self.cleaned_data["passport"]:
            self.instance.set_passport(self.cleaned_data["passport"])
        if self.cleaned_data["inn"]:
            self.instance.set_inn(self.cleaned_data["inn"])
        return super().save(commit)


@admin.register(Subscriber)
class SubscriberAdmin(StaffModelAdmin):
    form = SubscriberForm
    list_display = ["name", "kind", "phone", "email"]
    list_filter = ["kind"]
    search_fields = ["name", "phone", "email", "contracts__number"]
    secret_fields = ("passport", "inn")
    ordering = ["name", "pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Subscriber]:
        """Those with a contract in the staff member's cities, and those without one yet."""
        rows = super(StaffModelAdmin, self).get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return rows
        contracts_of = Contract.objects.filter(subscriber=models.OuterRef("pk"))
        mine = contracts_of.filter(city__in=cities_of(request.user))
        return rows.filter(models.Exists(mine) | ~models.Exists(contracts_of))


class ContractForm(forms.ModelForm):
    class Meta:
        model = Contract
        fields = ["city", "house", "flat", "subscriber", "started_on"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        house, city = data.get("house"), data.get("city", getattr(self.instance, "city", None))
        if house and city and house.street.city_id != city.pk:
            self.add_error("house", _("This house is in another city: %(city)s.") % {"city": house.street.city})
        return data


class IdentityForm(forms.Form):
    document = forms.CharField(max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))


class TerminationForm(forms.Form):
    ended_on = forms.DateField(label=_("Ended on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("Reason"), max_length=300)


@admin.register(Contract)
class ContractAdmin(StaffModelAdmin):
    form = ContractForm
    autocomplete_fields = ["house", "subscriber"]
    list_display = ["number", "subscriber", "address", "state", "started_on"]
    list_filter = ["state", ("city", admin.RelatedOnlyFieldListFilter), by_period("started_on")]
    list_select_related = ["city", "house__street", "subscriber"]
    search_fields = ["number", "subscriber__name", "subscriber__phone", "house__street__name"]
    search_help_text = _("Contract number, name, phone or street")
    change_form_template = "admin/accounts/contract/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["number", "city", "state", "started_on", "ended_on"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = ["city", "house", "flat", "subscriber", "started_on"]
        return ["number", "state", *fields, "ended_on"] if obj else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        cities = list(cities_of(request.user)[:2])
        initial = {"city": cities[0].pk} if len(cities) == 1 else {}
        return {"started_on": timezone.localdate(), **initial, **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("address"))
    def address(self, contract: Contract) -> str:
        return contract.address

    def save_model(self, request: HttpRequest, obj: Contract, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            contracts.complete(obj, author=author_of(request), now=timezone.now())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """After saving comes the password, so the form has one way out."""
        one_way_out = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**one_way_out, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: Contract, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _t("Contract %(number)s is opened.") % {"number": obj.number})
        return HttpResponseRedirect(reverse("admin:accounts_contract_credentials", args=[obj.pk]))

    def get_urls(self) -> list[Any]:
        own = [
            ("credentials", self.credentials_view),
            ("identity", self.identity_view),
            ("terminate", self.terminate_view),
        ]
        return [
            path(f"<int:contract_id>/{name}/", self.admin_site.admin_view(view), name=f"accounts_contract_{name}")
            for name, view in own
        ] + super().get_urls()

    def _contract(self, request: HttpRequest, contract_id: int, permission: str) -> Contract:
        if not request.user.has_perm(f"accounts.{permission}"):
            raise PermissionDenied
        contracts_seen = self.get_queryset(request).select_related("city", "house__street", "subscriber", "user")
        return get_object_or_404(contracts_seen, pk=contract_id)

    def _page(self, request: HttpRequest, name: str, contract: Contract, status: int = 200, **context: Any) -> Any:
        context |= {
            "contract": contract,
            "opts": self.opts,
            "title": _t("Contract %(number)s") % {"number": contract.number},
        }
        context = {**self.admin_site.each_context(request), **context}
        return TemplateResponse(request, f"admin/accounts/contract/{name}.html", context, status=status)

    def credentials_view(self, request: HttpRequest, contract_id: int) -> HttpResponse:
        """GET says that a password waits; POST shows it once, on a sheet to print."""
        permission = "reissue_password" if not request.user.has_perm("accounts.add_contract") else "add_contract"
        contract = self._contract(request, contract_id, permission)
        return never_cache(require_http_methods(["GET", "POST"])(self._credentials))(request, contract)

    def _credentials(self, request: HttpRequest, contract: Contract) -> HttpResponse:
        now = timezone.now()
        if request.method == "GET":
            waits = credentials.is_waiting(contract, viewer=author_of(request), now=now)
            return self._page(request, "credentials", contract, waits=waits)
        try:
            password = credentials.show_once(contract, viewer=author_of(request), now=now)
        except credentials.SheetGone as refusal:
            return self._page(request, "credentials", contract, status=410, waits=False, refusal=str(refusal))
        return self._page(request, "sheet", contract, password=password, now=now)

    def identity_view(self, request: HttpRequest, contract_id: int) -> HttpResponse:
        """The passport typed in, answered yes or no; after a yes the password may be reissued."""
        contract = self._contract(request, contract_id, "reissue_password")
        return never_cache(require_http_methods(["GET", "POST"])(self._identity))(request, contract)

    def _identity(self, request: HttpRequest, contract: Contract) -> HttpResponse:
        actor, now = author_of(request), timezone.now()
        if request.method == "POST" and "reissue" in request.POST:
            return self._reissue(request, contract)
        form, status = IdentityForm(request.POST or None), 200
        answer = None
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    answer = credentials.confirm_identity(contract, form.cleaned_data["document"], actor=actor, now=now)
                    status = 200 if answer else 422
                except limits.LimitReached as refusal:
                    form.add_error(None, str(refusal))
                    status = 429
        confirmed = credentials.is_identity_confirmed(contract, actor=actor, now=now)
        # What was typed never returns to the page.
        shown = form if form.errors else IdentityForm()
        return self._page(request, "identity", contract, status=status, form=shown, answer=answer, confirmed=confirmed)

    def _reissue(self, request: HttpRequest, contract: Contract) -> HttpResponse:
        try:
            credentials.reissue(contract, actor=author_of(request), now=timezone.now())
        except credentials.IdentityNotConfirmed as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:accounts_contract_identity", args=[contract.pk]))
        messages.success(request, _t("The password is reissued; every session of the subscriber is ended."))
        return HttpResponseRedirect(reverse("admin:accounts_contract_credentials", args=[contract.pk]))

    def terminate_view(self, request: HttpRequest, contract_id: int) -> HttpResponse:
        contract = self._contract(request, contract_id, "change_contract")
        return require_http_methods(["GET", "POST"])(self._terminate)(request, contract)

    def _terminate(self, request: HttpRequest, contract: Contract) -> HttpResponse:
        form = TerminationForm(request.POST or None, initial={"ended_on": timezone.localdate()})
        if request.method == "POST" and form.is_valid():
            try:
                contracts.terminate(contract, actor=author_of(request), now=timezone.now(), **form.cleaned_data)
            except contracts.TerminationRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _t("Contract %(number)s is terminated.") % {"number": contract.number})
                return HttpResponseRedirect(reverse("admin:accounts_contract_change", args=[contract.pk]))
        return self._page(request, "terminate", contract, status=422 if form.errors else 200, form=form)
