"""What gateways say is written down, believed or not; harmless to store, and a flood does not fill the table."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from accounts import limits, networks
from billing.gateways import Notification
from billing.models import GatewayMessage, Payment

Verdict = GatewayMessage.Verdict

KEPT_CHARACTERS = 10_000
KEPT_FOR = timedelta(days=400)
# From one network, and from all together; believed messages are always kept, there is one a payment.
BY_NETWORK = limits.Allowance("gateway-messages-network", ceiling=200, window=timedelta(minutes=10))
OVERALL = limits.Allowance("gateway-messages", ceiling=2_000, window=timedelta(minutes=10))
CARD_NUMBER = re.compile(r"(?<!\d)(\d(?:[ +-]?\d){5})((?:[ +-]?\d){3,9})((?:[ +-]?\d){4})(?!\d)")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

log = structlog.get_logger(__name__)


def record(
    gateway: str,
    notification: Notification,
    *,
    verdict: Verdict,
    now: datetime,
    payment: Payment | None = None,
    reason: str = "",
) -> None:
    """Keep the message, or only log that it came when its network has sent too many. Call it outside a transaction."""
    if verdict != Verdict.ACCEPTED and not _has_room(notification, now=now):
        log.warning("gateway_message_not_kept", gateway=gateway, verdict=verdict, reason=reason[:200])
        return
    GatewayMessage.objects.create(
        gateway=gateway[:12],
        at=now,
        network_address=notification.network_address,
        method=notification.method[:8],
        body=harmless(notification.body),
        payment=payment,
        verdict=verdict,
        reason=UNSTORABLE.sub("\ufffd", reason)[:200],
    )


def record_own_question(payment: Payment, *, reason: str, now: datetime) -> None:
    """An answer that was not believed is kept as well, though it was we who asked."""
    question = Notification("ASKED", {}, payment.gateway_id.encode(), None)
    record(payment.gateway, question, verdict=Verdict.REFUSED, payment=payment, reason=reason, now=now)


def harmless(body: bytes) -> str:
    """Text that PostgreSQL can hold and staff may read: cut, without NUL and surrogates, card numbers masked."""
    text = body[: 4 * KEPT_CHARACTERS].decode(errors="replace")
    return CARD_NUMBER.sub(_mask, UNSTORABLE.sub("\ufffd", text))[:KEPT_CHARACTERS]


def forget_old(*, now: datetime) -> int:
    """Delete messages older than the term. Returns how many."""
    with transaction.atomic():
        return GatewayMessage.objects.filter(at__lt=now - KEPT_FOR).delete()[0]


def _has_room(notification: Notification, *, now: datetime) -> bool:
    try:
        limits.take(BY_NETWORK, networks.network_around(notification.network_address or "0.0.0.0"), now=now)
        limits.take(OVERALL, "all", now=now)
    except limits.LimitReached:
        return False
    return True


def _mask(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"\d", "*", found[2]) + found[3]
