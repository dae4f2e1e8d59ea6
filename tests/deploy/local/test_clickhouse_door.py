"""Nobody gets a statement to the engine but programs of this machine that know the password."""

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from deploy.local import services
from deploy.local.clickhouse_door import Door


def _status(
    clickhouse: services.ClickHouse, headers: Mapping[str, str], *, path: str = "/",
    statement: str = "SELECT 1", method: str = "POST",
) -> int:
    """Send a statement and return the status of the answer."""
    url = f"{clickhouse.configuration.address}{path}"
    if method != "POST":
        url += f"{'&' if '?' in path else '?'}query={urllib.parse.quote(statement)}"
    request = urllib.request.Request(
        url, data=statement.encode() if method == "POST" else None, headers=dict(headers),
        method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_the_password_is_asked_for_on_every_request(clickhouse: services.ClickHouse) -> None:
    """Without it, with another, or with it in the URL: refused, whatever is asked for."""
    password = clickhouse.configuration.password
    wrong: list[dict[str, str]] = [
        {}, _basic("scrutin", ""), _basic("scrutin", password[:-1]), _basic("default", password),
        {"X-ClickHouse-User": "scrutin"}, {"X-ClickHouse-User": "scrutin", "X-ClickHouse-Key": "x"},
        {"Authorization": "Basic !"}, {"Authorization": f"Bearer {password}"},
    ]
    in_url = f"/?user=scrutin&password={password}"

    assert {_status(clickhouse, headers) for headers in wrong} == {401}
    assert {_status(clickhouse, {}, path=path, method=method)
            for path in (in_url, "/ping", "/elsewhere") for method in ("GET", "POST", "HEAD")
            } == {401}
    assert _status(clickhouse, _basic("scrutin", password)) == 200
    assert _status(clickhouse, clickhouse.configuration.headers) == 200


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:8123"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Content-Type": "text/plain"},
])
def test_no_web_page_is_answered(
    clickhouse: services.ClickHouse, headers: dict[str, str]
) -> None:
    """Even one that has the password: a browser keeps those that were typed once."""
    known = clickhouse.configuration.headers | headers

    assert {_status(clickhouse, known, method=method) for method in ("GET", "POST")} == {403}


@pytest.mark.parametrize("host", [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8123", "evil.example:80",
    "127.0.0.1:8123@evil.example", "0.0.0.0", "", "localhost:", "127.0.0.1:1 evil.example",
])
def test_no_other_name_leads_here(clickhouse: services.ClickHouse, host: str) -> None:
    """A page whose own name was made to resolve to this machine is refused."""
    known = clickhouse.configuration.headers | {"Host": host}

    assert {_status(clickhouse, known, method=method) for method in ("GET", "POST")} == {421}


@pytest.mark.parametrize("statement", [
    "CREATE DATABASE by_get", "DROP DATABASE IF EXISTS {database}", "TRUNCATE TABLE {database}.t",
    "INSERT INTO {database}.t VALUES (1)", "INSERT INTO {database}.t FORMAT CSV\n1\n",
    "ALTER TABLE {database}.t DELETE WHERE 1", "OPTIMIZE TABLE {database}.t",
    "SET readonly = 0", "SELECT 1 SETTINGS readonly = 0", "KILL QUERY WHERE 1 SYNC",
    "SELECT 1; DROP DATABASE {database}",
])
@pytest.mark.parametrize("parameters", ["", "readonly=0", "session_id=of-a-post", "allow_ddl=1"])
def test_a_get_changes_nothing(
    clickhouse: services.ClickHouse, topic_prefix: str, statement: str, parameters: str
) -> None:
    """Whatever it asks for, with whatever settings, also in a session that a POST began."""
    known, database = clickhouse.configuration.headers, topic_prefix
    for prepared in (f"CREATE DATABASE IF NOT EXISTS {database}",
                     f"CREATE TABLE IF NOT EXISTS {database}.t (a UInt8) ENGINE = Memory",
                     f"INSERT INTO {database}.t VALUES (7)"):
        assert _status(clickhouse, known, path="/?session_id=of-a-post", statement=prepared) == 200

    refused = _status(clickhouse, known, path=f"/?{parameters}", method="GET",
                      statement=statement.format(database=database))

    assert refused in {400, 403}
    assert _status(clickhouse, known, method="GET",
                   statement=f"SELECT throwIf(count() = 0) FROM {database}.t") == 200
    assert _status(clickhouse, known, statement=f"DROP DATABASE {database} SYNC") == 200


def test_a_door_without_a_password_is_shut() -> None:
    """A mistake of ours lets nobody in, also who sends no password on purpose."""
    inside = PlainTextResponse("inside")
    visitor = TestClient(Door(inside, ""), base_url="http://localhost:8123")

    assert visitor.get("/").status_code == 401
    assert visitor.get("/", headers=_basic("scrutin", "")).status_code == 401
