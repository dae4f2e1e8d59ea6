"""A process that anybody may connect to may open as many files as there may be connections."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrutin.process.descriptors import FILES_MOST, allow_connections
from scrutin.serving.joined_writes import CONNECTIONS_MOST


@pytest.fixture
def hard() -> Iterator[int]:
    """Yield the hard limit, and the soft one back afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_a_login_gives_is_raised_to_what_connections_take(hard: int) -> None:
    """As far as the system lets it, whose limit for this process stays as it was."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    allow_connections()
    most = FILES_MOST if hard == resource.RLIM_INFINITY else min(FILES_MOST, hard)

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, hard)
    assert FILES_MOST > CONNECTIONS_MOST


def test_more_than_that_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, hard: int
) -> None:
    """Nobody is given less than he had."""
    monkeypatch.setattr("scrutin.process.descriptors.FILES_MOST", 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    allow_connections()

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)


def test_every_command_that_visitors_connect_to_asks_for_them() -> None:
    """Whatever listens for visitors does, before it listens."""
    folder = Path(__file__).parents[3] / "scrutin/commands"
    texts = [text for path in folder.glob("*.py") if "(listen(" in (text := path.read_text())]

    assert len(texts) >= 2  # gateway, views
    assert all(text.find("allow_connections()") in range(text.find("(listen("))
               for text in texts)
