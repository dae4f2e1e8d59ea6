"""Confirms and dismisses findings, and lets count again whom they set aside; each safe to repeat.

Theory of operation: an act is a record of the catalogue, signed by an operator's key where the log
has keys, and names the act before it on the same finding. It is written first. Where it holds, what
follows from it is written in batches: a control for each voter, with an id that follows from
finding and voter. Who runs the command again, or runs the same at once, writes what is missing.
Before each batch, and behind the last, it is read whether the act still holds: a confirmation that
others undo meanwhile stops, and who lets count looks again until nobody is set aside.
An act that moves more than one in a hundred of the consultation's votes holds when a second person
has written the same: see `schemas.finding_acts`. These commands ask for the second, not the ledger:
who holds an operator's key could set every voter aside one by one, in the open.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from producers import signing
from producers.errors import InvalidInput, Missing, Unreachable
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log, require_open, require_reason, write_catalogue
from producers.signing import CatalogueKey, Controls
from producers.writer import BulkWriter
from schemas.codec import ID_BYTES
from schemas.control_signatures import NOBODY
from schemas.corrections import FINDING_CONFIRMED, FINDING_DISMISSED
from schemas.finding_acts import REINSTATED as LET_COUNT
from schemas.finding_acts import WAITING, Act, Standing, needs_two, state_after
from schemas.findings import Finding
from schemas.registry import FIRST_RULES, seed
from schemas.topics import partition_of
from scrutin.acting.survey import REINSTATED, SUSPENDED, About, Supposed, Survey, control, surveyed
from scrutin.patrol.recorded_findings import Recorded, recorded_findings


ACT_TRIES = 4
"""So often an act is written behind one that another person wrote at the same time."""
BATCH_VOTERS = 1_000
"""So many controls are written before the next ones are made."""
REINSTATING_ROUNDS = 4
"""So often a reinstatement is written: a batch of a confirmation may come late."""
SECOND_CHARACTERS_MOST = 100

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for."""

    event: str
    """FindingConfirmed or FindingDismissed."""
    reason: str
    lets_count: bool = False
    """Of a dismissal: whether figures may change by it."""
    marked_only: bool = False
    second: str | None = None


@dataclass(frozen=True)
class Done:
    """What came of it; `written` tells whether this run wrote the act."""

    standing: Standing
    written: bool
    voters: int
    """Whom the act covers."""
    votes: int
    of: int
    controls: int = 0
    """Suspensions or reinstatements that this run wrote."""
    immune: int = 0
    """Voters whom it covers, and a person let count for good, or the rules take no more for."""


@dataclass(frozen=True)
class Case:
    """A finding, and everything that is known of it at one moment."""

    found: Recorded
    known: KnownCatalogue
    survey: Survey
    about: About
    standing: Standing

    @property
    def id(self) -> str:
        """The finding's id, as people write it."""
        return self.about.pair.finding.hex()


async def case(
    log: Log, finding: bytes, *, supposed: str | None = None, marked_only: bool = False,
) -> Case:
    """Read what is known of a finding; raise Missing where there is none of this id.

    `supposed` is the event, VoterSuspended or VoterReinstated, that is supposed to be written of
    all whom it names, or of those alone who bear a mark.
    """
    found = await find(log, finding)
    about = About(found.first.consultation, Finding(found.first.rule, finding),
                  frozenset(found.members))
    whom = frozenset(found.covered(found.judgement, marked_only=marked_only))
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
        known.require_consultation(about.consultation)
        survey = await surveyed(
            log, reader, known, about, Supposed(supposed, whom) if supposed else None)
    return Case(found, known, survey, about, known.acts.standing(about.consultation, finding))


async def find(log: Log, finding: bytes) -> Recorded:
    """Return a finding as the judgements have it; raise Missing."""
    for found in await recorded_findings(log.address, log.topics):
        if found.first.finding == finding:
            return found
    raise Missing(f"the patrol has no finding {finding.hex()}: `scrutin guard findings` lists "
                  "those there are.")


