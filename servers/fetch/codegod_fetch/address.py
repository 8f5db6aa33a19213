"""Which addresses are on the public internet. Pure rules over bytes: no name, no text form, no lookup.

They are written out here, because `ipaddress` answers differently from one Python to the next and knows neither clouds'
metadata services nor every way to hide an IPv4 address inside an IPv6 one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V4 = {
    "this network": ["0.0.0.0/8"],
    "a private address": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    "a loopback address": ["127.0.0.0/8"],
    "a link-local or metadata address": ["169.254.0.0/16"],
    # The second is what one large cloud answers its machines on, in the midst of public space.
    "a metadata address": ["100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"],
    "a carrier's private address": ["100.64.0.0/10"],
    "a reserved address": [
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
    ],
    "a documentation or reserved address": ["203.0.113.0/24", "240.0.0.0/4"],
    "a multicast address": ["224.0.0.0/4"],
}
_V6 = {
    "the unspecified address": ["::/128"],
    "a loopback address": ["::1/128"],
    "an IPv4 address in disguise": [
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    ],
    "a metadata address": ["fd00:ec2::/32", "fd20:ce::254/128"],
    "a private address": ["fc00::/7", "fec0::/10"],
    "a link-local address": ["fe80::/10"],
    "a multicast address": ["ff00::/8"],
    "a documentation or reserved address": ["2001::/23", "2001:db8::/32", "3fff::/20"],
}
_REFUSED_V4 = [(IPv4Network(block), kind) for kind, blocks in _V4.items() for block in blocks]
_REFUSED_V6 = [(IPv6Network(block), kind) for kind, blocks in _V6.items() for block in blocks]
# Everything that has been given out to the public internet so far.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# The middle of an interface identifier that carries an IPv4 address in its last 32 bits (ISATAP).
_ISATAP = (0x00005EFE, 0x02005EFE)


def why_not_public(address: str) -> str:
    """What kind of place `address` is when it is not a public one; empty when it is. Never raises: no address, no entry."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no IP address"
    return _why_not_v4(parsed) if isinstance(parsed, IPv4Address) else _why_not_v6(parsed)


def _why_not_v4(address: IPv4Address) -> str:
    return next((kind for block, kind in _REFUSED_V4 if address in block), "")


def _why_not_v6(address: IPv6Address) -> str:
    if address.scope_id is not None:
        return "an address of one network interface"
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "an IPv4 address in disguise"
    for block, kind in _REFUSED_V6:
        if address in block:
            return kind
    return "" if address in _GLOBAL_UNICAST else "a reserved address"
