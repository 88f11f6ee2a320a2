"""Where a request comes from, as far as we may believe it."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The client's address: what our own outermost proxy saw (TRUSTED_PROXIES), else the socket's other end."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        candidate = hops[-settings.TRUSTED_PROXIES]
    else:
        candidate = request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return "0.0.0.0"


def network_of(request: HttpRequest) -> str:
    """The network a request comes from."""
    return network_around(address_of(request))


def network_around(written: str) -> str:
    """The address's network, the unit of every limit: /24 for IPv4, /64 for IPv6 (what one household is given)."""
    address = ipaddress.ip_address(written)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
