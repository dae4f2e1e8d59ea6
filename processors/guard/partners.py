"""Rule 5: a partner's site brings far more votes than it used to, or quite other ones. Pure."""

from collections import Counter
from collections.abc import Iterator

from processors.guard.chances import MILLION, freedom, g_test
from processors.guard.day import Day
from processors.guard.findings import Found, Group
from processors.guard.marks import FLOOD
from processors.guard.parameters import PARTNER, Rule
from processors.guard.reports import SPAN_MS
from processors.guard.window import MINUTE_MS


HOUR_SPANS = 6
Items = Counter[int]


def partner(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R5: look once a minute at the votes of each partner in these ten minutes.

    Found where they are many, and ten times the partner's median non-empty span, or choices by
    proposal that differ from all others' (G > 100 + 5 df). Its voters of these minutes are named,
    as bearing a mark only where their votes are more than a fifth of the last hour's.
    """
    if not day.partner_numbers or not day.begins_slot(PARTNER, now, MINUTE_MS):
        return
    span = now // SPAN_MS
    counts: dict[int, Counter[int]] = {}
    items: dict[int, Items] = {}
    voters: dict[int, set[int]] = {}
    of_others, of_hour = Items(), 0
    for row, time, item, _, via in day.votes():
        of_hour += time // SPAN_MS > span - HOUR_SPANS
        of_others[item] += 1
        if via:
            counts.setdefault(via, Counter())[time // SPAN_MS] += 1
            if time // SPAN_MS == span:
                items.setdefault(via, Items())[item] += 1
                voters.setdefault(via, set()).add(row)
    partners = dict(zip(day.partner_numbers.values(), day.partner_numbers, strict=True))
    for via in sorted(items):
        held = counts[via][span]
        if held < rule.parameters["votes"]:
            continue
        earlier = sorted(count for one, count in counts[via].items() if one < span)
        usual = earlier[(len(earlier) - 1) // 2] if earlier else 0
        score, most = _compared(items[via], of_others)
        if (usual and held > rule.parameters["times_usual"] * usual) or score > most:
            group = day.group_of(PARTNER, via)
            assert group is not None, "partners are fewer than groups"
            floods = 100 * held > rule.parameters["hour_percent"] * of_hour
            group.numbers = (
                ("hour_votes", of_hour), ("partner", partners[via]), ("score", score),
                ("score_most", most), ("usual_votes", usual), ("votes", held))
            yield from _said(day, group, rule, voters[via], floods=floods)


def _said(day: Day, group: Group, rule: Rule, rows: set[int], *, floods: bool) -> Iterator[Found]:
    if floods:
        group.bearing |= rows
        rows = group.newly_bearing(rule)
    else:
        rows = rows - group.told
    group.told |= rows
    if rows:
        yield Found(group, rule, -1, group.numbers, (FLOOD,) if floods else (),
                    tuple(sorted(day.voters[row] for row in rows)))


def _compared(own: Items, of_all: Items) -> tuple[int, int]:
    """Return G of the choices on each proposal against all others', and what it may be."""
    score, degrees = 0, 0
    for proposal in sorted({item >> 2 for item in own}):
        mine = [own[proposal << 2 | choice] for choice in range(3)]
        table = [mine, [of_all[proposal << 2 | choice] - count
                        for choice, count in enumerate(mine)]]
        if sum(table[1]):
            score += max(0, g_test(table))
            degrees += freedom(table)
    return score, (100 + 5 * degrees) * MILLION
