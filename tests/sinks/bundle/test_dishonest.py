"""A dishonest operator, who signs anew whatever they like, is caught: what the auditor reads."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger import decisions as decision_bytes
from processors.ledger.standing import SUSPENDED
from schemas import codec
from schemas.words import KINDS, OUTCOMES
from sinks.bundle import layout
from sinks.bundle.claims import RECOMPUTED, TRUSTED
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.recount.checks import DIFFERENT, INVALID, MISSING, UNREADABLE
from sinks.transparency.checkpoints import Checkpoint
from sinks.transparency.notes import Signer
from sinks.transparency.policy import parse_policy, write_policy
from sinks.transparency.results_notes import results_text
from tests.sinks.ballots import Box, random_box
from tests.sinks.bundle.making import Made, audited, made, published, said, signer_of, verified
from tests.sinks.bundle.parts import contents, joined, records
from tests.sinks.transparency.keeping import KEY


KINDS_OF_BUNDLE = pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])


@KINDS_OF_BUNDLE
def test_counters_typed_in_by_hand(exported: Made, kind: str) -> None:
    """One vote more on one proposal: exit code 1, the number's path, both values."""
    def change(document: Any) -> None:
        document["proposals"][1]["counted"]["agree"] += 1

    files = contents(exported.bundle(kind))
    was = json.loads(files[layout.RESULTS])["proposals"][1]["counted"]["agree"]
    found = audited(exported, published(exported, files, change))

    assert found.verdict == DIFFERENT
    assert said(found).startswith("results/results.json, proposals.p-1.counted.agree: "
                                  f"published {was + 1}, recomputed {was}")


@KINDS_OF_BUNDLE
def test_a_share_beautified(exported: Made, kind: str) -> None:
    """Counts untouched and a percentage rounded up: exit code 1, and the path."""
    def change(document: Any) -> None:
        document["ideas"][0]["shares"]["agree"] = 0.9

    found = audited(exported, published(exported, contents(exported.bundle(kind)), change))

    assert found.verdict == DIFFERENT
    assert "ideas.idée.shares.agree: published 0.9" in said(found)


@KINDS_OF_BUNDLE
@pytest.mark.parametrize("path", [
    ("drawn", "agree"), ("drawn", "shares", "agree"), ("routes", "asked"), ("routes", "unknown"),
    ("set_aside_by_rule", "9")])
def test_drawn_votes_beautified(exported_by_route: Made, kind: str, path: tuple[str, ...]) -> None:
    """What is told of drawn votes, of routes and of rules: exit code 1, and the number's path."""
    def change(document: Any) -> None:
        place = next(each for each in document["proposals"] if each["drawn"]["votes"])
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = place.get(path[-1], 0) + 1

    made_of = exported_by_route
    files = contents(made_of.bundle(kind))
    found = audited(made_of, published(made_of, files, change))

    assert audited(made_of, files).fault is None
    assert found.verdict == DIFFERENT
    assert f".{'.'.join(path)}: published " in said(found)


@pytest.mark.parametrize(("before", "after", "what"), [
    (b",drawn,", b",asked,", ".routes.drawn: "), (b",drawn,", b",served,", "no route 'served'"),
    (b",drawn,", b",,", "no route ''"), (b",drawn,\n", b",drawn,3\n", "no rule '3'"),
    (b",drawn,\n", b",drawn\n", "cells, a row has")])
def test_a_route_typed_into_the_public_table(
    exported_by_route: Made, before: bytes, after: bytes, what: str
) -> None:
    """Another route than the sums rest on, or one that no vote has: a fault with its place."""
    files = contents(exported_by_route.public)
    rows = files[layout.BALLOTS].replace(before, after, 1)
    found = audited(exported_by_route, {**files, layout.BALLOTS: rows})

    assert found.fault is not None
    assert what in said(found)


