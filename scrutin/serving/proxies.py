"""Which proxies a gateway believes, as an operator names them.

Theory of operation: each proxy on the way writes the address it was asked from behind those that
X-Forwarded-For already holds, so that the front of the list is what the visitor wrote himself.
uvicorn reads it from the end and takes the first address that is no proxy of ours: who is not
believed may put in front what he likes. But it keeps in silence a name that it cannot read, and
believes nobody then; here that is refused. And a socket for both families shows an IPv4 proxy as
IPv6, by which uvicorn does not know it again: here each is named twice.
"""

import ipaddress


ANY = "*"
"""Whoever connects is believed as the one proxy before us."""
_IPV4_BITS_BEFORE = 96
"""Of an IPv4 address within an IPv6 one."""


def believed(named: str) -> str:
    """Return what uvicorn is told to believe; raise ValueError, in words, for no address."""
    if named.strip() == ANY:
        return ANY
    found = []
    for each in filter(None, (part.strip() for part in named.split(","))):
        try:
            network = ipaddress.ip_network(each)
        except ValueError as error:
            raise ValueError(
                f"{each} is no address or network of a proxy ({error}): name addresses such as "
                f"192.0.2.10 or 10.0.0.0/8, by commas, or {ANY} alone for any proxy") from None
        if not network.prefixlen:
            raise ValueError(
                f"{each} are all addresses, so that visitors could name their own; {ANY} believes "
                "whoever connects, and of what it forwards the last address alone")
        found.append(each)
        if network.version == 4:
            bits = _IPV4_BITS_BEFORE + network.prefixlen
            found.append(f"::ffff:{network.network_address}/{bits}")
    return ",".join(found)
