"""What goes into the log of what libraries say."""

import logging

from scrutin.log import MESSAGES_REMEMBERED, REPEAT_SECONDS, Repeats


class Ear(logging.Handler):
    """Hears what a filter lets through, on a clock of the test's."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.now = 0.0
        self.addFilter(Repeats(lambda: self.now))

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())

    def say(self, message: str, *arguments: object) -> None:
        self.handle(logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, arguments, None))


def test_what_is_repeated_comes_once_in_a_while_with_how_often() -> None:
    """Ten thousand lines of an outage are two, whatever node or error each of them names."""
    ear = Ear()
    for number in range(10_000):
        ear.say("Unable connect to node %s: %s", number, "100 % refused")
    ear.say("Topic %s not found", "votes")
    ear.now = REPEAT_SECONDS
    ear.say("Unable connect to node %s: %s", 0, "refused")

    assert ear.heard == [
        "Unable connect to node 0: 100 % refused", "Topic votes not found",
        "Unable connect to node 0: refused (and 9999 like it since the last line of this kind)"]


def test_messages_that_are_never_the_same_are_not_kept_for_ever() -> None:
    """A message that holds an address is another each time: the memory for them is bounded."""
    ear = Ear()
    for number in range(2 * MESSAGES_REMEMBERED):
        ear.say(f"Task {number} was destroyed")
    ear.say("Task 0 was destroyed")

    assert len(ear.heard) == 2 * MESSAGES_REMEMBERED + 1
