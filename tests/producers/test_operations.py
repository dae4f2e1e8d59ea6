"""What operators write, on a real log: each once, whoever repeats it and wherever it was killed."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from processors.results.catalogue import Catalogue
from producers import closing, endorsing, operations, signing
from producers.consultation_file import ConsultationFile, load
from producers.correcting import Wanted, correct, restore, retire
from producers.errors import ChangesFinal, InvalidInput, Missing, ProducingError
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.polis import read_export, vote_events
from producers.polis_import import import_export
from producers.signing import own_key
from producers.suspending import Suspended, reinstate, suspend
from producers.writer import BulkWriter
from schemas import codec
from schemas.control_roles import public_key
from schemas.findings import FINDINGS_A_CAUSE_MOST
from schemas.genesis import FIRST_GENESIS, Genesis
from schemas.registry import versions
from schemas.topics import partition_of
from tests.producers.kafka_log import end_offsets, provisioned, read_all


NOW = 1_650_000_000_000
VOTER = "000000010000000000000000000000aa"
DESCRIPTION: dict[str, Any] = {
    "id": "jeunes", "question": {"fr": "Comment ?"}, "opens_at": "2022-03-22T00:00:00+01:00",
    "closes_at": "2099-01-01T00:00:00+01:00", "languages": ["fr"],
    "themes": [{"id": "t1", "title": {"fr": "Emploi"}}],
    "ideas": [{"id": "i1", "title": {"fr": "Stages"}, "theme": "t1"}],
    "proposals": [{"id": "p1", "text": {"fr": "Il faut des stages"}, "idea": "i1"},
                  {"id": "p2", "text": {"fr": "Il faut du temps"}}],
}


OWN = own_key(bytes(range(32)))
LOGS = {"rules 1": FIRST_GENESIS, "rules 2": Genesis(),
        "signed": Genesis(keys=(public_key("operator", OWN.public),))}


@pytest.fixture(params=LOGS)
async def log(broker: services.Broker, topic_prefix: str, request: pytest.FixtureRequest) -> Log:
    """Name a log with the consultation described, under each kind of rules."""
    topics = await provisioned(broker.address, topic_prefix, genesis=LOGS[request.param])
    found = Log(broker.address, topics, own_keys=(OWN,))
    await operations.apply(found, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    return found


async def suspended(log: Log, event: str = "VoterSuspended") -> Suspended:
    """Suspend or reinstate the voter of these tests."""
    act = suspend if event == "VoterSuspended" else reinstate
    return await act(log, VOTER, "a reason", consultation=None, now=NOW)


async def reworded(log: Log, event: str, name: str, wanted: Wanted) -> Any:
    """Correct something of the consultation of these tests."""
    return await correct(log, event, name, wanted, "a reason", consultation=None, now=NOW)


CORRECTIONS: dict[str, Callable[[Log], Awaitable[Any]]] = {
    "correct": lambda log: reworded(log, "ProposalAccepted", "p1", Wanted(("fr=Autrement",))),
    "correct the title": lambda log: reworded(
        log, "IdeaDescribed", "i1", Wanted(("fr=Apprentissage", "en=Training"))),
    "correct the dates": lambda log: reworded(log, "ConsultationDescribed", "", Wanted(
        closes_at="2098-01-01T00:00:00+01:00", time_zone="UTC")),
    "retire": lambda log: retire(log, "p1", "why", text_hidden=True, consultation=None, now=NOW),
}


OPERATIONS: dict[str, Callable[[Log], Awaitable[Any]]] = {
    "apply": lambda log: operations.apply(
        log, ConsultationFile.model_validate(DESCRIPTION), now=NOW + 5),
    "group": lambda log: operations.group(log, "p2", "i1", consultation=None, now=NOW),
    "suspend": suspended,
    "close": lambda log: operations.close(log, "jeunes", now=NOW, salt=bytes(16)),
    "correct": CORRECTIONS["correct"], "retire": CORRECTIONS["retire"],
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_repeated_writes_nothing(log: Log, name: str) -> None:
    """The first run says it; the second finds it said and moves no end offset."""
    await OPERATIONS[name](log)
    ends = await end_offsets(log.address, log.topics)
    await OPERATIONS[name](log)

    assert await end_offsets(log.address, log.topics) == ends


async def test_a_reinstatement_undoes_a_suspension_and_both_may_come_again(log: Log) -> None:
    """Each is an event of its own: three are in the log, under three ids."""
    before = await end_offsets(log.address, log.topics)
    for event in ("VoterSuspended", "VoterReinstated", "VoterSuspended"):
        assert (await suspended(log, event)).written
    records = [record for partition in await read_all(log.address, log.topics.votes, 3)
               for record in partition[1:]]

    assert sum((await end_offsets(log.address, log.topics)).values()) == sum(before.values()) + 3
    assert len({codec.decode(record.value)[1]["event_id"] for record in records}) == 3


@pytest.mark.parametrize("written_to", [0, 1, 2, 3])
async def test_a_closing_killed_anywhere_is_finished_by_the_next(log: Log, written_to: int) -> None:
    """Announced, and in some partitions only: the same control goes to the others, once."""
    announced = closing.closing_fields(
        "jeunes", closes_at=NOW, occurred_at=NOW, salt=bytes(16), origin="operator")
    async with LogReader(log.address) as reader:
        controls = await signing.controls(
            reader, log.topics, await read_catalogue(reader, log.topics), log.own_keys)
    async with BulkWriter(log.address) as writer:
        await closing.announce(writer, log.topics, announced, endorsing.FREE)
        for partition in range(written_to):
            await writer.write(log.topics.votes, partition, NOW, controls.encoded(
                "ConsultationClosed", partition, **announced))
    closed = await operations.close(log, "jeunes", now=NOW + 60_000, salt=b"another salt ...")
    found = await read_all(log.address, log.topics.votes, log.topics.partitions)

    assert closed.written
    assert closed.offsets == [1, 1, 1]
    assert [[record.value for record in records[1:]] for records in found] == [
        [controls.encoded("ConsultationClosed", partition, **announced)] for partition in range(3)]
    assert [len(records) for records in found] == [2, 2, 2]


CHANGES: dict[str, Callable[[Log], Awaitable[Any]]] = {
    "apply": lambda log: operations.apply(log, ConsultationFile.model_validate({
        **DESCRIPTION, "proposals": [{**DESCRIPTION["proposals"][1], "idea": "i1"}]}), now=NOW),
    "group": OPERATIONS["group"], "suspend": suspended,
    "correct": CORRECTIONS["correct"], "retire": CORRECTIONS["retire"],
}


@pytest.mark.parametrize("name", CHANGES)
async def test_figures_of_a_closed_consultation_change_only_where_it_is_said(
    log: Log, name: str
) -> None:
    """Refused in a sentence, with nothing written; done where the operator asks for it."""
    await operations.close(log, "jeunes", now=NOW, salt=bytes(16))
    ends = await end_offsets(log.address, log.topics)
    with pytest.raises(ChangesFinal, match="--after-closing"):
        await CHANGES[name](log)
    assert await end_offsets(log.address, log.topics) == ends

    await CHANGES[name](replace(log, after_closing=True))
    after = await end_offsets(log.address, log.topics)
    assert sum(after.values()) == sum(ends.values()) + 1


def described(**changes: Any) -> ConsultationFile:
    """Describe the consultation otherwise."""
    return ConsultationFile.model_validate({**DESCRIPTION, **changes})


VOTED = {
    "proposal 'p1': text.fr": described(proposals=[{"id": "p1", "text": {"fr": "Autrement"}}]),
    "idea 'i1': title.fr": described(ideas=[{**DESCRIPTION["ideas"][0], "title": {"fr": "A"}}]),
    "theme 't1': title.fr": described(themes=[{"id": "t1", "title": {"fr": "A"}}]),
    "the consultation: question.fr": described(question={"fr": "Quoi ?"}),
    "the consultation: closes_at": described(closes_at="2098-01-01T00:00:00+01:00"),
    "the consultation: time_zone": described(time_zone="UTC"),
}


async def test_a_file_changes_no_words_and_no_dates_that_were_voted_on(log: Log) -> None:
    """Refused by name, nothing written; what nobody voted on, and all else, it changes."""
    value = codec.encode(
        "VoteCast", event_id=bytes(16), voter=bytes.fromhex(VOTER), consultation="jeunes",
        proposal="p1", choice="agree", trust="suspect", salt=bytes(16), origin="web",
        occurred_at=NOW)
    async with BulkWriter(log.address) as writer:
        writer.add(log.topics.votes, 1, NOW, value)
    ends = await end_offsets(log.address, log.topics)
    for named, file in VOTED.items():
        with pytest.raises(InvalidInput, match="people have voted") as refused:
            await operations.apply(log, file, now=NOW)
        assert named in str(refused.value)
    assert await end_offsets(log.address, log.topics) == ends

    written = await operations.apply(log, described(
        hashtag="#x", proposals=[{"id": "p2", "text": {"fr": "Autrement"}}]), now=NOW)
    [records] = await read_all(log.address, log.topics.catalogue)
    last = [codec.decode(record.value) for record in records[-2:]]
    assert (written, {event: fields.get("votes") for event, fields in last}) == (
        2, {"ProposalCorrected": 0, "ConsultationDescribed": None})


async def test_what_is_signed_where_the_log_has_keys_counts_for_readers(log: Log) -> None:
    """Whoever folds the catalogue takes each correction; without a key nothing is written."""
    ends = await end_offsets(log.address, log.topics)
    if await has_keys(log):
        with pytest.raises(InvalidInput, match="operator's signature"):
            await CORRECTIONS["correct"](replace(log, own_keys=()))
        assert await end_offsets(log.address, log.topics) == ends
    for act in CORRECTIONS.values():
        await act(log)
    [records] = await read_all(log.address, log.topics.catalogue)
    catalogue = Catalogue()
    for record in records:
        catalogue.apply(*codec.decode(record.value), record.offset, record.value)
    found = catalogue.consultations["jeunes"]
    assert [change.after for change in found.corrections["p1"]] == [{"fr": "Autrement"}]
    assert [each.subject for each in found.redescriptions] == ["idea", "consultation"]
    assert len(found.retired["p1"].records) == 2  # Of its acceptance, and of its correction.


async def has_keys(log: Log) -> bool:
    """Tell whether a log of these tests has keys of controls."""
    async with LogReader(log.address) as reader:
        return bool((await read_catalogue(reader, log.topics)).control_keys)


async def test_a_restored_proposal_can_be_retired_again(log: Log) -> None:
    """Each time it is an event of its own, and the last one counts."""
    for number in range(2):
        await retire(log, "p1", "why", text_hidden=False, consultation=None, now=NOW + number)
        await restore(log, "p1", "why", consultation=None, now=NOW + number)
    await retire(log, "p1", "why", text_hidden=True, consultation=None, now=NOW)
    [records] = await read_all(log.address, log.topics.catalogue)
    events = [codec.decode(record.value) for record in records[-5:]]
    assert len({fields["event_id"] for _, fields in events}) == 5
    assert [event for event, _ in events] == [
        "ProposalRetired", "ProposalRestored"] * 2 + ["ProposalRetired"]


async def test_a_closing_before_its_time_says_when_it_was(log: Log) -> None:
    """The announced time lies in the future: what is written is the time of the closing."""
    await operations.close(log, "jeunes", now=NOW, salt=bytes(16))
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    found = known.find("ConsultationClosed", "jeunes")

    assert found is not None
    assert found["closes_at"] == NOW


async def test_what_is_unknown_or_empty_is_refused(log: Log) -> None:
    """A sentence says what is wrong, and nothing is written."""
    ends = await end_offsets(log.address, log.topics)
    wrong: list[tuple[type[ProducingError], Awaitable[Any]]] = [
        (Missing, operations.close(log, "nowhere", now=NOW, salt=bytes(16))),
        (Missing, operations.group(log, "p9", "i1", consultation=None, now=NOW)),
        (Missing, operations.group(log, "p1", "i9", consultation=None, now=NOW)),
        *((InvalidInput, suspend(log, VOTER, reason, consultation=None, now=NOW))
          for reason in ("  ", "\u200b", "a\x1b[2J", "safe \u202etxet", "x" * 20_000)),
        (InvalidInput, suspend(log, "00 " * 16, "why", consultation=None, now=NOW)),
    ]
    for error, operation in wrong:
        with pytest.raises(error):
            await operation

    assert await end_offsets(log.address, log.topics) == ends


@pytest.mark.parametrize("change", [
    {"opens_at": "9999-12-31T23:59:59Z"}, {"question": {"fr": " "}}, {"id": "Bad Id"},
    {"closes_at": "2022-01-01T00:00:00Z"}])
def test_a_file_that_pages_could_not_show_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Instants out of all bounds, an empty question, an identifier no address can hold."""
    file = tmp_path / "consultation.json"
    file.write_text(json.dumps({**DESCRIPTION, **change}), "utf-8")
    with pytest.raises(InvalidInput):
        load(file)


