"""«Подключиться»: leave a name and a phone, hear until when we call."""

from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import connections, limits, networks
from accounts.connection_forms import ConnectForm
from accounts.views import CITY_COOKIE


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """`?city=` and `?interest=` (connections.sign_interest) come from the page that led here."""
    city = request.GET.get("city", request.COOKIES.get(CITY_COOKIE))
    form = ConnectForm(request.POST or None, initial={"city": city, "interest": request.GET.get("interest")})
    if request.method != "POST":
        return render(request, "accounts/connect.html", {"form": form})
    now = timezone.now()
    if form.is_trapped:
        return _sent(connections.deadline_of(now))
    if not form.is_valid():
        return render(request, "accounts/connect.html", {"form": form}, status=422)
    try:
        return _sent(_submit(request, form, now))
    except limits.LimitReached as refusal:
        call = _("Or call us: %(phone)s.") % {"phone": settings.SALES_PHONE}
        form.add_error(None, f"{refusal} {call}")
        return render(request, "accounts/connect.html", {"form": form}, status=429)


def _submit(request: HttpRequest, form: ConnectForm, now: datetime) -> datetime:
    return connections.submit(
        name=form.cleaned_data["name"],
        phone=form.cleaned_data["phone"],
        city=form.cleaned_data["city"],
        interest=form.wanted,
        network=networks.network_of(request),
        now=now,
    )


def _sent(deadline_at: datetime) -> HttpResponse:
    promise = urlencode({"until": connections.sign_promise(deadline_at)})
    return redirect(f"{reverse('accounts:connect_sent')}?{promise}")


@never_cache
@require_safe
def connect_sent(request: HttpRequest) -> HttpResponse:
    """`until` is the promised time, or None when the address does not carry a true one."""
    until = connections.read_promise(request.GET.get("until", ""))
    is_today = until is not None and until.date() == timezone.localdate()
    return render(request, "accounts/connect_sent.html", {"until": until, "is_today": is_today})
