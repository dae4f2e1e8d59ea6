"""Changes words and dates that people voted on, in the open, and retires proposals.

Each is safe to repeat: where the catalogue says already what is wanted, nothing is written.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from producers import cuts, operations, signing
from producers.consultation_file import ConsultationFile, Instant, ProposalTexts, Texts
from producers.cuts import Rewording
from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from schemas import corrections, withheld
from schemas.codec import ID_BYTES
from schemas.corrections import Change, Fields
from schemas.moments import moment, zone_of
from schemas.registry import seed


_SAID = re.compile(r"([a-z]{2,3}(?:-[A-Za-z0-9]{2,4})?)=(.*)", re.DOTALL)
"""Words with the language they are in, as the command line takes them."""
HIDDEN_MOST = 256
"""Records that hold words of one proposal, as the schema has it: fewer, but for mischief."""


@dataclass(frozen=True)
class Corrected:
    """What came of a correction."""

    consultation: str
    what: str
    changes: tuple[Change, ...]
    votes: int
    """VoteCast records before it, on what was corrected."""
    written: bool


@dataclass(frozen=True)
class Retired:
    """How a proposal stands; `written` tells whether this run had to write anything."""

    consultation: str
    proposal: str
    retired: bool
    text_hidden: bool
    written: bool


@dataclass(frozen=True)
class Wanted:
    """What shall be said; what is empty stays."""

    texts: Sequence[str] = ()
    """Words, each behind its language and an equals sign; of one language its code may be left
    out."""
    opens_at: str = ""
    closes_at: str = ""
    time_zone: str = ""

    @property
    def dates(self) -> dict[str, str]:
        """List the fields that only a consultation has."""
        found = {"opens_at": self.opens_at, "closes_at": self.closes_at,
                 "time_zone": self.time_zone}
        return {name: said for name, said in found.items() if said}

    def require_sayable(self, event: str) -> None:
        """Raise InvalidInput where no description of such an event could say this."""
        if event != "ConsultationDescribed" and self.dates:
            raise InvalidInput("dates and time zone are the consultation's: leave the proposal, "
                               "idea or theme out.")
        if not self.texts and not self.dates:
            raise InvalidInput("say what shall stand there: --text, --opens-at, --closes-at or "
                               "--time-zone.")
        for name, written in self.dates.items():
            if name != "time_zone":
                _milliseconds(name, written)


async def correct(
    log: Log, event: str, name: str, wanted: Wanted, reason: str, *, consultation: str | None,
    now: int,
) -> Corrected:
    """Correct what an event of corrections.KEPT says of something by its name.

    Raises Missing where nothing describes it, ChangesFinal where the consultation is closed,
    InvalidInput where the words or dates are none, or no key at hand may sign.
    """
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    consultation = known.require_consultation(consultation)
    described = operations.require_known(known, event, consultation, name)
    rewording = Rewording(event, name, described, said(event, described, wanted))
    changes = tuple(rewording.changes)
    if not changes:
        return Corrected(consultation, rewording.what, (), 0, written=False)
    operations.require_open(log, known, consultation)
    signer = signing.operators_key(known, log.own_keys)
    found = await cuts.cut(log.address, log.topics, consultation)
    value = operations.require_reason(
        lambda form: cuts.encoded(rewording, found, form, signer, occurred_at=now), reason)
    await operations.write_catalogue(log, [value], now)
    return Corrected(
        consultation, rewording.what, changes, found.votes_under(rewording), written=True)


def said(event: str, known: Fields, wanted: Wanted) -> Fields:
    """Return a description as it shall be; raise InvalidInput where it cannot be that."""
    words = corrections.KEPT[event][0]
    wanted.require_sayable(event)
    texts = {**known[words], **_texts(known[words], wanted.texts)}
    kind: Any = ProposalTexts if event == "ProposalAccepted" else Texts
    made = {**known, words: _checked(kind, texts)}
    for name, written in wanted.dates.items():
        made[name] = written if name == "time_zone" else _milliseconds(name, written)
    if wanted.dates:
        _require_dates(made)
    return made


def _texts(known: Mapping[str, str], given: Sequence[str]) -> dict[str, str]:
    """Read words with their languages."""
    found = {}
    for each in given:
        match = _SAID.fullmatch(each)
        language = match[1] if match else next(iter(known), "") if len(known) == 1 else ""
        if not language:
            raise InvalidInput(f"in which language is {each!r}? Write it as fr=…, one --text for "
                               "each language that changes.")
        found[language] = match[2] if match else each
    return found


def _checked(kind: Any, value: Any) -> Any:
    """Check a value as a consultation file's is."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{place + ': ' if place else ''}{first['msg']}") from error


