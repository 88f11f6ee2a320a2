"""Pages that draw on several apps: the home page and the cabinet's dashboard."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef
from django.db.models.functions import Cast, JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SubscriberRequest, contract_required
from accounts.models import Subscriber
from billing import history, outlook, promise_terms, recommended
from billing.models import Payment
from tariffs import access, showcase
from tariffs.views.place import Place

OFFERS = 3  # on the home page
RECENT = 5  # operations
UNDER_WAY = 3  # payments


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    city, today = Place(request).nearest, timezone.localdate()
    context: dict[str, Any] = {"city": city}
    if city:
        context["least"] = showcase.cheapest(city, Subscriber.Kind.PERSON, today=today)
        context["offers"] = showcase.offers(city, today=today)[:OFFERS]
    return render(request, "home.html", context)


@require_safe
@contract_required
def cabinet(request: SubscriberRequest) -> HttpResponse:
    """The dashboard; `?part=balance` is its first card alone, which an open page fetches when money or speed change."""
    contract, now = request.contract, timezone.now()
    standing = outlook.stand(contract.pk, now=now)
    row = access.detailed(now=now).annotate(under_way=_under_way()).get(pk=contract.pk)
    context = {
        "access": access.of_row(row),
        "now": now,
        "account": standing.account,
        "promised": standing.promised,
        "promised_through": standing.promised_until and promise_terms.last_day(standing.promised_until),
        "outlook": standing.outlook,
        "recommended": recommended.sum_for(standing.outlook),
        "under_way": row.under_way,
    }
    if request.GET.get("part") == "balance":
        return render(request, "_overview.html", context)
    context["entries"] = history.page(standing.account, history.Filters(), rows=RECENT).rows
    return render(request, "dashboard.html", context)


def _under_way() -> ArraySubquery:
    """The newest payments under way of a contract, in the query of its access: a page has six."""
    payments = Payment.objects.under_way().filter(account=OuterRef("pk")).order_by("-pk")
    fields = {name: Cast(name, CharField()) for name in ("operation", "amount")}
    return ArraySubquery(payments.values(payment=JSONObject(**fields))[:UNDER_WAY])
