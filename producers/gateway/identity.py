"""Who votes, and under which name. Pure.

Theory of operation: a browser holds a device: 16 random bytes in a cookie that the gateway
signed. Nothing but its pseudonym reaches the log: an HMAC of the device under the pepper of one
consultation, so that the pseudonyms of two consultations cannot be joined, and none can once the
pepper is destroyed. Every use of a key begins with its own word, so that what was made for one
purpose is worth nothing for another.
"""

import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Sequence


Clock = Callable[[], float]
"""Gives the seconds since 1970."""

IDENTIFIER_BYTES = 16
"""Length of devices, voters, event ids, and of the codes that sign them: 128 bits."""
IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 48
"""A network is what one subscriber or one small office is given, at least."""
IPV4_BLOCK_BITS = 16
IPV6_BLOCK_BITS = 32
"""A block is what one provider is given, at least: who rents one has thousands of networks."""
UNKNOWN_NETWORK = b"?"
"""Of all whose address cannot be read: they share its limits, and none is ever written down."""
_IPV4_WITHIN_IPV6 = frozenset((
    ipaddress.ip_address("::ffff:0:0").packed[:12],  # as a socket for both shows it
    ipaddress.ip_address("64:ff9b::").packed[:12],  # as a translator does (RFC 6052)
))
ADDRESS_CHARACTERS = 80
"""Longest address that is read: IPv6 with a zone, in brackets, with a port."""


def characters(size: int) -> int:
    """Return the length of so many bytes in base64 without padding."""
    return -(-size * 4 // 3)


COOKIE_CHARACTERS = characters(2 * IDENTIFIER_BYTES)
"""Length of a device's cookie: the device, and the code that signs it."""

_SEPARATOR = b"\0"
_BLOCK_BYTES = 64
"""Of SHA-256."""
_INNER, _OUTER = bytes(b ^ 0x36 for b in range(256)), bytes(b ^ 0x5C for b in range(256))


class Signer:
    """HMAC-SHA256 under one key (RFC 2104), its first block hashed once: a vote needs five."""

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise ValueError(f"a key has at most {_BLOCK_BYTES} bytes")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def code(self, *parts: bytes) -> bytes:
        """Sign parts, the first of which says what for.

        Each part but the last is of fixed length or free of zero bytes.
        """
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_SEPARATOR.join(parts))
        outer.update(inner.digest())
        return outer.digest()[:IDENTIFIER_BYTES]

    def signed(self, code: bytes, *parts: bytes) -> bool:
        """Whether a code is ours, of these parts."""
        return hmac.compare_digest(code, self.code(*parts))


class Ring:
    """The keys of one use over time: one signs, and what any of them signed is good.

    It never changes: a key more or less makes another ring.
    """

    __slots__ = ("code", "signers")

    def __init__(self, signer: Signer, others: Sequence[Signer] = ()) -> None:
        self.code = signer.code
        """Sign parts, by the key in force."""
        self.signers = (signer, *others)

    def signed(self, code: bytes, *parts: bytes) -> bool:
        """Whether a code is of one of the keys: that in force is tried first."""
        if hmac.compare_digest(code, self.code(*parts)):
            return True
        return any(signer.signed(code, *parts) for signer in self.signers[1:])


Key = Signer | Ring
"""What codes are made and checked with."""


def device_cookie(key: Key, device: bytes) -> str:
    """Sign a device for its cookie."""
    return text_of(device + key.code(b"device", device))


def device_of(key: Key, cookie: str) -> bytes | None:
    """Return the device of a cookie; None where we did not sign it."""
    raw = bytes_of(cookie, 2 * IDENTIFIER_BYTES)
    if raw is None:
        return None
    device, code = raw[:IDENTIFIER_BYTES], raw[IDENTIFIER_BYTES:]
    return device if key.signed(code, b"device", device) else None


def bearer_cookie(key: Key, bearer: bytes, consultation: str) -> str:
    """Sign what stands for a code for its cookie: good for one consultation."""
    return text_of(bearer + key.code(b"bearer", bearer, consultation.encode()))


def bearer_of(key: Key, cookie: str, consultation: str) -> bytes | None:
    """Return what stands for a code, of a cookie; None where we did not sign it for this one."""
    raw = bytes_of(cookie, 2 * IDENTIFIER_BYTES)
    if raw is None:
        return None
    bearer, code = raw[:IDENTIFIER_BYTES], raw[IDENTIFIER_BYTES:]
    return bearer if key.signed(code, b"bearer", bearer, consultation.encode()) else None


def pseudonym(pepper: Signer, device: bytes) -> bytes:
    """Return the name of a device within the consultation of a pepper."""
    return pepper.code(b"voter", device)


def event_id(pepper: Signer, voter: bytes, idempotency_key: str, content: bytes) -> bytes:
    """Name what came under an Idempotency-Key: the same on every gateway that holds the pepper.

    Other content under the same key is another event, so no gateway needs to know the first.
    """
    return pepper.code(b"event", voter, idempotency_key.encode(), content)


def network_of(address: str) -> bytes:
    """Return the prefix of an address that stands for its network; UNKNOWN_NETWORK for no address.

    Some proxies forward addresses with ports: `192.0.2.7:50123`, `[2001:db8::1]:50123`.
    """
    found = _address(address) or _address(_without_port(address))
    if found is None:
        return UNKNOWN_NETWORK
    packed = found.packed
    if packed[:-4] in _IPV4_WITHIN_IPV6:
        packed = packed[-4:]
    bits = IPV4_PREFIX_BITS if len(packed) == 4 else IPV6_PREFIX_BITS
    return packed[: bits // 8]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _without_port(text: str) -> str:
    """Take a port, and the brackets around an IPv6 address, off; whatever else stays as it is."""
    text = text.strip(' \t"')
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        return host if bracket and (not port or port.startswith(":")) else text
    host, _, port = text.rpartition(":")
    return host if port.isdigit() and host else text


def network_pseudonym(day_key: Signer, network: bytes) -> bytes:
    """Return the name of a network on the day of a key."""
    return day_key.code(b"network", network)


def block_pseudonym(day_key: Signer, network: bytes) -> bytes:
    """Return the name of the block that a network lies in, on the day of a key."""
    bits = IPV4_BLOCK_BITS if len(network) == IPV4_PREFIX_BITS // 8 else IPV6_BLOCK_BITS
    return day_key.code(b"block", network[: bits // 8])


def time_ordered_id(milliseconds: int, randomness: bytes) -> bytes:
    """Make a UUIDv7 (RFC 9562) of a time and ten random bytes."""
    body = bytearray(milliseconds.to_bytes(6, "big") + randomness)
    body[6] = body[6] & 0x0F | 0x70
    body[8] = body[8] & 0x3F | 0x80
    return bytes(body)


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_PADDING = b"=="


def text_of(raw: bytes) -> str:
    """Write bytes for an address or a cookie, without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def bytes_of(text: str, size: int) -> bytes | None:
    """Read what `text_of` wrote, of a size; there is one spelling only."""
    if len(text) != characters(size):
        return None
    try:
        raw = binascii.a2b_base64(text.encode().translate(_FROM_URL) + _PADDING)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return raw if text_of(raw) == text else None