async def act(log: Log, finding: bytes, wanted: Wanted, *, now: int, say: Say) -> Done:
    """Write an act on a finding unless it is there, and what follows from it if it holds.

    Raises InvalidInput where it cannot be: no key, no second person, rules 1, a sealed
    consultation, or one that is closed and not meant to change; Missing for an unknown finding.
    """
    completed = 0
    for _ in range(ACT_TRIES):
        each, signer, controls = await _completed(log, finding, wanted, now=now, say=say)
        completed += controls
        covered, needed = _covered(each, wanted), _is_needed(each, wanted, signer)
        if not needed:
            return _with(completed, await _carry_out(
                log, each, wanted, covered, signer, now=now, say=say))
        await write_catalogue(log, [_encoded(each, wanted, covered, signer, now=now)], now)
        after = await _standing(log, each.about)
        if _names(after, wanted, signer):
            each = replace(each, standing=after)
            return _with(completed, await _carry_out(
                log, each, wanted, covered, signer, now=now, say=say, written=True))
    raise Unreachable(f"others acted on finding {finding.hex()} at the same time, {ACT_TRIES} "
                      "times: look at it with `scrutin guard finding`, and repeat the command.")


async def _completed(
    log: Log, finding: bytes, wanted: Wanted, *, now: int, say: Say
) -> tuple[Case, CatalogueKey | None, int]:
    """Read a finding, who signs, and how many controls were written of a confirmation in force.

    A confirmation that was killed is carried out up to its own judgement before another is written:
    with those named since it may need a second person, and what holds waits for nobody.
    """
    each = await case(log, finding)
    _require_possible(log, each, wanted)
    signer = signing.operators_key(each.known, log.own_keys)
    act, owed = each.standing.in_force, _owed(each)
    if act is None or wanted.event != FINDING_CONFIRMED or not owed:
        return each, signer, 0
    say(f"completing what is confirmed up to judgement {act.judgement}")
    controls = await _write(log, each, act.reason, SUSPENDED, owed, signer, now=now, say=say)
    return await case(log, finding), signer, controls


def _owed(each: Case) -> set[bytes]:
    """Return whom the confirmation in force covers, and no suspension has set aside yet."""
    act = each.standing.in_force
    if act is None or act.event != FINDING_CONFIRMED:
        return set()
    return each.survey.to_set_aside(
        each.found.covered(act.judgement, marked_only=act.marked_only))


def _with(completed: int, done: Done) -> Done:
    return replace(done, controls=done.controls + completed)


async def _standing(log: Log, about: About) -> Standing:
    async with LogReader(log.address) as reader:
        acts = (await read_catalogue(reader, log.topics)).acts
    return acts.standing(about.consultation, about.pair.finding)


def _require_possible(log: Log, each: Case, wanted: Wanted) -> None:
    """Raise InvalidInput, or ChangesFinal, where an act cannot be."""
    name, finding = each.about.consultation, each.id
    before = state_after(each.standing.in_force)  # Whatever waits.
    if FIRST_RULES in (each.survey.rules, each.known.rules):
        raise InvalidInput(
            "this log has rules 1, under which no suspension can name a finding: adopt rules 2 "
            "with `scrutin rules adopt`. Nothing was written.")
    changes_figures = wanted.event == FINDING_CONFIRMED or wanted.lets_count
    if changes_figures and (each.survey.sealed or each.known.find("ConsultationSealed", name)):
        raise InvalidInput(
            f"consultation {name!r} is sealed: it is not known any more whose votes are whose, so "
            "none can be set aside or counted again. Its figures stay. Nothing was written.")
    if changes_figures:
        require_open(log, each.known, name)
    if wanted.event == FINDING_CONFIRMED:
        if before == LET_COUNT and not each.survey.to_set_aside(_covered(each, wanted)):
            raise InvalidInput(
                f"those whom finding {finding} named were reinstated, and what is cleared stays "
                "so: nobody of them can be set aside by it again. A single voter can: `scrutin "
                "suspend`. Nothing was written.")
    elif not wanted.lets_count and each.survey.set_aside():
        raise InvalidInput(
            f"{len(each.survey.set_aside())} voters are set aside by finding {finding}. To let "
            f"them count again: `scrutin guard reinstate --finding {finding} --reason …`. Nothing "
            "was written.")
    elif wanted.lets_count and not each.survey.set_aside() and before != LET_COUNT:
        raise InvalidInput(
            f"nobody is set aside by finding {finding}. To say that it is none of machines: "
            f"`scrutin guard dismiss {finding} --reason …`. Nothing was written.")


