"""An honest bundle holds, is small to read, and shows no voter to the public."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from deploy.local.services import ClickHouse
from sinks.bundle import layout
from sinks.bundle.ballots import Row, columns, header, write_rows
from sinks.bundle.claims import RECOMPUTED
from sinks.bundle.export import signed_result
from sinks.bundle.faults import NotExported
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.bundle.report import as_json, lines
from sinks.bundle.verify import Verified
from sinks.recount.checks import EQUAL
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from sinks.transparency.results_notes import results_text
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.bundle.making import KEY, Made, exported_of, made, prepared, verified
from tests.sinks.bundle.parts import contents, records


@pytest.mark.parametrize("seed", [4, 6, 8])
def test_an_honest_bundle_holds(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, seed: int
) -> None:
    """Open or closed and sealed: both bundles hold, and every number is told for what it is."""
    box = random_box(seed, 400, rises_at=(None, 0, 150)[seed % 3])
    found = made(clickhouse.url, topic_prefix, box, tmp_path)
    auditor, public = (verified(bundle, policy=found.policy)
                       for bundle in (found.auditor, found.public))

    assert (auditor.fault, auditor.verdict) == (None, EQUAL)
    assert (public.fault, public.verdict) == (None, EQUAL)
    assert _recomputed(public) < _recomputed(auditor)
    assert len(auditor.claims) > len(_recomputed(auditor)) == (14 if seed % 3 == 0 else 16)


def test_keys_that_could_not_be_used_are_no_difference(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Ledgers were told and said stale; so says whoever verifies, and was told of nothing."""
    box = random_box(32, 150, rises_at=20)
    box.tell_unusable()
    box.replace_keys()
    found = made(clickhouse.url, topic_prefix, box, tmp_path)
    auditor, public = (verified(bundle, policy=found.policy)
                       for bundle in (found.auditor, found.public))

    assert (auditor.fault, auditor.verdict) == (None, EQUAL)
    assert (public.fault, public.verdict) == (None, EQUAL)


def _recomputed(found: Verified) -> set[str]:
    return {claim.what for claim in found.claims if claim.how == RECOMPUTED}


@pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])
def test_keys_that_came_with_a_bundle_vouch_for_nobody(exported: Made, kind: str) -> None:
    """Without keys that were kept the verdict says so, in text and JSON, with a code of its own."""
    own, kept = (verified(exported.bundle(kind), policy=policy)
                 for policy in (None, exported.policy))
    said = [list(lines(found, 1.0, kept_checkpoints=0))[-1] for found in (own, kept)]
    reports = [as_json(found, 1.0) for found in (own, kept)]

    assert [found.fault for found in (own, kept)] == [None, None]
    assert said[0].startswith("EQUAL, BY KEYS THAT CAME WITH THE BUNDLE: ")
    assert said[1].startswith("EQUAL: ")
    assert [(report["verdict"], report["keys"], report["exit_code"]) for report in reports] == [
        ("equal, by keys that came with the bundle", "from the bundle", 6), ("equal", "given", 0)]


def test_any_zip_program_reads_a_bundle(exported: Made) -> None:
    """Python's own zip reader finds every file whole, with the contents we read."""
    with zipfile.ZipFile(io.BytesIO(exported.public)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == contents(exported.public)


def test_a_public_bundle_shows_no_voter(exported: Made) -> None:
    """No pseudonym of the log, no event id and no salt is anywhere in it."""
    public = b"".join(body for name, body in contents(exported.public).items()
                      if not name.startswith("logs/"))
    ballots = [value for number in range(exported.topics.partitions)
               for _, value in records(contents(exported.auditor), layout.votes(number))
               if value is not None and len(value) > 56 and value[4] in (1, 2, 3, 4)]
    secrets = {value[at:at + 16] for value in ballots for at in (5, 21, 37)}

    assert len(ballots) > 200
    assert not [secret for secret in secrets if secret in public or secret.hex().encode() in public]


def test_rows_of_one_voter_share_nothing_but_their_counts(exported: Made) -> None:
    """Each row has a pseudonym of its own, in no order but its own, and another in each export."""
    rows = list(csv.DictReader(io.StringIO(contents(exported.public)[layout.BALLOTS].decode())))
    names = [row["vote"] for row in rows]
    row = Row(0, bytes(16), "2022-03-22", 1, [1] * (len(columns(1)) - 6))
    first, second = (write_rows("p", [row], bytes([key] * 32)) for key in (1, 2))

    assert len(set(names)) == len(names) > 20
    assert [(row["proposal"], row["vote"]) for row in rows] == sorted(
        (row["proposal"], row["vote"]) for row in rows)
    assert first != second
    assert tuple(rows[0]) == columns(1) == tuple(header().decode().strip().split(","))


def test_a_bundle_is_the_same_every_time(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Exported twice, with one key, it is the same bytes; without, only pseudonyms differ."""
    found = prepared(clickhouse.url, topic_prefix, random_box(4, 200), tmp_path)
    first, second, other = (exported_of(found, tmp_path, PUBLIC, key) for key in (KEY, KEY, None))

    assert first == second
    assert {name for name, body in contents(first).items() if contents(other)[name] != body} == {
        layout.BALLOTS, layout.MANIFEST, layout.MANIFEST_NOTE}


def test_hidden_shares_are_not_exported(exported: Made, tmp_path: Path) -> None:
    """While a consultation hides how people vote, no bundle shows it: said, and nothing written."""
    document = json.loads(contents(exported.public)[layout.RESULTS])
    body = json.dumps({**document, "embargoed_until": None}).encode()
    ResultsFolder(tmp_path / exported.topics.prefix / RESULTS).publish(
        CONSULTATION, exported.signer.sign(results_text(body)), body)

    with pytest.raises(NotExported, match="hidden until voting has closed"):
        signed_result(tmp_path, exported.topics, CONSULTATION, exported.signer)
