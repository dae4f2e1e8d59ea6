"""No public bundle tells of whom few voters share the cause: neither which, nor what was cast."""

import csv
import hashlib
import hmac
import io
import json
import random
from collections import defaultdict
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.standing import standing
from schemas import codec
from schemas.registry import newest
from schemas.topics import partition_of
from schemas.words import CHOICES
from sinks.bundle import layout
from sinks.bundle.ballots import (
    PSEUDONYM_BYTES,
    SHARED_VOTERS,
    Row,
    columns,
    header,
    sum_rows,
    write_rows,
)
from sinks.bundle.claims import TRUSTED
from sinks.bundle.faults import Unreadable
from sinks.bundle.verify import verify
from sinks.recount.checks import DIFFERENT, EQUAL, UNREADABLE
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, Box
from tests.sinks.bundle.making import KEY, Made, audited, made, published, said
from tests.sinks.bundle.parts import contents


PROPOSALS = ("p-0", "p-1", "p-2")
CAUSES = {0: 3, 1: SHARED_VOTERS + 5, 2: SHARED_VOTERS - 1, 4: 1}
"""Voters suspended for each cause; 0 is an operator's word."""
MANY = 1


def box_of(few_choose: str) -> tuple[Box, dict[bytes, int]]:
    """Make votes under rules 2, and suspend voters for each cause; return them by voter.

    Those of causes that few share choose what is given.
    """
    box = Box(2, random.Random(11))
    box.rise()
    suspended: dict[bytes, int] = {}
    for cause, count in [*CAUSES.items(), (-1, 30)]:
        for number in range(count):
            voter = box.voter_in(number % 2)
            choice = few_choose if cause not in (MANY, -1) else CHOICES[number % 3]
            for proposal in PROPOSALS[:1 + number % 3]:
                box.put(number % 2, codec.encode_as(
                    newest("VoteCast"), event_id=box.identifier(), voter=voter,
                    salt=box.identifier(), consultation=CONSULTATION, origin="web",
                    proposal=proposal, trust="trusted", choice=choice, shown="asked",
                    occurred_at=BEGAN_AT))
            if cause >= 0:
                suspended[voter] = cause
    for voter, cause in suspended.items():
        box.put(partition_of(voter, 2), codec.encode_as(
            newest("VoterSuspended"), event_id=box.identifier(), voter=voter, cause=cause,
            consultation=CONSULTATION, finding=bytes(16), reason="looks like", origin="operator",
            salt=box.identifier(), occurred_at=BEGAN_AT))
    return box, suspended


def table(bundle: bytes) -> list[dict[str, str]]:
    """Read the public table."""
    return list(csv.DictReader(io.StringIO(contents(bundle)[layout.BALLOTS].decode())))


