"""Bundles of logs that witnesses countersign: a policy that asks for them is enough for a bundle
whose last checkpoints they have seen, and finds one that they have not."""

import uuid

import pytest

from deploy.local.services import ClickHouse
from sinks.bundle import layout
from sinks.bundle.layout import PUBLIC
from sinks.bundle.report import as_json, lines
from sinks.recount.checks import DIFFERENT, EQUAL, INVALID
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.policy import parse_policy, place_of, write_policy
from tests.sinks.ballots import random_box
from tests.sinks.bundle.making import (
    KEY,
    Made,
    exported_of,
    prepared,
    signer_of,
    verified,
)
from tests.sinks.bundle.parts import contents, packed
from tests.sinks.transparency.cosigning import NOW, Cosigner, least
from tests.sinks.transparency.keeping import entries


ONE, TWO = Cosigner("one"), Cosigner("two")
QUORUM = least(2, ONE, TWO)
LAST = f"{layout.votes_log(1)}/checkpoints"


@pytest.fixture(scope="module")
def witnessed(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export a consultation whose logs were countersigned, and have grown since."""
    data = tmp_path_factory.mktemp("witnessed")
    found = prepared(clickhouse.url, f"test_{uuid.uuid4().hex[:12]}", random_box(29, 60), data)
    topics = found.topics
    for topic, partition in ((topics.votes, 0), (topics.votes, 1), (topics.catalogue, 0)):
        folder = LogFolder(data / "transparency" / place_of(topics, topic, partition))
        folder.witnessed.mend()
        for note in folder.history()[-2:]:
            folder.witnessed.publish(note + ONE.line(note) + TWO.line(note, NOW + 1))
        if topic == topics.votes:
            _grow(folder, Keeper(folder, signer_of(topics, topic, partition), lambda: ()))
    return Made(topics, b"", exported_of(found, data, PUBLIC, KEY))


def _grow(folder: LogFolder, keeper: Keeper) -> None:
    """Sign more entries, of another consultation, which no witness has seen yet."""
    keeper.open()
    keeper.append(entries(3))
    keeper.sign()
    assert len(folder.history()) > len(folder.witnessed.history())


def asking(made: Made) -> str:
    """Return the policy of the bundle's logs that asks for witnesses."""
    return write_policy(parse_policy(made.policy).values(), QUORUM)


def test_a_bundle_ends_where_witnesses_have_seen_its_logs(witnessed: Made) -> None:
    """It holds by either policy; who has seen which log, and when, is told."""
    found, plain = (verified(witnessed.public, policy=policy)
                    for policy in (asking(witnessed), witnessed.policy))
    told = as_json(found, 0)["witnesses"]

    assert (found.verdict, plain.verdict) == (EQUAL, EQUAL), (found.fault, plain.fault)
    assert as_json(plain, 0)["witnesses"] == []
    assert len(told) == 6
    assert {"log": layout.votes_log(1), "witness": "two", "at": NOW + 1} in told
    assert "cosignatures of witnesses (one, two) under the last checkpoints of 3 logs" in (
        "\n".join(lines(found, 0, kept_checkpoints=0)))


@pytest.mark.parametrize(("taken", "missing"), [
    (" witness.example/two ", "no cosignature of two (witness.example/two)"),
    (" witness.example/", "no cosignature of one (witness.example/one), two")])
def test_an_unwitnessed_bundle_is_found(witnessed: Made, taken: str, missing: str) -> None:
    """The operator leaves cosignatures out of one log: it is named, and who is missing."""
    files = contents(witnessed.public)
    notes = "".join(line for line in files[LAST].decode().splitlines(keepends=True)
                    if taken not in line)
    bundle = packed({**files, LAST: notes.encode()}, witnessed.signer)
    found = verified(bundle, policy=asking(witnessed))

    assert found.verdict == DIFFERENT
    assert missing in str(found.fault)
    assert LAST in str(found.fault)
    assert verified(bundle, policy=witnessed.policy).verdict == EQUAL


def test_a_cosignature_of_another_checkpoint_is_found(witnessed: Made) -> None:
    """Moved below another log's last checkpoint it fits nothing."""
    files = contents(witnessed.public)
    other = files[f"{layout.votes_log(0)}/checkpoints"].decode().splitlines(keepends=True)
    notes = "".join(line for line in files[LAST].decode().splitlines(keepends=True)
                    if " witness.example/" not in line) + "".join(other[-2:])
    found = verified(packed({**files, LAST: notes.encode()}, witnessed.signer),
                     policy=asking(witnessed))

    assert found.verdict == INVALID
    assert "the cosignature of witness.example/one does not fit" in str(found.fault)
