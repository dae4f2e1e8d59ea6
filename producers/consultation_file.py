"""The file that describes a consultation, and the events that bring the catalogue up to it.

Theory of operation: each description becomes one event of the catalogue. It is written only where
the newest event about the same thing says something else, and its id is a digest of what it says
and of the event it replaces: applying a file twice, or again after a kill, writes nothing twice,
and going back to an earlier description is an event of its own.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from producers import json_files
from producers.consultation_problems import at_most, misplaced, problems, refused
from producers.errors import InvalidInput, Missing
from producers.known_catalogue import KnownCatalogue
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.partners import (
    BALLOTS_MOST,
    BALLOTS_USUAL,
    DESCRIBED,
    DIGEST,
    PARTNERS_MOST,
    SITE,
    SITE_CHARACTERS,
    SITES_MOST,
)
from schemas.texts import fault, normalised


FIRST_YEAR, LAST_YEAR = 1970, 2200
"""An instant outside is a slip of the pen, and pages could not show it."""
VOTES_TARGET_MOST = 10_000_000_000
"""More votes than people live: a higher target is a slip of the pen."""
IDENTIFIER = r"^[a-z0-9][a-z0-9._-]{0,62}$"
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,4})?$"
"""A language as BCP 47 writes it, in at most eight characters."""
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
"""Small letters, digits, dot, dash, underscore: identifiers stand in addresses of pages."""
Language = Annotated[str, Field(pattern=LANGUAGE)]
Site = Annotated[str, Field(pattern=SITE, max_length=SITE_CHARACTERS)]
Digest = Annotated[str, Field(pattern=DIGEST)]

_OF_THE_EVENT = ("event_id", "occurred_at", "origin")
"""Fields that say when and how something was written, not what."""


def _text(text: str, size_bytes: int) -> str:
    """Bring a text to its one form; refuse what nobody may publish (schemas.texts)."""
    form = normalised(text) if len(text) <= size_bytes else text
    found = fault(form)
    if found is not None:
        raise refused(f"{found}. {_MENDED_BY[found.at is None]}")
    size = len(form.encode())
    if size > size_bytes:
        raise refused(f"has {size:,} bytes in UTF-8, at most {size_bytes:,} are taken. Shorten it.")
    return form


_MENDED_BY = {True: "Write a text, or leave the key out.", False: "Take it out."}
Short = Annotated[str, AfterValidator(partial(_text, size_bytes=63))]
Name = Annotated[str, AfterValidator(partial(_text, size_bytes=100))]
Age = Annotated[str, AfterValidator(partial(_text, size_bytes=10))]
Long = Annotated[str, AfterValidator(partial(_text, size_bytes=200))]
Source = Annotated[str, AfterValidator(partial(_text, size_bytes=300))]
Sentence = Annotated[str, AfterValidator(partial(_text, size_bytes=500))]
ProposalText = Annotated[str, AfterValidator(partial(_text, size_bytes=2_000))]
"""Texts by their bounds in bytes of UTF-8: those of the events they become."""


def _some(texts: dict[str, str]) -> dict[str, str]:
    if not texts:
        raise refused('no text in any language. Write one, as in {"fr": "…"}.')
    return texts


Texts = Annotated[dict[Language, Sentence], AfterValidator(_some)]
ProposalTexts = Annotated[dict[Language, ProposalText], AfterValidator(_some)]


def _instant(value: Any) -> Any:
    """Refuse numbers: nobody can tell whether they are seconds or milliseconds."""
    if isinstance(value, datetime) or (
            isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value)):
        return value
    raise refused("no instant. Write date, time and offset, as in 2026-10-01T00:00:00+02:00.")


Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_instant)]


def _day(value: str) -> str:
    try:
        date.fromisoformat(value if len(value) != len("2022-06") else f"{value}-01")
    except ValueError:
        raise refused("no month or day. Write it as in 2022-06 or 2022-06-01.") from None
    return value


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$"), AfterValidator(_day)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Stage(_Part):
    """A stage: `begins` and `ends` are months (2022-06) or days (2022-06-01)."""

    name: Short
    begins: Day
    ends: Day | None = None


class Organiser(_Part):
    """Organisations in one role."""

    role: Short
    names: list[Long]


class Fact(_Part):
    """A figure that sets the scene."""

    value: Short
    texts: Texts
    source: Source


class Theme(_Part):
    """A theme and its title by language."""

    id: Identifier
    title: Texts


class Idea(_Part):
    """An idea, its title by language and its theme, if any."""

    id: Identifier
    title: Texts
    theme: Identifier | None = None


class Author(_Part):
    """Who made a proposal, as shown."""

    name: Name
    kind: Literal["citizen", "organisation"] = "citizen"
    age_band: Age | None = None


class Proposal(_Part):
    """A proposal. `idea` groups it, null takes it out of its idea, left out changes nothing."""

    id: Identifier
    text: ProposalTexts
    author: Author | None = None
    idea: Identifier | None = None


class Partner(_Part):
    """A partner by its number for ever, and the sites that may embed the widget."""

    number: int = Field(ge=1, le=PARTNERS_MOST)
    name: Long
    sites: list[Site] = Field(default=[], max_length=SITES_MOST)
    key_sha256: Digest | None = None
    """Of the key for batches of ballots; the key itself stays with the partner."""
    ballots_per_minute: int = Field(default=BALLOTS_USUAL, ge=1, le=BALLOTS_MOST)
    """Means something with a key alone."""


class ConsultationFile(_Part):
    """A consultation as its organisers write it down."""

    id: Identifier
    question: Texts
    opens_at: Instant
    closes_at: Instant | None = None
    time_zone: str = "Europe/Paris"
    languages: list[Language] = Field(min_length=1)
    votes_target: int | None = Field(default=None, gt=0, le=VOTES_TARGET_MOST)
    shares_embargoed: bool = False
    """Whether shares are hidden until voting has closed."""
    simulated: bool = False
    """Whether programs vote here to show the service at work; pages say so."""
    hashtag: Short | None = None
    contact: Long | None = None
    stages: list[Stage] = []
    organisers: list[Organiser] = []
    facts: list[Fact] = []
    themes: list[Theme] = []
    ideas: list[Idea] = []
    proposals: list[Proposal] = []
    partners: list[Partner] = []
    _read_from: tuple[json_files.Json, str] | None = PrivateAttr(default=None)

    def place(self, *path: str | int) -> str:
        """Name a key: with file, line and column where this was read from a file."""
        if self._read_from is None:
            return json_files.named(path)
        document, file = self._read_from
        return f"{file}, {document.place(path)}, {json_files.named(path)}"

    def read_from(self, document: json_files.Json, file: str) -> None:
        """Remember where each key stands, for what is found to be wrong later."""
        self._read_from = document, file

    @model_validator(mode="after")
    def _agree(self) -> "ConsultationFile":
        for name, instant in (("opens_at", self.opens_at), ("closes_at", self.closes_at)):
            if instant is not None and (
                    not FIRST_YEAR <= instant.year <= LAST_YEAR or instant.timestamp() < 0):
                raise misplaced((name,), f"lies in no year from {FIRST_YEAR} to {LAST_YEAR}.")
        if self.closes_at is not None and self.closes_at <= self.opens_at:
            raise misplaced(("closes_at",), "must come after opens_at.")
        if self.languages[0] not in self.question:
            raise misplaced(("question",), f"lacks the default language {self.languages[0]}, the "
                                           "first of languages.")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise misplaced(("time_zone",), "unknown. Write one like Europe/Paris.") from None
        _check_twice("languages", self.languages)
        for name, parts in (("themes", self.themes), ("ideas", self.ideas),
                            ("proposals", self.proposals)):
            _check_twice(name, [part.id for part in parts])
        _check_twice("partners", [str(partner.number) for partner in self.partners])
        return self


def _check_twice(name: str, identifiers: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for number, identifier in enumerate(identifiers):
        if first.setdefault(identifier, number) != number:
            raise misplaced((name, number), f"{identifier} is described twice, first in "
                                            f"{name}[{first[identifier]}]. Take one out.")


def check_identifier(name: str) -> None:
    """Raise InvalidInput where a name cannot be that of a consultation."""
    if not re.fullmatch(IDENTIFIER, name):
        raise InvalidInput(
            f"{name!r} is no identifier: at most 63 small letters, digits, dots, dashes and "
            "underscores, a letter or digit first. Name one with --consultation."
        )


def check_language(name: str) -> None:
    """Raise InvalidInput where a name cannot be that of a language."""
    if not re.fullmatch(LANGUAGE, name):
        raise InvalidInput(
            f"{name!r} is no language: two or three small letters, with a region or script behind "
            "a dash if need be, as in fr or pt-BR. Name one with --language."
        )


def load(path: Path) -> ConsultationFile:
    """Read and check a file; InvalidInput names line, column and key of everything wrong."""
    try:
        with path.open("rb") as opened:
            raw = opened.read(json_files.FILE_BYTES_MOST + 1)
    except FileNotFoundError as error:
        raise Missing(f"{path}: no such file. Name a JSON file that describes a consultation."
                      ) from error
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror}).") from error
    document = json_files.read(raw, str(path))
    try:
        file = ConsultationFile.model_validate(document.value)
    except ValidationError as error:
        raise InvalidInput(
            f"{path}: not a description of a consultation. Mend and apply again:\n"
            + "\n".join(problems(error, document, ConsultationFile, str(path)))) from error
    try:
        for event, fields in descriptions(file):
            encoded(event, fields, replaced=None, occurred_at=0)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error
    file.read_from(document, str(path))
    return file


def needed_events(
    file: ConsultationFile, known: KnownCatalogue, *, occurred_at: int
) -> list[bytes]:
    """Return the encoded events that bring the catalogue up to the file, in order.

    Raises InvalidInput for a text out of bounds, Missing for a theme or idea nobody describes.
    """
    _check_references(file, known)
    events = []
    for event, fields in descriptions(file):
        newest = known.newest_like(event, fields)
        if _says(newest) == fields or (event == "ProposalGrouped" and newest is None
                                       and fields["idea"] is None):
            continue
        events.append(encoded(
            event, fields, replaced=newest, occurred_at=occurred_at,
            origin="simulation" if file.simulated else "operator"))
    return events


def encoded(
    event: str, fields: dict[str, Any], *, replaced: dict[str, Any] | None, occurred_at: int,
    origin: str = "operator",
) -> bytes:
    """Encode an operator's event about something, under an id made from what it says."""
    saying = json.dumps(
        [event, fields], sort_keys=True, ensure_ascii=False, default=bytes.hex).encode()
    before = replaced["event_id"] if replaced else b""
    event_id = hashlib.sha256(before + saying).digest()[:ID_BYTES]
    try:
        return codec.encode(
            event, **fields, event_id=event_id, origin=origin, occurred_at=occurred_at
        )
    except codec.OutOfBounds as error:
        raise InvalidInput(f"{error}. Shorten it and apply again.") from error


