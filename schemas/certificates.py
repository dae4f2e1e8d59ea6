"""Certificates that a process is told of, made into what speaks TLS."""

import ssl
from pathlib import Path


class CertificateUnreadable(Exception):
    """A certificate, key or list of authorities cannot be used; the message says why."""


def client_context(
    server: str, authorities: Path | None, certificate: Path | None, private_key: Path | None
) -> ssl.SSLContext:
    """Make the TLS of a client: who may sign the server's certificate, and our own, if any.

    `server` is for the message. Raises CertificateUnreadable.
    """
    try:
        context = ssl.create_default_context(cafile=authorities)
        load(context, authorities, certificate, private_key)
    except OSError as error:  # ssl.SSLError is one
        named = ", ".join(str(path) for path in (authorities, certificate, private_key) if path)
        raise CertificateUnreadable(
            f"the certificates for {server} ({named}) cannot be used: {error}. They are PEM files; "
            "a private key has no password.") from error
    return context


def load(
    context: ssl.SSLContext, authorities: Path | None, certificate: Path | None,
    private_key: Path | None,
) -> None:
    """Have connections from now on use what these files hold; raises OSError."""
    if authorities:
        context.load_verify_locations(cafile=authorities)
    if certificate:
        context.load_cert_chain(certificate, private_key, password=_no_password)


def _no_password() -> str:
    """Stand for the password of a key, which OpenSSL would else ask the terminal for."""
    return ""
