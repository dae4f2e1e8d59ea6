"""Run the suites and write the page, or attack a stack: `make attack`."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.attacks import live, page, suites
from benchmarks.attacks.suites import REPORTED_ON, SCALE, SUITES, TOLD_ON, Kept
from processors.guard.judging import Judgement
from scrutin.demo.play import OPEN_CONSULTATION
from scrutin.process import garbage


PAGE = Path(__file__).parents[2] / "docs" / "attacks.md"
SAID_EVERY_SECONDS = 10.0


def main() -> int:
    """Run what is asked for; return the exit status."""
    wanted = _arguments()
    if wanted.live:
        print(live.attack(wanted.live, wanted.consultation, wanted.proposal))
        return 0
    garbage.relax()
    kept = Kept(wanted.kept)
    if wanted.scale != kept.scale:
        kept.plain = {"scale": wanted.scale, "suites": {}}
    for seed in range(wanted.first, wanted.first + wanted.seeds):
        for suite in wanted.suites or SUITES:
            if kept.seeds(suite, (seed,)) or (SUITES[suite].telling and seed not in TOLD_ON):
                continue
            began = time.process_time()
            kept.add(suite, seed, suites.run(suite, seed, wanted.scale, _Said(suite, seed)))
            kept.write()
            print(f"seed {seed}, {suite}: {time.process_time() - began:.0f} s of CPU",
                  file=sys.stderr)
    text = page.page(kept)
    if wanted.write_docs:
        PAGE.write_text(text, "utf-8")
    print(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make attack ARGS=", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], metavar="SUITE",
                        help=f"which, of {', '.join(map(repr, SUITES))}; all unless named")
    parser.add_argument("--seeds", type=int, default=len(REPORTED_ON), help="how many")
    parser.add_argument("--first", type=int, default=REPORTED_ON[0], help="the first of them")
    parser.add_argument("--scale", type=float, default=SCALE, help="of the campaign")
    parser.add_argument("--kept", type=Path, default=suites.LATEST,
                        help="file that what was run is kept in; what it has is not run again")
    parser.add_argument("--live", choices=live.PACES, help="attack the local stack instead")
    parser.add_argument("--consultation", default=OPEN_CONSULTATION, help="which is open there")
    parser.add_argument("--proposal", help="the target; the one with most votes unless told")
    parser.add_argument("--write-docs", action="store_true", help="write docs/attacks.md")
    return parser.parse_args()


class _Said:
    """Says now and then how far a day is."""

    def __init__(self, suite: str, seed: int) -> None:
        self._name, self._said_at = f"seed {seed}, {suite}", time.monotonic()

    def __call__(self, judgement: Judgement) -> None:
        if time.monotonic() - self._said_at >= SAID_EVERY_SECONDS:
            self._said_at = time.monotonic()
            print(f"{self._name}: {judgement.now // 3_600_000 % 24} h", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
