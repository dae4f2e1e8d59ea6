"""security.txt (RFC 9116): where to write about a hole. Pure."""

from datetime import UTC, datetime, time, timedelta

from views.pages.languages import LANGUAGES


EXPIRES_DAYS = 90
"""A copy that somebody kept is good for so long; what is served is always that fresh."""


def security_text(contacts: str, address: str, now: datetime) -> bytes:
    """Write it for contacts by commas; `address` is the public one of the service, if known.

    It changes at midnight alone, so that all servers say the same.
    """
    day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    fields = [("Contact", contact) for contact in contacts.split(",") if contact]
    fields.append(("Expires", f"{day + timedelta(days=EXPIRES_DAYS):%Y-%m-%dT%H:%M:%SZ}"))
    fields.append(("Preferred-Languages", ", ".join(LANGUAGES)))
    if address.startswith("https://"):
        fields.append(("Canonical", f"{address.rstrip('/')}/.well-known/security.txt"))
    return "".join(f"{name}: {value}\n" for name, value in fields).encode()
