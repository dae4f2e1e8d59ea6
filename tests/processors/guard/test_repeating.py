"""Recorded judgements are judged again: whatever is changed in one is found, or said to be trusted.
"""

import copy
import gzip
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from processors.guard import votes_alone
from processors.guard.inputs import Batch, Cut
from processors.guard.judgements import VOTES_MOST, LaterRule, cut_of, encoded, goes_on
from processors.guard.parameters import CROWD, NAMES, Rules
from processors.guard.repeating import Repeated, Repeater
from schemas import codec
from schemas.registry import newest
from tests.processors.guard.test_doors import at_a_door
from tests.processors.guard.test_judgements import GOLDEN
from tests.processors.guard.test_judging import CUTS, LOG, MIDNIGHT, evening
from tests.processors.guard.traffic import PARTITIONS, Crowds, Log, batches, judged, log_of


Fields = dict[str, Any]
Path = tuple[Any, ...]
RECORDS = [codec.decode(encoded(one))[1] for one in judged(LOG, cuts=CUTS)[1]]


def between(log: Log, after: Cut, until: Cut, fetch: int = 10_000,
            shuffle: random.Random | None = None) -> Batch:
    """Read what lies between two cuts."""
    *_, batch = batches(log, [after, until], fetch, shuffle)
    return batch


def repeated(log: Log, records: Sequence[Fields], *, networks_since: int = 0, fetch: int = 10_000,
             shuffle: random.Random | None = None) -> Iterator[Repeated]:
    """Judge records again, with the networks from an offset on."""
    repeater = Repeater(PARTITIONS)
    for fields in records:
        networks = networks_since <= repeater.cut.networks + 1
        batch = between(log, *repeater.span(fields, networks=networks), fetch, shuffle)
        yield repeater.repeat(fields, batch, fields["judged_at"], networks=networks)


def golden() -> list[Fields]:
    """Read the golden judgements: those by the default rules, then those by others."""
    data, header = gzip.decompress(GOLDEN.read_bytes()), newest("PatrolJudged").header
    return [codec.decode(header + each)[1] for each in data.split(header)[1:]]


@pytest.mark.parametrize("fetch", [1, 997])
def test_golden_judgements_hold_on_another_layout(fetch: int) -> None:
    """However partitions are read, one record a fetch or many."""
    records = golden()[:len(RECORDS)]
    found = [*repeated(LOG, records, fetch=fetch, shuffle=random.Random(5))]

    assert all(one.exact and not one.differences for one in found)
    assert sum(len(one.findings) for one in found) > 20


def test_golden_judgements_by_rules_that_nobody_set_are_seen() -> None:
    """They are what those rules give; the catalogue has no such rules."""
    found = [*repeated(LOG, golden()[len(RECORDS):])]

    assert len(found) == len(RECORDS)
    assert {each.what for one in found for each in one.differences} == {
        "rules are not those of the catalogue"}


# Lies


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Go through everything that a judgement says."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from leaves(one, (*path, place))
    else:
        yield path


def changed(fields: Fields, path: Path, change: Callable[[Any], Any]) -> Fields:
    """Return a judgement with one thing changed."""
    made = copy.deepcopy(fields)
    *way, last = path
    place: Any = made
    for step in way:
        place = place[step]
    place[last] = change(place[last])
    return made


def lies(fields: Fields) -> Iterator[tuple[Path, Fields]]:
    """Change each number by one, up and down, and the first and last bytes of what has bytes.

    Of voters and ids the first of each rule's findings are enough.
    """
    rules = [each["rule"] for each in fields["findings"]]
    firsts = {rules.index(rule) for rule in rules}
    for path in leaves(fields):
        if path[0] == "findings" and (path[1] not in firsts or (
                path[2] == "voters" and path[3] > 0)):
            continue
        value = fields
        for step in path:
            value = value[step]
        if isinstance(value, int):
            yield path, changed(fields, path, lambda number: number + 1)
            yield path, changed(fields, path, lambda number: number - 1)
        elif isinstance(value, bytes):
            yield path, changed(fields, path, lambda held: held[:-1] + bytes([held[-1] ^ 1]))


