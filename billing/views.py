from django.http import HttpRequest, HttpResponse


def public_balance(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


def ledger(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError
