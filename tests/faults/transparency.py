"""The transparency logs that a seed left: are they what was signed, and of which records?"""

from pathlib import Path

from sinks.faults import TreeRefused
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import Refused
from sinks.transparency.policy import parse_policy
from tests.faults.told import SignedLog
from tests.faults.violations import Log
from tests.sinks.transparency.keeping import entries_of, signed


ORIGIN = "localhost/log"


def size(folder: Path, place: str) -> int:
    """Return how many records of a log are under its newest checkpoint."""
    note = LogFolder(folder / place).checkpoint()
    return int(note.splitlines()[1]) if note else 0


def signed_log(folder: Path, prefix: str, place: str, log: Log) -> SignedLog:
    """Look at a log as an outsider has it: the whole tree, under every checkpoint there was."""
    expected = entries_of(log)
    try:
        keys = parse_policy((folder / prefix / "policy").read_text("utf-8"))
        entries, _ = signed(folder / place, keys[f"{ORIGIN}/{place}"])
    except (AssertionError, TreeRefused, Refused, OSError, KeyError) as error:
        return SignedLog(place, (), expected, f"{type(error).__name__} {error}")
    return SignedLog(place, entries, expected)
