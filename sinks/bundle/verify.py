"""Verify a bundle offline: layer by layer, and say of each published number how it was checked.

Theory of operation: the file, the signed manifest, the trees, the decisions, the numbers: each
layer rests on the one before it, and the first that does not hold ends the verification, with the
place. What a bundle cannot show is taken over from the published document and told as trusted.
Pure: given an open file, it reads no clock, no network and no other file.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from processors.results.results_document import Figures
from processors.results.routes import RULES
from schemas import codec
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from sinks.bundle import layout
from sinks.bundle.ballots import sum_rows
from sinks.bundle.causes import causes_claims, taken_over
from sinks.bundle.claims import Claim, claims
from sinks.bundle.closing import held_open, taken
from sinks.bundle.documents import published, published_again, rules_of, said_leaves
from sinks.bundle.enclosed import foreign
from sinks.bundle.faults import BundleFault, Different, Lacking, Unreadable, lowest
from sinks.bundle.folding import (
    announced_closing,
    folded,
    require_catalogue,
    require_own,
    unbound_records,
)
from sinks.bundle.following import Followed
from sinks.bundle.keys import Named, claims_of, require_named
from sinks.bundle.layout import (
    AUDITOR,
    CONSULTATIONS_MAX,
    PROPOSALS_MAX,
    Record,
    read_batches,
    read_records,
)
from sinks.bundle.logs import Leaves, Log, in_order
from sinks.bundle.manifest import Manifest, require_layout, require_whole
from sinks.bundle.numbers import require_equal
from sinks.bundle.packing import Bundle
from sinks.bundle.plausible import implausible
from sinks.bundle.replay import (
    SHARE_BYTES_MAX,
    SHARES_MAX,
    Crowded,
    Partition,
    Replayed,
    Values,
    most_shares_of,
    replay,
    shares_of,
)
from sinks.bundle.words import require_words
from sinks.recount.checks import EQUAL, EQUAL_BY_OWN_KEYS
from sinks.recount.recomputing import Document
from sinks.recount.summing import added, summed
from sinks.transparency.checkpoints import parse_checkpoint
from sinks.transparency.notes import Refused, Verifier, text_of


_TAKEN_OVER = ("participants", "participants_received", "suspended_voters",
               "controls_after_closing")
"""Totals that rows do not show."""

_NOT_OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError,
             TypeError, ValueError, struct.error)
"""What bytes of anybody's make can raise, where they nest too deep or numbers are too large."""

Say = Callable[[str], None]


@dataclass
class Verified:
    """What was found about a bundle; without a fault everything recomputed is equal."""

    manifest: Manifest | None = None
    fault: BundleFault | None = None
    claims: list[Claim] = field(default_factory=list)
    """Each published number, and how it was checked."""
    keys: Named = field(default_factory=Named)
    """The service's public keys, as the bundle names them."""
    witnesses: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Who has countersigned the last checkpoint of each log, of those that the keys given ask for,
    and when, in seconds since 1970."""
    records: int = 0
    differing_decisions: int = 0
    checkpoints_compared: int = 0
    """Of those given: a larger one than the bundle's tree cannot be compared here: a fault."""
    kept_keys: bool = False
    """Whether keys were given; else the signatures are by whoever made the bundle."""

    @property
    def verdict(self) -> str:
        if self.fault:
            return self.fault.status
        return EQUAL if self.kept_keys else EQUAL_BY_OWN_KEYS


@dataclass
class _Counted:
    """What the records of a bundle give."""

    figures: Figures
    decided: dict[str, int]
    closed_somewhere: bool
    faults: list[BundleFault] = field(default_factory=list)


