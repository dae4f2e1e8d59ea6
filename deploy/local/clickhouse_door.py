"""Who may ask the local ClickHouse anything: programs of this machine that know its password.

It comes as the real server takes it, by HTTP Basic or in two headers; not in the URL, which ends in
logs and histories.
"""

import base64
import binascii
import secrets

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.local.clickhouse_password import USER
from deploy.machine import doors


_MISDIRECTED, _FORBIDDEN, _UNAUTHORIZED = 421, 403, 401
_REFUSAL = (
    "Code: 516. DB::Exception: a user and the password of this stack are asked for: `scrutin "
    "status --json` gives them to its owner. (AUTHENTICATION_FAILED)"
)


class Door:
    """Answer who may not come in; hand on everybody else. An empty password lets nobody in."""

    def __init__(self, application: ASGIApp, password: str) -> None:
        self._application = application
        self._password = password

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at a request's headers before anything reads its body."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = scope["headers"]
        if reason := doors.stranger(headers):
            status = _FORBIDDEN if doors.from_a_page(headers) else _MISDIRECTED
            await PlainTextResponse(f"{reason}\n", status)(scope, receive, send)
        elif not self._knows(headers):
            answer = PlainTextResponse(
                _REFUSAL, _UNAUTHORIZED, headers={"X-ClickHouse-Exception-Code": "516"})
            await answer(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _knows(self, headers: doors.Headers) -> bool:
        user, password = _credentials(headers)
        same = secrets.compare_digest(password.encode(), self._password.encode())
        return bool(self._password) and user == USER and same


def _credentials(headers: doors.Headers) -> tuple[str, str]:
    """Read user and password as ClickHouse's clients send them; two empty words where none came."""
    for text in doors.values(headers, b"authorization"):
        scheme, _, encoded = text.partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                continue
            return user, password
    users = doors.values(headers, b"x-clickhouse-user")
    keys = doors.values(headers, b"x-clickhouse-key")
    return (users[0] if users else "", keys[0] if keys else "")