@pytest.fixture(scope="module")
def exported(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """Export two consultations that differ in what the few have chosen, and in nothing else."""
    return [made(clickhouse.url, f"test_causes_{choice}", box_of(choice)[0],
                 tmp_path_factory.mktemp(choice)) for choice in ("agree", "disagree")]


def test_rows_bear_a_cause_that_many_share_and_no_other(exported: list[Made]) -> None:
    """Looked at with the key that nobody has: each row of the few tells nothing but that it is."""
    _, suspended = box_of("agree")
    cause_of = {
        hmac.digest(KEY, b"%d\0%b\0%b" % (partition_of(voter, 2), voter, proposal.encode()),
                    hashlib.sha256)[:PSEUDONYM_BYTES].hex(): (cause, voter)
        for voter, cause in suspended.items() for proposal in PROPOSALS}
    sharing = defaultdict(set)
    rows = [row for row in table(exported[0].public) if row["set_aside"]]
    for row in rows:
        cause, voter = cause_of[row["vote"]]
        sharing[row["rule"]].add(voter)
        assert (row["choice"] == "withheld") == (cause != MANY)
        assert (row["day"] == row["qualifications"] == row["rule"] == "") == (cause != MANY)

    assert len(rows) == sum(1 + number % 3 for count in CAUSES.values() for number in range(count))
    assert len(sharing[str(MANY)]) == CAUSES[MANY]
    assert set(sharing) == {"", str(MANY)}


def test_no_bundle_tells_what_the_few_have_chosen(exported: list[Made]) -> None:
    """Had they all chosen otherwise, the table and what is published were the same bytes."""
    tables, results = ([contents(each.public)[name] for each in exported]
                       for name in (layout.BALLOTS, layout.RESULTS))
    votes = [contents(each.auditor)[layout.votes(0)] for each in exported]

    assert tables[0] == tables[1]
    assert results[0] == results[1]
    assert votes[0] != votes[1]


def test_verify_recomputes_the_rest_and_says_what_is_withheld(exported: list[Made]) -> None:
    """What few rows do not tell is trusted, and an auditor's bundle recomputes it."""
    public, auditor = (verify(io.BytesIO(bundle), say=lambda _: None, policy=exported[0].policy)
                       for bundle in (exported[0].public, exported[0].auditor))
    withheld = sum(row["choice"] == "withheld" for row in table(exported[0].public))
    claims = [claim for claim in public.claims if "suspended votes" in claim.what]

    assert (public.fault, public.verdict, auditor.verdict) == (None, EQUAL, EQUAL)
    assert [(claim.what, claim.how) for claim in claims] == [
        (f"choice, day and cause of {withheld} suspended votes", TRUSTED)]
    assert not [claim for claim in auditor.claims if "suspended votes" in claim.what]


@pytest.mark.parametrize(("rule", "more"), [("2", 40), ("4", -9), (str(MANY), 1)])
def test_more_by_a_rule_than_rows_withhold_is_found(
    exported: list[Made], rule: str, more: int
) -> None:
    """And any other number by a rule that rows bear."""
    def change(document: Any) -> None:
        held = document["proposals"][0]["set_aside_by_rule"]
        held[rule] = held.get(rule, 0) + more

    files = contents(exported[0].public)
    found = audited(exported[0], published(exported[0], files, change))

    assert found.verdict == DIFFERENT
    assert "set_aside_by_rule" in said(found)


def test_a_cause_that_few_rows_bear_is_no_table_of_ours(exported: list[Made]) -> None:
    """Told of one row alone, it is refused: whoever exports has to withhold it."""
    files = contents(exported[0].public)
    lines = files[layout.BALLOTS].decode().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if ",withheld,," in line)
    cells = lines[at].rstrip("\n").split(",")
    cells[2], cells[5], cells[-1] = "2022-03-22", "agree", "2"
    lines[at] = ",".join(cells) + "\n"
    found = audited(exported[0], {**files, layout.BALLOTS: "".join(lines).encode()})

    assert found.verdict == UNREADABLE
    assert "cause 2 stands in fewer than 20 rows: it had to be withheld" in said(found)


def rows_of(count: int, *, withheld: bool) -> bytes:
    """Write a table of some votes that are suspended for cause 3."""
    numbers = [1, 1] + [0] * (len(columns(1)) - 8)
    return header(2) + write_rows("p", [
        Row(0, number.to_bytes(16, "big"), "2022-03-22",
            standing(0, suspect=False, suspended=True), numbers, rule=3, withheld=withheld)
        for number in range(count)], bytes(32), 2)


def test_twenty_rows_bear_a_cause_and_tables_of_former_formats_are_read() -> None:
    """At the bound; and as formats before wrote them: every cause, and nothing withheld."""
    least = sum_rows("t", [rows_of(SHARED_VOTERS, withheld=False)], 2)
    former = sum_rows("t", [rows_of(1, withheld=False)], 2, layout.CAUSES_SINCE - 1)
    hidden = sum_rows("t", [rows_of(1, withheld=True)], 2)

    assert (least.causes, former.causes, hidden.causes) == ({"3": SHARED_VOTERS}, {"3": 1}, {})
    assert (hidden.withheld["p"], hidden.proposals) == (1, former.proposals)
    for table_of, version in ((rows_of(SHARED_VOTERS - 1, withheld=False), layout.VERSION),
                              (rows_of(1, withheld=True), layout.CAUSES_SINCE - 1)):
        with pytest.raises(Unreadable):
            sum_rows("t", [table_of], 2, version)


@pytest.mark.parametrize("damage", [
    (b",withheld,,suspended,", b",withheld,sous,suspended,"),
    (b",withheld,,suspended,", b",withheld,,unproven,"),
    (b",withheld,,suspended,", b",withheld,,,"),
    (b",,1,1,withheld,", b",2022-03-22,1,1,withheld,"), (b",withheld,", b",agree,")])
def test_a_row_withholds_all_or_nothing(damage: tuple[bytes, bytes]) -> None:
    """No day, qualifications or other reason beside a choice that is withheld, nor a day less."""
    whole = rows_of(1, withheld=True)
    assert damage[0] in whole

    with pytest.raises(Unreadable):
        sum_rows("t", [whole.replace(*damage)], 2)


def test_the_document_says_how_many_are_set_aside_by_which_rule(exported: list[Made]) -> None:
    """As it did: a bundle tells no more of the few than what is published of each proposal."""
    document = json.loads(contents(exported[0].public)[layout.RESULTS])
    by_rule = [each["set_aside_by_rule"] for each in document["proposals"]]

    assert by_rule[0] == {str(cause): count for cause, count in CAUSES.items() if cause}
