"""The subscriber's history of money, and the public check by contract number."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import limits, networks
from accounts.access import SubscriberRequest, contract_required
from billing import chart, forecast, history, outlook, public_check
from billing.forms.history import ContractNumberForm, HistoryForm
from billing.paging import Cursor


@require_safe
@contract_required
def ledger(request: SubscriberRequest) -> HttpResponse:
    form = HistoryForm(request.GET)
    now = timezone.now()
    standing = outlook.stand(request.contract.pk, now=now)
    account = standing.account
    filters = form.filters if form.is_valid() else history.Filters()
    cursor = Cursor.parse(request.GET.get("cursor", ""))
    page, totals = history.page_with_totals(account, filters, cursor)
    # Who looks for something in the past does not ask about the future.
    expected = None if filters or cursor else forecast.of(standing, now=now)
    chosen = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "form": form,
        "account": account,
        "outlook": standing.outlook,
        "forecast": expected,
        "chart": chart.drawn(expected) if expected else None,
        "entries": page.rows,
        "totals": totals,
        "is_filtered": bool(filters),
        "statement": _statement_query(filters),
        "older": urlencode(chosen | {"cursor": page.older}) if page.older else None,
        "newer": urlencode(chosen | {"cursor": page.newer}) if page.newer else None,
    }
    return render(request, "billing/ledger.html", context, status=422 if form.errors else 200)


def _statement_query(filters: history.Filters) -> str:
    """The days of the filter as those of a statement; empty where they are not both given."""
    if not filters.since or not filters.until:
        return ""
    return urlencode({"since": filters.since.isoformat(), "until": filters.until.isoformat()})


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
