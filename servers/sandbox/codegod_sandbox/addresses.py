"""Which network addresses a sandbox's proxy may connect to."""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds answer questions about the machine, credentials among them; most are link-local, these are not.
_METADATA: Final = (
    ipaddress.ip_network("100.100.100.200/32"),
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("192.0.0.192/32"),
    ipaddress.ip_network("fd00:ec2::/32"),
    ipaddress.ip_network("fd20:ce::254/128"),
)
_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def forbidden(text: str) -> str:
    """Why nothing may be connected to this address, or an empty string.

    A private address is allowed: a team's package index usually has one.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no address"
    return next((why for seen in (address, *_embedded(address)) if (why := _kind(seen))), "")


def is_literal(host: str) -> bool:
    """Whether `host` is an address in any spelling that a resolver would take for one (127.1, 0x7f000001, ...)."""
    if ":" in host:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _kind(address: Address) -> str:
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if any(address in network for network in _METADATA if network.version == address.version):
        return "a metadata service"
    if address.is_unspecified or address.is_multicast or (address.version == 4 and address.is_reserved):
        return "no address of a host"
    if address.version == 4 and address in ipaddress.ip_network("0.0.0.0/8"):
        return "this host itself"
    return ""


def _embedded(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    translated = (last,) if any(address in network for network in _NAT64) else ()
    compatible = (last,) if int(address) >> 32 == 0 else ()
    teredo = address.teredo or ()
    return (
        tuple(found for found in (address.ipv4_mapped, address.sixtofour, *teredo) if found)
        + translated
        + compatible
    )
