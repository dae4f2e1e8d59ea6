"""Whatever a hostile operator signs, verification ends with a verdict, and shows it unharmed."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.words import OUTCOMES
from sinks.bundle import ballots, layout, logs
from sinks.bundle.claims import TRUSTED
from sinks.bundle.faults import told
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.bundle.report import lines
from sinks.bundle.verify import verify
from sinks.recount.checks import DIFFERENT, INVALID, MISSING, UNREADABLE
from tests.sinks.bundle.making import Made, audited, published, quiet, said, verified
from tests.sinks.bundle.parts import contents, packed


KINDS_OF_BUNDLE = pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])


def _digits(body: bytes) -> bytes:
    """Give the first row of a table a number of 6,000 digits."""
    head, row, rest = body.split(b"\n", 2)
    cells = row.split(b",")
    cells[3] = b"9" * 6_000
    return b"\n".join([head, b",".join(cells), rest])


@pytest.mark.parametrize(("name", "change"), [
    (layout.BALLOTS, _digits),
    (layout.LEAVES, lambda _: b"[" * 200_000),
    (layout.LEAVES, lambda body: body.replace(b'"suspensions": ', b'"suspensions": 1e999, "s": ')),
    (layout.RESULTS, lambda body: body[:-1] + b', "x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    (layout.RESULTS, lambda body: body.replace(b'"received": ', b'"received": 1e999, "r": ', 1)),
], ids=["digits", "deep leaves", "infinite leaves", "deep results", "infinite results"])
def test_no_signed_bytes_break_the_verifier(
    exported: Made, name: str, change: Callable[[bytes], bytes]
) -> None:
    """Numbers without end and nesting without end, signed: exit code 1, 4 or 5, no traceback."""
    files = contents(exported.public)
    files[name] = change(files[name])
    found = audited(exported, files)

    assert found.verdict in (UNREADABLE, INVALID)
    assert said(found)


class _Full(io.BytesIO):
    """A file on a machine without memory."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise MemoryError


def test_a_machine_without_memory_says_nothing_about_the_bundle() -> None:
    """That memory ran out is a lack of the machine, exit code 3, and no fault of the bundle."""
    found = verify(_Full(), say=quiet)

    assert found.verdict == MISSING
    assert said(found).startswith("this machine: memory ran out")


def test_an_event_hidden_behind_a_suspension_that_never_was_is_told_as_trust(
    exported: Made
) -> None:
    """Left out of the rows and put among the suspensions it balances: the claims name that gap."""
    files = contents(exported.public)
    leaves = json.loads(files[layout.LEAVES])
    head, *rows = (line.split(",") for line in files[layout.BALLOTS].decode().split("\n"))
    row = next(row for row in rows if row[4] == "0")
    row[3] = str(int(row[3]) - 1)
    one_more = {**leaves, "suspensions": leaves["suspensions"] + 1}
    lacking = {**files, layout.BALLOTS: "\n".join(map(",".join, (head, *rows))).encode()}

    assert "1 records were left out of the count" in said(audited(exported, lacking))
    found = audited(exported, {**lacking, layout.LEAVES: json.dumps(one_more).encode()})
    assert "how many records are suspensions, and of which consultation each leaf is" in [
        claim.what for claim in found.claims if claim.how == TRUSTED]


def test_keys_that_are_none_are_unreadable(exported: Made) -> None:
    """A policy of nonsense beside the one that was kept is exit code 5."""
    honest = contents(exported.public)
    for policy in (b"nonsense\n", b"\xff\xfe"):
        bundle = packed({**honest, layout.POLICY: policy}, exported.signer)
        assert verified(bundle, policy=honest[layout.POLICY].decode()).verdict == UNREADABLE


@KINDS_OF_BUNDLE
def test_only_files_of_a_bundle_are_in_it(exported: Made, kind: str) -> None:
    """One more, one less, or the same in another order than the signed one: each is a fault."""
    files = contents(exported.bundle(kind))
    for name in ("../../../tmp/evil", "/etc/passwd", "results/results (true).json",
                 "schemas/../evil.avsc"):
        found = audited(exported, {**files, name: b"x"})
        assert found.verdict == INVALID
        assert said(found) == f"{name}: no bundle has a file of this name"
    lacking = dict(files)
    del lacking["README.md"]
    turned = dict(reversed(list(files.items())))

    assert audited(exported, lacking).verdict == MISSING
    assert verified(packed(turned)).verdict == INVALID


@KINDS_OF_BUNDLE
def test_pages_and_schemas_of_others_are_told(exported: Made, kind: str) -> None:
    """A page or a schema that this version would not write is trusted, by name."""
    files = contents(exported.bundle(kind))
    schema = next(name for name in files if name.startswith("schemas/VoteCast/"))
    for name in ("README.md", schema):
        found = audited(exported, {**files, name: b"run: this"})
        assert [name in claim.why for claim in found.claims
                if claim.what == "pages and schemas" and claim.how == TRUSTED] == [True]


