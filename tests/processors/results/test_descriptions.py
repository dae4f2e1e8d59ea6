"""Who took part, against somebody who keeps every document that was ever published.

What cannot be told apart is shown by making it: another history, run through the same code, of
which every document is the same, and in which the person, or the number, is another one.
"""

import itertools
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.results.descriptions import (
    DESCRIBED_BY,
    FIRST_PEOPLE,
    STRETCH_PEOPLE,
    WITHHELD_BELOW,
    Answers,
    Closing,
    Description,
    Descriptions,
    PublishedDescriptions,
    cells,
)
from schemas.words import ANSWERS
from tests.processors.ledger.logs import property_test


POSSIBLE_VALUES = 10
attack, few = (settings(property_test, max_examples=number) for number in (80, 50))


class History(NamedTuple):
    """Everybody in the order of the log, and all that was published."""

    people: list[Answers]
    published: list[tuple[int, PublishedDescriptions]]
    """After so many people each document that differs from the one before."""


def ran(people: list[Answers], *, again: dict[int, list[Answers]] | None = None) -> History:
    """Fold them in; `again`, by place: what people who are in stretches try to change there."""
    found, published = Descriptions(), [(0, Descriptions().published(closed=False))]
    for place, answers in enumerate(people):
        for number, other in enumerate((again or {}).get(place, ())):
            if number < published[-1][0]:
                found.apply(name(number), other, version_1=False)
        found.apply(name(place), answers, version_1=False)
        shown = found.published(closed=False)
        if shown != published[-1][1]:
            published.append((place + 1, shown))
    return History(people, published)


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return a history in parts, each with a taste of its own: crowds of one answer among them."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    people: list[Answers] = []
    for _ in range(draw(st.integers(1, 5))):
        tastes = [_taste(draw, each) for each in DESCRIBED_BY]
        people += [tuple(chance.choices(words, weights)[0] for words, weights in tastes)
                   for _ in range(draw(st.sampled_from((1, 7, 19, 20, 21, 60, 90, 300))))]
    return ran(people)


def _taste(draw: st.DrawFn, table: str) -> tuple[list[str | None], list[int]]:
    words: list[str | None] = [*ANSWERS[table], None]
    kind = draw(st.sampled_from(("one", "two", "alike", "nobody", "skewed", "stated")))
    first, second = (draw(st.integers(0, len(words) - 1)) for _ in range(2))
    weights = {"one": [0] * len(words), "two": [0] * len(words), "alike": [10] * len(words),
               "nobody": [0] * len(words), "skewed": [1] * len(words),
               "stated": [40] * len(words)}[kind]
    if kind in ("nobody", "stated"):
        weights[-1] = 1
    else:
        weights[first] += 40
        weights[second] += 3 if kind == "two" else 0
    return words, weights


def answers_of(history: History, table: str) -> list[str | None]:
    place = DESCRIBED_BY.index(table)
    return [answers[place] for answers in history.people]


def with_answers(history: History, table: str, column: list[str | None]) -> History:
    """Return the history in which everybody says the same, but of one table what is given."""
    place = DESCRIBED_BY.index(table)
    return ran([(*answers[:place], column[number], *answers[place + 1:])
                for number, answers in enumerate(history.people)])


def same_documents(one: History, other: History) -> bool:
    return one.published == other.published


def is_out(shown: PublishedDescriptions, table: str) -> bool:
    return all(cell["count"] is not None for cell in shown.tables[table])


# Every difference covers twenty people

@given(history=histories())
@few
def test_every_difference_covers_twenty_people(history: History) -> None:
    """Of any two documents ever published; nothing below fifty, and all words always listed."""
    numbers = [shown.descriptions for _, shown in history.published]

    assert numbers[0] == 0
    assert all(after - before >= STRETCH_PEOPLE for before, after in pairwise(numbers))
    assert all(number == 0 or number >= FIRST_PEOPLE for number in numbers)
    for people, shown in history.published:
        assert shown.descriptions == (people if people >= FIRST_PEOPLE else 0)
        for table in DESCRIBED_BY:
            assert [cell["value"] for cell in shown.tables[table]] == list(ANSWERS[table])


@given(history=histories())
@few
def test_a_table_is_published_whole_and_is_what_was_told(history: History) -> None:
    """Of each word ten or more and the very number, or no number of any word.

    Nor can those who stated none, the people less all words, be fewer.
    """
    for people, shown in history.published:
        for table in DESCRIBED_BY:
            column = answers_of(history, table)[:people]
            numbers = {cell["value"]: cell["count"] for cell in shown.tables[table]}
            if set(numbers.values()) != {None}:
                assert numbers == {word: column.count(word) for word in ANSWERS[table]}
                assert min(numbers.values()) >= WITHHELD_BELOW
                assert shown.descriptions - sum(numbers.values()) >= WITHHELD_BELOW


