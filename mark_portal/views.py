"""Pages that draw on several apps: the home page and the cabinet's dashboard."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SubscriberRequest, contract_required
from billing import history, outlook, promise_terms, recommended
from billing.models import Payment
from tariffs import access

RECENT = 5  # operations
UNDER_WAY = 3  # payments


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
@contract_required
def cabinet(request: SubscriberRequest) -> HttpResponse:
    """The dashboard; `?part=balance` is its money block alone, which an open page fetches when money moves."""
    contract, now = request.contract, timezone.now()
    standing = outlook.stand(contract.pk, now=now)
    context = {
        "access": access.of(contract),
        "account": standing.account,
        "promised": standing.promised,
        "promised_through": standing.promised_until and promise_terms.last_day(standing.promised_until),
        "outlook": standing.outlook,
        "recommended": recommended.sum_for(standing.outlook),
        "under_way": Payment.objects.under_way().filter(account=contract.pk)[:UNDER_WAY],
    }
    if request.GET.get("part") == "balance":
        return render(request, "billing/_balance.html", context)
    context["entries"] = history.page(standing.account, history.Filters(), rows=RECENT).rows
    return render(request, "dashboard.html", context)
