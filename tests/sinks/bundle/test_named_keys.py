"""Keys in a bundle: each checkpoint commits to those the catalogue names; bundles of 0.1.0 hold."""

import gzip
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.services import ClickHouse
from schemas import codec
from schemas.named_keys import key_id
from sinks.bundle import layout
from sinks.bundle.claims import RECOMPUTED, TRUSTED
from sinks.bundle.layout import AUDITOR, PUBLIC, Record
from sinks.bundle.report import as_json
from sinks.recount.checks import INVALID, MISSING
from sinks.transparency.checkpoints import open_checkpoint, parse_checkpoint, split_checkpoints
from sinks.transparency.key_commitments import committed
from sinks.transparency.notes import Signer, text_of, to_base64
from sinks.transparency.policy import parse_policy
from tests.sinks.ballots import random_box
from tests.sinks.bundle.making import Made, audited, made, said, signer_of, verified
from tests.sinks.bundle.parts import Files, contents, joined, packed, records
from tests.sinks.published import RECEIPT_KEYS


RELEASE = Path(__file__).parents[2] / "releases/signed-by-0.1.0"
"""What release 0.1.0 has signed: bundles, a receipt, and the keys for them."""
KINDS_OF_BUNDLE = pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])
CATALOGUE = f"{layout.CATALOGUE_LOG}/checkpoints"