def polis_set(folder: Path, *, body: str = "Free buses") -> Path:
    """Write a small Polis export."""
    folder.mkdir(parents=True)
    rows = "".join(f"{1_500_000_000 + row},x,{row % 3},{row % 7},{row % 3 - 1}\n"
                   for row in range(60))
    counts = ("0,20", "0,0", "20,0")
    (folder / "votes.csv").write_text("timestamp,datetime,comment-id,voter-id,vote\n" + rows)
    comments = "".join(f"{1_400_000_000 + n},x,{n},0,{counts[n]},1,{body} {n}\n" for n in range(3))
    (folder / "comments.csv").write_text(
        "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body\n"
        + comments)
    return folder


async def imported(log: Log, folder: Path, consultation: str) -> Any:
    """Import an export."""
    return await import_export(
        log.address, log.topics, read_export(folder), consultation=consultation, language="en")


@pytest.mark.parametrize("there", [0, 1, 37, 60])
async def test_an_import_killed_anywhere_writes_the_rest_and_nothing_twice(
    log: Log, tmp_path: Path, there: int
) -> None:
    """Some of its records are in the log: the next run writes the others, a third nothing."""
    folder = polis_set(tmp_path / "set")
    whole = await imported(log, folder, "whole")
    found = await read_all(log.address, log.topics.votes, log.topics.partitions)
    values = [(partition, record.timestamp, record.value)
              for partition, records in enumerate(found) for record in records[1:]]
    half = Log(log.address, await provisioned(log.address, f"{log.topics.prefix}.half"))
    async with BulkWriter(log.address) as writer:
        for partition, timestamp, value in values[:there]:
            writer.add(half.topics.votes, partition, timestamp, value)
    again = await imported(half, folder, "whole")
    ends = await end_offsets(half.address, half.topics)
    third = await imported(half, folder, "whole")
    held = await read_all(half.address, half.topics.votes, half.topics.partitions)

    assert (whole.votes_written, again.votes_written) == (60, 60 - there)
    assert (third.catalogue_written, third.votes_written) == (0, 0)
    assert await end_offsets(half.address, half.topics) == ends
    assert sorted(record.value for records in held for record in records[1:]) == sorted(
        value for _, _, value in values)