@KINDS_OF_BUNDLE
def test_proposals_regrouped_after_publication(exported: Made, kind: str) -> None:
    """Regrouped on the page, not in the log: code 1. The record of it changed, too: code 4."""
    def change(document: Any) -> None:
        document["proposals"][1]["idea"] = None
        document["ideas"][0]["proposals"] -= 1

    files = contents(exported.bundle(kind))
    held = records(files, layout.CATALOGUE)
    offset, grouped = held[-1]
    event, fields = codec.decode(grouped)
    held[-1] = offset, codec.encode(event, **{**fields, "idea": None})
    page = audited(exported, published(exported, files, change))
    both = audited(exported, {
        **published(exported, files, change), layout.CATALOGUE: joined(held)})
    gone = audited(exported, {
        **published(exported, files, change), layout.CATALOGUE: joined(held[:-1])})

    assert (event, page.verdict, both.verdict, gone.verdict) == (
        "ProposalGrouped", DIFFERENT, INVALID, MISSING)
    assert "ideas.idée.proposals: published 1, recomputed 2" in said(page)
    assert said(both).startswith(f"records/catalogue, offset {offset}: this is not the record")
    assert "records of this consultation" in said(gone)


def test_an_event_left_out_of_an_auditor_s_bundle(exported: Made) -> None:
    """Left out of votes and decisions alike: exit code 3, the offset that is missing."""
    files = contents(exported.auditor)
    votes, decided = (records(files, name(0)) for name in (layout.votes, layout.decisions))
    found = audited(exported, {
        **files, layout.votes(0): joined(votes[:40] + votes[41:]),
        layout.decisions(0): joined(decided[:40] + decided[41:])})

    assert found.verdict == MISSING
    assert said(found) == "records/votes/0, offset 40: it is missing: 41 stands here"


def test_an_event_left_out_of_one_consultation(exported: Made) -> None:
    """The public rows of one vote are gone: exit code 1, for the leaves are more than the rows."""
    files = contents(exported.public)
    head, *rows = files[layout.BALLOTS].decode().splitlines(keepends=True)
    gone = int(rows[5].split(",")[3])
    found = audited(exported, {
        **files, layout.BALLOTS: "".join([head, *rows[:5], *rows[6:]]).encode()})

    assert found.verdict == DIFFERENT
    assert said(found).startswith("ballots.csv: the log has ")
    assert f": {gone} records were left out of the count" in said(found)


def test_a_fraud_rule_applied_silently(exported: Made) -> None:
    """A vote set aside with no suspension on record: exit code 1, both decisions are told."""
    files = contents(exported.auditor)
    held = records(files, layout.decisions(0))
    offset, decision = next(
        (offset, read) for offset, value in held
        if (read := decision_bytes.decode(value or b"")).outcome == OUTCOMES.index("counted")
        and not read.changes[0].after & SUSPENDED)
    [change] = decision.changes
    aside = decision._replace(changes=(change._replace(after=change.after | SUSPENDED),))
    held[offset] = offset, decision_bytes.encode(aside)
    found = audited(exported, {**files, layout.decisions(0): joined(held)})

    assert KINDS[decision.kind] == "vote_cast"
    assert found.verdict == DIFFERENT
    assert said(found).startswith(
        f"records/decisions/0, offset {offset}: the rules decide otherwise")
    assert "'suspended'" in said(found)
    assert found.differing_decisions == 1


def test_a_fraud_rule_shows_in_the_public_bundle(exported: Made) -> None:
    """More voters suspended than the log has suspensions: exit code 1."""
    def change(document: Any) -> None:
        document["totals"]["suspended_voters"] = 99

    found = audited(exported, published(exported, contents(exported.public), change))

    assert found.verdict == DIFFERENT
    assert "a rule that is not on record" in said(found)


@KINDS_OF_BUNDLE
def test_a_partition_held_open_after_closing(exported: Made, kind: str) -> None:
    """Told to be final while the log does not close it so: exit code 1."""
    def change(document: Any) -> None:
        document["state"], document["final"] = "final", True

    found = audited(exported, published(exported, contents(exported.bundle(kind)), change))

    assert found.verdict == DIFFERENT
    assert "results/results.json, state: published 'final', recomputed 'closed'" in said(found)


@pytest.mark.parametrize(("closed_later", "said_of_it"), [(True, "later"), (False, "never")])
def test_a_partition_that_went_on_taking_votes_after_the_closing(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, *, closed_later: bool,
    said_of_it: str,
) -> None:
    """Closed here and open there for an hour: exit code 1, the latest vote and both times."""
    by = made(clickhouse.url, topic_prefix, _held_open(3_600, closed_later=closed_later), tmp_path)
    found = verified(by.auditor)
    last = records(contents(by.auditor), layout.votes(1))[-1 - closed_later][0]

    assert found.verdict == DIFFERENT
    assert said(found) == (
        f"records/votes/1, offset {last}: it happened at 2022-03-21 23:00:00+00:00, voting was "
        f"closed at 2022-03-21 22:00:00+00:00, and in this partition {said_of_it}: it was held "
        "open")
    assert "that no partition was held open after the closing" in [
        claim.what for claim in verified(by.public).claims if claim.how == TRUSTED]


