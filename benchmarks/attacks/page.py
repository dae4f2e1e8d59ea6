"""What many seeds came to, as a page of the documentation. Pure, but for its template."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.attacks.crowds import BLIND_SPOTS, CROWDS
from benchmarks.attacks.door import IGNORES, WAITS
from benchmarks.attacks.framing import FRAMING
from benchmarks.attacks.informed import INFORMED, RINGS
from benchmarks.attacks.naive import NAIVE, Maker
from benchmarks.attacks.outcomes import BESIDE, EVERYBODY
from benchmarks.attacks.suites import DOOR, FIXED_ON, Columns, Kept
from processors.guard.parameters import NAMES


GOAL_SET_ASIDE, GOAL_JUDGEMENTS, GOAL_HARMED = 0.95, 2, 0.001
LET_PASS_MOST, PASSES_PER_MINUTE = 50, 60
TEMPLATE = Path(__file__).with_name("page.md")


def page(kept: Kept) -> str:
    """Write the page."""
    return TEMPLATE.read_text("utf-8").format(
        scale=f"{kept.scale:g}", fixed=_range(list(FIXED_ON)),
        **{f"{suite}_seeds": _seeds(kept.seeds(suite)) for suite in (
            "naive", "informed", "framing", "quiet", DOOR)},
        ring_seeds=_seeds(kept.seeds(next(iter(RINGS)))),
        verdicts="\n".join(_verdicts(kept)), naive=_attacks(kept, "naive", NAIVE),
        door=_table(("attack", "votes", "counted", "most in a minute of a network", "requests",
                     "dollars"), _door(kept)),
        informed=_attacks(kept, "informed", INFORMED),
        rings=_table(_ATTACK_COLUMNS, (row for name, make in RINGS.items()
                                       for row in _rows(kept, name, {name: make}))),
        crowds=_table(("crowd", "told", "set aside, median", "set aside, worst seed"),
                      _crowds(kept)),
        framing=_table(("robots", "their votes set aside", "honest voters set aside", "requests",
                        "requests an honest voter"), _framing(kept)),
        findings=_table(("rule", "findings a day"), (
            (f"{number} `{name}`", spread([day.get(str(number), 0)
                                           for day in kept.findings("quiet")]))
            for number, name in NAMES.items())))


def shares(columns: Columns, number: str, of: str = "cast") -> list[float]:
    """Return a number as a share of another, seed by seed."""
    return [one / whole if whole else 0.0
            for one, whole in zip(columns[number], columns[of], strict=True)]


def spread(values: Sequence[Any]) -> str:
    """Write the median, and the least and most where they differ; a dash where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle, least, most = (_number(one) for one in (
        statistics.median(known), min(known), max(known)))
    text = middle if least == most else f"{middle} ({least} to {most})"
    return text if len(known) == len(values) else f"{text}, {len(known)} of {len(values)} seeds"


_ATTACK_COLUMNS = ("", "what", "votes", "set aside", "told", "neither", "not taken", "at most",
                   "seconds", "judgements", "requests", "dollars")
_PARTS = ("set_aside", "reported", "neither", "not_taken")


def _attacks(kept: Kept, suite: str, makers: Mapping[str, Maker]) -> str:
    return _table(_ATTACK_COLUMNS, _rows(kept, suite, makers))


def _rows(kept: Kept, suite: str, makers: Mapping[str, Maker]) -> Iterator[tuple[str, ...]]:
    for name, make in makers.items():
        columns = kept.rows(suite, "attacks").get(name)
        if columns is not None:
            yield (name, _said(make), spread(columns["cast"]),
                   *(_percents(shares(columns, number)) for number in _PARTS),
                   spread(columns["counted_most"]), spread(columns["seconds"]),
                   spread(columns["judgements"]), spread(columns["requests"]),
                   f"{statistics.median(columns['dollars']):.2g}")


def _said(make: Maker) -> str:
    """Take from a docstring what an attack is."""
    said = (make.__doc__ or "").split("\n\n", maxsplit=1)[0].split(": ", 1)[-1].strip()
    return " ".join(said.rstrip(".").split())


