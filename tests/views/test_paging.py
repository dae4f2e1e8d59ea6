"""Results in pages: bounded answers that, put together, are the document of one moment."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from tests.views.test_api import RESULTS, SIZE, Clock, Published, client, clock, source
from views import paging
from views.publications import PAGED_SECONDS, REBUILD_SECONDS


__all__ = ["client", "clock", "source"]  # Fixtures.


def moved(source: Published, clock: Clock, votes: int) -> None:
    """Have another flush replace what is sent."""
    assert source.flushes.applied is not None
    later = AsOf((votes,) * 4, source.flushes.applied.catalogue_offset, 200_000)
    source.flushes.receive_result(FLUSH_KEY, campaign.marker(later))
    clock.now += REBUILD_SECONDS


def followed(client: TestClient, first: str, between: Any = lambda: None) -> list[dict[str, Any]]:
    """Read a page and all that follow."""
    pages, address = [], first
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        address = pages[-1]["page"]["next"]
        between()
    return pages


@pytest.mark.parametrize("limit", [1, 7, SIZE, paging.PAGE_PROPOSALS])
def test_pages_put_together_are_the_document(client: TestClient, limit: int) -> None:
    """Each has everything but proposals, and of these no more than was asked for."""
    whole = client.get(RESULTS).json()
    pages = followed(client, f"{RESULTS}?limit={limit}")

    assert [entry for page in pages for entry in page["proposals"]] == whole["proposals"]
    assert all(len(page["proposals"]) <= limit for page in pages)
    for page in pages:
        assert page.pop("page")["proposals"] == SIZE
        assert {**page, "proposals": whole["proposals"]} == whole


def test_pages_are_of_one_moment_while_votes_come_in(
    client: TestClient, source: Published, clock: Clock
) -> None:
    """A new publication between two pages is in none of them; each page has a tag of its own."""
    seen = [0]

    def vote() -> None:
        seen[0] += 1
        moved(source, clock, 999_000 + seen[0])

    pages = followed(client, f"{RESULTS}?limit=9", vote)
    assert len({str(page["as_of"]) for page in pages}) == 1
    assert len(pages) == -(-SIZE // 9)
    assert client.get(RESULTS).json()["as_of"]["votes"] == [999_000 + seen[0]] * 4

    tags = {client.get(f"{RESULTS}?limit={limit}").headers["etag"] for limit in (1, 2, 3)}
    assert len(tags) == 3


def test_first_pages_are_of_a_newer_publication_after_some_seconds(
    client: TestClient, source: Published, clock: Clock
) -> None:
    """Until then readers share one, so that few are kept."""
    before = client.get(f"{RESULTS}?limit=5").json()["as_of"]
    moved(source, clock, 999_001)

    assert client.get(f"{RESULTS}?limit=5").json()["as_of"] == before
    clock.now += PAGED_SECONDS
    assert client.get(f"{RESULTS}?limit=5").json()["as_of"]["votes"] == [999_001] * 4


def test_a_page_of_what_is_kept_no_more_says_so(client: TestClient) -> None:
    """Whoever follows an old address begins again; 410 tells it from a wrong one."""
    answer = client.get(f"{RESULTS}?limit=5&cursor=gone.5")

    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/page-gone")


@pytest.mark.parametrize("query", [
    "limit=0", f"limit={paging.PAGE_PROPOSALS + 1}", "limit=-1", "limit=x", "limit=", "cursor=",
    "limit=5&cursor=.5", "limit=5&cursor=tag", "limit=5&cursor=tag.x", "limit=5&cursor=tag.-1",
    "limit=" + "9" * 99, "cursor=" + "t" * 65 + ".5", "limit=%d9%a1"])
def test_what_is_no_page_is_refused(client: TestClient, query: str) -> None:
    """Nothing is guessed."""
    answer = client.get(f"{RESULTS}?{query}")

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-request")


def test_a_document_past_the_bound_is_given_in_pages_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never cut without a word: the refusal says how to ask."""
    monkeypatch.setattr(paging, "WHOLE_PROPOSALS", SIZE - 1)
    answer = client.get(RESULTS)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/results-in-pages")
    assert len(followed(client, f"{RESULTS}?limit=50")) == 2
