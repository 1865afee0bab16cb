"""From which address a request came, and from whose network."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings


_IPV6 = 6


def client_address(meta: Mapping[str, Any]) -> str | None:
    """Return the client's address from a request's `META`, or None where it has none.

    `X-Forwarded-For` is believed only as far as `BULKHEAD_PROXIES` proxies of ours have written it:
    what stands further left, the client may have made up.
    """
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    path = [*hops, meta.get("REMOTE_ADDR", "")]
    try:
        return str(parse_address(path[-1 - min(settings.BULKHEAD_PROXIES, len(hops))]))
    except ValueError:
        return None  # a Unix socket has no address


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address, as it is the same on every machine.

    A zone (`fe80::1%eth0`) only says through which of its own interfaces a machine reaches it, and the
    database has no place for one.

    Raises:
        ValueError: the text is no address.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address


def network_of(address: str) -> str:
    """Return the address; of IPv6 the network, in which a machine changes its address as it likes."""
    parsed = ipaddress.ip_address(address)
    return (
        str(ipaddress.ip_network((parsed, 64), strict=False))
        if parsed.version == _IPV6
        else address
    )
