"""How many of which witnesses must have countersigned a checkpoint (C2SP tlog-policy). Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sinks.transparency.checkpoints import parse_checkpoint
from sinks.transparency.cosignatures import Cosignature, Witness, cosignatures, parse_witness
from sinks.transparency.notes import Refused, text_of


WITNESSES_MAX = 32
"""Of a policy, and as many groups: the format asks for 32 of each."""
NONE = "none"
"""The quorum that asks for nobody."""
_LEAST = re.compile(r"[1-9]\d?", re.ASCII)


class Unwitnessed(Refused):
    """Too few witnesses have countersigned a checkpoint; the message names who is missing."""


class Group(NamedTuple):
    """So many of its members must have countersigned: witnesses, or groups before it."""

    label: str
    least: int
    members: tuple[str, ...]


class Quorum(NamedTuple):
    """Whose cosignatures are enough."""

    label: str
    """Of a witness, or of a group."""
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...] = ()

    def is_met(self, labels: Iterable[str]) -> bool:
        """Whether cosignatures of these witnesses are enough."""
        seen = set(labels)
        for group in self.groups:
            if len(seen & {*group.members}) >= group.least:
                seen.add(group.label)
        return self.label in seen

    def require(self, note: str) -> list[Cosignature]:
        """Return the cosignatures of a checkpoint; raise Unwitnessed where they are too few.

        One that does not fit is Refused: somebody changed it, or the checkpoint.
        """
        found = cosignatures(note, self.witnesses)
        have = {one.witness.label for one in found}
        if not self.is_met(have):
            checkpoint = parse_checkpoint(text_of(note))
            missing = [each for each in self.witnesses if each.label not in have]
            raise Unwitnessed(
                f"the checkpoint of {checkpoint.origin} of size {checkpoint.size} is not witnessed "
                f"as the policy asks ({self.said()}): no cosignature of "
                + ", ".join(f"{each.label} ({each.name})" for each in missing))
        return found

    def seen_at(self, found: Iterable[Cosignature]) -> int:
        """Return since when enough witnesses have seen a checkpoint, by their clocks.

        One of them whose clock is wrong, or who lies, moves it no further than another one's time.
        `found` is what `require` returned.
        """
        labels: set[str] = set()
        for one in sorted(found, key=lambda one: one.at, reverse=True):
            labels.add(one.witness.label)
            if self.is_met(labels):
                return one.at
        raise AssertionError("they are enough")

    def said(self) -> str:
        """Say in words whose cosignatures are enough: `2 of (a, b, c)`."""
        groups = {group.label: group for group in self.groups}

        def say(label: str) -> str:
            group = groups.get(label)
            return label if group is None else (
                f"{group.least} of ({', '.join(map(say, group.members))})")

        return say(self.label)

    def text(self) -> str:
        """Write the lines of a policy that ask for it."""
        return "".join(
            [f"witness {each.label} {each.vkey} {each.url}".rstrip() + "\n"
             for each in self.witnesses]
            + [f"group {each.label} {each.least} {' '.join(each.members)}\n"
               for each in self.groups]
            + [f"quorum {self.label}\n"])


def parse_quorum(lines: Iterable[Sequence[str]]) -> Quorum | None:
    """Read the lines of a policy about witnesses, each as its words; None for `quorum none`.

    Raises Refused: also where a line names what no line before it defines.
    """
    found = _Reading()
    for words in lines:
        found.take(words)
    if found.quorum is None:
        raise Refused("the policy has no line `quorum`: whose cosignatures are enough?")
    if found.quorum == NONE:
        return None
    return Quorum(found.quorum, tuple(found.witnesses), tuple(found.groups))


class _Reading:
    """The lines of a policy read so far."""

    def __init__(self) -> None:
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._free: set[str] = set()
        """Labels that are no group's members yet."""
        self._defined = {NONE}

    def take(self, words: Sequence[str]) -> None:
        kind, rest = words[0], words[1:]
        if kind == "witness" and len(rest) in {2, 3}:
            self._witness(*rest)
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1 and self.quorum is None:
            if rest[0] not in self._defined:
                raise Refused(f"the policy asks for the quorum {rest[0]!r}, which no line before "
                              "defines")
            self.quorum = rest[0]
        else:
            raise Refused(f"the policy has a line that is none: {' '.join(words)[:80]!r}")

    def _witness(self, label: str, vkey: str, url: str = "") -> None:
        witness = parse_witness(label, vkey, url)
        if any(witness.public == each.public for each in self.witnesses):
            raise Refused("the policy names a witness's key twice")
        self._define(label, len(self.witnesses))
        self.witnesses.append(witness)

    def _group(self, label: str, least: str, members: Sequence[str]) -> None:
        taken = {*members}
        if len(taken) != len(members) or not taken <= self._free:
            raise Refused(f"the group {label!r} of the policy has a member that no line before "
                          "defines, or that is a member already")
        number = {"any": 1, "all": len(members)}.get(least) or (
            int(least) if _LEAST.fullmatch(least) else 0)
        if not 0 < number <= len(members):
            raise Refused(f"the group {label!r} of the policy asks for {least!r} of "
                          f"{len(members)} members")
        self._define(label, len(self.groups))
        self._free -= taken
        self.groups.append(Group(label, number, tuple(members)))

    def _define(self, label: str, number: int) -> None:
        if label in self._defined:
            raise Refused(f"the policy defines {label!r} twice")
        if number >= WITNESSES_MAX:
            raise Refused(f"the policy has more than {WITNESSES_MAX} witnesses or groups")
        self._defined.add(label)
        self._free.add(label)
