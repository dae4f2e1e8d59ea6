"""What the pages ask of whoever takes votes; the composition root puts the gateway behind it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from schemas import problems
from schemas.problems import ProblemKind
from schemas.registry import FIRST_RULES


class TurnedAway(Exception):
    """This request recorded nothing, unless the kind of problem says that nobody knows.

    What an earlier one for the same left unknown stays so.
    """

    def __init__(self, problem: ProblemKind, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.headers = dict(headers or {})

    @property
    def may_be_sent_again(self) -> bool:
        """Whether waiting mends it: the same form can be sent once more."""
        return bool(self.problem.retry_seconds) or self.problem == problems.TOO_MANY_REQUESTS


class Act(NamedTuple):
    """What a voter does with a proposal."""

    event: str
    """Name of the event it becomes, as in the schemas."""
    proposal: str
    word: str = ""
    """The choice or qualification; empty for a withdrawn vote."""
    proof: str = ""
    renewed: str = ""
    """A proof of the moment of the act, in case the first is of a name that the browser lost."""
    solution: str = ""
    """The work that a challenge asked for, done (ALTCHA's payload)."""
    leave: str = ""
    """What a challenge said to bring after its wait."""


class Challenge(Protocol):
    """What a suspect vote may bring, with the same choice, to be trusted: work, or a wait."""

    @property
    def step(self) -> int:
        """1 to 3: how much is asked for."""

    @property
    def work(self) -> Mapping[str, Any] | None:
        """A challenge as ALTCHA's browser code takes it; None: there is none but the wait."""

    @property
    def leave(self) -> str:
        """To be brought after the wait."""

    @property
    def wait_seconds(self) -> int:
        """How long to wait, from now."""

    @property
    def others_first(self) -> int:
        """So many other proposals are to be voted on before."""

    @property
    def problem(self) -> str | None:
        """Why what was brought did not do."""


class Recorded(NamedTuple):
    """Where an act lies in the log of votes, and whether it came with a proof."""

    partition: int
    offset: int
    trusted: bool
    rules: int = FIRST_RULES
    """Those that are announced: the ledger decides it by them."""
    challenge: Challenge | None = None
    """What the door asks for, where it took the vote as suspect."""


class Aside(NamedTuple):
    """Why a visitor's votes are set aside."""

    rule: str
    """Name of the rule of the guard."""
    asked: bool
    """Whether a person was asked to look."""


class Voted(Protocol):
    """What a visitor's browser knows of a vote."""

    choice: str | None
    """None: withdrawn."""
    trusted: bool


class Visit(Protocol):
    """Somebody in the booth of one open consultation."""

    @property
    def known(self) -> bool:
        """Whether the browser came with a device of ours."""

    @property
    def secure(self) -> bool:
        """Whether cookies are for TLS only."""

    @property
    def tells_routes(self) -> bool:
        """Whether it is noted how proposals are reached: under the rules that count it."""

    @property
    def counts_as_drawn(self) -> bool:
        """Whether what was served last, and not asked for, counts as drawn."""

    def proof(self, proposal: str, route: str) -> str:
        """Prove that a proposal, first reached by a route, is shown to the visitor now."""

    async def serve(self, included: Sequence[str], voted: Mapping[str, "Voted"]) -> list[str]:
        """Choose the next proposals; `voted` names what needs no second look."""

    async def act(self, act: Act, key: str) -> Recorded:
        """Record an act under an Idempotency-Key."""

    async def describe(self, place: tuple[int, int], answers: Mapping[str, str | None]) -> None:
        """Record what somebody says about themselves, with the place of a vote of theirs."""

    async def noted(self, notes: Sequence[str]) -> list[tuple[Act, Recorded]]:
        """Read what the booth's script was told of its acts; what is none of ours is left out."""

    def aside(self) -> Aside | None:
        """Say by which rule of the guard this visitor's votes are set aside, if by one."""

    async def ask_review(self) -> None:
        """Ask a person to look, where they are set aside."""

    async def receipt(self, place: tuple[int, int]) -> bytes | None:
        """Return the receipt of an event of this voter, as JSON; None where none lies there."""

    def seal(self, content: bytes) -> bytes:
        """Sign what the browser keeps for us; nobody else can make it, for this device only."""

    def is_sealed(self, code: bytes, content: bytes) -> bool:
        """Whether `seal` gave this code, by the key of today or one before it."""

    def remember(self, response: Response) -> None:
        """Give the browser its device, where it has none, and what waits for its first act."""


class Desk(Protocol):
    """Takes votes; every method of it and of its visits may raise TurnedAway."""

    @property
    def now(self) -> int:
        """Milliseconds since 1970, for every gateway alike."""

    def described(self, consultation: str) -> Mapping[str, Any] | None:
        """Return the newest description of a consultation, open or not."""

    def proposals(self, consultation: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the proposals that can be voted on."""

    def accepted(self, consultation: str) -> Mapping[str, Mapping[str, Any]]:
        """Return those and the retired ones, in the order in which they were accepted.

        A text that is hidden is empty.
        """

    def partners(self, consultation: str) -> Mapping[int, Mapping[str, Any]]:
        """Return what the catalogue says of each partner, by number."""

    def asks_codes(self, consultation: str) -> bool:
        """Whether a consultation takes votes of those alone who were given a code."""

    def take_code(
        self, request: Request, consultation: str, text: str, response: Response, via: int = 0
    ) -> None:
        """Take what somebody typed from a card; an answer has the browser keep what stands for it.

        Without a text: have it forget what it keeps.
        """

    def enter(self, request: Request, consultation: str, via: int = 0) -> Visit:
        """Let a visitor into a consultation that is open, on the site of a partner, if on one."""