def _awaited(each: Case, wanted: Wanted) -> Act | None:
    """Return the act that waits for a second person, if it is of the kind that is wanted."""
    act = each.standing.waiting
    return act if act and act.event == wanted.event else None


def _covered(each: Case, wanted: Wanted) -> set[bytes]:
    """Return whom an act covers."""
    if wanted.event == FINDING_DISMISSED:
        return each.survey.set_aside()
    judgement, marked_only = _extent(each, wanted)
    return each.found.covered(judgement, marked_only=marked_only)


def _extent(each: Case, wanted: Wanted) -> tuple[int, bool]:
    """Return up to which judgement an act goes, and whether for those alone who bear a mark.

    Who is the second says the same as the first, whoever was named meanwhile.
    """
    first = _awaited(each, wanted)
    if first is not None:
        return first.judgement, first.marked_only
    return each.found.judgement, wanted.marked_only


def _is_needed(each: Case, wanted: Wanted, signer: CatalogueKey | None) -> bool:
    """Whether an act is not there yet."""
    first = _awaited(each, wanted)
    if first is not None:
        return first.by != _by(signer) or (signer is None and bool(wanted.second))
    if each.standing.waiting is not None:
        return True
    act = each.standing.in_force
    if act is None or act.event != wanted.event:
        return True
    if wanted.event == FINDING_DISMISSED:
        return not act.voters and bool(each.survey.set_aside())
    return (act.judgement, act.marked_only) != (each.found.judgement, wanted.marked_only)


def _by(signer: CatalogueKey | None) -> bytes:
    return signer.id if signer else NOBODY


def _names(found: Standing, wanted: Wanted, signer: CatalogueKey | None) -> bool:
    """Whether the last act on a finding is the one that was just written."""
    act = found.waiting or found.in_force
    return act is not None and (act.event, act.by) == (wanted.event, _by(signer))


def _encoded(
    each: Case, wanted: Wanted, covered: Collection[bytes], signer: CatalogueKey | None, *,
    now: int,
) -> bytes:
    """Encode an act; raise InvalidInput where it lacks a second person or its reason is none."""
    votes, of = each.survey.moved_by(covered), each.survey.of
    _require_second(each, wanted, signer, votes, of)
    judgement, marked_only = _extent(each, wanted)
    finding = each.found.first
    follows = each.known.acts.newest(finding.consultation, finding.finding)
    of_confirmation = {"marked_only": marked_only} if wanted.event == FINDING_CONFIRMED else {}
    event_id = hashlib.sha256(
        seed(wanted.event) + finding.finding + follows + _by(signer) + repr((
            judgement, marked_only, wanted.second)).encode()).digest()[:ID_BYTES]
    return require_reason(lambda form: signing.correction(
        signer, wanted.event, event_id=event_id, consultation=finding.consultation,
        finding=finding.finding, rule=finding.rule, version=finding.version, judgement=judgement,
        **of_confirmation, voters=len(covered), votes=votes, of=of, second=wanted.second,
        follows=follows, reason=form, salt=secrets.token_bytes(ID_BYTES), origin="operator",
        occurred_at=now), wanted.reason)


def _require_second(
    each: Case, wanted: Wanted, signer: CatalogueKey | None, votes: int, of: int
) -> None:
    """Raise InvalidInput where a second person is named who need not be, or is not."""
    if signer is not None and wanted.second:
        raise InvalidInput("this log has keys, so a second person signs with their own: leave "
                           "--second out. No act was written.")
    if wanted.second and len(wanted.second) > SECOND_CHARACTERS_MOST:
        raise InvalidInput(f"--second: a name has at most {SECOND_CHARACTERS_MOST} characters.")
    before = each.known.acts.alone(each.about.consultation, NOBODY, each.about.pair.finding)
    if signer is None and needs_two(votes, of, before) and not wanted.second:
        raise InvalidInput(
            f"finding {each.id}: {votes} of {of} votes would move, {before} were by others before: "
            "more than one in a hundred, so two people must want it. This log has no keys: nobody "
            "can tell who writes. Name the second with --second NAME: the log says that you named "
            "them, not that they agreed. Or adopt keys: `scrutin keys adopt`. No act was written.")


