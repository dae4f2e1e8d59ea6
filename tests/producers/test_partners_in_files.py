"""Partners in the file of a consultation: one event each, and what is no site is refused."""

from pathlib import Path
from typing import Any

import pytest

from producers.consultation_file import ConsultationFile, needed_events
from producers.known_catalogue import KnownCatalogue
from schemas import codec
from schemas.partners import DESCRIBED, site_of, sites_of
from tests.producers.test_consultation_file import GOOD, changed, refused


SITES = ["https://www.la-voix.example", "http://localhost:8000"]


def described(*partners: dict[str, Any]) -> ConsultationFile:
    return ConsultationFile.model_validate({**GOOD, "partners": list(partners)})


def applied(known: KnownCatalogue, file: ConsultationFile) -> list[str]:
    """Bring a catalogue up to a file; return the events that it took."""
    found = [codec.decode(value) for value in needed_events(file, known, occurred_at=1)]
    for event, fields in found:
        known.apply(event, fields)
    return [event for event, _ in found]


def test_partners_are_described_once_and_anew_where_their_sites_change() -> None:
    """The last description holds; a partner that a file leaves out stays what it was."""
    known = KnownCatalogue()
    both = described({"number": 3, "name": "La Voix", "sites": SITES}, {"number": 4, "name": "B"})

    assert applied(known, both).count(DESCRIBED) == 2
    assert applied(known, both) == []
    assert applied(known, described({"number": 3, "name": "La Voix"})) == [DESCRIBED]
    assert {number: sites_of(each) for number, each in known.partners["town"].items()} == {
        3: (), 4: ()}


@pytest.mark.parametrize(("written", "named"), [
    ("https://a.example:443", "https://a.example"), ("http://localhost:80", "http://localhost"),
    ("https://a.example:80", "https://a.example:80"), ("https://a.example", "https://a.example"),
    ("http://127.0.0.1:443", "http://127.0.0.1:443"), ("https://a.example:8443",) * 2])
def test_a_site_is_known_by_the_name_that_browsers_give_it(written: str, named: str) -> None:
    """Without the usual port: the widget would not be led to its partner, and shown to nobody."""
    assert sites_of({"sites": [written]}) == (named,)
    assert site_of(f"{named}/page?of=it") == named


@pytest.mark.parametrize(("path", "value", "said"), [
    (("sites", 0), "https://www.la-voix.example/page", "no site: write scheme and host"),
    (("sites", 0), "https://*.la-voix.example", "no site: write scheme and host"),
    (("sites", 0), "http://la-voix.example", "no site: write scheme and host"),
    (("sites",), ["https://a.example"] * 17, "has too many entries. Write at most 16."),
    (("number",), 0, "must be at least 1."), (("number",), 65_536, "must be 65535 at most."),
])
def test_what_is_no_partner_is_refused_in_words(
    path: tuple[str | int, ...], value: Any, said: str, tmp_path: Path
) -> None:
    """With line, column and what to write instead."""
    assert said in refused(tmp_path, changed(("partners", 0, *path), value))


def test_a_number_belongs_to_one_partner(tmp_path: Path) -> None:
    """Two of a number could not be told apart in any ballot."""
    twice = [{"number": 3, "name": name} for name in ("A", "B")]

    assert "partners[1]: 3 is described twice" in refused(tmp_path, {**GOOD, "partners": twice})
