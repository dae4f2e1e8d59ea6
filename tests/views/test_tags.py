"""Readers who ask one process after the other: none gives them less than they have."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from tests.views.test_api import PAGE, RESULTS, SIZE, Clock, Published
from views import tags
from views.api import application
from views.documents import Documents
from views.flushes import Flushes
from views.live import Live, is_before
from views.publications import Publications
from views.tags import State


Pair = tuple[TestClient, TestClient]


def later(state: Flushes) -> Flushes:
    """Let a state go on."""
    assert state.applied is not None
    as_of = AsOf((999_999,) * 4, state.applied.catalogue_offset, 200_000)
    state.receive_result(FLUSH_KEY, campaign.marker(as_of))
    return state


@pytest.fixture
def both() -> Iterator[Pair]:
    """Yield clients of two processes that show one log; the second one lags behind."""
    with ExitStack() as clients:
        def client(state: Flushes) -> TestClient:
            source = Published(state)
            source.ready.set()
            return clients.enter_context(TestClient(
                application(source, Publications(source.flushes, Clock())),
                headers={"accept-encoding": "gzip", "accept-language": "en"}))

        yield client(later(campaign.flushes(SIZE))), client(campaign.flushes(SIZE))


@pytest.mark.parametrize("path", [RESULTS, PAGE])
def test_who_has_later_results_keeps_them(both: Pair, path: str) -> None:
    """A process that lags behind says that nothing newer is there; the other one gives it."""
    ahead, behind = (client.get(path).headers["etag"] for client in both)
    kept = both[1].get(path, headers={"if-none-match": f'"x", W/{ahead}'})
    given = both[0].get(path, headers={"if-none-match": behind})

    assert (kept.status_code, kept.content, kept.headers["etag"]) == (304, b"", ahead)
    assert (given.status_code, given.headers["etag"]) == (200, ahead)


def test_results_of_something_else_are_no_later_ones(both: Pair) -> None:
    """A page in another language, and JSON for a page, are given whole."""
    tag = both[0].get(PAGE).headers["etag"]

    assert both[1].get(f"{PAGE}?lang=fr", headers={"if-none-match": tag}).status_code == 200
    assert both[1].get(RESULTS, headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize("last_id", ["9--1", "9.000", "x", "-", "9--1--1-", "1--1--1"])
def test_what_is_no_later_place_in_these_logs_holds_no_stream_back(last_id: str) -> None:
    """Of other partitions, of another stream, of nobody, or the same."""
    assert not is_before("1--1--1", last_id)
    assert is_before("1--1--1", "1--1-0")


def test_the_id_of_a_snapshot_names_the_log() -> None:
    """Behind the positions in it."""
    state = campaign.flushes(SIZE)
    live = Live(state, Documents(state))
    before, _ = live.snapshot("any", ())
    later(state)

    assert before.endswith(f".{state.log[:8]}")
    assert is_before(before, live.snapshot("any", ())[0])


def test_a_later_place_in_another_log_holds_no_stream_back() -> None:
    """Who followed a log that was begun anew since hears the new one; an older id names none."""
    assert not is_before("1-1-1.0a0a0a0a", "9-9-9.0b0b0b0b")
    for one, other in (("1-1-1.0a0a0a0a", "9-9-9.0a0a0a0a"), ("1-1-1.0a0a0a0a", "9-9-9"),
                       ("1-1-1", "9-9-9.0a0a0a0a")):
        assert is_before(one, other)


def test_results_of_another_log_are_no_later_ones() -> None:
    """Who has seen a longer log at the same address is given the shorter one that is there now."""
    def log_of(generation: str, first: bytes) -> str:
        flushes = Flushes(generation)
        flushes.receive_catalogue(0, first)
        return flushes.log

    first, second, other = log_of("a", b"1"), log_of("b", b"1"), log_of("a", b"2")
    long, short, unknown = (tags.placed(["results"], state, [state.records]) for state in (
        State(first, 9), State(first, 5), State("", 9)))

    assert len({first, second, other}) == 3
    assert tags.is_held(short, [unknown, long]) == long
    assert tags.is_held(long, [short]) is None
    assert tags.is_held(unknown, [long]) is None
    assert tags.is_held(
        tags.placed(["results"], State(second, 5), [5]), [long]) is None
