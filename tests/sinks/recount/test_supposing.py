"""What can be supposed is read from the options; what cannot is refused with what can."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import codec
from schemas.codec import Undecodable
from sinks.recount.supposing import (
    REWRITES,
    BadSupposition,
    Supposition,
    suppose,
    vector,
)
from tests.sinks.ballots import random_box


PARTITIONS = 4


def supposed(**options: Any) -> Supposition | None:
    """Read these options, the others left out."""
    return suppose(**{"as_of": None, "without_rules": (), "mapping_as_of": None, "scores": None,
                      "partitions": PARTITIONS, **options})


@pytest.mark.parametrize(("options", "reason"), [
    ({"as_of": "yesterday"}, "neither an instant"),
    ({"as_of": "0:1,"}, "neither an instant"),
    ({"as_of": "0:-2"}, "neither an instant"),
    ({"as_of": "2022-02-30"}, "neither an instant"),
    ({"as_of": "1:5,1:6"}, "names a partition twice"),
    ({"as_of": "0:5,4:6"}, "there is no partition 4"),
    ({"without_rules": ["unproven", "late"]}, "no rule 'late'"),
    ({"mapping_as_of": -2}, "no catalogue offset"),
    ({"scores": "make-org/1999"}, "only make-org/2022"),
])
def test_what_cannot_be_supposed_is_refused(options: dict[str, Any], reason: str) -> None:
    """Each bad value has a message that says what would be right."""
    with pytest.raises(BadSupposition, match=reason):
        supposed(**options)


def test_without_options_nothing_is_supposed() -> None:
    """A plain recount is no what-if."""
    assert supposed() is None


def test_offsets_move_only_the_partitions_they_name() -> None:
    """The others stay as published; -1 leaves a partition without votes."""
    found = supposed(as_of="2:-1,0:7")
    assert found is not None
    assert vector(found, [1, 2, 3, 4], []) == [7, 2, -1, 4]


def test_an_instant_without_zone_is_the_consultations() -> None:
    """18:00 in Paris in March is 17:00 UTC; an instant that names its offset keeps it."""
    for text in ("2022-03-22T18:00", "2022-03-22T17:00Z"):
        found = supposed(as_of=text)
        assert found is not None
        assert found.placed(ZoneInfo("Europe/Paris")).until == datetime(
            2022, 3, 22, 17, tzinfo=UTC)


def test_rewriting_changes_what_its_rule_reads_and_nothing_else() -> None:
    """Every record decodes to the same fields but trust, or the same but the event's name."""
    box = random_box(7, 400, rises_at=100)
    for value in filter(None, (value for log in box.logs for value in log)):
        trusted, free = (REWRITES[rule](value) for rule in ("unproven", "suspended"))
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            for rewritten in (trusted, free):
                with pytest.raises(Undecodable):
                    codec.decode(rewritten)
            continue
        assert codec.decode(trusted) == (
            event, fields | ({"trust": "trusted"} if "trust" in fields else {}))
        name, freed = codec.decode(free)
        assert name == ("VoterReinstated" if event == "VoterSuspended" else event)
        assert {key: freed[key] for key in fields if key in freed} == {
            key: value for key, value in fields.items() if key in freed}
