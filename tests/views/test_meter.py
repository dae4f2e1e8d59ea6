"""What the views count of what they answer."""

from collections import Counter
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from schemas import figures
from schemas.figures import exposition, read
from views.meter import Meter, kind_of


@pytest.mark.parametrize(("path", "kind"), [
    ("/", "pages"), ("/c/town", "pages"), ("/c/town/proposals", "pages"), ("", "pages"),
    ("/v1/consultations", "v1"), ("/v1/consultations/town/live", "live"), ("/ops/live", "live"),
    ("/log/scrutin/policy", "log"), ("/static/style.css", "static"), ("/ops", "operations"),
    ("/metrics", "operations"), ("/whatever/somebody/typed", "pages"), ("//v1", "pages")])
def test_addresses_have_a_few_kinds(path: str, kind: str) -> None:
    """Whatever is asked for adds no label of its own."""
    assert kind_of(path) == kind


def test_each_answer_is_counted_once_and_timed_until_it_begins() -> None:
    """By kind and status; live streams are counted and not timed, supervisors not counted."""
    clock = iter([0.0, 0.004, 10.0, 11.5, 20.0, 20.0])
    meter = Meter(lambda: next(clock))

    async def answer(request: Request) -> Response:
        return PlainTextResponse("", 503 if "busy" in request.url.path else 200)

    inner = Starlette(routes=[Route("/{path:path}", answer)])
    client = TestClient(meter.metered(inner))
    for path in ("/v1/x", "/busy", "/v1/c/live", "/livez", "/readyz"):
        client.get(path)
    found = read(exposition(meter.samples()).decode())

    answers = found.labelled(figures.VIEWS_ANSWERS)
    assert {labels: number for labels, number in answers.items() if number} == {
        ("v1", "200"): 1, ("pages", "503"): 1, ("live", "200"): 1}
    assert answers["v1", "503"] == 0, "what begins above nothing has not grown to Prometheus"
    assert found.one(figures.VIEWS_SECONDS_COUNT.name) == 2
    assert found.one(figures.VIEWS_SECONDS_SUM.name) == pytest.approx(1.504)
    assert classes(found.labelled(figures.VIEWS_SECONDS_CLASSES)) == {
        0.002: 0, 0.005: 1, 1.0: 1, 2.0: 2, float("inf"): 2}


def classes(found: dict[tuple[str, ...], float]) -> Counter[float]:
    """Pick some classes of a histogram."""
    named: dict[float, Any] = {float(end): number for (end,), number in found.items()}
    return Counter({end: int(named[end]) for end in (0.002, 0.005, 1.0, 2.0, float("inf"))})
