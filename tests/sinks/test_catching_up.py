"""Whoever compares something with the archive waits for it, within a bound."""

from collections.abc import Iterator

from sinks.catching_up import still_lacking


def answers(*given: str) -> Iterator[str]:
    """Give one answer after the other, and the last one from there on."""
    yield from given
    while True:
        yield given[-1]


def test_what_comes_is_waited_for() -> None:
    """And each thing that is waited for is told once."""
    given, told = answers("3 of 4", "3 of 4", "2 of 4", ""), list[str]()

    assert still_lacking(lambda: next(given), say=told.append) == ""
    assert told == ["waiting for the archive: 3 of 4", "waiting for the archive: 2 of 4"]


def test_what_does_not_come_is_said_when_the_time_is_over() -> None:
    """Only then is it a fault."""
    given, told = answers("3 of 4"), list[str]()

    assert still_lacking(lambda: next(given), say=told.append, seconds=0.3) == "3 of 4"
    assert told == ["waiting for the archive: 3 of 4"]


def test_an_archive_that_has_everything_is_not_waited_for() -> None:
    """Nothing is said, and no time is needed."""
    told = list[str]()

    assert still_lacking(str, say=told.append, seconds=0) == ""
    assert told == []
