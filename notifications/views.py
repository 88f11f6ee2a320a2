"""The subscriber's inbox."""

from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SubscriberRequest, contract_required
from notifications import inbox, words
from notifications.forms import InboxForm
from notifications.models import Topic


@require_safe
@contract_required
def notices(request: SubscriberRequest) -> HttpResponse:
    """Opening it marks nothing: browsers fetch pages ahead. `?part=count` is the unread count alone, for open pages."""
    if request.GET.get("part") == "count":
        return render(request, "notices/_count.html")
    form = InboxForm(request.GET)
    topic, after = (form.chosen, form.cleaned_data.get("after")) if form.is_valid() else (None, None)
    page = inbox.page(request.contract.pk, topic=topic, after=after)
    context = {
        "form": form,
        "told": [(notice, words.of(notice)) for notice in page.notices],
        "unread": page.unread,
        "is_filtered": topic is not None,
        "newest": None if topic or after or not page.notices else max(notice.pk for notice in page.notices),
        "older": urlencode(({"topic": topic.value} if topic else {}) | {"after": page.older}) if page.older else "",
        "start": _address(topic) if after else "",
    }
    return render(request, "notices/inbox.html", context, status=422 if form.errors else 200)


def _address(topic: Topic | None) -> str:
    address = reverse("notifications:notices")
    return f"{address}?{urlencode({'topic': topic.value})}" if topic else address


@require_POST
@contract_required
def read(request: SubscriberRequest) -> HttpResponse:
    """POST `notice=<number>` for each that was seen, or `until=<number>`: everything that is not newer."""
    until = _numbers(request, "until")
    inbox.mark_read(
        request.contract.pk, only=_numbers(request, "notice"), until=until[0] if until else None, now=timezone.now()
    )
    return redirect("notifications:notices")


def _numbers(request: HttpRequest, name: str) -> list[int]:
    values = request.POST.getlist(name)
    if any(not (value.isascii() and value.isdigit() and 0 < len(value) <= 18) for value in values):
        raise BadRequest(_("This is not a notice."))
    return [int(value) for value in values]
