"""What an insert wrote can be read again, or the insert has failed; so can what a merge wrote.

Theory of operation: the engine as chdb builds it acknowledges an insert whose bytes the disk
refused (seen with 25.8 to 26.9: neither "No space left on device" nor "File too large" reaches
whoever inserts, and `fsync_after_insert` changes nothing). It leaves a part that every SELECT fails
on from then on. So the parts written since an insert began are held against their own checksums,
each once; one that was cut is detached, where it can be looked at, and the insert is refused as a
server refuses it. Whoever sent it sends it again.

An insert that failed is looked after as well: it may have left such a part.

A merge writes too, and has nobody to tell. It reserves its room on the disk beforehand, which helps
as long as nobody else takes that room. What it read from lies on the disk for another eight minutes
(`old_parts_lifetime`), and a table that is detached and attached again loads that, where the merged
part cannot be read: nothing is lost. To detach the merged part alone would lose it all.
"""

import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from deploy.local import clickhouse_statement as sql


PARTS_REMEMBERED_MAX = 1_024
"""Parts known to be whole: more than inserts write within CLOCK_SECONDS."""
CUT_REMEMBERED_MAX = 32
"""Detached parts that are named: one is enough to refuse whatever was inserted at the same time."""
CLOCK_SECONDS = 2
"""Parts bear the second they were written in, and a clock may be set back a little."""
MERGED_SECONDS = 60
"""A merged part bears the second in which its last byte was written, and may be taken in later."""
CUT = ("Code: 75. DB::Exception: Cannot write to file: what was inserted was cut, as on a full "
       "disk. The parts {parts} are detached: make room, then insert again. "
       "(CANNOT_WRITE_TO_FILE_DESCRIPTOR)")
MERGE_CUT = ("ClickHouse: the merges {parts} were cut, as on a full disk: they are set aside, and "
             "what they were made of is read again. Nothing is lost: make room.\n")
UNREADABLE = tuple(f"Code: {code}." for code in (27, 33, 40, 226, 228, 246, 271))
"""What the engine says of a part that is not as it was written."""
INSERTED, MERGED = (f"{no} (level = 0 AND data_version = min_block_number)" for no in ("", "NOT"))
"""How system.parts tells what an insert wrote from what was made of it, by a mutation too."""
UNASKED = ("Code: 60.", "Code: 81.", "Code: 232.", "Code: 497.")
"""Its table or database was dropped, it was merged meanwhile, or another insert's look has detached
it; or whoever configures the engine with fewer rights lets nobody look: the archive reads back what
it stores all the same."""

Run = Callable[[str, str], Any]
"""Runs a statement; answers in a format."""


class _Part(NamedTuple):
    path: str
    database: str
    table: str
    name: str

    @property
    def home(self) -> str:
        return f"{sql.quote_identifier(self.database)}.{sql.quote_identifier(self.table)}"


class Written:
    """Looks at what inserts wrote, and remembers what it has seen. Thread-safe."""

    def __init__(self) -> None:
        self._whole: OrderedDict[str, None] = OrderedDict()
        """Parts by path."""
        self._lock = threading.Lock()
        self._looked_at = self._merged_looked_at = time.time()
        """All inserted and all merged parts of before then were looked at."""
        self._looking = threading.Lock()
        """One insert after the other looks."""
        self._cut: deque[tuple[float, str]] = deque(maxlen=CUT_REMEMBERED_MAX)
        """When parts were detached, and which."""
        self._detached: dict[str, None] = {}
        """Tables that are to be attached again."""

    def cut(self, run: Run, began: float) -> list[str]:
        """Detach the parts that inserts wrote and nobody can read.

        Returns the names of all that were detached since the insert that asks began, in seconds
        since 1970: its own may have been found by another one's look. Raises what `run` raises.
        """
        with self._looking:
            now = time.time()
            for part in self._unseen(run, INSERTED, min(began, self._looked_at) - CLOCK_SECONDS):
                if not self._is_whole(run, part):
                    name = sql.quote(part.name)
                    _unless_gone(run, f"ALTER TABLE {part.home} DETACH PART {name}")
                    self._cut.append((time.time(), part.name))
            self._looked_at = max(now, self._looked_at)
            return [name for detached_at, name in self._cut if detached_at >= began]

    def mend(self, run: Run) -> list[str]:
        """Have tables forget the merges that nobody can read; return the names of those parts.

        A table is away meanwhile, for as long as somebody reads it: some milliseconds, mostly.
        Raises what `run` raises; what was begun is finished at the next look.
        """
        self._attach(run)
        now = time.time()
        found = [part for part in self._unseen(
                     run, MERGED, self._merged_looked_at - MERGED_SECONDS)
                 if not self._is_whole(run, part)]
        for home in dict.fromkeys(part.home for part in found):
            self._detached[home] = None
            _unless_gone(run, f"DETACH TABLE {home} SYNC")
            self._attach(run)
        self._merged_looked_at = now
        return [part.name for part in found]

    def _attach(self, run: Run) -> None:
        for home in list(self._detached):
            _unless_gone(run, f"ATTACH TABLE IF NOT EXISTS {home}")
            del self._detached[home]

    def _unseen(self, run: Run, which: str, since_seconds: float) -> list[_Part]:
        rows = run(
            f"SELECT path, database, table, name FROM system.parts WHERE active AND {which} "  # noqa: S608 -- words and a number of ours
            f"AND modification_time >= toDateTime({int(since_seconds)})",
            "JSONCompactEachRow").bytes().decode().splitlines()
        with self._lock:
            return [part for part in (_Part(*json.loads(row)) for row in rows)
                    if part.path not in self._whole]

    def _is_whole(self, run: Run, part: _Part) -> bool:
        answer = _unless_gone(
            run, f"CHECK TABLE {part.home} PART {sql.quote(part.name)} "
            "SETTINGS check_query_single_value_result = 1", "TSV")
        if answer is None:
            return True
        whole: bool = answer.bytes() == b"1\n"
        if whole:
            with self._lock:
                self._whole[part.path] = None
                while len(self._whole) > PARTS_REMEMBERED_MAX:
                    self._whole.popitem(last=False)
        return whole


def _unless_gone(run: Run, statement: str, output_format: str = "Null") -> Any:
    """Run a statement about a part or a table; None where there is nothing to ask any more."""
    try:
        return run(statement, output_format)
    except Exception as error:
        if not str(error).startswith(UNASKED):
            raise
        return None