@given(history=histories(), data=st.data())
@few
def test_describing_oneself_again_changes_nothing_published(
    history: History, data: st.DataObject
) -> None:
    """Whoever is published is so for good: the difference would be theirs alone."""
    others: Answers = ("other", "65+", "FR-976")
    again = data.draw(st.dictionaries(
        st.integers(0, len(history.people) - 1), st.just([others] * 60), max_size=2))

    assert ran(history.people, again=again).published == history.published


def test_before_the_end_of_its_stretch_the_last_description_counts() -> None:
    """Nobody saw the one before."""
    found = Descriptions()
    for number in range(FIRST_PEOPLE - 1):
        found.apply(name(number), ("man" if number < 39 else None, None, None), version_1=False)
    for number in range(30):
        found.apply(name(number), (("woman", "other")[number % 2], None, None), version_1=False)
    assert found.published(closed=False).descriptions == 0
    found.apply(name(FIRST_PEOPLE), ("man", None, None), version_1=False)

    gender = found.published(closed=False).tables["gender"]
    assert [cell["count"] for cell in gender] == [15, 10, 15]


# Every hidden number keeps ten possible values

@given(history=histories(), data=st.data())
@attack
def test_every_hidden_number_keeps_ten_possible_values(
    history: History, data: st.DataObject
) -> None:
    """For each there are ten histories, with ten values of it, of which all documents are equal."""
    hidden = [(people, table) for people, shown in history.published[1:] for table in DESCRIBED_BY
              if not is_out(shown, table)]
    if not hidden:
        return
    people, table = data.draw(st.sampled_from(hidden))
    require_ten_values(
        history, table, people, data.draw(st.sampled_from((*ANSWERS[table], None))))


@st.composite
def crowds(draw: st.DrawFn) -> History:
    """Return a history in which a word that was rare comes all at once."""
    rare, *rest = draw(st.permutations((*ANSWERS["gender"], None)))
    before, crowd = draw(st.integers(7, 11)), draw(st.integers(12, 60))
    people = [rest[number % 3] for number in range(draw(st.integers(41, 120)) - before)]
    people = [*draw(st.permutations([*people[:9], *[rare] * before])), *people[9:]]
    return ran([(word, None, None) for word in [*people, *[rare] * crowd, *people]])


@given(history=crowds())
@few
def test_no_crowd_of_one_word_gives_away_what_was_hidden(history: History) -> None:
    """Of no word of the table, in the last document that withheld it."""
    hidden = [people for people, shown in history.published[1:] if not is_out(shown, "gender")]
    for word in (*ANSWERS["gender"], None):
        if hidden:
            require_ten_values(history, "gender", hidden[-1], word)


def require_ten_values(history: History, table: str, people: int, word: str | None) -> None:
    """Make histories until ten numbers of a word among the first people are possible."""
    found = set()
    for column in others(history, table, people, word):
        if same_documents(history, with_answers(history, table, column)):
            found.add(column[:people].count(word))
            if len(found) == POSSIBLE_VALUES:
                return
    pytest.fail(f"{word} of the first {people} can only be {sorted(found)}")


def others(
    history: History, table: str, people: int, word: str | None
) -> Iterator[list[str | None]]:
    """Yield orders in which everybody up to a table's publication could have come.

    With as many of a word as possible among the first, one fewer, and so on.
    """
    column = answers_of(history, table)
    until = next((number for number, shown in history.published if is_out(shown, table)), None)
    if until is None:  # It never comes out: then anybody may have said anything.
        other = ANSWERS[table][0] if word is None else None
        for number in range(people + 1):
            yield [word] * number + [other] * (len(column) - number)
        return
    mine = column[:until].count(word)
    rest = [answer for answer in column[:until] if answer != word]
    for late in (*ANSWERS[table], None):  # A word that was below ten as long as it had to be.
        ordered = [answer for answer in rest if answer != late]
        ordered += [answer for answer in rest if answer == late]
        for number in range(min(mine, people), max(0, people - len(rest)) - 1, -1):
            yield ([word] * number + ordered[:people - number] + [word] * (mine - number)
                   + ordered[people - number:] + column[until:])


def test_a_word_that_comes_in_one_crowd_is_not_found_from_the_first_table() -> None:
    """Looked at with each stretch the table would come out, and "other" have been nine before."""
    people: list[Answers] = [
        *([("woman", None, None), ("man", None, None), (None, None, None)] * 14)[:41],
        *[("other", None, None)] * 9, *[("other", None, None)] * 20]
    history = ran(people)

    assert [shown.descriptions for _, shown in history.published] == [0, 50, 70]
    assert not is_out(history.published[-1][1], "gender")


