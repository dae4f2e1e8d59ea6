"""Words and dates that are changed on record, and proposals that are retired. Pure.

Theory of operation: people vote on words, so what they read may change only in the open. A record
of the catalogue that describes something for the second time says again what it is; that its words
or dates are others now, a correction says. It holds both, why, and the votes that were cast before
anybody could be shown the new ones, and it names the record it follows: of two that follow the same
one the first counts. One that is delivered again, by whomever, counts once: else who holds no key
could have a retirement or former words back by copying a record. Once the catalogue announces keys
of controls, a correction, a retirement and a restoration count only where an operator's key has
signed them, and a mere description changes neither words nor dates any more. Where no keys are
announced it does, as it always did: then it is shown as a change whose votes nobody counted.

The first announcement of keys needs no signature: nobody could give one. From then on one counts
only where an operator's key of those in force has signed it, as what follows the announcement in
force. Else whoever can write to the catalogue would announce keys of their own, and sign by them.

All who fold the catalogue ask here, so that writers, gateways, results and recounts agree.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas import codec
from schemas.control_roles import PublicKey, keys_in, may_sign
from schemas.control_signatures import NOBODY, SIGNATURE_BYTES, SMALL_ORDER, UNSIGNED


Fields = dict[str, Any]
Texts = dict[str, str]

PROPOSAL_CORRECTED, DESCRIPTION_CORRECTED = "ProposalCorrected", "DescriptionCorrected"
RETIRED, RESTORED = "ProposalRetired", "ProposalRestored"
RULE_CHANGED = "GuardRuleChanged"
FINDING_CONFIRMED, FINDING_DISMISSED = "FindingConfirmed", "FindingDismissed"
ACTS = frozenset((FINDING_CONFIRMED, FINDING_DISMISSED))
"""What people decide about a finding of the guard."""
REVIEW_ANSWERED = "ReviewAnswered"
SIGNED = ACTS | {REVIEW_ANSWERED, PROPOSAL_CORRECTED, DESCRIPTION_CORRECTED, RETIRED, RESTORED,
                 RULE_CHANGED}
"""Events that only an operator may write where the log has keys of controls."""
DOMAIN = b"scrutin-correction-1\0"
"""Begins what is signed: no control of the ballot box does."""
ANNOUNCED = "RulesAnnounced"
ANNOUNCEMENT_DOMAIN = b"scrutin-announcement-1\0"
"""Begins what is signed of an announcement: nothing else does."""
KEPT = {
    "ConsultationDescribed": ("question", "opens_at", "closes_at", "time_zone"),
    "ThemeDescribed": ("title",), "IdeaDescribed": ("title",), "ProposalAccepted": ("text",),
}
"""What of a description people voted on: it changes by corrections."""
SUBJECTS = {"consultation": ("ConsultationDescribed", ""), "theme": ("ThemeDescribed", "theme"),
            "idea": ("IdeaDescribed", "idea")}
"""By what a DescriptionCorrected is about: the event that describes it, and the field that names
it."""
INSTANTS = frozenset(("opens_at", "closes_at"))
_INSTANT = re.compile(r"-?\d{1,18}", re.ASCII)
TEXT_DIGEST = "text_sha256"
"""Stands beside the text in the fields of a proposal: its digest, as `digest_of` makes it."""
NO_WORDS: Fields = {"text": {}, "author": None}
"""What is shown of a proposal whose words are hidden."""
BEFORE_DIGEST, AFTER_DIGEST = "before_sha256", "after_sha256"
"""Stand in the fields of a correction whose words are withheld, as in a bundle."""


Subject = tuple[str, ...]
"""What a description is about: its event, and what names it."""


class Change(NamedTuple):
    """One field that is changed; instants are milliseconds since 1970 in decimal."""

    field: str
    before: str | None
    after: str | None


class Authority:
    """Whose corrections a catalogue takes; `announce` follows its announcements, in order."""

    def __init__(self) -> None:
        self.keys: tuple[PublicKey, ...] = ()
        """Those in force; none: corrections are unsigned, and anybody announces."""
        self.edition = 0
        """How often keys were adopted."""
        self._taken: set[tuple[str, bytes]] = set()
        """Event and event id of all that counted: operators write them, one by one."""
        self.in_force = bytes(codec.ID_BYTES)
        """Event id of the last announcement that counts, which the next one follows."""

    def announce(self, fields: Mapping[str, Any], value: bytes | None) -> bool:
        """Follow a RulesAnnounced; say whether it counts: keys never go back, nor to nobody."""
        if self.keys and not self._is_signed(ANNOUNCED, fields, value, _announcement_message(
                self.in_force, value or b"")):
            return False
        self.in_force = fields["event_id"]
        if fields["keys"] and fields["generation"] > self.edition:
            self.edition, self.keys = fields["generation"], keys_in(fields)
        return True

    def takes(self, event: str, fields: Mapping[str, Any], value: bytes | None) -> bool:
        """Take a record of SIGNED, and say whether it counts: once, where it may be written.

        `value` is the record as it lies in the log.
        """
        named = event, fields["event_id"]
        if named in self._taken or not self._allows(event, fields, value):
            return False
        self._taken.add(named)
        return True

    def _allows(self, event: str, fields: Mapping[str, Any], value: bytes | None) -> bool:
        if not self.keys and event in ACTS and fields["by"] != NOBODY:
            return False  # Unchecked, two invented keys would be two people.
        if not self.keys or AFTER_DIGEST in fields:
            return True  # What is withheld was held against its leaf, and has no bytes to check.
        return self._is_signed(event, fields, value, _message(self.in_force, value or b""))

    def _is_signed(
        self, event: str, fields: Mapping[str, Any], value: bytes | None, message: bytes
    ) -> bool:
        """Whether a key in force that may sign such an event has signed a message in a record."""
        return value is not None and any(
            key.id == fields["by"] and may_sign(key.role, event)
            and is_signature(key.public, value[-SIGNATURE_BYTES:], message) for key in self.keys)


class Older:
    """Descriptions that corrections have gone beyond, by the ids of their events.

    One that comes again says what was so before: it changes nothing. Ids are those of a record and
    of what it replaces, so what is said anew, if it is the same, has another.
    """

    def __init__(self) -> None:
        self._since: dict[Subject, list[bytes]] = {}
        """Of each subject the descriptions that were replaced since its last correction..."""
        self._before: dict[Subject, set[bytes]] = {}
        """... and those before it."""

    def holds(self, subject: Subject, fields: Mapping[str, Any]) -> bool:
        """Whether a description is older than the last correction of its subject."""
        return fields.get("event_id") in self._before.get(subject, ())

    def replace(
        self, subject: Subject, known: Mapping[str, Any] | None, by: Mapping[str, Any], *,
        corrected: bool = False,
    ) -> None:
        """Take note that what is known of a subject is replaced: described anew, or corrected."""
        if known is not None and known.get("event_id") != by.get("event_id"):
            self._since.setdefault(subject, []).append(known["event_id"])
        if corrected:
            self._before.setdefault(subject, set()).update(self._since.pop(subject, ()))


def signed(private: Ed25519PrivateKey, in_force: bytes, record: bytes) -> bytes:
    """Return a record of SIGNED with its signature.

    `in_force` is the event id of the announcement of keys in force: no other log has it.
    """
    return record[:-SIGNATURE_BYTES] + private.sign(_message(in_force, record))


def announcement_signed(private: Ed25519PrivateKey, in_force: bytes, record: bytes) -> bytes:
    """Return a RulesAnnounced with its signature; `in_force` is the event id of the one before."""
    return record[:-SIGNATURE_BYTES] + private.sign(_announcement_message(in_force, record))


def _announcement_message(in_force: bytes, record: bytes) -> bytes:
    """Return what is signed of an announcement: it follows one of one log, so it counts once."""
    return b"".join((ANNOUNCEMENT_DOMAIN, in_force, record[:-SIGNATURE_BYTES], UNSIGNED))


def is_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature of a message is of a public key under which not anybody can sign."""
    if public in SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(in_force: bytes, record: bytes) -> bytes:
    """Return what is signed. It has the event id, by which it is worth something once."""
    return b"".join((DOMAIN, in_force, record[:-SIGNATURE_BYTES], UNSIGNED))


