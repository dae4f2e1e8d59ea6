"""What a gateway remembers of voters: a convenience, bounded, gone at a restart.

Nothing that counts depends on it: the ledger decides each event id once and knows every vote. It
serves to refuse a key used twice, or a qualification of another choice, while the voter can still
be told, and to leave out of a sequence what was voted on.
"""

from collections import OrderedDict

from schemas.words import CHOICES


KEYS_REMEMBERED = 200_000
"""Idempotency-Keys whose content is remembered: twenty seconds of the greatest load, hours of a
usual one; some 50 MB."""
VOTERS_REMEMBERED = 50_000
"""Voters whose choices are remembered; the one who acted longest ago is forgotten first."""
CHOICES_REMEMBERED = 1_000
"""Choices remembered of one voter: nobody votes on more in one sitting."""

Held = tuple[str | None, bool]
"""A choice, and whether it came with a proof."""
_NOTHING: Held = (None, False)
_HELD: dict[Held, Held] = {
    held: held for choice in (None, *CHOICES) for held in ((choice, False), (choice, True))}
"""One object for each: there are a million votes to remember."""


class Memory:
    """Contents of keys and choices of voters."""

    def __init__(self, *, keys: int = KEYS_REMEMBERED, voters: int = VOTERS_REMEMBERED) -> None:
        self._keys_most = keys
        self._voters_most = voters
        # A plain dict looks for its first key past all that were deleted before it: each time more.
        self._contents: OrderedDict[bytes, bytes] = OrderedDict()
        self._choices: OrderedDict[bytes, dict[str, Held]] = OrderedDict()

    def same_content(self, event_id: bytes, content: bytes) -> bool:
        """Whether a key comes with the content it came with first, or for the first time."""
        held = self._contents.setdefault(event_id, content)
        if len(self._contents) > self._keys_most:
            self._contents.popitem(last=False)
        return held == content

    def holds_content(self, event_id: bytes) -> bool:
        """Whether the content of a key is remembered."""
        return event_id in self._contents

    def forget_content(self, event_id: bytes) -> None:
        """Forget what a key came with."""
        self._contents.pop(event_id, None)

    def choose(
        self, voter: bytes, proposal: str, choice: str | None, *, trusted: bool
    ) -> None:
        """Remember a choice, None where it was withdrawn, as the ledger takes it.

        Without a proof it takes nothing from a vote that has one (`processors.rules`).
        """
        choices = self._choices.get(voter)
        if choices is None:
            choices = self._choices[voter] = {}
            if len(self._choices) > self._voters_most:
                self._choices.popitem(last=False)
        else:
            self._choices.move_to_end(voter)
        held = choices.get(proposal)
        if held is None:
            if len(choices) < CHOICES_REMEMBERED:
                choices[proposal] = _HELD[choice, trusted]
        elif trusted or not held[1] or held[0] is None:
            choices[proposal] = _HELD[choice, trusted]

    def choice(self, voter: bytes, proposal: str) -> str | None:
        """Give a voter's choice, if it is remembered."""
        return self._choices.get(voter, {}).get(proposal, _NOTHING)[0]

    def withdrew(self, voter: bytes, proposal: str) -> bool:
        """Whether it is remembered that the voter's vote was withdrawn, and not cast since."""
        choices = self._choices.get(voter, {})
        return proposal in choices and choices[proposal][0] is None

    def history(self, voter: bytes) -> list[str]:
        """List the proposals a voter acted on, as far as remembered, sorted."""
        return sorted(self._choices.get(voter, ()))
