"""Pages that draw on several apps: the home page and the cabinet's dashboard."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SubscriberRequest, contract_required
from billing import history, outlook
from tariffs import access

RECENT = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
@contract_required
def cabinet(request: SubscriberRequest) -> HttpResponse:
    """The dashboard; `?part=balance` is its money block alone, which an open page fetches when money moves."""
    contract = request.contract
    account, fee = outlook.account_with_fee(contract.pk)
    context = {
        "access": access.of(contract),
        "account": account,
        "outlook": outlook.of(contract, account.balance, fee, today=timezone.localdate()),
    }
    if request.GET.get("part") == "balance":
        return render(request, "billing/_balance.html", context)
    context["entries"] = history.page(account, history.Filters(), rows=RECENT).rows
    return render(request, "dashboard.html", context)
