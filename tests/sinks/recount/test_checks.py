"""Documents are compared word by word, and what is not said is not what is said to be nothing."""

import json

import pytest

from scrutin.audit.replaying import compared
from sinks.recount.checks import DIFFERENT, EQUAL, NOTHING, compare_documents


@pytest.mark.parametrize(("one", "other"), [
    ({"rank": None}, {}), ({}, {"rank": None}), ({"a": {"rank": None}}, {"a": {}}),
    ({"a": [{"rank": None}]}, {"a": [{}]})])
def test_null_is_another_thing_than_nothing(one: object, other: object) -> None:
    """A document that leaves a number out says less than one that says there is none."""
    found = compare_documents("document", one, other)

    assert (found.status, found.expected) == (DIFFERENT, "1 differences")
    assert {found.actual[0]["expected"], found.actual[0]["actual"]} == {None, NOTHING}
    assert compare_documents("document", one, json.loads(json.dumps(one))).status == EQUAL


def test_rebuilt_results_that_lack_the_consultation_differ_from_what_was_published() -> None:
    """A replay says so, and does not end in an error of its own."""
    [found] = compared({"consultation": {"id": "town"}}, None, "")

    assert (found.id, found.status) == ("results.document", DIFFERENT)
