"""Passwords in addresses go to ClickHouse and nowhere else."""

import pytest

from deploy.local import services
from scrutin.settings import Settings
from sinks.addresses import AddressRefused, checked, shown
from sinks.store import CLIENT_ERRORS, connect


@pytest.mark.parametrize(("url", "expected"), [
    ("http://user:secret@host:8123", "http://host:8123"),
    ("https://user:s%40cret@host:8443/path?a=b", "https://host:8443/path?a=b"),
    ("http://user:s@ecret@host:8123", "http://host:8123"),
    ("user:secret@host:8123", "host:8123"),
    ("http://host:8123", "http://host:8123"),
    ("", ""),
])
def test_an_address_is_shown_without_its_password(url: str, expected: str) -> None:
    """Whatever surrounds them, user and password are left out."""
    assert shown(url) == expected


@pytest.mark.parametrize("url", [
    "http://user:sec#ret@host:8123", "http://user:sec/ret@host:8123", "http://user:sec?ret@host:1",
    "http://:secret@:8123", "http://host:secret", "secret", "http://[secret",
    "http://user:12/secret@host:8123",
])
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    """The library would quote the part of the password that it takes for a port."""
    with pytest.raises(AddressRefused) as caught:
        connect(url, "default")

    assert "SCRUTIN_CLICKHOUSE_URL" in str(caught.value)
    assert "sec" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_settings_do_not_show_the_address() -> None:
    """A log line or a page that shows all settings shows no password."""
    settings = Settings(clickhouse_url="http://user:secret@host:8123",
                        operations_token="secret-of-operators")

    assert "secret" not in f"{settings!r} {settings}"
    assert checked(settings.clickhouse_url) == settings.clickhouse_url


def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    clickhouse: services.ClickHouse
) -> None:
    """Neither the message nor its causes have it, nor those of a server that is away."""
    address = clickhouse.configuration.address.removeprefix("http://")
    for url in (f"http://scrutin:mistaken@{address}", "http://scrutin:mistaken@127.0.0.1:1"):
        with pytest.raises(CLIENT_ERRORS) as caught:
            connect(url, "default")
        said = ""
        error: BaseException | None = caught.value
        while error is not None:
            said, error = f"{said} {error!r}", error.__cause__ or error.__context__
        assert "mistaken" not in said
