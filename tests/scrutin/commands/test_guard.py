"""The commands by which people see and change what the guard does."""

import json
from pathlib import Path

from deploy.local.services import Broker
from processors.guard.judgements import encoded
from producers import operations
from producers.consultation_file import ConsultationFile
from schemas import codec
from schemas.topics import partition_of
from tests.harness import connected_producer, write
from tests.processors.guard.traffic import Crowds, judged, log_of
from tests.producers.test_key_adoption import DESCRIPTION
from tests.scrutin.commands.test_control_keys import NOW, Operator


async def test_a_rule_is_changed_by_whoever_has_an_operators_key_and_listed(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Once, with a reason; names and numbers that are not there are refused with those that are."""
    operator = Operator(broker, topic_prefix, tmp_path / "operator")
    stranger = Operator(broker, topic_prefix, tmp_path / "stranger")
    await operator.runs("provision", "--make-keys")
    change = ("guard", "rule", "crowd", "set_aside", "--reason", "Tried for a week.",
              "--set", "voters=20")
    refused, _, asks = await stranger.runs(*change)
    status, first, _ = await operator.runs(*change)
    _, again, _ = await operator.runs(*change)
    _, listed, _ = await operator.runs("guard", "rules", "--json")
    rules = {each["rule"]: each for each in json.loads(listed)}
    wrong = [await operator.runs("guard", "rule", *words, "--reason", "x") for words in (
        ("crowds", "off"), ("crowd", "off", "--set", "voters=1"),
        ("crowd", "off", "--set", "voters"))]

    assert (refused, "no key that may sign it lies here" in asks) == (2, True)
    assert (status, first["written"], again["written"]) == (0, True, False)
    assert (rules["crowd"]["mode"], rules["crowd"]["parameters"]["voters"]) == ("set_aside", 20)
    assert {each["mode"] for each in rules.values()} == {"set_aside", "report"}
    assert [status for status, _, _ in wrong] == [2, 2, 2]
    assert all(part in said for part, (_, _, said) in zip(
        ("crowd, spread", "10 to 1000000 are allowed", "NAME=NUMBER"), wrong, strict=True))


async def test_findings_are_listed_in_numbers_and_name_nobody(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Each once, however many judgements say it; a stray judgement says nothing."""
    operator = Operator(broker, topic_prefix, tmp_path)
    await operator.runs("provision")
    crowds = Crowds(1)
    _, judgements = judged(log_of([*crowds.ordinary(600, 8), *crowds.robots(500, 1, 800)]))
    values = [encoded(each) for each in judgements]
    async with connected_producer(broker.address) as producer:
        await write(producer, operator.topics.patrol, 0, [values[0], *values, values[3]])
    status, printed, _ = await operator.runs("guard", "findings", "--json")
    found = [each for each in json.loads(printed) if each["rule"] == "crowd"]
    _, text, _ = await operator.runs("guard", "findings")
    _, none, said = await operator.runs("guard", "findings", "--consultation", "other")

    assert status == 0
    assert [(each["voters"], each["marked"], each["suspended"]) for each in found] == [
        (500, 500, 0)]
    assert found[0]["marks"] == ["even arrivals", "one pace"]
    assert not any(voter.hex() in printed for one in judgements for finding in one.findings
                   for voter in finding.voters)
    assert f"{found[0]['finding']} crowd/2 report jeunes p11 agree: 500 voters named" in text
    assert (none, "nothing was found" in said) == ("", True)


async def test_a_finding_is_looked_at_acted_on_and_undone_at_the_terminal(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """In numbers; what cannot be says why; a voter, and all, count again; nobody is named."""
    operator = Operator(broker, topic_prefix, tmp_path)
    await operator.runs("provision")
    await operations.apply(operations.Log(broker.address, operator.topics),
                           ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    crowds = Crowds(1)
    traffic = log_of([*crowds.ordinary(600, 8), *crowds.robots(500, 1, 800)])
    _, judgements = judged(traffic)
    async with connected_producer(broker.address) as producer:
        for _, value in (each for records in traffic.votes for each in records):
            partition = partition_of(codec.decode(value)[1]["voter"], 2)
            await producer.send(operator.topics.votes, value, partition=partition)
        await write(producer, operator.topics.catalogue, 0, [
            value for _, value in traffic.catalogue])
        await write(producer, operator.topics.patrol, 0, [encoded(each) for each in judgements])
    robots = {voter for one in judgements for finding in one.findings if finding.rule == 1
              for voter in finding.voters}
    _, printed, _ = await operator.runs("guard", "findings", "--json")
    finding = next(each["finding"] for each in json.loads(printed) if each["voters"] == 500)
    why = ("--reason", "seen")
    _, supposed, _ = await operator.runs("guard", "preview", finding, "--json")
    alone, _, asks = await operator.runs("guard", "confirm", finding, *why)
    status, done, said = await operator.runs("guard", "confirm", finding, *why, "--second", "Bob")
    first, one, _ = await operator.runs(
        "guard", "reinstate", "--voter", min(robots).hex(), *why)
    _, shown, _ = await operator.runs("guard", "finding", finding)
    _, all_of_them, _ = await operator.runs(
        "guard", "reinstate", "--finding", finding, *why, "--second", "Bob")
    _, told, _ = await operator.runs("guard", "finding", finding, "--json")
    wrong = [await operator.runs("guard", *words) for words in (
        ("reinstate", *why), ("finding", "crowd"), ("preview", "0" * 32),
        ("dismiss", "0" * 32, *why))]

    assert (supposed["voters"], supposed["needs_two"]) == (500, True)
    assert (alone, status, first, *(status for status, _, _ in wrong)) == (2, 0, 0, 2, 2, 3, 3)
    assert all(part in text for part, text in (
        ("--second NAME", asks), ("500 voters, 500 votes of", said), ("499 set aside", shown),
        ("FindingConfirmed by nobody can tell who, with Bob: 500 voters", shown)))
    assert [(each["state"], each["controls"]) for each in (done, all_of_them)] == [
        ("confirmed", 500), ("reinstated", 499)]
    assert (one["causes"], told["suspended"], len(told["acts"]), sum(
        hour["votes"] or 0 for hour in told["hours"])) == ([], 0, 2, 500)
    assert not any(voter.hex() in str((supposed, told)) + shown for voter in robots)
