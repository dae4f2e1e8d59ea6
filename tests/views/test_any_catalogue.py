"""Whatever catalogue the log can hold, every page answers: what is missing or odd is shown safely.

Writers refuse such files, but a log keeps what anybody with access to it once wrote.
"""

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from starlette.testclient import TestClient

from processors.results import results_document
from processors.results.catalogue import Catalogue
from schemas import codec, words
from schemas.topics import Topics
from sinks.transparency.serving import ServedLogs
from tests.schemas.catalogues import NAME, catalogues
from tests.views.campaign import result_records
from views.api import Beside, application, routed
from views.flushes import Flushes
from views.operations.collector import Collector
from views.operations.pages import Operations


TOPICS = Topics("scrutin", 4)


@dataclass
class World:
    """A source whose state is given."""

    flushes: Flushes = field(default_factory=Flushes)
    ready: threading.Event = field(default_factory=threading.Event)


COUNTS = st.sampled_from((0, 1, 29, 100, 3_000))


def world(events: list[tuple[str, dict[str, Any]]], votes: int) -> World:
    """Publish a catalogue, with some votes on every proposal and on one it does not know."""
    catalogue, made = Catalogue(), World()
    for offset, (event, fields) in enumerate(events):
        value = codec.encode(event, **fields)
        catalogue.apply(*codec.decode(value), offset)
        made.flushes.receive_catalogue(offset, value)
    known = catalogue.consultations.get(NAME)
    counts = [votes if name in ("received", "agree") else 0 for name in words.COUNTS]
    figures = results_document.Figures(
        proposals=dict.fromkeys((*(known.proposals if known else ()), "unknown"), counts),
        participants=votes, participants_received=votes)
    as_of = results_document.AsOf((10, 20, 30, 40), catalogue.offset, 5)
    found = results_document.compute(NAME, figures, catalogue, as_of, decided={}, undecodable=0)
    for key, value in result_records(found):
        made.flushes.receive_result(key, value)
    made.ready.set()
    return made


def addresses(source: World, beside: Beside) -> list[str]:
    """Return every address of the application but the endless ones, in both languages."""
    paths = [route.path for route in routed(source, beside=beside).routes
             if isinstance(route, Route) and not route.path.endswith("/live")]
    assert {"/", "/c/{consultation}", "/ops"} <= set(paths)
    plain = [path.replace("{consultation}", NAME).replace("{name}", "closed") for path in paths]
    return [f"{path}{query}" for path in plain for query in ("?lang=fr", "?lang=en")]


@settings(derandomize=True, max_examples=60, deadline=None, report_multiple_bugs=False,
          phases=(Phase.explicit, Phase.generate))
@given(catalogues(), COUNTS)
def test_every_address_answers_over_any_catalogue(
    folder: Path, events: list[tuple[str, dict[str, Any]]], votes: int
) -> None:
    """No address fails, in either language, and each answers what it is: JSON, a page, a file."""
    source = world(events, votes)
    collector = Collector("127.0.0.1:1", TOPICS, source, processes={}, token="",
                          data_folder=folder, itself=list)
    list(collector.hottest.look())
    beside = Beside(operations=Operations(collector, ""), logs=ServedLogs(folder, TOPICS))
    client = TestClient(application(source, beside=beside),
                        client=("127.0.0.1", 5), base_url="http://127.0.0.1:8080",
                        follow_redirects=False)

    for address in addresses(source, beside):
        answer = client.get(address)
        assert answer.status_code < 500, (address, answer.text)
        if answer.headers.get("content-type") == "application/json":
            json.loads(answer.content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder without any log."""
    return tmp_path_factory.mktemp("logs")