def _verdicts(kept: Kept) -> Iterator[str]:
    naive = list(kept.rows("naive", "attacks").values())
    least = min((min(shares(columns, "set_aside")) for columns in naive), default=0)
    late = max((GOAL_JUDGEMENTS + 1 if one is None else one
                for columns in naive for one in columns["judgements"]), default=0)
    harmed = max((most for _, _, most in _harmed(kept, (EVERYBODY, *CROWDS))), default=(0.0))
    at_door = kept.rows(DOOR, "attacks")
    passed = max((most for name, columns in at_door.items() if IGNORES in name
                  for most in columns["counted"]), default=LET_PASS_MOST + 1)
    waited = max((most for name, columns in at_door.items() if WAITS in name
                  for most in columns["most_a_minute"]), default=PASSES_PER_MINUTE + 1)
    yield from _table(("goal", "worst seed", ""), (
        ("door on: of the 60-second attack at most 50 votes count", f"{passed}",
         _verdict(reached=passed <= LET_PASS_MOST)),
        ("door on: of scripts that wait at most 60 a minute, network and target", f"{waited}",
         _verdict(reached=waited <= PASSES_PER_MINUTE)),
        ("of each naive attack at least 95 % set aside", _percent(least),
         _verdict(reached=least >= GOAL_SET_ASIDE)),
        (f"the first within two judgements after it could be known ({_late(kept)})", f"{late}",
         _verdict(reached=late <= GOAL_JUDGEMENTS)),
        ("of each honest crowd at most 0.1 % set aside", _percent(harmed),
         _verdict(reached=harmed <= GOAL_HARMED)))).split("\n")


def _late(kept: Kept) -> str:
    """Name the naive attacks that are known later than that on some seed."""
    late = [name for name, columns in kept.rows("naive", "attacks").items()
            if any(one is None or one > GOAL_JUDGEMENTS for one in columns["judgements"])]
    return f"later: {', '.join(late)}" if late else "all"


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _harmed(kept: Kept, names: Sequence[str]) -> Iterator[tuple[str, list[float], float]]:
    """Give each crowd's shares that are told, and the largest that is set aside."""
    for name in names:
        columns = [kept.rows(suite, "crowds")[name] for suite in ("naive", "informed")
                   if name in kept.rows(suite, "crowds")]
        if columns:
            yield (name, [one for each in columns for one in shares(each, "reported", "voters")],
                   max(one for each in columns for one in shares(each, "set_aside", "voters")))


def _crowds(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name, told, most in _harmed(kept, (EVERYBODY, *CROWDS, *BLIND_SPOTS)):
        harmed = [one for suite in ("naive", "informed")
                  if name in kept.rows(suite, "crowds")
                  for one in shares(kept.rows(suite, "crowds")[name], "set_aside", "voters")]
        yield name, _percents(told), _percent(statistics.median(harmed)), _percent(most)


def _door(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name, columns in kept.rows(DOOR, "attacks").items():
        yield (name, *(spread(columns[number]) for number in (
            "cast", "counted", "most_a_minute", "requests")),
            f"{statistics.median(columns['dollars']):.2g}")


def _framing(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name in FRAMING:
        attack = kept.rows("framing", "attacks").get(name)
        beside = kept.rows("framing", "crowds").get(BESIDE + name)
        if attack is not None and beside is not None:
            each = [round(requests / fell, 1) for requests, fell in zip(
                attack["requests"], beside["set_aside"], strict=True) if fell]
            yield (name.removeprefix("framing, ").removesuffix(" robots"),
                   _percents(shares(attack, "set_aside")), spread(beside["set_aside"]),
                   spread(attack["requests"]), spread(each))


def _table(columns: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]
           ) -> str:
    words = sum(column in {"", "what", "goal", "attack", "crowd", "robots", "rule"}
                for column in columns[:2]) or 1
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows))


def _range(seeds: list[int]) -> str:
    return f"{min(seeds)} to {max(seeds)}"


def _seeds(seeds: list[int]) -> str:
    """Say on how many seeds, and on which: those without a gap as a range."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    named = ", ".join(_range(part) if len(part) > 1 else f"{part[0]}" for part in parts)
    return f"{len(seeds)} seeds: {named}." if len(seeds) > 1 else f"Seed {named or 'none'}."


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.1f}"


def _percents(values: Sequence[float]) -> str:
    middle, least, most = (_percent(one) for one in (
        statistics.median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
