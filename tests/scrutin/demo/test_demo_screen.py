"""What the demo says where there is no terminal."""

import pytest

from schemas.topics import Topics
from scrutin.demo.counters import Counters, awaited
from scrutin.demo.screen import Screen


def test_the_last_look_is_printed_however_soon_it_came(
    capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines come seldom; where the counters ended is said all the same, and once."""
    screen = Screen()
    for archived in (1, 2, 3):
        screen.show(Counters(archived=archived, to_archive=3))
    screen.stop_counters()
    said = capsys.readouterr().err

    assert ("archive 1/3" in said, "archive 2/3" in said) == (True, False)
    assert said.count("archive 3/3") == 1


def test_the_archive_is_awaited_for_every_log_that_is_for_ever() -> None:
    """So many records it holds in the end; of fewer logs it would hold them before votes are in."""
    topics = Topics("t", 2)
    for_ever = {(each.name, number) for each in topics.specifications()
                if each.settings.get("retention.ms") == "-1" for number in range(each.partitions)}

    assert {(place.topic, place.partition) for place in awaited(topics)} == for_ever
