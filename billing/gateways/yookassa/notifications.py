"""YooKassa's notifications: unsigned, so only a hint which payment to re-read, and only from its own networks."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from django.conf import settings
from yookassa.domain.common import SecurityHelper

from billing.gateways import Forged, Notification

# The number becomes a part of an address that we ask: nothing else may get into it.
NUMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

PUBLISHED = [ipaddress.ip_network(network) for network in SecurityHelper.YOOKASSA_NETWORKS]


def payment_of(notification: Notification) -> str:
    """Raises Forged."""
    if notification.method != "POST":
        raise Forged(f"{notification.method}, not POST")
    if not comes_from_yookassa(notification.network_address):
        raise Forged("not a network of YooKassa's")
    content = _json(notification.body)
    about, event = content.get("object"), content.get("event")
    if content.get("type") != "notification" or not isinstance(event, str) or not isinstance(about, dict):
        raise Forged("not a notification of YooKassa's")
    number = _payment(event, about)
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise Forged(f"{event[:40]} does not name a payment")
    return number


def comes_from_yookassa(network_address: str | None) -> bool:
    try:
        address = ipaddress.ip_address(network_address or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.YOOKASSA_NETWORKS or PUBLISHED)


def _json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Forged("not JSON")
    return content


def _payment(event: str, about: dict[str, Any]) -> object:
    if event.startswith("payment."):
        return about.get("id")
    return about.get("payment_id") if event.startswith("refund.") else None
