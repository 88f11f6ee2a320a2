"""Which contract a request speaks for, and who may see a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from accounts import sessions
from accounts.models import Contract, User

View = Callable[..., HttpResponseBase]


class SubscriberRequest(HttpRequest):
    """What a view behind `contract_required` receives."""

    user: User
    contract: Contract


def contract_of(request: HttpRequest) -> Contract | None:
    """The signed-in subscriber's contract with its address, without a further query; None for staff and visitors."""
    return request.user.contract if isinstance(request.user, User) else None


def contract_required(view: View) -> View:
    """A cabinet page: visitors are sent to sign in and back, staff are refused, nothing of it is ever cached."""

    @wraps(view)
    def guarded(request: SubscriberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        contract = contract_of(request)
        if contract is None:
            if request.user.is_authenticated:
                raise PermissionDenied(_("You are signed in as staff. The cabinet belongs to subscribers."))
            return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': request.get_full_path()})}")
        request.contract = contract
        sessions.touch(request, now=timezone.now())
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded
