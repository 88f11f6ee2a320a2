"""The subscriber's history of money, and the public check by contract number."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import limits, networks
from accounts.access import SubscriberRequest, contract_required
from billing import history, outlook, public_check
from billing.forms.history import ContractNumberForm, HistoryForm
from billing.paging import Cursor


@require_safe
@contract_required
def ledger(request: SubscriberRequest) -> HttpResponse:
    form = HistoryForm(request.GET)
    account, fee = outlook.account_with_fee(request.contract.pk)
    filters = form.filters if form.is_valid() else history.Filters()
    page = history.page(account, filters, Cursor.parse(request.GET.get("cursor", "")))
    chosen = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "form": form,
        "account": account,
        "outlook": outlook.of(request.contract, account.balance, fee, today=timezone.localdate()),
        "entries": page.rows,
        "totals": history.totals(account, filters),
        "is_filtered": bool(filters),
        "older": urlencode(chosen | {"cursor": page.older}) if page.older else None,
        "newer": urlencode(chosen | {"cursor": page.newer}) if page.newer else None,
    }
    return render(request, "billing/ledger.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def public_balance(request: HttpRequest) -> HttpResponse:
    form = ContractNumberForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"form": form, "answer": None}
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            context["answer"] = public_check.ask(
                form.cleaned_data["number"], network=networks.network_of(request), now=timezone.now()
            )
        except limits.LimitReached as refusal:
            form.add_error(None, str(refusal))
            status = 429
    elif request.method == "POST":
        status = 422
    return render(request, "billing/public_balance.html", context, status=status)
