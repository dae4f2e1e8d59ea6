"""Hidden words are in no bundle; what stands in their place holds, and nothing else may."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from schemas import codec, withheld
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.corrections import digest_of
from schemas.named_keys import KeyList
from schemas.registry import HEADER_BYTES
from sinks.bundle import layout
from sinks.bundle.claims import RECOMPUTED, TRUSTED
from sinks.bundle.faults import NotExported
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.bundle.report import lines
from sinks.recount.checks import DIFFERENT, EQUAL, INVALID, UNREADABLE
from sinks.transparency.policy import place_of
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.bundle.making import (
    KEY,
    Made,
    audited,
    exported_of,
    keep,
    made,
    prepared,
    said,
    signer_of,
    verified,
)
from tests.sinks.bundle.parts import contents, joined, records
from tests.sinks.published import catalogue_log
from tests.sinks.recount.test_words import ACCEPTED, corrections
from tests.sinks.stocking import log_of, open_store, stock


SECRET, FORMER, AUTHOR = "Xylophonesque", "Zeppelinaire", "Quatrebarbes"
SIGNED = {"by": NOBODY, "signature": UNSIGNED}
RETIRED = ("ProposalRetired", {
    "proposal": "p-0", "reason": "unlawful", "text_hidden": True, **SIGNED})


def naming(told: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """Make a retirement that names what holds the words, as the command does."""
    held = [{"offset": offset, "digest": digest}
            for offset, value in enumerate(catalogue_log(random_box(21, 60), told))
            if (digest := withheld.digest_in(value, CONSULTATION, "p-0"))]
    return RETIRED[0], {**RETIRED[1], "hidden": held}


def hiding(*, hide: bool = True) -> list[tuple[str, dict[str, Any]]]:
    """Say telling words, correct them, and hide them."""
    author = {"name": AUTHOR, "kind": "citizen", "age_band": None}
    return [
        ("ProposalAccepted", {"proposal": "p-0", "text": {"fr": FORMER}, "author": author,
                              "event_id": ACCEPTED}),
        ("ProposalCorrected", {
            "proposal": "p-0", "follows": ACCEPTED, "before": {"fr": FORMER},
            "after": {"fr": SECRET}, "reason": "a slip", "offsets": [-1, -1, -1], "votes": 0,
            **SIGNED}),
        *((RETIRED,) if hide else ())]


@pytest.fixture(scope="module")
def hidden(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export a consultation with a proposal whose words are hidden."""
    return made(clickhouse.url, "hidden-words", random_box(21, 60),
                tmp_path_factory.mktemp("hidden"), hiding())


