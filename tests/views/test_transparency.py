"""Transparency logs over HTTP: what tlog-tiles asks for, and nothing that is not signed."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from schemas.topics import Topics
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.notes import Signer
from sinks.transparency.policy import parse_policy, write_policy
from sinks.transparency.regrowing import regrow
from sinks.transparency.results_folder import ResultsFolder
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


READERS = 60
LONG = b'{"shares": [%s]}' % b", ".join([b"0.5"] * 10_000)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is compressed, and which files are read to be sent."""
    counted: Counter[str] = Counter()

    def count(of: Any, name: str) -> None:
        real = getattr(of, name)

        def counting(*given: Any, **named: Any) -> Any:
            counted[name] += 1
            return real(*given, **named)

        monkeypatch.setattr(of, name, counting)

    count(gzip, "compress")
    count(ResultsFolder, "document")
    count(ServedLogs, "tile")
    return counted


def test_many_who_ask_for_a_long_file_cost_as_much_as_one(
    tmp_path: Path, work: Counter[str]
) -> None:
    """A signed result and a bundle are read and compressed once for all who ask at a time, and
    again for nobody who comes later; a newer result is sent as soon as it is there."""
    keeper = opened(tmp_path / PLACE, SIGNER)
    keeper.append(ENTRIES[:256])
    keeper.sign()
    logs = ServedLogs(tmp_path, Topics("scrutin", 2))
    logs.results.publish("town", "a note\n", LONG)
    app = application(Published(campaign.flushes(4, closed=False)), beside=Beside(logs=logs))

    async def ask(path: str) -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await asyncio.gather(*(client.get(path) for _ in range(READERS)))

    async def main() -> None:
        for path, reading in (("/v1/consultations/town/results/signed", "document"),
                              (f"/log/{PLACE}/tile/entries/000", "tile")):
            work.clear()
            answers = await ask(path) + await ask(path)
            assert {(each.status_code, each.headers["content-encoding"]) for each in answers} == {
                (200, "gzip")}
            assert (work["compress"], work[reading]) == (1, 1)
        logs.results.publish("town", "a newer note\n", LONG + b" ")
        newer = await ask("/v1/consultations/town/results/signed")
        assert {each.content for each in newer} == {LONG + b" "}

    asyncio.run(main())
