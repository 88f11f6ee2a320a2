"""How to reach people at «Марк»."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    return render(request, "support/contacts.html")
