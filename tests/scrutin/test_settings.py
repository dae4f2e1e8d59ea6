"""Secrets of settings may lie in files, and how Kafka is spoken to must be whole."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.kafka_access import Access, SecretUnreadable
from scrutin.settings import Settings, is_shown, load
from tests.e2e.running import scrutin


SECRETS = [name for name in Settings.model_fields if not is_shown(name)]
VALUES = {
    "clickhouse_url": "http://user:word@archive:8123", "operations_token": "x" * 20,
    "rates_url": "", "kafka_password": "a word"}


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_lie_in_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read without the white space around it; and nothing that prints settings says it."""
    value = VALUES[name]
    if not value:
        value = "redis://:word@host:6379/0"
        monkeypatch.setenv("SCRUTIN_GATEWAY_COUNT", "2")
    path = tmp_path / "secret"
    path.write_text(value + "\n")
    monkeypatch.setenv(f"SCRUTIN_{name.upper()}_FILE", str(path))
    settings = load()
    assert getattr(settings, name) == value
    assert value not in repr(settings)


def test_a_secret_given_twice_or_not_at_all_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the environment nor the file wins in silence; the message says no secret."""
    monkeypatch.setenv("SCRUTIN_KAFKA_PASSWORD_FILE", str(tmp_path / "secret"))
    with pytest.raises(SecretUnreadable, match=str(tmp_path / "secret")):
        load()
    (tmp_path / "secret").write_text("a word")
    monkeypatch.setenv("SCRUTIN_KAFKA_PASSWORD", "another word")
    with pytest.raises(SecretUnreadable, match="SCRUTIN_KAFKA_PASSWORD_FILE") as error:
        load()
    assert "word" not in str(error.value).replace("PASSWORD", "").replace("password", "")


def test_a_command_that_cannot_read_a_secret_ends_with_a_sentence(tmp_path: Path) -> None:
    """No traceback: what is missing, and its name."""
    done = scrutin({"SCRUTIN_KAFKA_PASSWORD_FILE": str(tmp_path / "secret"),
                    "SCRUTIN_DATA_DIR": str(tmp_path)}, "status", expected=3)
    assert done.stderr.startswith(f"scrutin: the secret in {tmp_path / 'secret'} cannot be read")


@pytest.mark.parametrize("place", [
    "s3://user:a-word@bucket/prefix", "s3://bucket/prefix?secret=a-word", "s3://a-word@bucket",
    "https://user:a-word@store/bucket", "s3://bucket/../a-word:", "s3:a-word"])
def test_a_place_of_snapshots_with_a_word_in_it_is_refused(place: str) -> None:
    """It is shown in logs; the refusal does not repeat it."""
    with pytest.raises(ValidationError) as error:
        Settings(snapshots=place)
    assert "a-word" not in str(error.value)


@pytest.mark.parametrize("place", ["", "/srv/snapshots", "relative", "s3://bucket/of/ledgers"])
def test_a_place_of_snapshots_is_a_folder_or_a_store(place: str) -> None:
    """As it was given."""
    assert Settings(snapshots=place).snapshots == place


@pytest.mark.parametrize(("settings", "missing"), [
    ({"kafka_protocol": "SASL_SSL"}, "SCRUTIN_KAFKA_USERNAME"),
    ({"kafka_protocol": "SASL_SSL", "kafka_username": "ledger"}, "SCRUTIN_KAFKA_PASSWORD"),
    ({"kafka_protocol": "SASL_PLAINTEXT", "kafka_mechanism": "OAUTHBEARER"},
     "SCRUTIN_KAFKA_TOKEN"),
])
def test_who_is_to_say_a_name_has_one(settings: dict[str, str], missing: str) -> None:
    """Said at the start, not by a broker that hangs up."""
    with pytest.raises(ValidationError, match=missing):
        Settings.model_validate(settings)


def test_the_local_stacks_broker_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for another broker is not tried on our own."""
    monkeypatch.delenv("SCRUTIN_KAFKA", raising=False)
    by = {"kafka_protocol": "SASL_SSL", "kafka_username": "ledger", "kafka_password": "a word"}
    assert Settings.model_validate(by).kafka_access == Access()
    assert Settings.model_validate({**by, "kafka": "b:9093"}).kafka_access.names
