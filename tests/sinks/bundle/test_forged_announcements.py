"""Bundles in whose catalogue somebody announced keys of their own hold, and take none of it."""

import json
from pathlib import Path

from deploy.local.services import ClickHouse
from sinks.bundle import layout
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.recount.checks import EQUAL, MISSING
from tests.schemas.announcements import (
    AFTER,
    BEFORE,
    FORGED,
    FORGER,
    NEW,
    changes,
    described,
    first_announcement,
    replaced,
)
from tests.sinks.ballots import CONSULTATION, random_box, rule_for_all
from tests.sinks.bundle.making import audited, made, said, verified
from tests.sinks.bundle.parts import contents, joined, records


def test_a_bundle_takes_what_keys_in_force_have_signed_and_nothing_else(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Recomputed offline, forged announcements change no word; signed ones do."""
    first = [described(CONSULTATION, "p-0"), first_announcement()]
    for name, later, signer, text in (
            ("forged", FORGED["signed by the forger"], FORGER, BEFORE),
            ("replaced", replaced(), NEW, AFTER)):
        found = made(
            clickhouse.url, f"{topic_prefix}{name}", random_box(21, 60), tmp_path / name,
            [*first, later, *changes(
                signer, CONSULTATION, "p-0", under=later if signer is NEW else None)])
        for kind in (AUDITOR, PUBLIC):
            verdict = verified(found.bundle(kind), policy=found.policy)
            document = json.loads(contents(found.bundle(kind))[layout.RESULTS])
            [entry] = [each for each in document["proposals"] if each["id"] == "p-0"]

            assert (verdict.fault, verdict.verdict) == (None, EQUAL)
            assert (entry["text"], entry["retired"] is None) == (text, text == BEFORE)


def test_an_announcement_that_is_left_out_is_missed(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Without it unsigned corrections would count: none goes, nor anything else without a name."""
    rule = rule_for_all()
    first = [described(CONSULTATION, "p-0"), first_announcement(), rule]
    found = made(clickhouse.url, topic_prefix, random_box(21, 60), tmp_path, first)
    whole = contents(found.public)
    kept = records(whole, layout.KEYS)
    announcements = [record for record in kept if record[1] == first[1]]
    verdicts = [audited(found, {**whole, layout.KEYS: joined(
        [record for record in kept if record != left])}) for left in kept]

    assert len(announcements) == 1
    assert [record for record in kept if record[1] == rule]
    assert verified(found.public, policy=found.policy).verdict == EQUAL
    assert {verdict.verdict for verdict in verdicts} == {MISSING}
    assert all("one may announce keys of controls" in said(verdict) for verdict in verdicts)
