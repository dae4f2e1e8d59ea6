#!/opt/stack/bin/python
"""Run the local stack's ClickHouse as a server in a container: `docker run … clickhouse.py`.

Where the local one answers this machine alone, it answers whoever knows the password of its image,
and anybody who asks whether it is there, as ClickHouse does. Where ClickHouse's image would find a
port for TLS in its settings, it speaks by TLS there, and is behind that alone.
"""

import asyncio
import os
import ssl
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from deploy.local import clickhouse_http, clickhouse_process
from deploy.local.clickhouse_door import Door
from deploy.local.clickhouse_password import PASSWORD_FILE
from deploy.local.ports import LOOPBACK


PORT = 8123
NAME = b"localhost"
SETTINGS = Path("/etc/clickhouse-server/config.d/tls.xml")
CHUNK_BYTES = 1 << 16


class OpenDoor(Door):
    """The door of the local ClickHouse, for requests that came by the container's name."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on as one to this machine; tell everybody that there is a server."""
        if scope["type"] == "http" and scope["path"] == "/ping":
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        others = [header for header in scope.get("headers", ()) if header[0] != b"host"]
        await super().__call__({**scope, "headers": [*others, (b"host", NAME)]}, receive, send)


async def relayed(settings: ET.Element) -> None:
    """Take connections by TLS as settings of ClickHouse say, and hand what is said to its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(settings.findtext(f"openSSL/server/{name}") or "" for name in (
        "certificateFile", "privateKeyFile")))

    async def passed(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(CHUNK_BYTES):
                target.write(chunk)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, questions = await asyncio.open_connection(LOOPBACK, PORT)
        except OSError:
            writer.close()
            return
        await asyncio.gather(passed(reader, questions), passed(answers, writer))

    port = int(settings.findtext("https_port") or 0)
    await (await asyncio.start_server(taken, "0.0.0.0", port, ssl=context)).serve_forever()


def word() -> str:
    """Find the password as the image of ClickHouse does."""
    if path := os.environ.get("CLICKHOUSE_PASSWORD_FILE"):
        return Path(path).read_text().strip()
    return os.environ["CLICKHOUSE_PASSWORD"]


folder = Path("/var/lib/clickhouse")
password = folder / PASSWORD_FILE
password.touch(0o600)
password.write_text(word())
vars(clickhouse_http)["Door"] = OpenDoor
if not SETTINGS.exists():
    vars(clickhouse_process)["LOOPBACK"] = "0.0.0.0"
elif not os.fork():
    asyncio.run(relayed(ET.parse(SETTINGS).getroot()))
sys.argv[1:] = [str(folder), str(PORT)]
sys.exit(clickhouse_process.main())
