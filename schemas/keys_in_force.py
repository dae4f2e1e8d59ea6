"""Which rules and keys a partition has at a place, for those who follow it beside the ledger. Pure.

Theory of operation: a partition's adoptions say from where on it asks for signatures, and whose.
Its first keys come with its first record, or by one of which its ledger was told beforehand, as the
decisions record; later ones by an adoption that an operator's key of the ones before has signed.
Anything else that calls itself an adoption is no more than a record that was refused.
"""

from collections.abc import Container, Mapping
from typing import Any

from schemas import codec
from schemas.chains import NO_CHAIN, linked
from schemas.codec import Undecodable
from schemas.control_outlines import outline
from schemas.control_roles import OPERATOR, PublicKey, is_signed_by, keys_in
from schemas.control_signatures import SMALL_ORDER, key_id
from schemas.registry import HEADER_BYTES, UnknownSchema, headers


ADOPTIONS = headers("RulesAdopted")


class KeysInForce:
    """The rules and keys of one partition; show it every adoption, in the order of the log."""

    def __init__(self, partition: int, first_adoptions: Container[int] = ()) -> None:
        """`first_adoptions` are the offsets at which first keys are recorded as adopted."""
        self.partition = partition
        self.rules = 0
        self.edition = 0
        self.keys: tuple[PublicKey, ...] = ()
        self._first_adoptions = first_adoptions
        self.genesis_chain = NO_CHAIN

    def begun_again(self) -> "KeysInForce":
        """Return the same partition before its first record."""
        return KeysInForce(self.partition, self._first_adoptions)

    def follow(self, offset: int, value: bytes) -> bool:
        """Take an adoption, if it is one that counts; say whether it did."""
        if offset == 0:
            self.genesis_chain = linked(NO_CHAIN, value)
        if value[:HEADER_BYTES] not in ADOPTIONS:
            return False
        try:
            version, fields = codec.schema_of(value).version, outline(value)
        except (Undecodable, UnknownSchema):
            return False
        if version == 1:
            self.rules = self.rules or fields["ledger_version"]
            return offset == 0
        if not self._is_allowed(offset, fields, value):
            return False
        named = keys_in(codec.decode(value)[1])
        if not (self._rises(fields) and self._are_usable(named)):
            return False
        self.rules, self.edition = fields["ledger_version"], fields["generation"]
        self.keys = named
        return True

    def _is_allowed(self, offset: int, fields: Mapping[str, Any], value: bytes) -> bool:
        """Whether who wrote an adoption may adopt, by its outline."""
        if self.keys:
            return self._is_signed("RulesAdopted", fields, value)
        return not fields["keys"] or offset == 0 or offset in self._first_adoptions

    def _rises(self, fields: Mapping[str, Any]) -> bool:
        return fields["ledger_version"] >= max(2, self.rules) and (
            not self.keys or fields["generation"] > self.edition)

    def _are_usable(self, named: tuple[PublicKey, ...]) -> bool:
        return (not named and not self.keys) or (
            any(key.role == OPERATOR for key in named)
            and len({key.id for key in named}) == len(named)
            and all(key.id == key_id(key.public) and key.public not in SMALL_ORDER
                    for key in named))

    def takes(self, value: bytes) -> bool:
        """Whether a control that can be decoded is one that the partition takes here."""
        schema = codec.schema_of(value)
        if self.keys:
            return schema.version > 1 and self._is_signed(schema.event, outline(value), value)
        return schema.version <= max(self.rules, 1)

    def _is_signed(self, event: str, fields: Mapping[str, Any], value: bytes) -> bool:
        return is_signed_by(
            self.keys, self.partition, self.genesis_chain, event, fields, value)
