"""More voters than codes were issued: audits find them, in the archive and in a bundle."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from schemas.codes import ISSUED
from sinks.bundle import layout
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.recount.checks import DIFFERENT, EQUAL
from tests.sinks.ballots import CONSULTATION, Box, decide, random_box
from tests.sinks.bundle.making import exported_of, prepared, said, verified
from tests.sinks.bundle.parts import contents


def box() -> Box:
    return random_box(21, 60)


def voters() -> int:
    """Count the voters of whom a vote was received."""
    return sum(ledger.participation(CONSULTATION).participants_received
               for ledger in decide(box())[0])


def issues(number: int) -> list[tuple[str, dict[str, Any]]]:
    """Issue so many codes at two times, the first of which is delivered twice."""
    found = [(ISSUED, {"codes": codes, "root": bytes([codes % 251] * 32)})
             for codes in (number - 2, 2)]
    return [found[0], *found]


@pytest.mark.parametrize(("missing", "verdict"), [(0, EQUAL), (1, DIFFERENT)])
def test_one_voter_more_than_codes_is_found_and_as_many_are_not(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, missing: int, verdict: str
) -> None:
    """By the recount, in a check of its own, and offline in both bundles; issues add up, each
    counted once. Everything else holds."""
    number = voters() - missing
    found = prepared(clickhouse.url, topic_prefix, box(), tmp_path, issues(number))
    audit = found.audit()
    bundles = [exported_of(found, tmp_path, kind, bytes(32)) for kind in (AUDITOR, PUBLIC)]
    policy = contents(bundles[1])[layout.POLICY].decode()
    checked = [verified(bundle, policy=policy) for bundle in bundles]

    assert found.document["totals"]["codes_issued"] == number
    assert (audit.verdict, [check.id for check in audit.checks if check.status != EQUAL]) == (
        verdict, ["codes.participants"] * missing)
    assert "codes.participants" in [check.id for check in audit.checks]
    assert [each.verdict for each in checked] == [verdict] * 2
    assert all((f"no more than the codes that were issued, {number}" in said(each)) == bool(missing)
               for each in checked if each.fault)
    assert json.loads(contents(bundles[0])[layout.RESULTS])["totals"]["codes_issued"] == number
