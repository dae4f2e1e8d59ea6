"""Damages of the bundles that release 0.1.0 signed, and what that release said of each.

Run by hand, once, with that release first in the path (its wheel unpacked in a folder), it writes
`golden/verdicts.json`:

    PYTHONPATH=FOLDER:. PYTHONSAFEPATH=1 python tests/releases/damages.py

What it imports has the same names in both releases, so the very same bytes are verified by both.
"""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sinks.bundle import layout
from sinks.bundle.verify import verify
from sinks.transparency.notes import Signer
from sinks.transparency.results_notes import results_text
from tests.sinks.bundle.parts import Files, contents, joined, packed, records


RELEASE = Path(__file__).parent / "signed-by-0.1.0"
VERDICTS = Path(__file__).parent / "golden/verdicts.json"
KINDS = (layout.AUDITOR, layout.PUBLIC)
POLICY = (RELEASE / "policy").read_text("utf-8")
SIGNER = Signer("example.org/log/test_golden/catalogue/0",
                Ed25519PrivateKey.from_private_bytes(bytes([255] * 32)))
"""The key of results and bundles: what is damaged is signed anew, as a dishonest operator does."""
Verdict = tuple[str, str]
"""Verdict, and the place of the fault; empty where it holds."""


def bundle(kind: str) -> bytes:
    """Return what was signed."""
    return gzip.decompress((RELEASE / f"{kind}.zip.gz").read_bytes())


def verdict(damaged: bytes) -> Verdict:
    """Verify by the keys that were kept."""
    found = verify(io.BytesIO(damaged), say=lambda _: None, policy=POLICY)
    return found.verdict, found.fault.place if found.fault else ""


def damages(kind: str) -> Iterator[tuple[str, bytes]]:
    """Yield each damage by name, with the bundle that has it; the first one has none."""
    whole = bundle(kind)
    files = contents(whole)
    yield "none", whole
    yield "cut short", whole[:-9]
    yield "longer by a byte", whole + b"\0"
    yield "twice", whole + whole
    yield "a file more", packed({**files, "another": b""})
    yield "signed anew", packed(files, SIGNER)
    for name in files:
        if layout.is_schema(name) or name in {layout.MANIFEST, layout.MANIFEST_NOTE}:
            continue
        less = {other: body for other, body in files.items() if other != name}
        flipped = {**files, name: _flipped(files[name])}
        yield f"{name} left out", packed(less)
        yield f"{name} left out, signed anew", packed(less, SIGNER)
        yield f"{name}, a bit", packed(flipped)
        yield f"{name}, a bit, signed anew", packed(flipped, SIGNER)
    for name, change in _MOVED.items():
        for file in (layout.CATALOGUE, layout.votes(0), layout.decisions(1)):
            if len(records(files, file) if file in files else ()) > 3:
                moved = {**files, file: joined(change(records(files, file)))}
                yield f"{file}, {name}, signed anew", packed(moved, SIGNER)
    for name, publish in _PUBLISHED.items():
        yield f"published: {name}, signed anew", packed(_published(files, publish), SIGNER)
    if kind == layout.PUBLIC:
        yield from _rows(files)


def _flipped(body: bytes) -> bytes:
    """Flip a bit in the middle."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 4]) + body[at + 1:]


Held = list[tuple[int, bytes | None]]


def _swapped(held: Held) -> Held:
    """Swap the values of two neighbours."""
    (first, one), (second, other) = held[1:3]
    return [held[0], (first, other), (second, one), *held[3:]]


_MOVED: dict[str, Callable[[Held], Held]] = {
    "a record left out": lambda held: held[:2] + held[3:],
    "the last record left out": lambda held: held[:-1],
    "a record twice": lambda held: held[:2] + held[1:],
    "two records swapped": _swapped,
}


def _published(files: Files, change: Callable[[Any], None]) -> Files:
    """Publish another document, under a note that fits it."""
    document = json.loads(files[layout.RESULTS])
    change(document)
    body = json.dumps(document, ensure_ascii=False).encode()
    note = SIGNER.sign(results_text(body)).encode()
    return {**files, layout.RESULTS: body, layout.RESULTS_NOTE: note}


def _vote_more(document: Any) -> None:
    document["proposals"][1]["counted"]["agree"] += 1


def _share(document: Any) -> None:
    document["ideas"][0]["shares"]["agree"] = 0.9


def _participant_more(document: Any) -> None:
    document["totals"]["participants"] += 1


def _regrouped(document: Any) -> None:
    document["proposals"][1]["idea"] = None


_PUBLISHED: dict[str, Callable[[Any], None]] = {
    "a vote more": _vote_more, "a share rounded up": _share,
    "a participant more": _participant_more, "a proposal regrouped": _regrouped,
}


def _rows(files: Files) -> Iterator[tuple[str, bytes]]:
    """Change the rows of a public bundle."""
    head, *rows = files[layout.BALLOTS].splitlines(keepends=True)
    for name, changed in {
        "a row left out": [*rows[:3], *rows[4:]],
        "a row twice": [*rows[:4], *rows[3:]],
        "a row of another choice": [
            *rows[:3], rows[3].replace(b",disagree,", b",agree,"), *rows[4:]],
    }.items():
        yield f"{layout.BALLOTS}, {name}, signed anew", packed(
            {**files, layout.BALLOTS: b"".join([head, *changed])}, SIGNER)


def digest(damaged: bytes) -> str:
    """Tell one damage from another."""
    return hashlib.sha256(damaged).hexdigest()[:16]


if __name__ == "__main__":
    VERDICTS.write_text(json.dumps({
        kind: {name: (digest(damaged), *verdict(damaged)) for name, damaged in damages(kind)}
        for kind in KINDS}, ensure_ascii=False, indent=1) + "\n", "utf-8")