async def test_a_vote_of_any_version_under_an_id_of_the_import_stops_it(
    log: Log, tmp_path: Path
) -> None:
    """What another release wrote in this consultation is seen; of another one it is no matter."""
    export = read_export(polis_set(tmp_path / "set"))
    voter, (event_id, timestamp, _) = next(vote_events(export, "elsewhere"))

    def foreign(consultation: str) -> bytes:
        return codec.encode_as(
            versions("VoteCast")[1], event_id=event_id, voter=voter, salt=bytes(16),
            choice="agree", trust="trusted", origin="api", shown="asked", pause=3,
            consultation=consultation, proposal="0", occurred_at=timestamp, via=7, wording=9)

    async with BulkWriter(log.address) as writer:
        writer.add(log.topics.votes, 0, timestamp, foreign("elsewhere"))
    assert (await imported(log, tmp_path / "set", "whole")).votes_written == 60
    async with BulkWriter(log.address) as writer:
        writer.add(log.topics.votes, 0, timestamp, foreign("other"))
    with pytest.raises(InvalidInput, match="another vote under an event id"):
        await imported(log, tmp_path / "set", "other")


async def test_what_the_guard_found_is_cleared_where_the_log_takes_it(
    log: Log, request: pytest.FixtureRequest
) -> None:
    """Named one by one under rules 2; nothing else stands, so nothing is written twice."""
    value = codec.encode_as(
        versions("VoterSuspended")[1], event_id=bytes(16), voter=bytes.fromhex(VOTER),
        consultation="jeunes", reason="why", salt=bytes(16), origin="operator", occurred_at=NOW,
        cause=3, finding=bytes(range(16)))
    async with BulkWriter(log.address) as writer:
        writer.add(log.topics.votes, partition_of(bytes.fromhex(VOTER), 3), NOW, value)
    cleared = [await suspended(log, "VoterReinstated") for _ in range(2)]
    is_taken = "rules 2" in request.node.callspec.id

    assert [each.written for each in cleared] == [is_taken, False]
    assert cleared[0].findings == ((f"3:{bytes(range(16)).hex()}",) if is_taken else ())