@pytest.fixture(scope="module")
def named(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export one whose retirement names the records that hold the words."""
    told = hiding(hide=False)
    return made(clickhouse.url, "named-words", random_box(21, 60),
                tmp_path_factory.mktemp("named"), [*told, naming(told)])


def disguised(value: bytes | None) -> bytes:
    """Put a record that says nothing in the place of another one, by the hash of its leaf."""
    rest = codec.encode("ProposalAccepted", event_id=bytes(16), consultation=CONSULTATION,
                        proposal="p-0", text={}, author=None, origin="operator", occurred_at=0)
    found = withheld.read(value)
    leaf = found.hash if found else sha256(value or b"").digest()
    return b"".join((withheld.MARK, leaf, bytes(32), rest))


def with_another_id(value: bytes | None) -> bytes:
    """Name the event of a record without words otherwise."""
    changed = bytearray(value or b"")
    changed[len(withheld.MARK) + 2 * 32 + HEADER_BYTES] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(("offset", "lie"), [
    (0, disguised), (2, with_another_id), (7, disguised)],
    ids=["another record", "another id", "another event"])
def test_a_record_without_words_is_one_that_the_retirement_names(
    named: Made, offset: int, lie: Callable[[bytes | None], bytes]
) -> None:
    """Else any record of the catalogue could be left out as one of hidden words."""
    files = contents(named.public)
    held = dict(records(files, layout.CATALOGUE))
    honest = verified(named.public, policy=named.policy)
    held[offset] = lie(held[offset])
    found = audited(named, {**files, layout.CATALOGUE: joined([*held.items()])})

    assert (honest.fault, honest.verdict) == (None, EQUAL)
    assert found.verdict == INVALID
    assert "it is not a record of which the retirement of 'p-0' says" in said(found)


def test_words_that_were_said_again_since_they_were_hidden_are_hidden_again_first(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """The retirement does not name that record, so no bundle is made that nobody could verify."""
    told = hiding(hide=False)
    again = ("ProposalAccepted", {"proposal": "p-0", "text": {"fr": FORMER}, "author": None})
    found = prepared(clickhouse.url, topic_prefix, random_box(21, 60), tmp_path,
                     [*told, naming(told), again])
    with pytest.raises(NotExported, match="said again since they were hidden"):
        exported_of(found, tmp_path, PUBLIC, KEY)


@pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])
def test_hidden_words_are_in_no_file_of_a_bundle_that_holds(hidden: Made, kind: str) -> None:
    """Neither words nor author: hash and digests stand in their place, and `verify` says so."""
    found = verified(hidden.bundle(kind), policy=hidden.policy)
    assert (found.fault, found.verdict) == (None, EQUAL)
    held = b"".join(contents(hidden.bundle(kind)).values())
    for secret in (SECRET, FORMER, AUTHOR):
        assert secret.encode() not in held
    assert digest_of({"fr": SECRET}).encode() in held
    [line] = [line for line in lines(found, 1.0, kept_checkpoints=0) if "are hidden" in line]
    assert line.startswith(f"  {TRUSTED}: 3 records of the catalogue whose words are hidden")


def test_words_that_are_not_hidden_cannot_be_withheld(hidden: Made) -> None:
    """An operator who leaves words out without a retirement on record is found."""
    files = contents(hidden.public)
    held = records(files, layout.CATALOGUE)
    other = [(offset, withheld.without_words(value, {"p-1"})) for offset, value in held]
    found = audited(hidden, {**files, layout.CATALOGUE: joined(other)})
    assert found.verdict == INVALID
    assert "the words of 'p-1' are withheld, and the catalogue does not hide them" in said(found)


@pytest.mark.parametrize(("which", "at", "verdict", "what"), [
    (0, 1, INVALID, "this is not the record that was signed"),
    (-1, 65, DIFFERENT, "text_sha256"),
    (0, 65, UNREADABLE, "it is withheld, and not as any release")])
def test_what_stands_in_place_of_hidden_words_cannot_be_another(
    hidden: Made, which: int, at: int, verdict: str, what: str
) -> None:
    """The leaf's hash is the log's, the last digest the document's, and the rest is a record."""
    files = contents(hidden.public)
    held = dict(records(files, layout.CATALOGUE))
    offset = [offset for offset, value in held.items()
              if value and value.startswith(withheld.MARK)][which]
    changed = bytearray(held[offset] or b"")
    changed[at] ^= 1
    held[offset] = bytes(changed)
    found = audited(hidden, {**files, layout.CATALOGUE: joined([*held.items()])})
    assert (found.verdict, what in said(found)) == (verdict, True)


def test_a_result_that_shows_words_hidden_since_is_not_exported(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """The notary signs another one; until then there is no bundle."""
    box = random_box(21, 60)
    found = prepared(clickhouse.url, topic_prefix, box, tmp_path, hiding(hide=False))
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    size = len(catalogue_log(box, hiding(hide=False)))
    late = next(value for value in catalogue_log(box, [RETIRED]) if b"unlawful" in (value or b""))
    stock(store, log_of(found.topics, found.topics.catalogue), 0, [late], first=size)
    with pytest.raises(NotExported, match=r"words that are hidden since \(p-0\)"):
        exported_of(found, tmp_path, PUBLIC, KEY)


def test_words_that_were_hidden_a_moment_ago_are_not_exported(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """The notary has signed that they are; the archive gathers for half a minute: it is awaited."""
    box = random_box(21, 60)
    found = prepared(clickhouse.url, topic_prefix, box, tmp_path, hiding(hide=False))
    topics, size = found.topics, len(catalogue_log(box, hiding(hide=False)))
    late = [value for value in catalogue_log(box, [RETIRED]) if b"unlawful" in (value or b"")]
    keep(tmp_path / "transparency" / place_of(topics, topics.catalogue, 0),
         signer_of(topics, topics.catalogue, 0), late, keys=KeyList(), catalogue=True)

    def catch_up(line: str) -> None:
        if line.startswith("waiting for the archive"):
            store = open_store(clickhouse.url, topic_prefix, topic_prefix)
            stock(store, log_of(topics, topics.catalogue), 0, late, first=size)

    with pytest.raises(NotExported, match=r"words that are hidden since \(p-0\)"):
        exported_of(found, tmp_path, PUBLIC, KEY, catch_up)


@pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])
def test_a_lie_about_the_votes_before_a_correction_is_found_where_the_votes_are(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, kind: str
) -> None:
    """An auditor's bundle has them; of a public one the number is told as trusted."""
    box = random_box(21, 60)
    cut = tuple(len(log) // 2 for log in box.logs)
    honest, lying = (made(
        clickhouse.url, f"{topic_prefix}{lie}", random_box(21, 60), tmp_path / str(lie),
        corrections(box, cut, lie)) for lie in (0, 1))
    found, lied = (verified(each.bundle(kind)) for each in (honest, lying))
    how = RECOMPUTED if kind == AUDITOR else TRUSTED

    assert found.fault is None
    assert [claim.how for claim in found.claims if "1 corrections" in claim.what] == [how]
    assert (lied.fault is not None) == (kind == AUDITOR)
    assert kind == PUBLIC or "recounted" in said(lied)