def is_found(at: Repeater, log: Log, fields: Fields, written_at: int, *, networks: bool) -> bool:
    """Whether a judgement is seen to be none that the log gives, by whoever goes on from a state.
    """
    ends = Cut(tuple(len(each) - 1 for each in log.votes), len(log.networks) - 1,
               len(log.catalogue) - 1)
    until, repeater = cut_of(fields), copy.deepcopy(at)
    try:
        follows = goes_on(fields, repeater.cut)
    except LaterRule:
        return True  # Who does not know the rule says so, and believes nothing.
    if fields["number"] != repeater.number + 1 or not follows or any(
            map(int.__gt__, (*until.votes, *until[1:]), (*ends.votes, *ends[1:]))):
        return True
    batch = between(log, *repeater.span(fields, networks=networks))
    return bool(repeater.repeat(fields, batch, written_at, networks=networks).differences)


def states(records: Sequence[Fields], *, networks: bool) -> Iterator[tuple[Repeater, Fields]]:
    """Yield judgements that tell of every rule's findings, with what was there before each."""
    repeater = Repeater(PARTITIONS)
    best, rules = set[int](), set[int]()
    for number in sorted(range(len(records)), key=lambda at: -len(
            {each["rule"] for each in records[at]["findings"]})):
        if not rules >= {each["rule"] for each in records[number]["findings"]}:
            best.add(number)
            rules |= {each["rule"] for each in records[number]["findings"]}
    for number, fields in enumerate(records):
        if number in best:
            yield repeater, fields
        repeater.repeat(fields, between(LOG, *repeater.span(fields, networks=networks)),
                        fields["judged_at"], networks=networks)


def test_any_number_in_a_judgement_that_is_changed_by_one_is_found() -> None:
    """And any byte of a digest, an id, a voter. A release before may have gone by first versions:
    where no finding hangs on it, nobody can tell."""
    seen = set()
    for repeater, fields in states(RECORDS, networks=True):
        seen |= {each["rule"] for each in fields["findings"]}
        missed = [path for path, lie in lies(fields) if not is_found(
            repeater, LOG, lie, fields["judged_at"], networks=True)]
        assert {(path[0], path[-1]) for path in missed} <= {("rules", "version")}
    assert seen == {1, 2, 4, 6}


def test_what_is_left_out_or_put_in_is_found() -> None:
    """A finding, a voter of one, the order of two; another mode, choice or item."""
    for repeater, fields in states(RECORDS, networks=True):
        first = fields["findings"][0]
        for findings in (
                fields["findings"][1:], [first, *fields["findings"]],
                [*fields["findings"][1:], first] if len(fields["findings"]) > 1 else [],
                [{**first, "mode": "set_aside"}, *fields["findings"][1:]],
                [{**first, "proposal": "p0"}, *fields["findings"][1:]],
                [{**first, "consultation": "other"}, *fields["findings"][1:]],
                [{**first, "marks": [7]}, *fields["findings"][1:]],
                [{**first, "voters": [bytes(16), *first["voters"]]}, *fields["findings"][1:]]):
            assert is_found(repeater, LOG, {**fields, "findings": findings}, fields["judged_at"],
                            networks=True)


def test_of_forgotten_networks_votes_alone_find_what_they_can() -> None:
    """What stays unseen without them is what is listed as trusted, and marks, and nothing else."""
    missed = set()
    for repeater, fields in states(RECORDS, networks=False):
        for path, lie in lies(fields):
            if path[0] != "rules" and not is_found(
                    repeater, LOG, lie, fields["judged_at"], networks=False):
                missed.add(_named(path, fields))

    assert missed == {
        ("networks", ""), ("networks_digest", ""), ("left", ""),
        ("spread", "band"), ("spread", "networks"), ("early", "network_voters"),
        *(("crowd", name) for name in (
            "marks", "gaps", "gaps_squared", "gaps_total", "pace_bucket", "pace_buckets",
            "pace_held", "pace_of", "pace_others_held", "pace_others_of"))}