def digest_of(texts: Texts) -> str:
    """Commit to words by language: SHA-256 over JSON without spaces, keys in order, in UTF-8."""
    said = json.dumps(texts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def kept_changes(event: str, known: Mapping[str, Any], fields: Mapping[str, Any]) -> list[Change]:
    """List what a description would change of what people voted on."""
    found: list[Change] = []
    for name in KEPT.get(event, ()):
        before, after = known[name], fields[name]
        if isinstance(before, dict):
            found += [Change(f"{name}.{language}", before.get(language), after.get(language))
                      for language in sorted({*before, *after})
                      if before.get(language) != after.get(language)]
        elif before != after:
            found.append(Change(name, *(None if said is None else str(said)
                                        for said in (before, after))))
    return found


def without_changes(event: str, known: Fields, fields: Fields) -> Fields:
    """Return a description that leaves what people voted on as it is."""
    kept = (*KEPT[event], TEXT_DIGEST)
    return {**fields, **{name: known[name] for name in kept if name in known}}


def changed(event: str, known: Fields, changes: list[Change]) -> Fields | None:
    """Return a description as corrected; None where it does not say what was to be corrected."""
    made = {**known}
    for change in changes:
        name, _, language = change.field.partition(".")
        held = made.get(name)
        if name not in KEPT[event] or isinstance(held, dict) != bool(language):
            return None
        if isinstance(held, dict):
            if held.get(language) != change.before:
                return None
            made[name] = {key: text for key, text in {**held, language: change.after}.items()
                          if text is not None}
        elif (None if held is None else str(held)) != change.before:
            return None
        else:
            try:
                made[name] = _value(name, change.after)
            except ValueError:
                return None
    return made


def applied(event: str, known: Fields, correction: Mapping[str, Any]) -> Fields | None:
    """Return a description as a correction leaves it; None where the correction has no effect.

    It has one only on top of the record that it follows, and of what that one says.
    """
    if known.get("event_id") != correction["follows"]:
        return None
    made: Fields | None
    if event == "ProposalAccepted":
        before = known.get(TEXT_DIGEST) or digest_of(known["text"])
        if before != (correction.get(BEFORE_DIGEST) or digest_of(correction["before"])):
            return None
        made = {**known, "text": correction["after"]}
        if TEXT_DIGEST in known:
            made[TEXT_DIGEST] = correction.get(AFTER_DIGEST) or digest_of(correction["after"])
    else:
        made = changed(event, known, changes_in(correction))
    return made and {**made, "event_id": correction["event_id"]}


def _value(name: str, said: str | None) -> Any:
    """Read a field as its event has it; raise ValueError where it cannot be one."""
    if name in INSTANTS:
        if name == "opens_at" and said is None:
            raise ValueError(name)
        if said is not None and not _INSTANT.fullmatch(said):
            raise ValueError(name)
        return said if said is None else int(said)
    if said is None:
        raise ValueError(name)
    return said


def described_by(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Name the event, and the subject, that a DescriptionCorrected is about."""
    return SUBJECTS[fields["subject"]][0], fields["name"]


def changes_in(fields: Mapping[str, Any]) -> list[Change]:
    """Read what a DescriptionCorrected changes."""
    return [Change(each["field"], each["before"], each["after"]) for each in fields["changes"]]
