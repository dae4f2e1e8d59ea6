"""Which records of the catalogue count: those that were endorsed, once the log names keys. Pure.

Theory of operation: whoever may write to the catalogue, as gateways and the notary must, could
describe proposals and close consultations there. So an operator has the log name keys
(`KeysNamed`), signed by a key of controls. From that record on, one of ENDORSED counts only where
a `CatalogueSigned` behind it, at most WITHIN_OFFSETS further, names its offset and its digest under
the signature of a key in force: an operator's, one that is named, or, for a closing, a clerk's, who
may write it into the ballot box anyway. It counts from the endorsement on, not before: what a
reader has folded of any prefix of the log never changes by what comes later, so that recounts of
that prefix find the same. One that is endorsed again, too late, by another key or under another
digest changes nothing. Before the first key, records keep their meaning; keys never go back to
none.

What others write has its own rules: `corrections` signs the records of SIGNED one by one, public
keys and leases are of those who write them. All who fold the catalogue ask here.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec
from schemas.codec import Undecodable
from schemas.control_roles import OPERATOR, may_sign
from schemas.control_signatures import SIGNATURE_BYTES, SMALL_ORDER, UNSIGNED, key_id
from schemas.corrections import ANNOUNCED, KEPT, Authority, is_signature
from schemas.registry import UnknownSchema


NAMED, SIGNED = "KeysNamed", "CatalogueSigned"
ENDORSED = frozenset(KEPT) | {
    "ProposalGrouped", "PartnerDescribed", "CodesIssued", "ConsultationClosed", "ClosingCompleted",
    "ConsultationSealed", "UndecodableAccepted"}
"""Events of operators' commands that bear no signature of their own in the catalogue."""
_AS = {"ClosingCompleted": "ConsultationClosed"}
"""Events that are endorsed by whoever may sign another, a control: what a closing ends with."""
WITHIN_OFFSETS = 500
"""So far behind its record an endorsement may lie: writers endorse as they write, and no reader
holds more records that wait."""
NAMED_DOMAIN = b"scrutin-catalogue-keys-1\0"
SIGNED_DOMAIN = b"scrutin-catalogue-record-1\0"
"""Begin what is signed: nothing else does."""

Fields = dict[str, Any]


class Counted(NamedTuple):
    """A record of the catalogue that counts from here on."""

    event: str
    fields: Fields
    offset: int
    """Its own, which may lie before that of its endorsement."""
    value: bytes | None
    """None where its words are withheld."""


class _Waiting(NamedTuple):
    record: Counted
    digest: bytes


