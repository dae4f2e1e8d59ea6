"""The work of `scrutin audit verify` grows with the bundle's size alone, whatever is in it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import bundles
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.bundle.verify import Verified, verify
from sinks.transparency.policy import POLICY
from tests.foreign.asking import ATTEMPTS, FACTOR
from tests.sinks.bundle import bombs
from tests.sinks.bundle.bombs import Changed
from tests.sinks.bundle.making import Made, quiet


GROWING: dict[str, tuple[str, int, Callable[[Made, int], Changed]]] = {
    "checkpoints": (PUBLIC, 1_000, bombs.checkpoints),
    "consultations": (PUBLIC, 4_000, bombs.many_names),
    "proposals": (PUBLIC, 2_000, lambda made, number: bombs.described(
        "x", number, proposals=number)(made)),
    "words that are replaced": (PUBLIC, 2_000, lambda made, number: bombs.described(
        "x" * 1_900, number, proposals=4)(made)),
    "keys": (PUBLIC, 4_500, bombs.named_keys),
    "results": (PUBLIC, 1 << 23, lambda made, number: bombs.junk(b"{},", at=number)(made)),
    "suspensions": (AUDITOR, 1_000, bombs.suspended),
}
"""What a bundle can have many of: its kind, how many at first, and how it is made."""


def read(bundle: Path, policy: str) -> tuple[Verified, float]:
    """Verify a bundle; return the seconds of one processor that it took."""
    with bundle.open("rb") as file:
        began = time.process_time()
        return verify(file, say=quiet, policy=policy), time.process_time() - began


def require_linear(*given: tuple[Path, str]) -> None:
    """Fail where four times as much takes FACTOR times as long, the least of many tries.

    Takes a small bundle and a large one, each with the policy kept for it.
    """
    least = [float("inf"), float("inf")]
    for _ in range(ATTEMPTS):
        for place, one in enumerate(given):
            least[place] = min(least[place], read(*one)[1])
        if least[1] < FACTOR * least[0]:
            return
    pytest.fail(f"{least[0]:.3f} s, four times as much {least[1]:.3f} s")


@pytest.mark.parametrize("name", GROWING)
def test_the_work_on_what_was_made_to_hurt_is_linear(
    exported: Made, tmp_path: Path, name: str
) -> None:
    """Of each thing that there may be many of four times as many: at most twice the work each."""
    kind, number, change = GROWING[name]
    require_linear(*(
        (bombs.written(exported, kind, change(exported, times * number), tmp_path / f"{times}.zip"),
         exported.policy) for times in (1, 4)))


def test_the_work_on_votes_is_linear(tmp_path: Path) -> None:
    """5,000 votes and four times as many, each decided again, equal both times."""
    given = []
    for times in (1, 4):
        folder, bundle = tmp_path / f"{times}", tmp_path / f"{times}.zip"
        folder.mkdir()
        bundles.Made(folder, 5_000 * times).export(bundle)
        given.append((bundle, (folder / bundles.TOPICS.prefix / POLICY).read_text()))
        assert read(*given[-1])[0].fault is None

    require_linear(*given)
