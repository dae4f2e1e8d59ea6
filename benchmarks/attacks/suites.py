"""The suites that are run by seed, and what many seeds came to, kept as JSON."""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.attacks.door import at_the_door, people_at_the_door
from benchmarks.attacks.framing import FRAMING, PARTNERS
from benchmarks.attacks.informed import INFORMED, RINGS
from benchmarks.attacks.naive import NAIVE, Maker
from benchmarks.attacks.outcomes import day_of
from processors.guard.judging import Judgement


LATEST = Path(__file__).with_name("latest.json")
SCALE = 0.1
"""Of the campaign: a tenth of its voters, of the lycées, and of crowds all over the country. So a
seed takes a minute of one core."""
FIXED_ON, REPORTED_ON = range(1, 11), range(11, 31)
"""Seeds on which the numbers of the rules were looked at, and those that are reported."""
TOLD_ON = REPORTED_ON[:3]
"""Seeds on which the rules that only tell are judged as well: they take most of the time."""


class Suite(NamedTuple):
    """Attacks that have a day in common, with the honest crowds or alone."""

    attacks: Mapping[str, Maker]
    crowds: bool = True
    telling: bool = False
    mode: str = "set_aside"


DOOR = "door"
SUITES: dict[str, Suite] = {
    "naive": Suite(NAIVE),
    "informed": Suite(INFORMED),
    **{name: Suite({name: make}, crowds=False) for name, make in RINGS.items()},
    "framing": Suite(FRAMING, crowds=False),
    **{name: Suite({name: make}, crowds=False) for name, make in PARTNERS.items()},
    "quiet": Suite({}, telling=True, mode="report"),
    DOOR: Suite({}),
}
"""Rings have days of their own: a day has one group of rule 3."""

Columns = dict[str, list[Any]]


class Kept:
    """What seeds came to: by suite, attack or crowd, and number, a value a seed."""

    def __init__(self, path: Path = LATEST) -> None:
        self._path = path
        self.plain: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {
            "scale": SCALE, "suites": {}}

    @property
    def scale(self) -> float:
        """Of the days that are kept."""
        return float(self.plain["scale"])

    def seeds(self, suite: str, among: Container[int] = REPORTED_ON) -> list[int]:
        """Return the seeds of which a suite is kept."""
        return [seed for seed in self._of(suite).get("seeds", []) if seed in among]

    def rows(
        self, suite: str, kind: str, among: Container[int] = REPORTED_ON
    ) -> dict[str, Columns]:
        """Return the columns of each attack ("attacks") or crowd ("crowds") of a suite."""
        found: dict[str, Columns] = self._of(suite).get(kind, {})
        return {name: {number: self._among(suite, values, among)
                       for number, values in columns.items()} for name, columns in found.items()
                } if self.seeds(suite, among) else {}

    def findings(self, suite: str) -> list[dict[str, int]]:
        """Return the findings of a suite by rule, a seed each."""
        return self._among(suite, self._of(suite).get("findings", []), REPORTED_ON)

    def _of(self, suite: str) -> dict[str, Any]:
        found: dict[str, Any] = self.plain["suites"].get(suite, {})
        return found

    def _among(self, suite: str, values: list[Any], among: Container[int]) -> list[Any]:
        seeds = self._of(suite).get("seeds", [])
        return [value for seed, value in zip(seeds, values, strict=True) if seed in among]

    def add(self, suite: str, seed: int, plain: dict[str, Any]) -> None:
        """Keep what a suite came to; what is kept already stays as it is."""
        kept = self.plain["suites"].setdefault(
            suite, {"seeds": [], "attacks": {}, "crowds": {}, "findings": []})
        if seed in kept["seeds"]:
            return
        kept["seeds"].append(seed)
        kept["findings"].append(plain["findings"])
        for kind in ("attacks", "crowds"):
            for name, numbers in plain[kind].items():
                columns = kept[kind].setdefault(name, {})
                for number, value in numbers.items():
                    columns.setdefault(number, []).append(value)

    def write(self) -> None:
        """Write what is kept."""
        text = json.dumps(self.plain, ensure_ascii=False, separators=(",", ":"))
        self._path.write_text(text.replace('},"', '},\n"') + "\n", "utf-8")


def run(
    suite: str, seed: int, scale: float, progress: Callable[[Judgement], None]
) -> dict[str, Any]:
    """Run a suite of a seed."""
    if suite == DOOR:
        return {"attacks": {name: asdict(one) for name, one in at_the_door(seed).items()},
                "crowds": {name: asdict(one) for name, one in people_at_the_door(
                    seed, scale).items()}, "findings": {}}
    attacks, crowds, telling, mode = SUITES[suite]
    return day_of(seed, scale, attacks, crowds=crowds, telling=telling, mode=mode,
                  progress=progress).plain()
