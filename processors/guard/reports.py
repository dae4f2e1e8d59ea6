"""Rules 6 to 9: what people should know, and what convicts nobody. Pure.

Theory of operation: first votes from one place, votes by links that differ from drawn ones, a
network that leans, a crowd that comes at once: all of it is also what honest people do. So these
rules name no voter and set nothing aside. They look once in ten minutes of the log's time, through
all votes of the day, and repeat what they said when it has grown by a quarter.
"""

from collections import Counter
from collections.abc import Iterator

from processors.guard.chances import MILLION, g_test, geometric_tail
from processors.guard.day import EARLY_VOTES, MAX_GROUPS, NEXT_VOTES, Day
from processors.guard.findings import OF_PROPOSAL, Found, Numbers, Told
from processors.guard.flags import FRESH
from processors.guard.inputs import SERVED
from processors.guard.parameters import ASKED, BURST, Rule


SPAN_MS = 600_000
CHOICES = ("agree", "disagree", "neutral")
ASKED_ROUTE = 2
EARLIER_SPANS = 6
"""A network has a usual size after so many spans of time."""


def said(day: Day, rule: Rule, place: int, item: int, size: int, numbers: Numbers
         ) -> Iterator[Found]:
    """Say something that names nobody, the first time and when it has grown by a quarter."""
    key = rule.rule, place
    if key not in day.told and len(day.told) >= MAX_GROUPS:
        return
    group = day.told.setdefault(key, Told())
    if 4 * size >= 5 * group.looked + (not group.looked):
        group.looked = size
        yield Found(group, rule, item, tuple(sorted(numbers)), (), ())


def early(day: Day, rule: Rule, _now: int, _proposals: int) -> Iterator[Found]:
    """R6: a proposal's first votes come from one network, or differ from its next ones.

    Few first votes decide whom a proposal is shown to. They are looked at on the day they are cast.
    """
    for proposal in sorted(day.grown_up):
        votes = list(day.young[proposal].items())
        first, after = votes[:EARLY_VOTES], votes[EARLY_VOTES:]
        networks = Counter(day.networks[row] for row, _ in first if day.networks[row] >= 0)
        of_network = max(networks.values(), default=0)
        table = [_by_choice(choice for _, choice in part) for part in (first, after)]
        score = g_test(table) if after else 0
        if of_network >= rule.parameters["network_voters"] or score > rule.parameters["score"]:
            numbers = (("network_voters", of_network), ("score", score), *(
                (f"{name}_{word}", count)
                for name, counts in zip(("first", "next"), table, strict=True)
                for word, count in zip(CHOICES, counts, strict=True)))
            yield from said(day, rule, proposal, proposal << 2 | OF_PROPOSAL, len(votes), numbers)
        if len(votes) == EARLY_VOTES + NEXT_VOTES:
            day.begun.add(proposal)
            del day.young[proposal]
    day.grown_up.clear()


def _by_choice(choices: Iterator[int]) -> list[int]:
    counts = Counter(choices)
    return [counts[choice] for choice in range(len(CHOICES))]


def asked(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R7: those who came for a proposal choose otherwise than those to whom it was drawn."""
    if not day.begins_slot(ASKED, now, SPAN_MS):
        return
    counts = Counter((item, shown) for _, _, item, shown, _ in day.votes())
    for proposal in sorted({item >> 2 for item, _ in counts}):
        table = [[counts[proposal << 2 | choice, route] for choice in range(len(CHOICES))]
                 for route in (SERVED, ASKED_ROUTE)]
        served_votes, asked_votes = map(sum, table)
        if min(served_votes, asked_votes) < rule.parameters["votes"]:
            continue
        score = g_test(table)
        if score > rule.parameters["score"]:
            numbers = (("score", score), *(
                (f"{name}_{word}", count)
                for name, row in zip(("served", "asked"), table, strict=True)
                for word, count in zip(CHOICES, row, strict=True)))
            yield from said(day, rule, proposal, proposal << 2 | OF_PROPOSAL,
                            served_votes + asked_votes, numbers)


def burst(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R9: more fresh voters of one network in ten minutes than it has had before today.

    Names of networks live a day, a school has no past, television is honest: rate convicts nobody.
    """
    if not day.begins_slot(BURST, now, SPAN_MS):
        return
    last = now // SPAN_MS - 1
    spans: dict[int, Counter[int]] = {}
    for row, network in enumerate(day.networks):
        if network >= 0 and day.flags[row] & FRESH:
            spans.setdefault(network, Counter())[day.times[row] // SPAN_MS] += 1
    totals = sum(spans.values(), Counter[int]())
    for network in sorted(spans):
        counts = spans[network]
        held, begins = counts[last], min(counts)
        if held < rule.parameters["voters"] or last - begins < EARLIER_SPANS:
            continue
        usual = _median([counts[span] for span in range(begins, last)])
        of_all = _median([totals[span] for span in range(begins, last)])
        mean = max(1, MILLION * usual * totals[last] // max(1, of_all))
        score = geometric_tail(held, mean)
        if score >= rule.parameters["score"]:
            yield from said(day, rule, network, -1, held, (
                ("expected", mean), ("score", score), ("span", last), ("voters", held)))


def _median(counts: list[int]) -> int:
    """Return the lower of the middle counts."""
    return sorted(counts)[(len(counts) - 1) // 2]