@pytest.mark.parametrize(("silent", "out"), [(1, False), (9, False), (10, True)])
def test_who_stated_none_is_found_by_no_subtraction(silent: int, out: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """The people less all words of a table are the silent ones: as rare as no word may be."""
    spoken = itertools.islice(itertools.cycle(ANSWERS["gender"]), FIRST_PEOPLE - silent)
    history = ran([*((word, None, None) for word in spoken), *[(None, None, None)] * silent])

    assert is_out(history.published[-1][1], "gender") is out


def test_every_table_has_three_words_or_more() -> None:
    """With two the proof does not hold."""
    assert min(map(len, ANSWERS.values())) >= 3


# No two answers of one person can be joined

@given(history=histories(), data=st.data())
@attack
def test_no_two_answers_of_one_person_are_joined(history: History, data: st.DataObject) -> None:
    """Whoever knows one answer of a person may take any other for true that the stretch gave.

    But where the whole stretch gave one of them.
    """
    ends = [people for people, shown in history.published if shown.descriptions]
    if not ends:
        return
    place = data.draw(st.integers(0, ends[-1] - 1))
    table = data.draw(st.sampled_from(DESCRIBED_BY))
    end = min(each for each in ends if each > place)
    begin = max([each for each in ends if each <= place], default=0)
    column = answers_of(history, table)
    for answer in set(column[begin:end]) - {column[place]}:
        other = column.index(answer, begin, end)
        column[place], column[other] = column[other], column[place]

        assert same_documents(history, with_answers(history, table, column))
        column[place], column[other] = column[other], column[place]
    assert end - begin >= STRETCH_PEOPLE


# The closing, and logs of version 1

@given(history=histories())
@few
def test_at_the_closing_what_is_left_is_counted_and_not_published(history: History) -> None:
    """How many, and nothing else of them; before nobody is told that either."""
    found = Descriptions()
    for number, answers in enumerate(history.people):
        found.apply(name(number), answers, version_1=False)
    open_, closed = (found.published(closed=closed) for closed in (False, True))

    assert open_.unpublished is None
    assert closed.unpublished == len(history.people) - closed.descriptions
    assert closed.unpublished < (STRETCH_PEOPLE if closed.descriptions else FIRST_PEOPLE)
    assert (open_.descriptions, open_.tables) == (closed.descriptions, closed.tables)
    assert PublishedDescriptions.of(closed.fields()) == closed


@given(history=histories(), late=st.integers(1, 90), version_1=st.sampled_from((0, 12, 1_000)))
@few
def test_a_description_behind_the_closing_changes_nothing(
    history: History, late: int, version_1: int
) -> None:
    """Neither a figure nor the number of those left, by either rule; nor does another closing."""
    told = [Description("c", name(number), answers, version_1=number < version_1)
            for number, answers in enumerate(history.people)]
    found, left = Descriptions(), Descriptions()
    for each in told:
        found.fold(each)
        left.fold(each)
    assert found.fold(Closing("c"))
    assert found.published(closed=True) == left.published(closed=True)
    for number in range(late):
        answers: Answers = ("other", "65+", "FR-976")
        for is_old in (True, False):
            assert not found.fold(Description("c", name(9_000 + number), answers, is_old))
    assert not found.fold(Closing("c"))

    assert found.published(closed=True) == left.published(closed=True)


@pytest.mark.parametrize(("old", "published"), [(12, [0, 50, 70]), (45, [0, 65, 85]),
                                                (51, [51, 71, 91]), (120, [120, 140])])
def test_a_log_of_version_1_is_published_as_it_was_until_another_comes(
    old: int, published: list[int]
) -> None:
    """One by one, then in stretches, each of twenty people more than anybody was told of."""
    found = Descriptions()
    for number in range(old):
        assert found.apply(name(number), ("woman", None, "FR-BRE"), version_1=True)
        shown = found.published(closed=True)
        assert (shown.descriptions, shown.in_stretches, shown.unpublished) == (
            number + 1, False, None)
        assert shown.tables["gender"] == cells({"woman": number + 1})
    seen = []
    for number in range(old, 140):
        found.apply(name(number), ("woman", None, None), version_1=number % 3 == 2)
        shown = found.published(closed=False)
        assert shown.in_stretches or number % 3 == 2
        if shown.in_stretches and shown.descriptions not in seen:
            seen.append(shown.descriptions)

    assert seen[:len(published)] == published


@given(answers=st.dictionaries(st.text(max_size=3), st.integers(1, 30), max_size=6))
@property_test
def test_by_version_1_small_cells_are_withheld(answers: dict[str, int]) -> None:
    """No cell under ten is shown, and never one alone is withheld beside others."""
    made = cells(answers)
    shown = {cell["value"]: cell["count"] for cell in made}
    withheld = [value for value, count in shown.items() if count is None]

    assert [cell["value"] for cell in made] == sorted(answers)
    assert all(count is None or count == answers[value] >= WITHHELD_BELOW
               for value, count in shown.items())
    assert len(withheld) != 1 or len(answers) == 1
    small_ones = [value for value in answers if answers[value] < WITHHELD_BELOW]
    assert len(withheld) <= max(len(small_ones), 2 if small_ones else 0)


def test_by_version_1_the_second_cell_withheld_is_the_smallest_shown() -> None:
    """As little as possible is lost; ties go by name."""
    assert cells({"c": 50, "a": 9, "b": 12, "d": 12}) == [
        {"value": "a", "count": None}, {"value": "b", "count": None},
        {"value": "c", "count": 50}, {"value": "d", "count": 12}]
