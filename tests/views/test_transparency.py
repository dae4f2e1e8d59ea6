"""Transparency logs over HTTP: what tlog-tiles asks for, and nothing that is not signed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from schemas.topics import Topics
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.notes import Signer
from sinks.transparency.policy import parse_policy, write_policy
from sinks.transparency.regrowing import regrow
from sinks.transparency.serving import ServedLogs
from sinks.transparency.tiles import Tile
from sinks.transparency.tlog_proof import parse_proof, verify
from tests.sinks.transparency.keeping import entries, opened
from tests.views import campaign
from tests.views.test_api import Published
from views.api import Beside, application


PLACE = "scrutin/votes/1"
ORIGIN = f"example.org/log/{PLACE}"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENTRIES = entries(600)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """Serve a log of 600 entries, and a tile on disk beyond what is signed."""
    keeper = opened(tmp_path / PLACE, SIGNER)
    for size in (300, 600):
        keeper.append(ENTRIES[keeper.size:size])
        keeper.sign()
    (tmp_path / PLACE / "tile/0/002").write_bytes(bytes(32 * 256))
    (tmp_path / "scrutin/policy").write_text(write_policy([SIGNER.verifier]))
    logs = ServedLogs(tmp_path, Topics("scrutin", 2))
    logs.results.publish("town", "a note\n", b'{"shares": null}')
    app = application(Published(campaign.flushes(4, closed=False)), beside=Beside(logs=logs))
    with TestClient(app) as made:
        yield made


def test_a_whole_log_can_be_read_and_checked(client: TestClient) -> None:
    """By the addresses alone the tree is read, grown again, and has the signed root."""
    policy = parse_policy(client.get("/log/scrutin/policy").text)
    head = client.get(f"/log/{PLACE}/checkpoint")
    checkpoint = open_checkpoint(head.text, policy[ORIGIN])

    def read(tile: Tile) -> bytes | None:
        answer = client.get(f"/log/{PLACE}/{tile.path}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert ("content-encoding" in answer.headers) == (
            tile.level == -1 and tile.width > 20)
        return answer.content

    [tree] = regrow(read, [checkpoint.size])
    assert (tree.size, tree.root()) == (600, checkpoint.root)
    assert head.headers["content-type"] == "text/plain; charset=utf-8"
    assert head.headers["cache-control"] == "public, max-age=2"


@pytest.mark.parametrize("path", [
    "scrutin/votes/1/tile/0/002", "scrutin/votes/1/tile/0/003", "scrutin/votes/1/tile/0/2",
    "scrutin/votes/1/tile/0/%2e%2e/0/000", "scrutin/votes/1/checkpoints",
    "scrutin/votes/0/checkpoint", "scrutin/votes/2/checkpoint", "other/votes/1/checkpoint",
    "%2e%2e/%2e%2e/etc/passwd", "scrutin/votes/1/tile/%2e%2e/%2e%2e/%2e%2e/policy", "", "scrutin"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    """A tile beyond the checkpoint, another spelling, another file: none is there."""
    assert client.get(f"/log/{path}").status_code == 404


def test_signed_results_are_served(client: TestClient) -> None:
    """A consultation's note and its document are there, byte for byte; of others there is none."""
    assert client.get("/v1/consultations/town/results/note").text == "a note\n"
    assert client.get("/v1/consultations/town/results/signed").content == b'{"shares": null}'
    for name in ("note", "signed"):
        assert client.get(f"/v1/consultations/other/results/{name}").status_code == 404


def test_a_receipt_is_proven_once_its_vote_is_signed(client: TestClient) -> None:
    """The proof of a vote verifies; one beyond the checkpoint is told to come again."""
    found = client.get("/v1/receipts/1/299")
    later = client.get("/v1/receipts/1/600")

    verify(parse_proof(found.text), index=299, entry=ENTRIES[299],
           logs={ORIGIN: SIGNER.verifier}, origin=ORIGIN)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert (later.status_code, later.json()["type"]) == (404, "/problems/not-in-log")
    assert int(later.headers["retry-after"]) > 0
    assert client.get("/v1/receipts/7/0").status_code == 404
    assert client.get(f"/v1/receipts/0/{'9' * 5_000}").status_code == 404
