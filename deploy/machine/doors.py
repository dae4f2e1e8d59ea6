"""What a listener of this machine asks of a request before it looks at anything else. Pure.

Theory of operation: a server on the loopback interface is reached by every program of the machine,
also by the browser in which somebody reads a web page. That page may send requests here (with
"Origin" or "Sec-Fetch-Site" saying so), or let its own name resolve to 127.0.0.1 and then read the
answers too (DNS rebinding: "Host" bears that name). So a name in "Host" that is not this
machine's, and any sign of a page of another site, is refused; programs send neither.
"""

import re
from collections.abc import Sequence


_THIS_MACHINE = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_TYPED_OR_OWN = frozenset({"none", "same-origin"})
"""What "Sec-Fetch-Site" says where somebody typed the address, or a page of ours asks."""

Headers = Sequence[tuple[bytes, bytes]]


def of_this_machine(host: str) -> bool:
    """Tell whether a "Host" names the loopback interface, by its usual names."""
    return _THIS_MACHINE.fullmatch(host) is not None


def from_a_page(headers: Headers) -> bool:
    """Tell whether a browser says that a page of another site sent this."""
    sites = values(headers, b"sec-fetch-site")
    return bool(values(headers, b"origin")) or any(each not in _TYPED_OR_OWN for each in sites)


def stranger(headers: Headers) -> str:
    """Say why a request to a loopback listener is refused; empty: it is not."""
    hosts = values(headers, b"host")
    if len(hosts) != 1 or not of_this_machine(hosts[0]):
        return "this server answers to 127.0.0.1 and localhost only: ask it by one of these names"
    if from_a_page(headers):
        return "this server answers programs, not web pages of other sites"
    return ""


def values(headers: Headers, name: bytes) -> list[str]:
    """Return the values of a header, by its name in small letters."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]