def verify(
    file: BinaryIO, *, say: Say, policy: str | None = None, saved: Sequence[str] = (),
    share_bytes: int = SHARE_BYTES_MAX,
) -> Verified:
    """Verify a bundle against keys and checkpoints that were kept, if any are given.

    `share_bytes` is how much memory the votes of an auditor's bundle may take at once.
    """
    found = Verified(kept_keys=policy is not None)
    try:
        say("reading every byte")
        bundle = Bundle(file)
        found.manifest, logs = require_whole(bundle, policy)
        _Verification(bundle, found, logs, saved, say, share_bytes).run()
    except BundleFault as fault:
        found.fault = fault
    except MemoryError:
        found.fault = Lacking("this machine", "memory ran out before all was verified. Nothing is "
                              "said about the bundle: verify it on a machine with 1 GB to spare")
    except _NOT_OURS as error:
        # Whoever signs may sign anything: what no layer foresaw ends as unreadable, too.
        found.fault = Unreadable("the bundle", "it holds what no bundle of ours does "
                                 f"({type(error).__name__}: {error})")
    return found


class _Verification:
    """One verification of a bundle that is what was signed.

    The results document is read where it is needed, and not held while votes are decided.
    """

    def __init__(
        self, bundle: Bundle, found: Verified, logs: dict[str, Verifier], saved: Sequence[str],
        say: Say, share_bytes: int,
    ) -> None:
        assert found.manifest is not None
        self.bundle, self.found, self.manifest = bundle, found, found.manifest
        self.saved, self.say, self._logs, self._share_bytes = saved, say, logs, share_bytes
        self._require_all_logs()
        require_layout(bundle, self.manifest)
        self._require_comparable()
        self._said = _voters_and_votes(published(bundle, self.manifest, logs))
        self._withheld = 0
        """Rows that do not tell why their vote is set aside."""
        self.leaves: dict[str, int] = {}
        """Entries up to the result's offsets by consultation, over all votes logs."""

    def run(self) -> None:
        """Check trees, decisions and numbers."""
        self.say("catalogue: growing its tree, reading its records")
        require_catalogue(self.bundle, self.manifest, self._log(layout.CATALOGUE_LOG))
        self.found.keys = require_named(self.bundle, self.manifest)
        catalogue = folded(self.bundle, self.manifest)
        announced = announced_closing(catalogue, self.manifest.consultation)
        auditor = self.manifest.kind == AUDITOR
        counted = self._replayed() if auditor else self._summed()
        held_open = self._held_open(counted, announced) if auditor else ()
        if faults := [*counted.faults, *self._leaf_count_faults(), *held_open]:
            raise lowest(faults)
        self.say("computing every number anew")
        hidden = unbound_records(self.bundle, self.manifest, catalogue)
        document = published_again(self.bundle)
        ranked = require_equal(
            document, self.manifest, counted.figures, counted.decided, catalogue)
        words = require_words(
            self.manifest, document, catalogue, hidden, self.say, self._values)
        self._require_all_compared()
        self.found.claims = [*claims(
            self.manifest.kind, ranked=ranked, final=document["final"],
            by_route=rules_of(document) >= RULES, foreign=foreign(
                self.bundle, self.manifest.kind, self.manifest.consultation)),
            *words, *causes_claims(self._withheld), *claims_of(self.found.keys)]

    def _require_all_logs(self) -> None:
        """Raise unless the keys are those of as many votes logs as the bundle has."""
        place = f"/{self.manifest.topic_prefix}/votes/"
        keys = sum(place in origin for origin in self._logs)
        if keys != self.manifest.partitions:
            raise Lacking(layout.POLICY, f"it names {keys} logs of votes, the bundle is of "
                          f"{self.manifest.partitions}: a partition was left out, or added")

    def _require_comparable(self) -> None:
        """Raise where a checkpoint given is of a log the bundle has not: it would prove nothing."""
        for note in self.saved:
            try:
                origin = parse_checkpoint(text_of(note)).origin
            except Refused as error:
                raise Unreadable("a checkpoint you gave", str(error)) from error
            if origin not in self._logs:
                raise Lacking("a checkpoint you gave", f"it is of the log {origin!r}, the bundle "
                              "has none of this name: other logs are shown here than to you")

    def _require_all_compared(self) -> None:
        """Raise where a checkpoint given is beyond the trees of the bundle.

        They may have been cut: then what was given is the one thing that tells.
        """
        if beyond := len(self.saved) - self.found.checkpoints_compared:
            raise Lacking("a checkpoint you gave", f"{beyond} of {len(self.saved)} cannot be held "
                          "against this bundle: they are larger than its trees, so it cannot show "
                          "that it is of the same log. All else here holds. Get a newer bundle; "
                          "`scrutin audit log` compares them with the served log")

    def _log(self, folder: str) -> Log:
        place = f"/{self.manifest.topic_prefix}/{folder.removeprefix('logs/')}"
        keys = [key for origin, key in self._logs.items() if origin.endswith(place)]
        if len(keys) != 1:
            raise Lacking(layout.POLICY, f"it names {len(keys)} keys of the log …{place}")
        log = Log(self.bundle, folder, keys[0], self.saved)
        self.found.checkpoints_compared += log.compared
        if log.witnesses:
            self.found.witnesses[folder] = [(one.witness.label, one.at) for one in log.witnesses]
        return log

    def _records(self, name: str) -> Iterator[Record]:
        return read_records(name, self.bundle.pieces(name))

    # The auditor's bundle: every record

    def _replayed(self) -> _Counted:
        figures: list[Figures] = []
        counted = _Counted(Figures({}), {}, closed_somewhere=False)
        for number, last in enumerate(self.manifest.votes):
            log, part = self._log(layout.votes_log(number)), None
            self._require_size(log, last)
            voters, votes = self._said
            shares = shares_of(
                last + 1, min(last + 1, (last + 1) * voters // votes), self._share_bytes)
            while part is None:
                try:
                    part = self._partition(number, log, shares)
                except Crowded:
                    shares = min(SHARES_MAX, 2 * shares)
                    self.say(f"partition {number}: begun anew in {shares} shares of its voters, "
                             "to hold less in memory")
            self._add_leaves(log)
            self.found.records += last + 1
            self.found.differing_decisions += part.differing
            self.say(f"partition {number}: {last + 1:,} votes decided again")
            counted.closed_somewhere |= part.figures.closed
            counted.decided = added([counted.decided, part.decided])
            counted.faults += [part.fault] if part.fault else []
            figures = [summed([*figures, part.figures])]
            if len(figures[0].proposals) > PROPOSALS_MAX:
                raise Unreadable(layout.votes(number), "there are votes on more than "
                                 f"{PROPOSALS_MAX:,} proposals")
        counted.figures = figures[0]
        return counted

    def _add_leaves(self, log: Log) -> None:
        """Add the leaves of a votes log; raise where they name too many consultations."""
        self.leaves = added([self.leaves, log.counts])
        log.counts.clear()
        if len(self.leaves) > CONSULTATIONS_MAX:
            raise Unreadable(log.name, "the logs up to this one name more than "
                             f"{CONSULTATIONS_MAX:,} consultations")

    def _partition(self, number: int, log: Log, shares: int) -> Replayed:
        """Decide the votes of a partition again, and hold them against its log."""
        last, name, decided = (
            self.manifest.votes[number], layout.votes(number), layout.decisions(number))
        followed = Followed(name, Leaves(name, log.entries(last)))
        found = replay(
            Partition(number, self.manifest.partitions, self._values(name, last),
                      self._values(decided, last), name, decided),
            self.manifest.consultation, shares, followed, self._share_bytes,
            shares_max=most_shares_of(last + 1, self._share_bytes))
        followed.finish()
        return found

    def _values(self, name: str, last: int) -> Callable[[], Values]:
        return lambda: in_order(name, read_batches(name, self.bundle.pieces(name)), last)

    def _require_size(self, log: Log, last: int) -> None:
        if log.size <= last:
            raise Lacking(log.name, f"{log.size} entries are signed, the results count up to "
                          f"offset {last}")

    def _held_open(self, counted: _Counted, announced: int | None) -> Iterator[BundleFault]:
        """Read the times of all events where voting was closed anywhere."""
        if announced is None and not counted.closed_somewhere:
            return
        self.say("the times of all events, and of the closing")
        yield from held_open(
            [taken(number, self._values(layout.votes(number), last)(), self.manifest.consultation)
             for number, last in enumerate(self.manifest.votes)],
            announced)

    # The public bundle: rows, leaves, and what ended voting

    def _summed(self) -> _Counted:
        closed = endings = 0
        for number, last in enumerate(self.manifest.votes):
            log, name = self._log(layout.votes_log(number)), layout.votes(number)
            self._require_size(log, last)
            leaves = Leaves(name, log.entries(last))
            closes = False
            before = -1
            for offset, value in self._records(name):
                if not before < offset <= last:
                    raise BundleFault(f"{name}, offset {offset}", "it stands here a second time, "
                                      "or does not belong here")
                before = offset
                leaves.require(offset, value, self.manifest.consultation.encode())
                closes |= self._ends(name, offset, value)
                endings += 1
            leaves.finish()
            closed += closes
            self._add_leaves(log)
            self.found.records += last + 1
            self.say(f"partition {number}: {last + 1:,} entries counted")
        return self._of_rows(closed, endings)

    def _of_rows(self, closed: int, endings: int) -> _Counted:
        """Sum the rows, and take over what they do not show, if it can be true."""
        self.say("summing the rows")
        document, controls = published_again(self.bundle), said_leaves(self.bundle).suspensions
        rules = rules_of(document)
        rows = sum_rows(layout.BALLOTS, self.bundle.pieces(layout.BALLOTS), rules,
                        self.manifest.version)
        self._withheld = rows.withheld.total()
        totals = document["totals"]
        try:
            faults = [*implausible(document, rows, controls), *taken_over(document, rows)]
            participants, received, suspended, late_controls = (
                totals[name] for name in _TAKEN_OVER)
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(layout.RESULTS, f"not a results document: {error!r}") from error
        figures = Figures(
            proposals=dict(rows.proposals), rules=rules, routes=dict(rows.routes),
            participants=participants,
            participants_received=received, suspended=suspended,
            controls_after_closing=late_controls, closed=closed == len(self.manifest.votes))
        counted = _Counted(figures, totals["decided"], closed > 0)
        counted.faults += [*self._unaccounted(rows.events, endings, controls), *faults]
        return counted

    def _ends(self, name: str, offset: int, value: bytes | None) -> bool:
        """Whether a record closes the consultation; raise where it neither closes nor seals."""
        try:
            event, fields = codec.decode(value)
        except (Undecodable, UnknownSchema) as error:
            raise Unreadable(f"{name}, offset {offset}", str(error)) from error
        if event not in ("ConsultationClosed", "ConsultationSealed"):
            raise BundleFault(f"{name}, offset {offset}", f"{event} does not belong here")
        require_own(f"{name}, offset {offset}", fields, self.manifest.consultation)
        return event == "ConsultationClosed"

    def _unaccounted(self, events: int, endings: int, controls: int) -> Iterator[BundleFault]:
        """Hold the rows against the leaves: every record of the consultation is in one place."""
        logged = self.leaves.get(self.manifest.consultation, 0)
        if logged != events + endings + controls:
            yield Different(
                layout.BALLOTS, f"the log has {logged:,} records of this consultation, the rows "
                f"account for {events:,}, closing and sealing for {endings}, suspensions and "
                f"reinstatements for {controls}: {logged - events - endings - controls:,} records "
                "were left out of the count, or added to it")

    # Both

    def _leaf_count_faults(self) -> Iterator[BundleFault]:
        """Compare the counts of leaves in the bundle with those of the trees."""
        said = said_leaves(self.bundle).consultations
        if said != self.leaves:
            name = next(name for name in sorted({*said, *self.leaves})
                        if said.get(name) != self.leaves.get(name))
            yield Different(layout.LEAVES, f"of {name or 'no consultation'} {said.get(name, 0)} "
                            f"leaves are told, the trees have {self.leaves.get(name, 0)}")


def _voters_and_votes(document: Document) -> tuple[int, int]:
    """Return how many voters and votes a document says there are: a guess is made from it.

    Nothing was checked of what is published: where it is nonsense, each record has a voter.
    """
    totals = document.get("totals")
    said: Any = totals if isinstance(totals, dict) else {}
    voters, votes = said.get("participants_received"), said.get("received")
    if type(voters) is not int or type(votes) is not int or min(voters, votes) <= 0:
        return 1, 1
    return voters, votes
