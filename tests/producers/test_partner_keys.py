"""Keys of partners in the file of a consultation: their digests, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from producers.consultation_file import ConsultationFile, descriptions
from schemas.partners import BALLOTS_USUAL, DESCRIBED
from tests.producers.test_consultation_file import GOOD, changed, refused


def test_a_partner_with_a_key_sends_batches_and_one_without_none() -> None:
    """Only with a key a limit means anything: a file of before batches still says the same."""
    def said(**more: Any) -> tuple[bytes, int]:
        partner = {**GOOD["partners"][0], **more}
        file = ConsultationFile.model_validate({**GOOD, "partners": [partner]})
        [fields] = [fields for event, fields in descriptions(file) if event == DESCRIBED]
        return fields["key_digest"], fields["ballots_per_minute"]

    key = "0a" * 32
    assert said() == said(ballots_per_minute=5) == (b"", 0)
    assert said(key_sha256=key) == (bytes.fromhex(key), BALLOTS_USUAL)
    assert said(key_sha256=key, ballots_per_minute=5) == (bytes.fromhex(key), 5)


@pytest.mark.parametrize(("name", "value", "told"), [
    ("key_sha256", "", "no SHA-256"), ("key_sha256", "0A" * 32, "no SHA-256"),
    ("key_sha256", f"scrutin-{'0a' * 32}", "no SHA-256"),
    ("ballots_per_minute", 0, "must be at least 1"),
    ("ballots_per_minute", 1_000_001, "must be 1000000 at most")])
def test_what_is_no_digest_is_refused_with_its_place(
    tmp_path: Path, name: str, value: Any, told: str
) -> None:
    """The key itself, above all: it would be published."""
    message = refused(tmp_path, changed(("partners", 0, name), value))
    assert f"partners[0].{name}: {told}" in message
