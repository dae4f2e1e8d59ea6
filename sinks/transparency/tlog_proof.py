"""A proof that anybody checks offline (C2SP tlog-proof): an entry is under a checkpoint. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sinks.transparency.checkpoints import Checkpoint, number, open_checkpoint
from sinks.transparency.hashing import HASH_BYTES, leaf_hash
from sinks.transparency.notes import Refused, Verifier, from_base64, to_base64
from sinks.transparency.proofs import included


HEAD = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE = "text/plain; charset=utf-8"
PATH_HASHES_MAX = 64
"""No tree has more levels."""


@dataclass(frozen=True)
class TlogProof:
    """Where an entry is, the path to the root, and the checkpoint as it was signed."""

    index: int
    path: Sequence[bytes]
    checkpoint: str

    def text(self) -> str:
        """Write the proof."""
        lines = (HEAD, f"index {self.index}", *map(to_base64, self.path))
        return "".join(f"{line}\n" for line in lines) + f"\n{self.checkpoint}"


def parse_proof(text: str) -> TlogProof:
    """Read a proof; raise Refused. Its `extra` line, which nothing authenticates, is dropped."""
    head, found, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines[0] != HEAD:
        raise Refused(f"not a proof: its first line is not {HEAD}")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    index = number(lines[1].removeprefix("index ")) if lines[1:] else None
    path = [from_base64(line) for line in lines[2:]]
    hashes = [each for each in path if each is not None and len(each) == HASH_BYTES]
    if index is None or not lines[1].startswith("index ") or len(hashes) != len(path):
        raise Refused("not a proof: its index or one of its hashes cannot be read")
    if len(hashes) > PATH_HASHES_MAX:
        raise Refused(f"not a proof: more than {PATH_HASHES_MAX} hashes")
    return TlogProof(index, hashes, checkpoint)


def verify(
    proof: TlogProof, *, index: int, entry: bytes, logs: Mapping[str, Verifier], origin: str
) -> Checkpoint:
    """Return the checkpoint under which an entry lies at an index of a log; raise Refused."""
    verifier = logs.get(origin)
    if verifier is None:
        raise Refused(f"no key of the log {origin} is known")
    checkpoint = open_checkpoint(proof.checkpoint, verifier)
    if proof.index != index:
        raise Refused(f"the proof is of index {proof.index}, not of {index}")
    root = included(leaf_hash(entry), index, checkpoint.size, proof.path)
    if root != checkpoint.root:
        raise Refused(f"the proof does not lead from this entry to the root of {origin} at size "
                      f"{checkpoint.size}")
    return checkpoint
