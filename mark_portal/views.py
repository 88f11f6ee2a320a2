"""Pages that draw on several apps: the home page and the cabinet's dashboard."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import SubscriberRequest, contract_required


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
@contract_required
def cabinet(request: SubscriberRequest) -> HttpResponse:
    return render(request, "dashboard.html")
