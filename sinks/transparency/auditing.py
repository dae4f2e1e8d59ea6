"""Is a served log the one that was signed, now and before? An auditor's whole look at it. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sinks.transparency.checkpoints import Checkpoint, open_checkpoint
from sinks.transparency.entries import parse_entry
from sinks.transparency.notes import Refused, Verifier
from sinks.transparency.quorum import Quorum, Unwitnessed
from sinks.transparency.regrowing import Read, regrow
from sinks.transparency.tiles import ENTRIES, Tile, read_bundle


CONSULTATIONS_MAX = 20_000
"""Names of consultations that are counted: as many as a bundle may have."""
NAME_LETTERS_MAX = 63
"""The longest name that an event can give a consultation."""
UNSEEN_SECONDS = 600.0
"""Witnesses countersign within seconds: of a log that has grown behind what they saw so long ago
they are shown another one, or it is time to ask them."""


@dataclass(frozen=True)
class Audited:
    """A log that is what its key signed."""

    checkpoint: Checkpoint
    consultations: dict[str, int]
    """How many entries name each consultation; none where a record names none."""
    witnessed: Checkpoint | None = None
    """The newest that enough witnesses have countersigned, where the verifier asks for them."""
    seen_at: int = 0
    """When they had, by their clocks, in seconds since 1970."""


def audit(
    head: str, read: Read, verifier: Verifier, saved: Sequence[str], witnessed: str | None = None,
    *, now: float,
) -> Audited:
    """Grow the tree under the newest checkpoint again and hold it against all that were saved.

    Where the verifier asks for witnesses, the newest checkpoint that they have countersigned must
    be of this tree too, and no older than UNSEEN_SECONDS at `now` where the log has grown since.
    Raises Refused, with what the key's owner has to explain; Unwitnessed where too few have
    countersigned any, or one so old.
    """
    newest = open_checkpoint(head, verifier.alone)
    known = [open_checkpoint(note, verifier.alone) for note in saved]
    seen, seen_at = _seen(head, witnessed, verifier)
    known = sorted([*known, *([seen] if seen else ())], key=lambda one: one.size)
    if known and known[-1].size > newest.size:
        raise Refused(f"{_said(newest)} is shown now, but {_said(known[-1])} was signed before: "
                      "the log has gone back")
    counts: Counter[str] = Counter()

    def counting(tile: Tile) -> bytes | None:
        data = read(tile)
        if tile.level == ENTRIES and data is not None:
            counts.update(map(_consultation, read_bundle(data) or ()))
            if len(counts) > CONSULTATIONS_MAX:
                raise Refused(f"its entries name more than {CONSULTATIONS_MAX:,} consultations, "
                              "or are none of ours")
        return data

    heads = [*known, newest]
    for checkpoint, tree in zip(
            heads, regrow(counting, [one.size for one in heads]), strict=True):
        if tree.root() != checkpoint.root:
            raise Refused(
                f"{_said(checkpoint)} was signed, but the log shown now has another root at this "
                "size: two logs were signed under one name. Keep both checkpoints: together they "
                "prove it" if checkpoint is not newest else
                f"the entries shown do not have the root of {_said(checkpoint)}")
    if seen and seen.size < newest.size and now - seen_at > UNSEEN_SECONDS:
        raise Unwitnessed(
            f"{_said(newest)} has {newest.size - seen.size} entries behind the newest that the "
            f"policy's witnesses have countersigned, which is of size {seen.size} and of "
            f"{datetime.fromtimestamp(seen_at, UTC):%Y-%m-%d %H:%M:%S} UTC")
    return Audited(newest, dict(counts), seen, seen_at)


def _seen(
    head: str, witnessed: str | None, verifier: Verifier
) -> tuple[Checkpoint | None, int]:
    """Return the newest checkpoint that enough witnesses have seen, and when; raise Unwitnessed.

    The newest of all is often some seconds old, and not countersigned yet: then it is one before.
    """
    quorum = verifier.quorum
    if quorum is None:
        return None, 0
    assert isinstance(quorum, Quorum), "policies ask for nothing else"
    try:
        return open_checkpoint(head, verifier), quorum.seen_at(quorum.require(head))
    except Unwitnessed:
        if witnessed is None:
            raise
        return open_checkpoint(witnessed, verifier), quorum.seen_at(quorum.require(witnessed))


def _consultation(entry: bytes) -> str:
    """Return the name in an entry; one that is too long for any event is none of ours."""
    read = parse_entry(entry)
    return read.consultation if read and len(read.consultation) <= NAME_LETTERS_MAX else ""


def _said(checkpoint: Checkpoint) -> str:
    return (f"the checkpoint of {checkpoint.origin} of size {checkpoint.size} and root "
            f"{checkpoint.root.hex()[:16]}…")
