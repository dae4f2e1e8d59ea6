"""What an insert wrote can be read again, or the insert has failed.

Theory of operation: the engine as chdb builds it acknowledges an insert whose bytes the disk
refused (seen with 25.8 to 26.9: neither "No space left on device" nor "File too large" reaches
whoever inserts, and `fsync_after_insert` changes nothing). It leaves a part that every SELECT fails
on from then on. So the parts written since an insert began are held against their own checksums,
each once; one that was cut is detached, where it can be looked at, and the insert is refused as a
server refuses it. Whoever sent it sends it again.

What is not looked at is a merge, which writes too. It reserves its room on the disk beforehand.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from deploy.local import clickhouse_statement as sql


PARTS_REMEMBERED_MAX = 1_024
"""Parts known to be whole: more than inserts write within CLOCK_SECONDS."""
CLOCK_SECONDS = 2
"""Parts bear the second they were written in, and a clock may be set back a little."""
CUT = ("Code: 75. DB::Exception: Cannot write to file: what was inserted was cut, as on a full "
       "disk. The parts {parts} are detached: make room, then insert again. "
       "(CANNOT_WRITE_TO_FILE_DESCRIPTOR)")
UNASKED = ("Code: 232.", "Code: 497.")
"""It was merged meanwhile, or another insert's look has detached it; or whoever configures the
engine with fewer rights lets nobody look: the archive reads back what it stores all the same."""

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

    @staticmethod
    def since() -> int:
        """Return the moment to be given back after an insert, in seconds since 1970."""
        return int(time.time()) - CLOCK_SECONDS

    def cut(self, run: Run, since_seconds: int) -> list[str]:
        """Detach the parts written since a moment that cannot be read; return their names.

        Raises what `run` raises.
        """
        return [part.name for part in self._unseen(run, since_seconds)
                if not self._is_whole(run, part)]

    def _unseen(self, run: Run, since_seconds: int) -> list[_Part]:
        rows = run(
            f"SELECT path, database, table, name FROM system.parts WHERE active AND level = 0 "  # noqa: S608 -- a number of ours
            f"AND modification_time >= toDateTime({since_seconds})",
            "JSONCompactEachRow").bytes().decode().splitlines()
        with self._lock:
            return [part for part in (_Part(*json.loads(row)) for row in rows)
                    if part.path not in self._whole]

    def _is_whole(self, run: Run, part: _Part) -> bool:
        name = sql.quote(part.name)
        try:
            whole: bool = run(f"CHECK TABLE {part.home} PART {name} "
                        "SETTINGS check_query_single_value_result = 1", "TSV").bytes() == b"1\n"
            if not whole:
                run(f"ALTER TABLE {part.home} DETACH PART {name}", "Null")
        except Exception as error:
            if not str(error).startswith(UNASKED):
                raise
            return True
        if whole:
            with self._lock:
                self._whole[part.path] = None
                while len(self._whole) > PARTS_REMEMBERED_MAX:
                    self._whole.popitem(last=False)
        return whole
