"""What a process is told about Kafka's door: the way, the word of authorities, its own name."""

from dataclasses import dataclass, field
from pathlib import Path


PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
SECRET_BYTES_MOST = 64 << 10
"""No longer file is read for a password or a token."""


class SecretUnreadable(Exception):
    """A secret cannot be had from its file; the message says which, and why."""


def read_secret(path: Path) -> str:
    """Read a password or token: the file without the white space around it.

    Raises SecretUnreadable.
    """
    try:
        with path.open("rb") as file:
            text = file.read(SECRET_BYTES_MOST + 1)
        found = text.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadable(f"the secret in {path} cannot be read: {error}") from error
    if not found or len(text) > SECRET_BYTES_MOST:
        raise SecretUnreadable(
            f"{path} holds no secret: it has {'no' if not found else 'too much'} text.")
    return found


@dataclass(frozen=True)
class Access:
    """What a process was told: by which way, on whose word, under which name."""

    protocol: str = "PLAINTEXT"
    """One of PROTOCOLS."""
    authorities: Path | None = None
    """Certificates (PEM) of those who may sign the broker's; those of the system without."""
    certificate: Path | None = None
    """Of this process (PEM), with its chain."""
    private_key: Path | None = None
    """Of the certificate (PEM); without it the certificate's own file."""
    mechanism: str = "SCRAM-SHA-512"
    """One of MECHANISMS."""
    username: str = ""
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    token_file: Path | None = None
    """Of OAUTHBEARER: somebody else writes it anew before the token ends."""

    @property
    def encrypts(self) -> bool:
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def names(self) -> bool:
        """Whether the process says its name by SASL."""
        return self.protocol.startswith("SASL_")

    def secret(self) -> str:
        """Read the password; raise SecretUnreadable."""
        return read_secret(self.password_file) if self.password_file else self.password
