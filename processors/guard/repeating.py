"""Is a recorded judgement what its cuts give? Judged again, and compared number by number. Pure.

Theory of operation: everything is judged again from the first record on, by the recorded cuts,
rules and instants, so the state is what it was. Where the networks of a judgement's whole day are
still there, each field must come out alike. Of older ones votes alone are folded, and what these
allow is compared (`votes_alone`); the rest is trusted. What is said of a difference is its place,
never a number that was made again: that could tell of a network.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from processors.guard import votes_alone
from processors.guard.day import DAY_MS
from processors.guard.findings import Finding
from processors.guard.inputs import Batch, Cut
from processors.guard.judgements import by_operators, cut_of, encoded, findings_of, rules_of
from processors.guard.judging import judge
from processors.guard.parameters import NAMES, Rules
from processors.guard.state import PatrolState
from schemas import codec
from schemas.words import CHOICES


OF_VOTES = ("number", "log_time", "votes_digest")
"""Fields of a judgement that follow from votes and catalogue alone, its cut given."""
OF_NETWORKS = ("left", "networks_digest")
"""Those that networks have a say in."""
OF_VOTERS = ("voters", "sample")
"""The same, but for voters of whom the door asked something: they have votes that do not count."""
NO_NETWORKS = -1


class Difference(NamedTuple):
    """Something of a judgement that is not what the log gives."""

    consultation: str | None
    """Whose finding it is about; None where it is about the whole judgement."""
    what: str


@dataclass(frozen=True)
class Repeated:
    """What came of one judgement."""

    number: int
    exact: bool
    """Whether networks were there, so that everything was compared; else votes alone were."""
    findings: tuple[Finding, ...]
    """As they are recorded."""
    differences: tuple[Difference, ...]


class Repeater:
    """Judges the judgements of a log again, one after another; `span` says what to read for it."""

    def __init__(self, partitions: int) -> None:
        self.state = PatrolState(partitions)
        self.rules = Rules()
        """As the catalogue has them."""
        self.cut = self.state.cut
        """Of the last judgement, as it is recorded."""
        self.number = 0
        self._day_in_part = -1
        """The last day of which networks were missing, or may have been."""
        self._had_networks, self._was_exact = True, True
        self._left = 0
        """Findings that the last record says were left for this one."""
        self._told = votes_alone.Told()

    def span(self, fields: dict[str, Any], *, networks: bool) -> tuple[Cut, Cut]:
        """Return the cuts between which to read, with the networks or without them."""
        after, until = self.cut, cut_of(fields)
        if not networks:
            after, until = (cut._replace(networks=NO_NETWORKS) for cut in (after, until))
        self.state.cut = after
        return after, until

    def repeat(
        self, fields: dict[str, Any], batch: Batch, written_at: int, *, networks: bool
    ) -> Repeated:
        """Judge the next judgement again and compare; raises Incomplete.

        `batch` is what lies in its span, `written_at` the timestamp of its record, and `networks`
        whether those of the batch are all there.
        """
        exact = self._is_exact(networks=networks)
        for event, described, value, _ in batch.catalogue:
            self.rules.follow(event, described, value)
        recorded, left_before = findings_of(fields), self._left
        if not exact or not self._was_exact:
            self.state.left.clear()  # Of days without networks, or with some: nobody's findings.
        if not exact:
            self._told.suspects.take(batch, self.state, fields)
        rules = rules_of(fields)
        again = judge(self.state, batch, rules if exact else votes_alone.rules_for(rules),
                      fields["judged_at"])
        found = [Difference(None, what) for what in (
            *_of_the_record(fields, written_at, self.rules),
            *_fields(fields, codec.decode(encoded(again))[1], exact=exact,
                     unproven=self._told.suspects.count))]
        if exact:
            found += _findings(recorded, again.findings)
        else:
            found += [Difference(*one) for one in self._told.compared(
                self.state, rules, fields, again, left_before=left_before)]
        self._go_on(fields, exact=exact, networks=networks)
        return Repeated(self.number, exact, recorded, tuple(found))

    def _is_exact(self, *, networks: bool) -> bool:
        """Whether the state, and what is read now, are those of whoever judged.

        Not in a day of which networks are missing, nor where findings were left over from it.
        """
        return networks and self._had_networks and (
            self.state.now // DAY_MS > self._day_in_part) and (
            self._was_exact or not self._left)

    def _go_on(self, fields: dict[str, Any], *, exact: bool, networks: bool) -> None:
        if not (networks and self._had_networks):
            self._day_in_part = self.state.now // DAY_MS
        self._had_networks, self._was_exact = networks, exact
        self._left, self.number, self.cut = fields["left"], fields["number"], cut_of(fields)


def _of_the_record(fields: dict[str, Any], written_at: int, in_force: Rules) -> Iterator[str]:
    """Compare what a judgement was told with where that is recorded, too."""
    if fields["judged_at"] != written_at:
        yield "judged_at is not when the record was written"
    if by_operators(rules_of(fields)) != by_operators(in_force):
        yield "rules are not those of the catalogue"


def _fields(
    recorded: dict[str, Any], made: dict[str, Any], *, exact: bool, unproven: int
) -> Iterator[str]:
    for name in OF_VOTES + (OF_NETWORKS if exact else ()):
        if recorded[name] != made[name]:
            yield f"{name} is another"
    for name in OF_VOTERS:
        if not 0 <= recorded[name] - made[name] <= (0 if exact else unproven):
            yield f"{name} is another"


def told(finding: Finding) -> str:
    """Name a finding for people: id, rule, item."""
    choice = CHOICES[finding.choice] if finding.choice >= 0 else ""
    rule = f"{NAMES.get(finding.rule, finding.rule)}/{finding.version}"
    return " ".join(filter(None, (
        finding.finding.hex(), rule, finding.consultation, finding.proposal, choice)))


def _findings(recorded: Sequence[Finding], made: Sequence[Finding]) -> Iterator[Difference]:
    """Compare the findings of a judgement: each by its id, then their order."""
    ours, theirs = _by_id(made), _by_id(recorded)
    for name in dict.fromkeys((*theirs, *ours)):
        some, others = theirs.get(name, []), ours.get(name, [])
        if len(some) != len(others):
            one = (some or others)[0]
            yield Difference(one.consultation, f"{told(one)}: " + (
                "is recorded, and is not found again" if len(some) > len(others)
                else "is found again, and is not recorded"))
        for one, other in zip(some, others, strict=False):
            yield from (Difference(one.consultation, f"{told(one)}: {what}")
                        for what in differing(one, other))
    if ours == theirs and list(recorded) != list(made):
        yield Difference(None, "findings stand in another order")


def _by_id(findings: Sequence[Finding]) -> dict[bytes, list[Finding]]:
    found: dict[bytes, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.finding, []).append(finding)
    return found


def differing(one: Finding, other: Finding) -> Iterator[str]:
    """Name what of a finding is another, numbers by their names."""
    for name in ("rule", "version", "mode", "consultation", "day", "proposal", "choice", "marks",
                 "voters"):
        if getattr(one, name) != getattr(other, name):
            yield f"{name} {'are others' if name.endswith('s') else 'is another'}"
    numbers, others = dict(one.numbers), dict(other.numbers)
    for name in sorted({*numbers, *others}):
        if numbers.get(name) != others.get(name):
            yield f"{name} is another"
    if numbers == others and one.numbers != other.numbers:
        yield "numbers stand in another order"
