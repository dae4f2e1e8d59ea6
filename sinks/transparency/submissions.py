"""What a log says to a witness and hears from it (C2SP tlog-witness, add-checkpoint). Pure."""

from collections.abc import Sequence

from sinks.transparency.checkpoints import number
from sinks.transparency.cosignatures import Cosignature, Witness, cosignatures_of
from sinks.transparency.notes import Refused, signatures_in, text_of, to_base64


ADDRESS = "/add-checkpoint"
"""Below a witness's address."""
ANSWER_BYTES_MAX = 16_384
"""A longer answer is not read: cosignatures of some keys take five hundred bytes."""
PATH_HASHES_MAX = 63
"""A proof has no more, says the protocol; no tree of ours needs them."""
AHEAD_SECONDS_MAX = 300
"""A cosignature from further in the future is not taken: the clock of its witness is wrong."""

COSIGNED, AHEAD, REFUSED, UNKNOWN, FORBIDDEN, UNFIT, FAILED, AWAY = ANSWERS = (
    "cosigned", "ahead", "refused", "unknown", "forbidden", "unfit", "failed", "away")
"""What becomes of a checkpoint that is submitted: the witness signed it; it says that it has seen a
larger tree, or one that this has not grown out of; it does not know the log, or its key; it
answered what no witness may; it failed; it did not answer."""
FORKED = (AHEAD, REFUSED)
"""Answers of a witness that has seen another log under our name, or lies."""
OF_STATUS = {403: FORBIDDEN, 404: UNKNOWN, 422: REFUSED}
SIGNED_STATUS, CONFLICT_STATUS = 200, 409


def submission(old: int, path: Sequence[bytes], note: str) -> bytes:
    """Write what is sent: the size it signed last, the proof from there on, the checkpoint."""
    assert len(path) <= PATH_HASHES_MAX, "a tree of 2^63 entries"
    lines = (f"old {old}", *map(to_base64, path))
    return ("".join(f"{line}\n" for line in lines) + f"\n{note}").encode()


def size_in(answer: bytes) -> int | None:
    """Read the size that a witness knows (409); None where it is none."""
    text = answer.decode("ascii", "replace")
    return number(text[:-1]) if text.endswith("\n") else None


def cosigned_by(witness: Witness, note: str, answer: bytes, now: float) -> Cosignature:
    """Return a witness's cosignature of a checkpoint out of its answer, verified; raise Refused.

    Lines of other keys are passed over.
    """
    try:
        lines = answer.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{witness.name} answered what is no text") from error
    # The text is ours: an empty line in the answer would else move what stands before it into it.
    text, signatures = signatures_in(f"{witness.name}\n\n{lines}")
    if text != f"{witness.name}\n":
        raise Refused(f"{witness.name} answered more than lines of signatures")
    found = cosignatures_of(text_of(note), signatures, [witness])
    if not found:
        raise Refused(f"{witness.name} answered no cosignature by its key {witness.vkey}")
    if found[0].at > now + AHEAD_SECONDS_MAX:
        raise Refused(f"{witness.name} signed with a time {found[0].at - now:.0f} s in the future")
    return found[0]
