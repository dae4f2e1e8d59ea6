"""What a worker may do alone is a part of what all may; and it speaks for all, or not at all."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from schemas import figures
from schemas.figures import Sample
from scrutin.settings import Settings
from scrutin.views.guesses import WRONG_TOKENS, Guesses
from views.operations.access import Access
from views.operations.pages import metrics


TOKEN = "a-token-of-operators"


def test_limits_are_divided_by_gateways_and_their_workers() -> None:
    """So many processes take votes, wherever they run."""
    assert Settings(gateway_count=3, gateway_workers=4).gateways == 12
    assert Settings().gateways == 1


def test_the_workers_of_one_gateway_may_share_limits_over_redis() -> None:
    """They are several that count, as several gateways are."""
    settings = Settings(gateway_workers=2, rates_url="redis://host:6379/0")

    assert settings.rates_url


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_wrong_tokens_of_a_network_are_limited_at_all_workers_together(workers: int) -> None:
    """A guesser who comes to each of them has as many tries as at one, but for what is rounded."""
    refusing = Starlette(routes=[Route("/metrics", lambda _: PlainTextResponse("no", 401))])
    guarded = [Guesses(refusing, lambda: 0.0, workers=workers) for _ in range(workers)]
    tried = [TestClient(each).get("/metrics", headers={"authorization": f"Bearer {number}"})
             for each in guarded for number in range(WRONG_TOKENS + 1)]
    guessed = [answer.status_code for answer in tried].count(401)

    assert WRONG_TOKENS <= guessed < WRONG_TOKENS + workers


@pytest.mark.parametrize(("joined", "status"), [(b"scrutin_workers 2.0\n", 200), (None, 503)])
def test_a_worker_gives_the_figures_of_all_or_none(joined: bytes | None, status: int) -> None:
    """Its own alone would look as if all had begun anew, and be counted a second time."""
    async def told() -> bytes | None:
        return joined

    def found() -> list[Sample]:
        return [Sample(figures.READY, 1)]

    client = TestClient(Router([Route("/metrics", metrics(Access(TOKEN), found, told))]))
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == status
    assert ("scrutin_workers" in answer.text, "scrutin_ready" in answer.text) == (
        joined is not None, False)
    assert client.get("/metrics").status_code == 401