async def test_findings_of_an_operator_are_drawn_and_eight_at_the_most(log: Log) -> None:
    """One more is said to be too many, before it is written."""
    if (await suspended(log)).findings:
        for _ in range(FINDINGS_A_CAUSE_MOST - 1):
            await suspended(log, "VoterReinstated")
            await suspended(log)
        await suspended(log, "VoterReinstated")
        with pytest.raises(InvalidInput, match="take no more"):
            await suspended(log)


async def test_a_control_is_written_only_with_a_key_that_may_sign_it(log: Log) -> None:
    """Without one nothing is written where the log asks for a signature, and the keys are named."""
    ends = await end_offsets(log.address, log.topics)
    clerk = replace(log, own_keys=(own_key(bytes(32)),))
    refused = 0
    for operation in (OPERATIONS["suspend"], OPERATIONS["close"]):
        try:
            await operation(clerk)
        except InvalidInput as error:
            refused += OWN.id.hex() in str(error)

    assert refused in (0, 2)
    assert (refused == 2) == (await end_offsets(log.address, log.topics) == ends)



async def test_a_set_under_a_second_name_brings_its_catalogue_along(
    log: Log, tmp_path: Path
) -> None:
    """The same set twice, as two consultations; a mended text is written as a new description."""
    folder = polis_set(tmp_path / "set")
    first, second = [await imported(log, folder, name) for name in ("one", "two")]
    mended = await imported(log, polis_set(tmp_path / "mended" / "set", body="Free trams"), "one")

    assert first.catalogue_written == second.catalogue_written == 4
    assert (first.votes_written, second.votes_written) == (60, 60)
    assert (mended.catalogue_written, mended.votes_written) == (3, 0)
