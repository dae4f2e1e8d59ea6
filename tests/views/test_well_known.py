"""security.txt: there where a contact is set, well formed and never out of date."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from scrutin.settings import Settings
from tests.views import campaign
from tests.views.test_api import SIZE, Published
from views.api import Beside, application
from views.pages.languages import LANGUAGES
from views.well_known import EXPIRES_DAYS, security_text


ADDRESS = "/.well-known/security.txt"
CONTACTS = "mailto:security@town.example,https://town.example/report"
MOMENT = datetime(2026, 2, 28, 23, 30, tzinfo=timezone(timedelta(hours=-2)))


def client(contact: str, public_url: str = "https://vote.example/") -> TestClient:
    source = Published(campaign.flushes(SIZE))
    return TestClient(application(source, beside=Beside(
        security_contact=contact, public_url=public_url)))


def test_the_file_is_as_the_standard_wants_it() -> None:
    """Contacts in order, one end in UTC within a year, its languages and its own address."""
    assert security_text(CONTACTS, "https://vote.example/", MOMENT) == (
        b"Contact: mailto:security@town.example\n"
        b"Contact: https://town.example/report\n"
        b"Expires: 2026-05-30T00:00:00Z\n"
        b"Preferred-Languages: " + ", ".join(LANGUAGES).encode() + b"\n"
        b"Canonical: https://vote.example/.well-known/security.txt\n")
    assert b"Canonical" not in security_text(CONTACTS, "", MOMENT)
    assert 0 < EXPIRES_DAYS < 365


def test_what_is_served_has_not_expired() -> None:
    """Whenever it is asked for; without a contact there is no file, for it would say nothing."""
    answer = client(CONTACTS).get(ADDRESS)
    (ends,) = re.findall(r"^Expires: (.+)$", answer.text, re.MULTILINE)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert datetime.fromisoformat(ends) > datetime.now(UTC) + timedelta(days=EXPIRES_DAYS - 2)
    assert client("").get(ADDRESS).status_code == 404


@pytest.mark.parametrize("contact", [
    "security@town.example", "http://town.example", "mailto:a", "mailto:a@b\nEvil: 1", "a,b",
    "mailto:a@b.example, https://c.example",
])
def test_a_contact_is_an_address(contact: str) -> None:
    """What a reader could not follow, or what would add a line, is no setting."""
    with pytest.raises(ValidationError):
        Settings(security_contact=contact)
    assert Settings(security_contact=CONTACTS).security_contact == CONTACTS