@pytest.fixture(scope="module")
def named(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export a consultation whose catalogue names two keys of receipts, and retires one."""
    box = random_box(23, 150)
    box.names_keys = True
    return made(clickhouse.url, f"test_{uuid.uuid4().hex[:12]}", box,
                tmp_path_factory.mktemp("named"))


@KINDS_OF_BUNDLE
def test_a_bundle_names_the_keys_in_use_and_retired(named: Made, kind: str) -> None:
    """Recomputed from the catalogue, and every checkpoint that can be is held against them."""
    found = verified(named.bundle(kind))
    [claim] = [claim for claim in found.claims if claim.what.startswith("keys of receipts")]

    assert found.fault is None
    assert claim.how == RECOMPUTED
    assert [(key["public"], key["state"]) for key in as_json(found, 0)["named_keys"]] == [
        (to_base64(RECEIPT_KEYS[0]), "retired"), (to_base64(RECEIPT_KEYS[1]), "in_use")]
    assert f"{key_id(RECEIPT_KEYS[0])} retired, {key_id(RECEIPT_KEYS[1])} in use" in claim.what
    # Three logs, two checkpoints each behind the empty one; those of votes read less or more.
    assert (found.keys.checkpoints + found.keys.beyond, found.keys.before) == (6, 3)
    assert found.keys.beyond < 3


def _left_out(held: list[Record]) -> list[Record]:
    return held[1:]


def _added(held: list[Record]) -> list[Record]:
    offset, value = held[0]
    return [(offset - 1, value), *held]


def _twice(held: list[Record]) -> list[Record]:
    return [held[0], *held]


def _another(held: list[Record]) -> list[Record]:
    event, fields = codec.decode(held[0][1])
    return [(held[0][0], codec.encode(event, **{**fields, "public": bytes(32)})), *held[1:]]


@KINDS_OF_BUNDLE
@pytest.mark.parametrize(("change", "place"), [
    (_left_out, f"{layout.CATALOGUE_LOG}/checkpoints"), (_added, layout.KEYS),
    (_twice, layout.KEYS), (_another, layout.KEYS), (lambda _: [], CATALOGUE),
])
def test_a_key_left_out_or_put_in_is_found(
    named: Made, kind: str, change: Callable[[list[Record]], list[Record]], place: str
) -> None:
    """Though the operator signs the bundle anew: the checkpoints say what the catalogue named."""
    files = contents(named.bundle(kind))
    files[layout.KEYS] = joined(change(records(files, layout.KEYS)))
    found = audited(named, files)

    assert found.verdict == INVALID
    assert said(found).startswith(place)


def _resigned(named: Made, files: Files, line: Callable[[int], tuple[str, ...]]) -> Files:
    """Sign the catalogue's checkpoints again with other lines behind their roots."""
    notes = [parse_checkpoint(text_of(note))
             for note in split_checkpoints(files[CATALOGUE].decode())]
    return {**files, CATALOGUE: "".join(
        named.signer.sign(note._replace(extensions=line(number)).text())
        for number, note in enumerate(notes)).encode()}


@pytest.mark.parametrize(("line", "verdict", "what"), [
    (lambda _: (f"scrutin-keys 9 {to_base64(bytes(32))}",), INVALID, "commits to other keys"),
    (lambda _: ("scrutin-keys 9 short",), INVALID, "cannot be read"),
    (lambda _: (f"scrutin-keys 9 {to_base64(bytes(32))}",) * 2, INVALID, "or two"),
    (lambda _: (), MISSING, "no checkpoint commits to them"),
])
def test_a_checkpoint_that_commits_to_other_keys_is_refused(
    named: Made, line: Callable[[int], tuple[str, ...]], verdict: str, what: str
) -> None:
    """Or to none, in a line that cannot be read, or in two: signed or not."""
    found = audited(named, _resigned(named, contents(named.public), line))

    assert (found.verdict, what in said(found)) == (verdict, True)


def test_a_checkpoint_never_commits_to_less_than_one_before(named: Made) -> None:
    """A line once written stays: without it a key could be named and denied again."""
    files = contents(named.public)
    kept = parse_checkpoint(text_of([*split_checkpoints(files[CATALOGUE].decode())][1]))
    found = audited(named, _resigned(
        named, files, lambda number: kept.extensions if number == 1 else ()))

    assert (found.verdict, "commits to fewer keys" in said(found)) == (INVALID, True)


@KINDS_OF_BUNDLE
def test_a_bundle_of_release_0_1_0_holds(kind: str) -> None:
    """By the keys in it and by the policy kept then; that it commits to no keys is said."""
    bundle = gzip.decompress((RELEASE / f"{kind}.zip.gz").read_bytes())
    found = verified(bundle, policy=(RELEASE / "policy").read_text())

    assert found.fault is None
    assert verified(bundle).fault is None
    assert layout.KEYS not in contents(bundle)
    assert found.manifest is not None
    assert found.manifest.version == 1
    [claim] = [claim for claim in found.claims if claim.what.startswith("keys of receipts")]
    assert claim.how == TRUSTED


@KINDS_OF_BUNDLE
def test_a_bundle_holds_under_the_policy_of_a_later_or_an_earlier_key(
    named: Made, kind: str
) -> None:
    """While a key is changed both sign: whoever kept either policy verifies old and new bundles."""
    files = contents(named.bundle(kind))
    policy = files[layout.POLICY].decode()
    new = Ed25519PrivateKey.from_private_bytes(bytes([99] * 32))
    name = named.signer.verifier.name
    later = policy.replace("quorum none\n", f"log {Signer(name, new).verifier.vkey}\nquorum none\n")
    both = Signer(name, new, Ed25519PrivateKey.from_private_bytes(bytes([255] * 32)))
    bundle = packed({**files, layout.POLICY: later.encode()}, both)
    alone = packed({**files, layout.POLICY: later.encode()}, Signer(name, new))

    for given in (policy, later):
        assert verified(named.bundle(kind), policy=given).fault is None
        assert verified(bundle, policy=given).fault is None
    assert verified(alone, policy=later).fault is None
    assert verified(alone, policy=policy).verdict == INVALID


def test_each_log_s_checkpoints_commit(named: Made) -> None:
    """Of votes as of the catalogue; the line reads back as it was written."""
    files = contents(named.public)
    logs = parse_policy(files[layout.POLICY].decode())
    for folder, topic, number in (
            ("logs/votes/0", named.topics.votes, 0), ("logs/votes/1", named.topics.votes, 1),
            (layout.CATALOGUE_LOG, named.topics.catalogue, 0)):
        name = signer_of(named.topics, topic, number).verifier.name
        notes = split_checkpoints(files[f"{folder}/checkpoints"].decode())
        opened = [open_checkpoint(note, logs[name]) for note in notes]

        assert committed(opened[0]) is None
        for checkpoint in opened[1:]:
            found = committed(checkpoint)
            assert found is not None
            assert (found.line,) == checkpoint.extensions


@KINDS_OF_BUNDLE
def test_the_first_format_keeps_no_keys_back(named: Made, kind: str) -> None:
    """Its signer leaves the records of keys out: the checkpoints that commit to them tell."""
    files = contents(named.bundle(kind))
    del files[layout.KEYS]
    files[layout.MANIFEST] = files[layout.MANIFEST].replace(
        b"scrutin-bundle/2", b"scrutin-bundle/1")
    found = audited(named, files)

    assert (found.verdict, said(found).split(":")[0]) == (MISSING, layout.KEYS)


def test_a_log_that_commits_to_no_keys_is_said(named: Made) -> None:
    """A proof from there shows no key, though the other logs commit: it is trusted, by name."""
    files, log = contents(named.public), f"{layout.votes_log(1)}/checkpoints"
    signer = signer_of(named.topics, named.topics.votes, 1)
    notes = [parse_checkpoint(text_of(note)) for note in split_checkpoints(files[log].decode())]
    bare = "".join(signer.sign(note._replace(extensions=()).text()) for note in notes)
    found = audited(named, {**files, log: bare.encode()})

    assert found.fault is None
    assert ["logs/votes/1" in claim.what for claim in found.claims
            if claim.how == TRUSTED and claim.what.startswith("keys under")] == [True]
    assert not any(claim.what.startswith("keys under") for claim in verified(named.public).claims)