def test_votes_of_the_minute_of_the_closing_hold_nothing_open(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """What the clocks of gateways and operators explain is no fault."""
    by = made(clickhouse.url, topic_prefix, _held_open(60, closed_later=True), tmp_path)

    assert verified(by.auditor).fault is None


def _held_open(seconds: int, *, closed_later: bool) -> Box:
    """Close one partition, and go on voting in the other."""
    box = Box(2, random.Random(3))
    people = [box.voter_in(number % 2) for number in range(6)]
    for voter in people * 5:
        box.ballot(voter, "p-1")
    box.close(partitions=[0])
    box.elapsed_milliseconds = 1_000 * seconds
    for voter in people[1::2] * 3:
        box.ballot(voter, "p-0")
    if closed_later:
        box.close(partitions=[1])
    return box


def test_a_state_that_a_public_bundle_cannot_show_is_told_as_trust(exported: Made) -> None:
    """A closing hidden among the suspensions leaves a result that says it is not final."""
    for kind, how in ((AUDITOR, RECOMPUTED), (PUBLIC, TRUSTED)):
        found = verified(exported.bundle(kind))
        assert [how] == [claim.how for claim in found.claims if claim.what.startswith("open, ")]


@KINDS_OF_BUNDLE
def test_ranks_typed_in_by_hand(
    exported: Made, kind: str, clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Ranks told to be of earlier votes: a final result may not, another only possible ones."""
    def earlier(document: Any) -> None:
        document["as_of"]["ranking"] = [-1, 0]

    def of_no_votes(document: Any) -> None:
        document["as_of"]["ranking"] = [-1, 10**6]

    def of_nothing(document: Any) -> None:
        earlier(document)
        document["controversial"] = ["made-up"]

    def among_none(document: Any) -> None:
        earlier(document)
        document["proposals"][0]["rank"] = {"position": 1, "best": 1, "worst": 9}

    files = contents(exported.bundle(kind))
    held, *refused = (audited(exported, published(exported, files, change))
                      for change in (earlier, of_no_votes, of_nothing, among_none))
    box = random_box(21, 120)
    box.close()
    box.completed = True
    closed = made(clickhouse.url, topic_prefix, box, tmp_path)
    final = audited(closed, published(closed, contents(closed.bundle(kind)), earlier))

    assert [claim.how for claim in held.claims if "ranks" in claim.what] == [TRUSTED]
    assert [one.verdict for one in refused] == [DIFFERENT] * 3
    assert [said(one).split(": ")[0].partition(", ")[2] for one in refused] == [
        "as_of.ranking", "controversial", "proposals.p-0.rank"]
    assert verified(closed.bundle(kind)).fault is None
    assert (final.verdict, said(final).split(":")[0]) == (
        DIFFERENT, "results/results.json, as_of.ranking")


@KINDS_OF_BUNDLE
def test_a_proposal_that_stands_twice(exported: Made, kind: str) -> None:
    """A second entry of a proposal, with a count of its own, is found: exit code 1."""
    def change(document: Any) -> None:
        document["proposals"].insert(0, {**document["proposals"][1], "received": 10**6})

    found = audited(exported, published(exported, contents(exported.bundle(kind)), change))

    assert found.verdict == DIFFERENT
    assert said(found).startswith("results/results.json, proposals: published ")

    def exchange(document: Any) -> None:
        document["proposals"][0] = {**document["proposals"][1], "received": 10**6}

    found = audited(exported, published(exported, contents(exported.bundle(kind)), exchange))

    assert found.verdict == DIFFERENT
    assert said(found).startswith("results/results.json, proposals.")


@KINDS_OF_BUNDLE
def test_a_log_rewritten_or_forked(exported: Made, kind: str) -> None:
    """A checkpoint that somebody kept has another root: exit code 4, it is told which."""
    signer = signer_of(exported.topics, exported.topics.votes, 1)
    kept = signer.sign(Checkpoint(signer.verifier.name, 20, bytes(32)).text())
    honest = contents(exported.bundle(kind))["logs/votes/1/checkpoints"].decode()
    found = verified(exported.bundle(kind), saved=[kept])

    assert verified(exported.bundle(kind), saved=["".join(
        honest.splitlines(keepends=True)[:5])]).fault is None
    assert found.verdict == INVALID
    assert said(found).startswith("logs/votes/1/entries, up to 20: ")
    assert "the log was rewritten or forked" in said(found)


@KINDS_OF_BUNDLE
def test_a_kept_checkpoint_is_compared_or_told(exported: Made, kind: str) -> None:
    """Of a log that is not shown, beyond the bundle, or no checkpoint: each is a fault."""
    signer = signer_of(exported.topics, exported.topics.votes, 1)
    larger = signer.sign(Checkpoint(signer.verifier.name, 10**6, bytes(32)).text())
    other = signer.sign(Checkpoint("example.org/log/other", 20, bytes(32)).text())
    honest = "".join(contents(exported.bundle(kind))["logs/votes/1/checkpoints"].decode()
                     .splitlines(keepends=True)[:5])
    found = verified(exported.bundle(kind), saved=[honest, larger])

    assert found.verdict == MISSING
    assert "1 of 2 cannot be held against this bundle" in said(found)
    for broken in ("garbage", larger.replace("\n", "\r\n"), honest + "more"):
        assert verified(exported.bundle(kind), saved=[broken]).verdict == UNREADABLE
    assert said(verified(exported.bundle(kind), saved=[other])).startswith(
        "a checkpoint you gave: it is of the log 'example.org/log/other'")


@KINDS_OF_BUNDLE
def test_a_bundle_under_other_keys(exported: Made, kind: str) -> None:
    """Everything signed anew by keys made for it: the policy an auditor kept refuses it."""
    honest = contents(exported.bundle(kind))[layout.POLICY].decode()
    keys = parse_policy(honest)
    name = exported.signer.verifier.name
    another = Signer(name, KEY)
    kept = write_policy(another.verifier if origin == name else verifier
                        for origin, verifier in keys.items())

    assert verified(exported.bundle(kind), policy=honest).fault is None
    found = verified(exported.bundle(kind), policy=kept)
    assert found.verdict == INVALID
    assert "no signature is by a known key" in said(found)


@KINDS_OF_BUNDLE
def test_a_partition_left_out(exported: Made, kind: str) -> None:
    """A bundle that says it is of one partition, where the keys are of two: exit code 3."""
    files = contents(exported.bundle(kind))
    manifest = json.loads(files[layout.MANIFEST])
    manifest["partitions"] = 1
    manifest["as_of"]["votes"].pop()
    files[layout.MANIFEST] = json.dumps(manifest).encode()
    found = audited(exported, files)

    assert found.verdict == MISSING
    assert "it names 2 logs of votes, the bundle is of 1" in said(found)


@KINDS_OF_BUNDLE
def test_a_result_that_says_two_things(exported: Made, kind: str) -> None:
    """A count that stands twice, to be read differently by others, is refused: exit code 5."""
    files = contents(exported.bundle(kind))
    body = files[layout.RESULTS].replace(b'"received": ', b'"received": 999, "received": ', 1)
    note = exported.signer.sign(results_text(body)).encode()
    found = audited(exported, {**files, layout.RESULTS: body, layout.RESULTS_NOTE: note})

    assert found.verdict == UNREADABLE
    assert "a name stands twice" in said(found)


def test_more_decisions_than_votes(exported: Made) -> None:
    """A record behind the last one counted does not belong in the bundle: exit code 4."""
    files = contents(exported.auditor)
    held = records(files, layout.decisions(1))
    held.append((len(held), held[-1][1]))
    found = audited(exported, {**files, layout.decisions(1): joined(held)})

    assert found.verdict == INVALID
    assert said(found).startswith(f"records/decisions/1, offset {len(held) - 1}: ")


def test_a_result_of_another_consultation(exported: Made) -> None:
    """A bundle whose result is of other offsets than it says is refused: exit code 4."""
    def change(document: Any) -> None:
        document["as_of"]["votes"][0] -= 1

    found = audited(exported, published(exported, contents(exported.public), change))
    assert found.verdict == INVALID
    assert "other offsets" in said(found)


def test_honest_files_put_together_again_hold(exported: Made) -> None:
    """The tests above fail for what they change, not for how they put it together."""
    for kind in (AUDITOR, PUBLIC):
        files = contents(exported.bundle(kind))
        assert audited(exported, published(exported, files, lambda _: None)).fault is None
