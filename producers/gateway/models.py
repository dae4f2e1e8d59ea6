"""What the gateway takes and gives, in the terms of its OpenAPI document."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from producers.gateway import work
from producers.gateway.notes import NOTE_CHARACTERS
from schemas.words import ANSWERS, CHOICES, QUALIFICATIONS, TRUSTS


IDENTIFIER_BYTES = 63
"""Longest identifier of the schemas."""
MAX_BATCH = 2**16
"""Events of a batch that one signature covers, at most; the outlet makes smaller ones."""
PATH_HASHES = 16
"""Hashes of a path, at most: the height of a tree of MAX_BATCH."""
PROOF_CHARACTERS = 64
"""A view proof has 28, one that tells the route 39; room for a longer one."""


BALLOTS_MOST = 200
"""Ballots of a batch, at most: receipts of so many are made in some milliseconds."""
VOTER_CHARACTERS = 128
SOLUTION_CHARACTERS = work.SOLUTION_CHARACTERS


def _whole(number: Any) -> Any:
    """Take 412.0 for 412: to JSON Schema it is an integer."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


_Whole = BeforeValidator(_whole)
"""Stands last: what stands before it is part of the JSON schema."""

# Whatever names no proposal of the catalogue is refused anyway, so characters will do here.
Identifier = Annotated[str, Field(min_length=1, max_length=IDENTIFIER_BYTES)]
Offset = Annotated[int, Field(ge=0, lt=2**63), _Whole]
Choice = Literal["agree", "disagree", "neutral"]
Qualification = Literal[
    "like_it", "doable", "platitude_agree", "no_way", "impossible", "platitude_disagree",
    "do_not_understand", "no_opinion", "do_not_care"]
Trust = Literal["trusted", "suspect"]
if TYPE_CHECKING:
    Gender = str
    AgeBand = str
    Region = str
else:
    Gender, AgeBand, Region = (
        Literal[ANSWERS[name]] for name in ("gender", "age_band", "region"))
Proof = Annotated[str, Field(
    max_length=PROOF_CHARACTERS,
    description="The view proof that came with the proposal; without it the act is suspect, and "
    "how the proposal was reached is unknown.")]

assert Choice.__args__ == CHOICES  # type: ignore[attr-defined]  # a Literal has its words
assert Qualification.__args__ == QUALIFICATIONS  # type: ignore[attr-defined]  # as above
assert Trust.__args__ == TRUSTS  # type: ignore[attr-defined]  # as above


class Request(BaseModel):
    """A body: unknown fields are refused, so that a misspelt proof is not lost silently."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Vote(Request):
    """A voter's choice on a proposal."""

    proposal: Identifier
    choice: Choice
    proof: Proof | None = None
    solution: str | None = Field(
        None, max_length=SOLUTION_CHARACTERS,
        description="The work that a challenge asked for, done: ALTCHA's payload, base64. Sent "
        "with the same choice it makes the vote trusted.")
    leave: str | None = Field(
        None, max_length=PROOF_CHARACTERS,
        description="What a challenge said to send after its wait, instead of work.")
    renewed: str | None = Field(
        None, max_length=PROOF_CHARACTERS,
        description="A view proof of the moment of the act, taken where the first is not good: of "
        "a browser whose cookie was replaced since.")


class Qualified(Request):
    """A word that says more about a voter's choice."""

    proposal: Identifier
    qualification: Qualification
    proof: Proof | None = None


class Batch(Request):
    """The events acknowledged together, which one signature covers."""

    first_offset: Offset
    size: Annotated[int, Field(ge=1, le=MAX_BATCH), _Whole]
    path: list[Annotated[str, Field(max_length=44)]] = Field(
        max_length=PATH_HASHES, description="Hashes from the event to the root, base64.")


class Challenge(BaseModel):
    """What a vote that is suspect may bring to be trusted: work, or a wait. Never both."""

    step: int = Field(description="1, 2 or 3: how much is asked for.")
    work: dict[str, Any] | None = Field(
        description="A challenge as ALTCHA's browser code takes it (version 2), good for ten "
        "minutes; null: waiting is the way, or the work given before still holds.")
    leave: str = Field(description="To be sent with the same choice after the wait.")
    wait_seconds: int = Field(description="So long from now; good for ten minutes after it.")
    others_first: int = Field(
        description="So many other proposals are to be voted on before; then send it again.")
    problem: str | None = Field(
        description="Why what was sent did not do: altered, expired, other (of another vote), "
        "busy, early, crowded (more wait here than may pass) or others_first.")


