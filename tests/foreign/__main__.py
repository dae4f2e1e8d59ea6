"""Look for bytes that break a reader, longer than the suite does: `make fuzz`.

What is found is made as short as can be and kept as a seed, which the suite tries from then on.
"""

import argparse
import hashlib
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.foreign.all_readers import READERS
from tests.foreign.readers import SEEDS, Reader, is_within_bounds


EXAMPLES = 5_000
"""For each reader: minutes for all of them."""


def main() -> int:
    """Try every reader named, or all; 1 where one broke."""
    options = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    options.add_argument("readers", nargs="*", help="names of readers; all unless told")
    options.add_argument("--examples", type=int, default=EXAMPLES, help="for each reader")
    wanted = options.parse_args()
    unknown = set(wanted.readers) - {reader.name for reader in READERS}
    if unknown:
        options.error(f"no such reader: {', '.join(sorted(unknown))}")
    broken = [reader.name for reader in READERS
              if (not wanted.readers or reader.name in wanted.readers)
              and not _holds(reader, wanted.examples)]
    return 1 if broken else 0


def _holds(reader: Reader, examples: int) -> bool:
    """Try a reader; keep what broke it."""
    last = b""

    @given(st.data())
    @settings(database=None, max_examples=examples, deadline=None,
              suppress_health_check=list(HealthCheck))
    def look(data: st.DataObject) -> None:
        nonlocal last
        last = data.draw(reader.examples())
        assert is_within_bounds(last, reader.tried(last))

    try:
        look()
    except Exception as error:  # noqa: BLE001 -- any at all is what is looked for
        print(f"{reader.name}: {type(error).__name__} {error}\n  kept as {_keep(reader, last)}")
        return False
    print(f"{reader.name}: {examples} examples hold", flush=True)
    return True


def _keep(reader: Reader, broke: bytes) -> Path:
    path = SEEDS / reader.name / f"{hashlib.sha256(broke).hexdigest()[:12]}.seed"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(broke)
    return path


if __name__ == "__main__":
    sys.exit(main())
