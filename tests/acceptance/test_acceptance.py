"""What an operator asks of a ClickHouse server, asked of the local stack's."""

import pytest

from deploy.local.services import ClickHouse
from sinks.store import connect
from tests.acceptance import checks
from tests.acceptance.checks import BAD, CHECKS, GOOD, ITS_OWN_WAY, UNKNOWN, Server, asked


def test_all_that_a_stand_in_can_show_is_good_and_the_rest_unknown(clickhouse: ClickHouse) -> None:
    """Nothing is called good that only a server can show; nothing is left behind."""
    server = Server(clickhouse.url)
    found = {check.__name__: asked(server, check) for check in CHECKS}
    databases = {name for name, in server.client.query("SHOW DATABASES").result_rows}
    assert {name: answer.verdict for name, answer in found.items()} == {
        check.__name__: UNKNOWN if check.__name__ in ITS_OWN_WAY else GOOD
        for check in CHECKS}, found
    server.end()
    with connect(clickhouse.url, "default") as client:
        left = {name for name, in client.query("SHOW DATABASES").result_rows}
    assert len([name for name in databases - left if name.startswith(server.prefix)]) == 2


def test_what_a_server_lacks_is_bad(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old version, a reader who may write, a token that is not heeded."""
    monkeypatch.setattr(checks, "SERVER_VERSION_MIN", "99.1")
    server = Server(clickhouse.url, reader_url=clickhouse.url)
    try:
        answers = [asked(server, check) for check in (checks.version, checks.tables)]
        server.client.command("ALTER TABLE votes_log MODIFY SETTING"
                              " non_replicated_deduplication_window = 0")
        answers += [asked(server, check) for check in (checks.tokens, checks.grants)]
    finally:
        server.end()
    assert [answer.verdict for answer in answers] == [BAD, GOOD, BAD, BAD]
    assert "write to it" in answers[-1].said