def _says(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {name: value for name, value in fields.items() if name not in _OF_THE_EVENT}


def _check_references(file: ConsultationFile, known: KnownCatalogue) -> None:
    themes, ideas = {theme.id for theme in file.themes}, {idea.id for idea in file.ideas}
    unknown = [
        f"{file.place('ideas', number, 'theme')}: unknown theme {idea.theme!r}. Describe it in "
        "themes."
        for number, idea in enumerate(file.ideas)
        if idea.theme and idea.theme not in themes and not known.find(
            "ThemeDescribed", file.id, idea.theme)]
    unknown += [
        f"{file.place('proposals', number, 'idea')}: unknown idea {proposal.idea!r}. Describe it "
        "in ideas."
        for number, proposal in enumerate(file.proposals)
        if proposal.idea and proposal.idea not in ideas and not known.find(
            "IdeaDescribed", file.id, proposal.idea)]
    if unknown:
        raise Missing("\n  ".join(at_most(unknown)))


def descriptions(file: ConsultationFile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the file says as events, without the fields of the event itself."""
    of_file = file.model_dump(include={
        "question", "time_zone", "languages", "votes_target", "hashtag", "contact", "stages",
        "organisers", "facts", "shares_embargoed"})
    yield "ConsultationDescribed", {
        "consultation": file.id, **of_file,
        "opens_at": int(file.opens_at.timestamp() * 1_000),
        "closes_at": file.closes_at and int(file.closes_at.timestamp() * 1_000),
    }
    for theme in file.themes:
        yield "ThemeDescribed", {
            "consultation": file.id, "theme": theme.id, "title": theme.title}
    for idea in file.ideas:
        yield "IdeaDescribed", {
            "consultation": file.id, "idea": idea.id, "theme": idea.theme, "title": idea.title}
    for proposal in file.proposals:
        yield "ProposalAccepted", {
            "consultation": file.id, "proposal": proposal.id, "text": proposal.text,
            "author": proposal.author and proposal.author.model_dump()}
        if "idea" in proposal.model_fields_set:
            yield "ProposalGrouped", {
                "consultation": file.id, "proposal": proposal.id, "idea": proposal.idea}
    for partner in file.partners:
        key = partner.key_sha256 or ""
        yield DESCRIBED, {"consultation": file.id, "partner": partner.number,
                          "name": partner.name, "sites": partner.sites,
                          "key_digest": bytes.fromhex(key),
                          "ballots_per_minute": partner.ballots_per_minute if key else 0}