@KINDS_OF_BUNDLE
def test_files_held_whole_have_bounds(
    exported: Made, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is larger than any of its kind, and a list without end, are not taken in."""
    files = contents(exported.bundle(kind))
    for name in (layout.MANIFEST, layout.RESULTS, layout.LEAVES):
        with monkeypatch.context() as patched:
            patched.setitem(layout.WHOLE_BYTES_MAX, name, len(files[name]) - 1)
            found = verified(exported.bundle(kind))
        assert (found.verdict, said(found).split(":")[0]) == (UNREADABLE, name)
    for module, bound, place in ((ballots, "PROPOSALS_MAX", layout.BALLOTS),
                                 (logs, "CONSULTATIONS_MAX", "logs/votes/0/entries")):
        with monkeypatch.context() as patched:
            patched.setattr(module, bound, 1)
            found = verified(exported.public)
        assert (found.verdict, said(found).startswith(place)) == (UNREADABLE, True)
    many = verified(packed({**files, **{f"{number}": b"" for number in range(8_192)}}))
    assert (many.verdict, "more than 8,192 files" in said(many)) == (UNREADABLE, True)


def test_names_cannot_move_the_terminal(exported: Made) -> None:
    """What an unsigned bundle calls its files is shown escaped."""
    name = "\r\x1b[2K\x1b[1AEQUAL: everything\u202e"
    found = verified(packed({**contents(exported.public), name: b"x"}))
    shown = list(lines(found, 1.0, kept_checkpoints=0))

    assert found.verdict == INVALID
    assert all(line.isprintable() for line in shown)
    assert any("\\x1b[2K" in line for line in shown)


def _set(*path: str) -> Callable[[Any], Callable[[Any], None]]:
    """Make changes that set one number of a document."""
    def to(number: Any) -> Callable[[Any], None]:
        def change(document: Any) -> None:
            for name in path[:-1]:
                document = document[name]
            document[path[-1]] = number
        return change
    return to


@pytest.mark.parametrize(("path", "number"), [
    (("totals", "participants"), 1), (("totals", "participants"), 10**6),
    (("totals", "participants"), 2.5), (("totals", "participants_received"), 1),
    (("totals", "participants_received"), 10**6), (("totals", "suspended_voters"), -4),
    (("totals", "controls_after_closing"), 10**6), (("participation", "descriptions"), "lots"),
    (("participation", "gender"), [{"value": "x", "count": -5}]),
    (("as_of", "participants"), "now"),
    (("participation", "descriptions"), 49), (("participation", "unpublished"), -1),
    (("participation", "unpublished"), 50), (("participation", "unpublished"), None),
    (("participation", "gender"), [{"value": "man", "count": None}]),
    (("participation", "gender"), [
        {"value": "woman", "count": 60}, {"value": "man", "count": 30},
        {"value": "other", "count": 9}]),
], ids=lambda value: str(value)[:40])
def test_trusted_numbers_are_possible_ones(
    exported: Made, path: tuple[str, ...], number: Any
) -> None:
    """What rows do not show is bounded by them: exit code 1, with the number's path."""
    found = audited(exported, published(exported, contents(exported.public), _set(*path)(number)))

    assert found.verdict == DIFFERENT
    assert f"results/results.json, {'.'.join(path)}: published {told(number)}, which cannot be" in \
        said(found)


@pytest.mark.parametrize(("cell", "text"), [
    (1, "=1+1"), (2, "\x1b[2K"), (6, "like_it")], ids=["pseudonym", "day", "no vote qualified"])
def test_cells_are_what_they_are_called(exported: Made, cell: int, text: str) -> None:
    """Cells that no count needs are held to their form, too: exit code 5, with the line."""
    files = contents(exported.public)
    head, *rows = files[layout.BALLOTS].decode().splitlines(keepends=True)
    at = next(number for number, row in enumerate(rows) if not row.split(",")[5])
    cells = rows[at].split(",")
    cells[cell] = text
    rows[at] = ",".join(cells)
    found = audited(exported, {**files, layout.BALLOTS: "".join([head, *rows]).encode()})

    assert found.verdict == UNREADABLE
    assert said(found).startswith(f"ballots.csv, line {at + 2}: ")


@KINDS_OF_BUNDLE
def test_outcomes_are_known_ones(exported: Made, kind: str) -> None:
    """Records decided under a name that is no outcome, or fewer than none: exit code 1."""
    files = contents(exported.bundle(kind))
    held = sum(json.loads(files[layout.RESULTS])["totals"]["decided"].values())
    for decided in ({"bogus": held}, {OUTCOMES[0]: held + 1, OUTCOMES[1]: -1}):
        found = audited(exported, published(exported, files, _set("totals", "decided")(decided)))
        assert found.verdict == DIFFERENT
