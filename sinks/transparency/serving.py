"""Transparency logs as they are served: files under a checkpoint, and proofs made of them."""

from pathlib import Path

from schemas.topics import Topics
from sinks.faults import TreeRefused
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint
from sinks.transparency.folder import WITNESSED, LogFolder
from sinks.transparency.notes import text_of
from sinks.transparency.policy import POLICY, WITNESSED_POLICY, place_of
from sinks.transparency.policy_file import KEYS
from sinks.transparency.proofs import Prover, included
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from sinks.transparency.tiles import WIDTH, Tile, parse, width_of
from sinks.transparency.tlog_proof import TlogProof


class ServedLogs:
    """The logs of one topic generation, for reading only; the notary may write meanwhile."""

    def __init__(self, folder: Path, topics: Topics) -> None:
        self._folder, self._topics = folder, topics
        self.results = ResultsFolder(folder / topics.prefix / RESULTS)
        places = [place_of(topics, topics.votes, number) for number in range(topics.partitions)]
        self.places = {*places, *(
            place_of(topics, topic, 0) for topic in (topics.catalogue, topics.patrol))}

    def text(self, path: str) -> str | None:
        """Read a policy, the list of the service's keys, or the newest checkpoint of a log.

        Below `witnessed`: the newest that enough witnesses have countersigned.
        """
        if path in {f"{self._topics.prefix}/{each}" for each in (POLICY, WITNESSED_POLICY, KEYS)}:
            try:
                return (self._folder / path).read_text("utf-8")
            except FileNotFoundError:
                return None
        place, _, name = path.rpartition("/")
        if name != "checkpoint" or place.removesuffix(f"/{WITNESSED}") not in self.places:
            return None
        return LogFolder(self._folder / place).checkpoint()

    def tile(self, path: str) -> bytes | None:
        """Read a tile or bundle that lies under its log's newest checkpoint."""
        place, _, rest = path.partition("/tile/")
        tile = parse(f"tile/{rest}")
        if tile is None or place not in self.places:
            return None
        folder = LogFolder(self._folder / place)
        _, head = _head(folder)
        if head is None or width_of(tile.level, tile.number, head.size) < tile.width:
            return None
        return folder.read(tile)

    def proof(self, partition: int, offset: int) -> str | None:
        """Write the tlog-proof of a vote; None where no checkpoint covers it yet.

        Under a checkpoint that witnesses have countersigned, if one of these covers it. Raises
        TreeRefused where the files do not give what was signed.
        """
        place = place_of(self._topics, self._topics.votes, partition)
        folder = LogFolder(self._folder / place)
        if place not in self.places:
            return None
        note, head = _head(folder.witnessed)
        if head is None or offset >= head.size:
            note, head = _head(folder)
        if head is None or offset >= head.size:
            return None
        path = Prover(head.size, folder.hashes).inclusion(offset)
        number, within = divmod(offset, WIDTH)
        leaf = folder.hashes(Tile(0, number, width_of(0, number, head.size)))[within]
        if included(leaf, offset, head.size, path) != head.root:
            raise TreeRefused(f"{folder.path} does not give the root that was signed: restore it")
        return TlogProof(offset, path, note).text()


def _head(folder: LogFolder) -> tuple[str, Checkpoint | None]:
    note = folder.checkpoint()
    if note is None:
        return "", None
    return note, parse_checkpoint(text_of(note))
