"""The bank's messages to the shop: signed, over HTTP, repeated until the shop has heard them."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing.gateways.sandbox import bank
from billing.models import BankPayment

PATIENCE_SECONDS = 5
A_ROUND = 30
SOON, GIVES_UP_AFTER = timedelta(seconds=5), timedelta(hours=24)
# Straight to ourselves: a proxy of the environment knows nothing of this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Post = Callable[[bytes], bool]


def deliver_due(*, now: datetime, post: Post | None = None) -> int:
    """Settle what time decides and send every message that is due. Returns how many were heard."""
    bank.settle_due(now=now)
    heard = 0
    for _each in range(A_ROUND):
        row = _claim(now=now)
        if row is None:
            break
        if (post or _post)(message(row, now=now)):
            BankPayment.objects.filter(pk=row.pk, notices_left__gt=0).update(notices_left=F("notices_left") - 1)
            heard += 1
    return heard


def message(row: BankPayment, *, now: datetime) -> bytes:
    about = {
        "number": str(row.number),
        "status": row.status,
        "amount": str(row.amount),
        "currency": bank.CURRENCY,
        "reference": row.reference,
    }
    return json.dumps({"event": f"payment.{row.status}", "payment": about, "sent_at": now.isoformat()}).encode()


@transaction.atomic
def _claim(*, now: datetime) -> BankPayment | None:
    """A payment whose message is due; the next try is set before this one, further away the older it grows."""
    due = BankPayment.objects.filter(notices_left__gt=0, next_notice_at__lte=now)
    row = due.select_for_update(skip_locked=True).order_by("next_notice_at").first()
    if row is None:
        return None
    age = now - row.created_at
    row.next_notice_at = now + max(SOON, age / 4)
    row.notices_left = 0 if age > GIVES_UP_AFTER else row.notices_left
    row.save(update_fields=["next_notice_at", "notices_left"])
    return row


def _post(body: bytes) -> bool:
    headers = {"Content-Type": "application/json", bank.SIGNATURE: bank.sign(body)}
    request = urllib.request.Request(f"{settings.SITE_URL}/pay/sandbox/", body, headers)
    try:
        with _opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False
