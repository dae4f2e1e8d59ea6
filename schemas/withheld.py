"""Records of the catalogue whose words are hidden, as bundles have them: their hash in place. Pure.

Theory of operation: where the catalogue has hidden the words of a proposal, the records that hold
them lie in a bundle without them: a byte that begins no record of ours, the SHA-256 by which the
record's leaf commits to it, the digests of its words, and the rest of the record. So leaf, tree and
count hold as ever, the catalogue is folded as ever, and the words are nowhere.

A leaf alone does not say what the rest of a record is: SHA-256 of the whole binds nothing that can
be shown without the words. So the retirement that hides them, which nobody hides, names all records
that hold them, each with the digest of this form of it: what stands there was said in the log
itself, when the words were hidden, by who hid them. Of retirements of before it is trusted. The log
has these digests, so this form of a record never changes.
"""

import hashlib
from collections.abc import Collection
from typing import Any, NamedTuple

from schemas import codec, corrections
from schemas.codec import Undecodable
from schemas.registry import MAGIC, UnknownSchema


HASH_BYTES = 32
MARK = b"\1"
"""Begins what is withheld; a record of ours begins with MAGIC."""
assert MARK[0] != MAGIC
_WORDS = {
    "ProposalAccepted": {"text": corrections.TEXT_DIGEST},
    corrections.PROPOSAL_CORRECTED: {
        "before": corrections.BEFORE_DIGEST, "after": corrections.AFTER_DIGEST},
}
"""Events that hold words of a proposal: the fields with words, and where their digests stand."""
_NO_AUTHOR = {"ProposalAccepted": {"author": None}, corrections.PROPOSAL_CORRECTED: {}}


class Withheld(NamedTuple):
    """A record without its words."""

    hash: bytes
    """SHA-256 of the record as it lies in the log."""
    event: str
    fields: dict[str, Any]
    """With the digests of the words."""

    @property
    def proposal(self) -> str:
        """The proposal whose words they are."""
        found: str = self.fields["proposal"]
        return found


def without_words(value: bytes | None, hidden: Collection[str]) -> bytes | None:
    """Return a record, without its words where they are those of a hidden proposal."""
    try:
        event, fields = codec.decode(value)
    except Undecodable:
        return value
    if event not in _WORDS or fields["proposal"] not in hidden:
        return value
    digests = b"".join(
        bytes.fromhex(corrections.digest_of(fields[name])) for name in _WORDS[event])
    rest = codec.encode_as(codec.schema_of(value), **{
        **fields, **{name: {} for name in _WORDS[event]}, **_NO_AUTHOR[event]})
    return MARK + hashlib.sha256(value or b"").digest() + digests + rest


def read(value: bytes | None) -> Withheld | None:
    """Read what is withheld; None where it is a record as it lies in the log.

    Raises Undecodable where it is neither.
    """
    if not value or not value.startswith(MARK):
        return None
    for event, words in _WORDS.items():
        end = len(MARK) + HASH_BYTES * (1 + len(words))
        try:
            name, fields = codec.decode(value[end:])
        except (Undecodable, UnknownSchema):
            continue
        if name == event and not any(
                fields[each] for each in (*words, *_NO_AUTHOR[event])):
            found = [value[at:at + HASH_BYTES].hex()
                     for at in range(len(MARK) + HASH_BYTES, end, HASH_BYTES)]
            fields |= dict(zip(words.values(), found, strict=True))
            return Withheld(value[len(MARK):len(MARK) + HASH_BYTES], event, fields)
    raise Undecodable("it is withheld, and not as any release does it")


def digest_in(value: bytes | None, consultation: str, proposal: str) -> bytes | None:
    """Return the digest of a record without its words; None where it has none of the proposal."""
    try:
        event, fields = codec.decode(value)
    except (Undecodable, UnknownSchema):
        return None
    if event not in _WORDS or (fields["consultation"], fields["proposal"]) != (
            consultation, proposal):
        return None
    return hashlib.sha256(without_words(value, {proposal}) or b"").digest()