class Endorsements:
    """Passes on what counts; show it every record of the catalogue, in the order of the log."""

    def __init__(self, authority: Authority) -> None:
        """`authority` follows the announcements of the same log."""
        self._authority = authority
        self.generation = 0
        """How often keys were named; 0: every record counts."""
        self.in_force = b""
        """Event id of the last KeysNamed that counts: no other log has it."""
        self._keys: dict[bytes, bytes] = {}
        """Public keys by their ids, besides operators' keys of controls."""
        self._former: set[bytes] = set()
        """Ids of those that earlier namings named."""
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._passed_over = 0

    def take(
        self, event: str, fields: Fields, offset: int, value: bytes | None,
        digest: bytes | None = None,
    ) -> Counted | None:
        """Take the next record; return what counts from it on: itself, another one, or nothing.

        `digest` is that of a record whose words are withheld.
        """
        self._forget(offset)
        if event == NAMED:
            self._name(fields, value)
            return None
        if event == SIGNED:
            return self._endorse(fields, value)
        found = Counted(event, fields, offset, value)
        if not self.generation or event not in ENDORSED:
            return found
        self._waiting[offset] = _Waiting(found, digest or hashlib.sha256(value or b"").digest())
        return None

    def _forget(self, offset: int) -> None:
        """Leave out what was not endorsed within its bound."""
        while self._waiting:
            first = next(iter(self._waiting))
            if offset - first <= WITHIN_OFFSETS:
                return
            del self._waiting[first]
            self._passed_over += 1

    def _name(self, fields: Mapping[str, Any], value: bytes | None) -> None:
        """Follow a KeysNamed, if an operator has signed it for this log and it rises."""
        operators = {key.id: key.public for key in self._authority.keys if key.role == OPERATOR}
        if fields["generation"] <= self.generation or not _is_signed(
                operators, fields, value, _message(
                    NAMED_DOMAIN, self._authority.in_force, value or b"")):
            self._passed_over += 1
            return
        self.generation, self.in_force = fields["generation"], fields["event_id"]
        self._former |= {*self._keys}
        # A key that is named under another id than its own would be found by nobody.
        self._keys = {key_id(each["public"]): each["public"] for each in fields["keys"]
                      if each["public"] not in SMALL_ORDER}

    def _endorse(self, fields: Mapping[str, Any], value: bytes | None) -> Counted | None:
        waiting = self._waiting.get(fields["offset"])
        if waiting is None or waiting.digest != fields["digest"] or not _is_signed(
                self.keys(waiting.record.event), fields, value, _message(
                    SIGNED_DOMAIN, self.in_force, value or b"")):
            return None
        del self._waiting[fields["offset"]]
        return waiting.record

    def keys(self, event: str) -> dict[bytes, bytes]:
        """Public keys that endorse such an event by their ids, the least powerful first."""
        controls = self._authority.keys
        may = {key.id: key.public for key in controls
               if key.role != OPERATOR and may_sign(key.role, _AS.get(event, event))}
        operators = {key.id: key.public for key in controls if key.role == OPERATOR}
        return may | self._keys | operators

    @property
    def unendorsed(self) -> int:
        """Records so far that nobody endorsed, or not yet, and namings that nobody may have made.
        """
        return self._passed_over + len(self._waiting)

    @property
    def named(self) -> frozenset[bytes]:
        """Public keys that the last naming names."""
        return frozenset(self._keys.values())

    @property
    def retired(self) -> frozenset[bytes]:
        """Ids of keys that were named once, and endorse nothing any more."""
        return frozenset(self._former - {key for event in ENDORSED for key in self.keys(event)})

    @property
    def wanted(self) -> bool:
        """Whether records of ENDORSED that are written now must be endorsed."""
        return self.generation > 0


class CountedCatalogue:
    """Reads the records of a catalogue one by one, and passes on what counts."""

    def __init__(self) -> None:
        self._authority = Authority()
        self._endorsements = Endorsements(self._authority)

    def take(self, offset: int, value: bytes | None) -> Counted | None:
        """Take the next record, as it lies in the log; return what counts from it on."""
        try:
            event, fields = codec.decode(value)
        except (Undecodable, UnknownSchema):
            return None
        return self.follow(event, fields, offset, value)

    def follow(
        self, event: str, fields: Fields, offset: int, value: bytes | None
    ) -> Counted | None:
        """Take the next record, decoded; return what counts from it on."""
        if event == ANNOUNCED:
            self._authority.announce(fields, value)
        return self._endorsements.take(event, fields, offset, value)


def named_signed(private: Ed25519PrivateKey, in_force: bytes, record: bytes) -> bytes:
    """Return a KeysNamed with its signature; `in_force` is of the announcement in force."""
    return record[:-SIGNATURE_BYTES] + private.sign(_message(NAMED_DOMAIN, in_force, record))


def endorsement_signed(private: Ed25519PrivateKey, in_force: bytes, record: bytes) -> bytes:
    """Return a CatalogueSigned with its signature; `in_force` is of the KeysNamed in force."""
    return record[:-SIGNATURE_BYTES] + private.sign(_message(SIGNED_DOMAIN, in_force, record))


def _message(domain: bytes, in_force: bytes, record: bytes) -> bytes:
    return b"".join((domain, in_force, record[:-SIGNATURE_BYTES], UNSIGNED))


def _is_signed(
    keys: Mapping[bytes, bytes], fields: Mapping[str, Any], value: bytes | None, message: bytes
) -> bool:
    public = keys.get(fields["by"])
    return (value is not None and public is not None
            and is_signature(public, value[-SIGNATURE_BYTES:], message))