def _milliseconds(name: str, written: str) -> int | None:
    if name == "closes_at" and written == "none":
        return None
    instant: datetime = _checked(Instant, written)
    return int(instant.timestamp() * 1_000)


def _require_dates(fields: Fields) -> None:
    """Raise InvalidInput where a consultation file could not say these dates."""
    opens, closes = (None if fields[name] is None else moment(fields[name], zone_of("UTC"))
                     for name in ("opens_at", "closes_at"))
    try:
        ConsultationFile.model_validate({
            "id": "checked", "question": {"en": "checked"}, "languages": ["en"],
            "opens_at": opens, "closes_at": closes, "time_zone": fields["time_zone"]})
    except ValidationError as error:
        raise InvalidInput(error.errors()[0]["msg"]) from error


async def retire(
    log: Log, proposal: str, reason: str, *, text_hidden: bool, consultation: str | None, now: int
) -> Retired:
    """Retire a proposal, and hide its words where that is asked for.

    Raises as `correct`.
    """
    known, consultation = await _known(log, proposal, consultation)
    before = known.retired.get((consultation, proposal))
    hidden = await _holding_words(log, consultation, proposal) if text_hidden else []
    if before is not None and (before["text_hidden"], before["hidden"]) == (text_hidden, hidden):
        return Retired(consultation, proposal, retired=True, text_hidden=text_hidden,
                       written=False)
    await _write(log, known, corrections.RETIRED, reason, before, consultation=consultation,
                 proposal=proposal, text_hidden=text_hidden, hidden=hidden, occurred_at=now)
    return Retired(consultation, proposal, retired=True, text_hidden=text_hidden, written=True)


async def restore(
    log: Log, proposal: str, reason: str, *, consultation: str | None, now: int
) -> Retired:
    """Have a retired proposal voted on again, and show its words. Raises as `correct`."""
    known, consultation = await _known(log, proposal, consultation)
    before = known.retired.get((consultation, proposal))
    if before is not None:
        await _write(log, known, corrections.RESTORED, reason, before, consultation=consultation,
                     proposal=proposal, occurred_at=now)
    return Retired(consultation, proposal, retired=False, text_hidden=False,
                   written=before is not None)


async def _holding_words(log: Log, consultation: str, proposal: str) -> list[Fields]:
    """List the records that hold words of a proposal; none where there are too many to list."""
    found: list[Fields] = []
    async with LogReader(log.address) as reader:
        async for records in reader.read(log.topics.catalogue, 0):
            for record in records:
                digest = withheld.digest_in(record.value, consultation, proposal)
                if digest is not None:
                    found.append({"offset": record.offset, "digest": digest})
    return found if len(found) <= HIDDEN_MOST else []


async def _known(
    log: Log, proposal: str, consultation: str | None
) -> tuple[KnownCatalogue, str]:
    """Read the catalogue; raise Missing where it has no such proposal."""
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    consultation = known.require_consultation(consultation)
    operations.require_known(known, "ProposalAccepted", consultation, proposal)
    return known, consultation


async def _write(
    log: Log, known: KnownCatalogue, event: str, reason: str, followed: Fields | None,
    **fields: Any,
) -> None:
    """Write a retirement or a restoration."""
    consultation, proposal = fields["consultation"], fields["proposal"]
    operations.require_open(log, known, consultation)
    signer = signing.operators_key(known, log.own_keys)
    # Two that follow the same one say the same; a later one is another, whatever it says.
    turn = f"{consultation}\0{proposal}\0{fields.get('text_hidden')}\0{fields['occurred_at']}"
    event_id = hashlib.sha256(
        seed(event) + turn.encode() + (followed or {}).get("event_id", b"")).digest()[:ID_BYTES]
    value = operations.require_reason(lambda form: signing.correction(
        signer, event, event_id=event_id, reason=form, origin="operator", **fields), reason)
    await operations.write_catalogue(log, [value], fields["occurred_at"])