async def _carry_out(  # noqa: PLR0913 -- an act in all its parts
    log: Log, each: Case, wanted: Wanted, covered: set[bytes], signer: CatalogueKey | None, *,
    now: int, say: Say, written: bool = False,
) -> Done:
    """Write the controls that an act asks for and that are not there, if it holds."""
    survey = each.survey
    made = Done(each.standing, written, len(covered), survey.moved_by(covered), survey.of)
    if each.standing.state == WAITING:
        return made
    if wanted.event == FINDING_CONFIRMED:
        event, whom = SUSPENDED, survey.to_set_aside(covered)
        count = await _write(log, each, wanted.reason, event, whom, signer, now=now, say=say)
    else:
        event = REINSTATED
        count = await _let_count(log, each, wanted.reason, covered, signer, now=now, say=say)
    left = sum(not survey.voters[voter].can_be_set_aside and not survey.voters[voter].stands
               for voter in covered)
    return Done(made.standing, written, made.voters, made.votes, made.of, count,
                left if event == SUSPENDED else 0)


async def _let_count(
    log: Log, each: Case, reason: str, whom: set[bytes], signer: CatalogueKey | None, *, now: int,
    say: Say,
) -> int:
    """Reinstate until nobody is set aside; return how many controls that took."""
    finding, written = each.found.first.finding, 0
    for _ in range(REINSTATING_ROUNDS):
        if not whom:
            return written
        written += await _write(log, each, reason, REINSTATED, whom, signer, now=now, say=say)
        each = await case(log, finding)
        whom = each.survey.set_aside()
    if whom:
        raise Unreachable(f"{len(whom)} voters are set aside by finding {each.id} again, after "
                          f"{REINSTATING_ROUNDS} rounds: somebody goes on writing suspensions by "
                          "it. Repeat the command.")
    return written


async def _write(  # noqa: PLR0913 -- controls in all their parts
    log: Log, each: Case, reason: str, event: str, whom: Collection[bytes],
    signer: CatalogueKey | None, *, now: int, say: Say,
) -> int:
    """Write controls, signed by whoever acts, in batches; return how many.

    Raises Unreachable once their act is not in force any more, behind the last of them, too: who
    undid it looks for those set aside after that, and finds whatever was written before.
    """
    if not whom:
        return 0
    # Who acts signs: not the guard's key, though it may lie here, too.
    own = [key for key in log.own_keys if signer is not None and key.id == signer.id]
    async with LogReader(log.address) as reader:
        controls = await signing.controls(
            reader, log.topics, each.known, own, {partition_of(
                voter, log.topics.partitions) for voter in whom})
    controls.require_signers(event)
    written = 0
    async with BulkWriter(log.address) as writer:
        ordered = sorted(whom)
        for begin in range(0, len(ordered), BATCH_VOTERS):
            await _require_in_force(log, each, event, f"{written} of {len(whom)}")
            for voter in (batch := ordered[begin:begin + BATCH_VOTERS]):
                partition = partition_of(voter, log.topics.partitions)
                writer.add(log.topics.votes, partition, now, _signed(
                    controls, partition, event, each, voter, reason, now))
            await writer.flush()
            written += len(batch)
            say(f"{written} of {len(whom)} voters")
    await _require_in_force(log, each, event, f"{written} of {len(whom)}")
    return written


async def _require_in_force(log: Log, each: Case, event: str, written: str) -> None:
    """Raise Unreachable where others undid meanwhile what controls are written of."""
    now = await _standing(log, each.about)
    act = FINDING_CONFIRMED if event == SUSPENDED else FINDING_DISMISSED
    if now.in_force is None or now.in_force.event != act:
        done = "set aside" if event == SUSPENDED else "let count"
        raise Unreachable(
            f"others acted on finding {each.id} meanwhile, and it is {now.state} now: stopped "
            f"after {written} voters were {done} by this run. `scrutin guard finding {each.id}` "
            f"shows it; `scrutin guard reinstate --finding {each.id} --reason …` lets count who "
            "is set aside still.")


def _signed(
    controls: Controls, partition: int, event: str, each: Case, voter: bytes, reason: str, now: int
) -> bytes:
    return require_reason(lambda form: controls.encoded(event, partition, **control(
        event, each.about, voter, reason=form, salt=secrets.token_bytes(ID_BYTES), now=now)),
        reason)
