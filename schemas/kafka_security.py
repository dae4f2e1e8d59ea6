"""How a process proves to Kafka who it is, and how it knows that it speaks with Kafka.

Theory of operation: there is one such thing a process, said once at its start
(`kafka_clients.secure`) and used by every client it makes. Secrets lie in files where they can
rotate: every new connection reads them anew where they have changed, for a broker asks who it is
only when a connection begins. So whoever rotates a secret lets the broker take both for as long as
connections live, and restarts nothing.
"""

import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider

from schemas.certificates import client_context, load
from schemas.kafka_access import Access, SecretUnreadable, read_secret


LOOK_SECONDS = 5.0
"""Files are looked at for a change at most so often: aiokafka asks for a connection with every
request."""


class TokenOfFile(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Gives the token that lies in a file now; the last one while the file is being replaced.

    Raises SecretUnreadable where there never was one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = read_secret(path)

    async def token(self) -> str:
        with contextlib.suppress(SecretUnreadable):  # The last may still be good.
            self._last = read_secret(self._path)
        return self._last


class KafkaSecurity:
    """What clients are made with, and what keeps them up with their files.

    Raises SecretUnreadable, CertificateUnreadable.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self.context: ssl.SSLContext | None = None
        self._files = tuple(filter(None, (
            access.authorities, access.certificate, access.private_key, access.password_file)))
        self._seen = self._marks()
        self._looked_at = time.monotonic()
        if access.encrypts:
            self.context = client_context(
                "Kafka", access.authorities, access.certificate, access.private_key)
        self.token_provider = TokenOfFile(access.token_file) if access.token_file else None
        self.password = access.secret() if access.names and not self.token_provider else ""

    def options(self) -> dict[str, Any]:
        """Return the arguments of an aiokafka client."""
        if self.access.protocol == "PLAINTEXT":
            return {}
        options: dict[str, Any] = {
            "security_protocol": self.access.protocol, "ssl_context": self.context}
        if not self.access.names:
            return options
        options["sasl_mechanism"] = self.access.mechanism
        if self.token_provider:
            return {**options, "sasl_oauth_token_provider": self.token_provider}
        self._look()
        return {**options, "sasl_plain_username": self.access.username,
                "sasl_plain_password": self.password}

    def keep_fresh(self, client: Any) -> None:
        """Have an AIOKafkaClient begin each connection with what the files hold then."""
        if self.access.protocol == "PLAINTEXT" or not self._files:
            return
        connect: Callable[..., Awaitable[Any]] = client._get_conn  # noqa: SLF001 -- no other door

        async def fresh(*arguments: Any, **options: Any) -> Any:
            self._look()
            if self.password:
                client._sasl_plain_password = self.password  # noqa: SLF001 -- as above
            return await connect(*arguments, **options)

        client._get_conn = fresh  # noqa: SLF001 -- as above

    def _look(self) -> None:
        """Take what has changed in the files; a file that is half written is taken later."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        marks = self._marks()
        if marks == self._seen:
            return
        try:
            if self.context:
                load(self.context, self.access.authorities, self.access.certificate,
                     self.access.private_key)
            if self.access.password_file:
                self.password = self.access.secret()
        except (SecretUnreadable, OSError):  # ssl.SSLError is one: what was good stays in use.
            return
        self._seen = marks

    def _marks(self) -> list[tuple[int, int, int]]:
        """Return what changes with the content: a mounted secret is another file each time."""
        marks = []
        for path in self._files:
            try:
                found = path.stat()
            except OSError:
                marks.append((0, 0, 0))
            else:
                marks.append((found.st_ino, found.st_mtime_ns, found.st_size))
        return marks
