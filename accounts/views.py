"""Signing in and out, and the subscriber's profile."""

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import credentials, limits, sessions
from accounts import sign_in as signing_in
from accounts.access import SubscriberRequest, contract_of, contract_required
from accounts.forms import PasswordChangeForm, SignInForm

CITY_COOKIE = "city"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if contract_of(request):
        return redirect(_next(request))
    form = SignInForm(request.POST or None, initial={"city": request.COOKIES.get(CITY_COOKIE)})
    context = {"form": form, "next": request.POST.get("next", request.GET.get("next", ""))}
    if request.method != "POST":
        return render(request, "accounts/login.html", context)
    if not form.is_valid():
        return render(request, "accounts/login.html", context, status=422)
    now = timezone.now()
    city = form.cleaned_data["city"].slug
    try:
        user = signing_in.subscriber(
            request, city=city, login=form.cleaned_data["login"], password=form.cleaned_data["password"], now=now
        )
    except signing_in.SignInRefused as refusal:
        form.add_error(None, str(refusal))
        status = 429 if refusal.locked_until else 422
        return render(request, "accounts/login.html", context | {"refusal": refusal}, status=status)
    sessions.open_session(request, user, now=now)
    response = redirect(_next(request))
    response.set_cookie(CITY_COOKIE, city, max_age=365 * 24 * 3600, secure=request.is_secure(), samesite="Lax")
    return response


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", request.GET.get("next", ""))
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return "cabinet"


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("You have signed out."))
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def profile(request: SubscriberRequest) -> HttpResponse:
    form = PasswordChangeForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid() and _change_password(request, form):
        return redirect("accounts:profile")
    context = {
        "form": form,
        "tenure": request.contract.tenure(timezone.localdate()),
        "sessions": sessions.of_user(request.user, now=timezone.now())[:50],
        "current_key": request.session.session_key,
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


def _change_password(request: SubscriberRequest, form: PasswordChangeForm) -> bool:
    try:
        ended = credentials.change(
            request.user,
            current=form.cleaned_data["current"],
            new=form.cleaned_data["new"],
            keep=request.session.session_key,
            now=timezone.now(),
        )
    except (credentials.WrongPassword, limits.LimitReached) as refusal:
        form.add_error("current", str(refusal))
        return False
    update_session_auth_hash(request, request.user)
    messages.success(request, _("The password is changed.") + " " + sessions.ended_text(ended))
    return True


@require_POST
@contract_required
def end_session(request: SubscriberRequest) -> HttpResponse:
    ended = sessions.end(request.user, request.POST.get("session", ""), but=request.session.session_key)
    messages.success(request, sessions.ended_text(ended))
    return redirect("accounts:profile")
