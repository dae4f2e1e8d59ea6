"""Readers of what visitors send: forms, cookies, papers, queries, bodies, receipts, proofs."""

import functools
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from producers.gateway import identity, view_proofs
from producers.gateway.application import _parsed
from producers.gateway.identity import Signer
from producers.gateway.models import Description, Qualified, Vote
from producers.gateway.refusals import Refused
from producers.gateway.view_proofs import Seen
from schemas import visitors
from schemas.topics import Topics
from schemas.visitors import TooManyFields
from scrutin.gateway.receipt_checker import ReceiptChecker
from sinks.transparency.serving import ServedLogs
from tests.foreign.readers import Reader
from tests.sinks.transparency.receipts import GATEWAY, receipt, vote
from views import asked, hosts
from views.asked import NoForm
from views.pages import languages, proposals_page
from views.pages.proposals_page import BadPart
from views.voting import folded, forms, paper
from views.voting.desk import Act, Recorded, TurnedAway
from views.voting.roll import Roll


KEY = Signer(bytes(32))
RECEIPT = receipt([vote(1), vote(2), vote(3)], 1, first_offset=7)
ROLL = Roll(("p1", "p2"))
FORM = (
    b'multipart/form-data; boundary=x\n--x\r\nContent-Disposition: form-data; name="upload"; '
    b'filename="a.json"\r\nContent-Type: application/json\r\n\r\n{}\r\n--x--\r\n')
DOCUMENT: dict[str, Any] = {"themes": [{"id": "t"}], "ideas": [{"id": "i"}]}


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:16]


def _paper() -> bytes:
    made = paper.Paper()
    made.serve(["p1", "p2"], ["p1"], tells_routes=True)
    made.mark(Act("VoteCast", "p1", "agree"), "agree", Recorded(1, 7, trusted=True))
    return folded.written(made, _seal, ROLL).encode()


def _form(raw: bytes) -> dict[str, bytes]:
    declared, _, body = raw.partition(b"\n")
    return asked.parts(declared.decode("latin-1"), body)


def _seen(raw: bytes) -> Seen | None:
    return view_proofs.read(
        KEY, bytes(16), "town", "p1", proof=raw.decode("latin-1"), now=1_700_000_000_000)


def _intention(raw: bytes) -> Any:
    return forms.intention(visitors.query(raw, 8))


@functools.cache
def _checker() -> ReceiptChecker:
    folder = Path(tempfile.gettempdir()) / "no-such-folder-of-logs"
    topics = Topics("scrutin", 2)
    return ReceiptChecker(
        GATEWAY.public_key().public_bytes_raw(), ServedLogs(folder, topics), topics)


READERS = (
    Reader("forms", _form, (NoForm,), (
        FORM,)),
    Reader("queries", lambda raw: visitors.query(raw, 8), (TooManyFields,), (
        b"proposal=p1&choice=a%20b&lang=fr",)),
    Reader("acts", _intention, (TurnedAway, TooManyFields), (
        b"act=agree&key=0123456789abcdef&proposal=p1&shown=1700000000000&proof=x",)),
    Reader("cookies", lambda raw: visitors.cookie(raw.decode("latin-1"), "a"), (), (
        b'a=b; c="d"; language=fr',)),
    Reader("papers", lambda raw: folded.read(raw.decode("latin-1"), _seal, ROLL), (), (_paper(),)),
    Reader("devices", lambda raw: identity.device_of(KEY, raw.decode("latin-1")), (), (
        identity.device_cookie(KEY, bytes(16)).encode(),)),
    Reader("view_proofs", _seen, (), (
        view_proofs.first_proof(KEY, bytes(16), "town", "p1", 1_700_000_000).encode(),
        view_proofs.view_proof(KEY, bytes(16), "town", "p1", shown_at=1_700_000_000_000,
                               shown=1, wording=7).encode())),
    Reader("networks", lambda raw: identity.network_of(raw.decode("latin-1")), (), (
        b"192.0.2.7", b"2001:db8::1", b"::ffff:192.0.2.7")),
    Reader("hosts", hosts.name_in, (), (b"vote.example.org:443", b"[::1]:8080")),
    Reader("languages", lambda raw: languages.negotiate(None, None, raw.decode("latin-1")), (), (
        b"fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5",)),
    Reader("lists", lambda raw: proposals_page.asked(visitors.query(raw, 32), DOCUMENT),
           (BadPart, TooManyFields), (b"q=eau&theme=t&idea=i&min_votes=5&sort=votes&page=2",)),
    Reader("votes", functools.partial(_parsed, Vote), (Refused,), (
        b'{"proposal":"p1","choice":"agree","proof":"x"}',)),
    Reader("qualifications", functools.partial(_parsed, Qualified), (Refused,), (
        b'{"proposal":"p1","qualification":"like_it"}',)),
    Reader("descriptions", functools.partial(_parsed, Description), (Refused,), (
        json.dumps({"gender": None, "receipt": RECEIPT}).encode(),)),
    Reader("receipts", lambda raw: _checker().check(raw, 1_700_000_000.0), (), (
        json.dumps(RECEIPT).encode(),)),
)
