"""What many seeds came to, as a page of the documentation. Pure, but for its template."""

import statistics
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.attacks.crowds import BLIND_SPOTS, CROWDS
from benchmarks.attacks.door import IGNORES, WAITS
from benchmarks.attacks.framing import FRAMING, PARTNERS
from benchmarks.attacks.informed import INFORMED, RINGS
from benchmarks.attacks.naive import NAIVE, Maker
from benchmarks.attacks.outcomes import BESIDE, EVERYBODY
from benchmarks.attacks.suites import DOOR, FIXED_ON, REPORTED_ON, Columns, Kept
from processors.guard.parameters import NAMES


GOAL_SET_ASIDE, GOAL_JUDGEMENTS, GOAL_HARMED = 0.95, 2, 0.001
LET_PASS_MOST, PASSES_PER_MINUTE = 50, 60
TEMPLATE = Path(__file__).with_name("page.md")


def page(kept: Kept) -> str:
    """Write the page."""
    return TEMPLATE.read_text("utf-8").format(
        scale=f"{kept.scale:g}", fixed=_seeds(kept.seeds("naive", FIXED_ON)),
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
        people=_table(("crowd", "asked", "none of whose votes counts", "seconds, median",
                       "longest"), _people(kept)),
        partners=_table(("what", "set aside", "told", "neither", "at most",
                         "honest voters of the partner", "set aside"), _partners(kept)),
        partner_seeds=_seeds(kept.seeds(next(iter(PARTNERS)))),
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
    """Hold the worst seed against each goal: of those that are reported, and of the others."""
    columns = ("goal", "worst reporting seed", "worst fixing seed", "")
    yield from _table(columns, [
        (goal, value, other, _verdict(reached=reached and also))
        for (goal, value, reached), (_, other, also) in zip(
            _worst(kept, REPORTED_ON), _worst(kept, FIXED_ON), strict=True)]).split("\n")


def _worst(kept: Kept, among: Container[int]) -> list[tuple[str, str, bool]]:
    """Return each goal, what the worst of some seeds came to, and whether it is reached."""
    naive = list(kept.rows("naive", "attacks", among).values())
    least = min((min(shares(columns, "set_aside")) for columns in naive), default=0.0)
    late = max((GOAL_JUDGEMENTS + 1 if one is None else one
                for columns in naive for one in columns["judgements"]), default=0)
    harmed = max((most for _, _, most in _harmed(kept, (EVERYBODY, *CROWDS), among)), default=0.0)
    passed = _most_at_the_door(kept, IGNORES, "counted")
    waited = _most_at_the_door(kept, WAITS, "most_a_minute")
    return [
        ("door on: of the 60-second attack at most 50 votes count", f"{passed}",
         passed <= LET_PASS_MOST),
        ("door on: of scripts that wait, old cookies or new, at most 60 a minute, network, target",
         f"{waited}", waited <= PASSES_PER_MINUTE),
        ("of each naive attack at least 95 % set aside", _percent(least), least >= GOAL_SET_ASIDE),
        ("the first within two judgements after it could be known", f"{late}",
         late <= GOAL_JUDGEMENTS),
        ("of each honest crowd at most 0.1 % set aside", _percent(harmed), harmed <= GOAL_HARMED)]


def _most_at_the_door(kept: Kept, word: str, number: str) -> int:
    """Return the most of some cases at the door: of all seeds, for none of its numbers was fixed
    on any."""
    found: list[int] = [most for name, columns in kept.rows(DOOR, "attacks").items()
                        if word in name for most in columns[number]]
    return max(found, default=PASSES_PER_MINUTE + 1)


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _harmed(
    kept: Kept, names: Sequence[str], among: Container[int] = REPORTED_ON
) -> Iterator[tuple[str, list[float], float]]:
    """Give each crowd's shares that are told, and the largest that is set aside."""
    for name in names:
        columns = [kept.rows(suite, "crowds", among)[name] for suite in ("naive", "informed")
                   if name in kept.rows(suite, "crowds", among)]
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


def _people(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name, columns in kept.rows(DOOR, "crowds").items():
        yield (name, _percents(shares(columns, "asked", "voters")),
               _percents(shares(columns, "never", "voters")),
               *(_seconds(columns, number) for number in ("seconds", "most_seconds")))


def _seconds(columns: Columns, number: str) -> str:
    """Write a number of those seeds on which somebody was asked whose vote counted after all."""
    known = [value for value, asked, never in zip(
        columns[number], columns["asked"], columns["never"], strict=True) if asked > never]
    return spread(known)


def _partners(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name, make in PARTNERS.items():
        attack = kept.rows(name, "attacks").get(name)
        beside = kept.rows(name, "crowds").get(BESIDE + name)
        if attack is not None and beside is not None:
            yield (_said(make), *(_percents(shares(attack, number)) for number in _PARTS[:3]),
                   spread(attack["counted_most"]), spread(beside["voters"]),
                   spread(beside["set_aside"]))


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