def _named(path: Path, fields: Fields) -> tuple[str, str]:
    if path[0] != "findings":
        return str(path[0]), ""
    finding = fields["findings"][path[1]]
    what = finding["numbers"][path[3]]["name"] if path[2] == "numbers" else path[2]
    return NAMES[finding["rule"]], str(what)


def test_judgements_are_trusted_until_a_day_whose_networks_are_there() -> None:
    """Of a night whose networks went in the evening, the next day is recomputed."""
    log = two_days()
    records = [codec.decode(encoded(one))[1] for one in judged(log, cuts=log.cuts(20_000))[1]]
    evening_ends = sum(time < MIDNIGHT for time, _ in log.networks)
    found = [*repeated(log, records, networks_since=evening_ends // 2)]
    exact = [one for one in found if one.exact]

    assert [one.differences for one in found] == [()] * len(records)
    assert [one.exact for one in found] == sorted(one.exact for one in found)
    assert min(records[one.number - 2]["log_time"] for one in exact) >= MIDNIGHT
    assert any(one.findings for one in exact)
    assert any(one.findings for one in found if not one.exact)
    assert {one.exact for one in repeated(log, records)} == {True}


def two_days() -> Log:
    """Make an evening that ends at midnight, and a morning."""
    later = [replace(vote, voter=bytes(reversed(vote.voter)))
             for vote in evening(2, MIDNIGHT + 60_000)]
    return log_of([*evening(1, MIDNIGHT - 600_000), *later])


def test_voters_of_whom_the_door_asked_something_are_believed_once_networks_are_gone() -> None:
    """Votes that do not count name voters, and move the log's time: no honest judgement differs."""
    log = log_of(at_a_door(80, 2, 300, 280))
    made = [encoded(one) for one in judged(log, cuts=log.cuts(20_000))[1]]
    records = [codec.decode(value)[1] for value in made]
    whole, alone = (list(repeated(log, records, networks_since=since)) for since in (0, 10**9))
    at = next(number for number, one in enumerate(records) if any(
        each["rule"] == CROWD for each in one["findings"]))
    later = {**records[at], "log_time": records[at]["log_time"] + 10**9}

    assert [one.differences for one in (*whole, *alone)] == [()] * 2 * len(records)
    assert [one.exact for one in (whole[-1], alone[-1])] == [True, False]
    assert [*repeated(log, [*records[:at], later], networks_since=10**9)][-1].differences


def test_what_was_recorded_of_other_votes_is_found() -> None:
    """Those were never cast."""
    other = log_of([*Crowds(9).ordinary(800, 8)])
    assert any(each.what == "votes_digest is another" for one in repeated(
        LOG, [{**fields, "votes": list(cut.votes), "networks": cut.networks} for fields, cut in zip(
            [codec.decode(encoded(one))[1] for one in judged(other, cuts=other.cuts(20_000))[1]],
            CUTS, strict=False)]) for each in one.differences)


def test_no_judgement_reads_more_than_one_may() -> None:
    """So whoever repeats judgements holds no more votes at once than who made them."""
    fields = {**RECORDS[0], "votes": [VOTES_MOST - 1, 0, -1]}

    assert goes_on(fields, Cut((-1, -1, -1), -1, -1)) is False
    assert goes_on({**fields, "votes": [VOTES_MOST - 1, -1, -1]}, Cut((-1, -1, -1), -1, -1))


def test_rules_for_votes_alone_tell_of_every_proposals_first_votes() -> None:
    """Those of rule 6 that a network made a finding of are compared so; other rules stay."""
    rules = votes_alone.rules_for(Rules())

    assert rules.of("jeunes", 6).parameters["network_voters"] == 0
    assert rules.of("jeunes", 1) == Rules().of("jeunes", 1)
