#!/opt/stack/bin/python
"""Run the local stack's ClickHouse as a server in a container: `docker run … clickhouse.py`.

Where the local one answers this machine alone, it answers whoever knows the password of its image,
and anybody who asks whether it is there, as ClickHouse does.
"""

import os
import sys
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from deploy.local import clickhouse_http, clickhouse_process
from deploy.local.clickhouse_door import Door
from deploy.local.clickhouse_password import PASSWORD_FILE


PORT = 8123
NAME = b"localhost"


class OpenDoor(Door):
    """The door of the local ClickHouse, for requests that came by the container's name."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on as one to this machine; tell everybody that there is a server."""
        if scope["type"] == "http" and scope["path"] == "/ping":
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        others = [header for header in scope.get("headers", ()) if header[0] != b"host"]
        await super().__call__({**scope, "headers": [*others, (b"host", NAME)]}, receive, send)


folder = Path("/var/lib/clickhouse")
password = folder / PASSWORD_FILE
password.touch(0o600)
password.write_text(os.environ["CLICKHOUSE_PASSWORD"])
vars(clickhouse_http)["Door"] = OpenDoor
vars(clickhouse_process)["LOOPBACK"] = "0.0.0.0"
sys.argv[1:] = [str(folder), str(PORT)]
sys.exit(clickhouse_process.main())