class Receipt(Request):
    """What a voter keeps: the vote lies in the log, as cast."""

    partition: Annotated[int, Field(ge=0, lt=2**32), _Whole]
    offset: Offset
    event_id: str = Field(pattern="^[0-9a-f]{32}$")
    trust: Trust
    event: str = Field(
        max_length=1_024,
        description="The event as it lies in the log, salt included, base64.")
    batch: Batch
    inclusion_seconds: Annotated[int, Field(ge=0, lt=2**32), _Whole] = Field(
        description="The promise: so long after the event's time at most, a signed checkpoint of "
        "the transparency log covers it.")
    key: str | None = Field(
        None, pattern="^[0-9a-f]{16}$",
        description="Names the key of the signature: the first eight bytes of the SHA-256 of its "
        "public key. Receipts of release 0.1.0 name none.")
    signature: str = Field(
        max_length=88, description="Ed25519, base64; /v1/keys and the log give the keys.")
    challenge: Challenge | None = Field(
        None, description="Of a vote by a device that is not known, out of a crowd for one "
        "proposal: it is in the log as suspect, and this makes it trusted. Not signed.")
    next_proof: str | None = Field(
        None, max_length=PROOF_CHARACTERS,
        description="The proof of the proposal that `next` named, dated anew. Not signed.")
    note: str | None = Field(
        None, max_length=NOTE_CHARACTERS,
        description="For browsers: what the booth's pages take for their own record of this act. "
        "Not signed.")


class Split(BaseModel):
    """How the counted votes on a proposal are split, in the order agree, disagree, neutral."""

    votes: int
    counts: list[int]
    percents: list[int] | None = Field(description="Rounded; null of fewer than ten votes.")


class Shares(BaseModel):
    """What follows the receipt of a vote where `shares=1` asks for it, a moment later."""

    shares: Split | None = Field(
        description="What everybody votes; null where nothing is counted, or an embargo hides it.")
    counted: bool = Field(description="Whether the results held this vote by then.")


class Ballot(Request):
    """A vote of a partner's voter, or that it is withdrawn."""

    voter: str = Field(
        min_length=1, max_length=VOTER_CHARACTERS,
        description="The partner's own name for the voter: random, the same for each ballot of "
        "theirs, and no address. The log has a pseudonym made of it.")
    key: str = Field(
        pattern=r"^[!-~]{1,128}$",
        description="As the Idempotency-Key of a single vote: a random text for each act; a ballot "
        "that is sent again bears the same one, and counts once.")
    proposal: Identifier
    choice: Choice | None = Field(description="null: the vote is withdrawn.")


class Ballots(Request):
    """Those of a partner's voters; of one voter they are taken in their order."""

    ballots: list[Ballot] = Field(min_length=1, max_length=BALLOTS_MOST)


class Description(Request):
    """What a participant donates: every field may be left out.

    The last description counts that comes before one of the same participant is published.
    """

    gender: Gender | None = None
    age_band: AgeBand | None = None
    region: Region | None = Field(None, description="A region of France, ISO 3166-2.")
    receipt: Receipt = Field(description="The receipt of a vote of this voter.")


class Thanks(BaseModel):
    """A description was taken; it cannot be joined to votes."""

    recorded: Literal[True] = Field(
        description="It is written with those of nineteen other participants or more, in a drawn "
        "order, or at the end of the day (UTC). A gateway that is stopped before loses it: it may "
        "be sent again.")


class Shown(BaseModel):
    """A proposal to vote on, with the proof that it was shown."""

    id: str
    text: dict[str, str] = Field(description="The sentence, by language.")
    author: dict[str, str | None] | None
    proof: str = Field(
        description="Send it with acts on this proposal, within a day. It may say, signed, whether "
        "the proposal was drawn or asked for by `include`, when it was shown and in which wording: "
        "take it for opaque.")


class Sequence(BaseModel):
    """The next proposals for a voter."""

    sequence: str = Field(
        description="Identifier of the SequenceDrawn event, which is recorded once its voter acts: "
        "send the cookies back.")
    proposals: list[Shown]


class NamedKey(BaseModel):
    """A key that receipts are or were signed with."""

    id: str = Field(description="As receipts name it.")
    public: str = Field(description="Ed25519 public key, base64.")
    state: Literal["in_use", "retired", "unnamed"] = Field(
        description="As the log says; unnamed while it does not name the key yet.")


class Keys(BaseModel):
    """Public keys of the gateway."""

    receipt: str = Field(description="Ed25519 public key that signs receipts now, base64.")
    receipts: list[NamedKey] = Field(description="Every key of receipts, retired ones too.")


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem as RFC 9457 has it; `type` opens a page about it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] | None = None
    away: list[str] | None = None
    """Partitions of the log that take nothing at the moment, as TOPIC/NUMBER."""


class Answered(BaseModel):
    """What became of a ballot: a receipt, or a problem."""

    receipt: Receipt | None = None
    problem: Problem | None = None


class BallotsAnswered(BaseModel):
    """What became of the ballots of a batch, in their order."""

    answers: list[Answered]
