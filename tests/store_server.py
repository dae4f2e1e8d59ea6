"""A store of the tests' own that speaks S3, in a process: it keeps what it is given in memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from deploy.local.ports import find_free
from tests.waiting import WAIT_SECONDS, until_answered


BUCKET = "snapshots"
_PROGRAM = "from moto.server import main; main()"


class StoreServer:
    """The process, and what a program has to know to reach it."""

    def __init__(self) -> None:
        self.address = f"http://127.0.0.1:{find_free(1)[0]}"
        self.environment = {
            "AWS_ENDPOINT_URL_S3": self.address, "AWS_ACCESS_KEY_ID": "scrutin",
            "AWS_SECRET_ACCESS_KEY": "a secret of the store", "AWS_DEFAULT_REGION": "eu-west-3"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "--port", self.address.rpartition(":")[2]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"})

    async def begin(self) -> None:
        """Wait until it answers, and make the bucket."""
        await until_answered(f"{self.address}/moto-api/")
        async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as client:
            made = await client.put(f"{self.address}/{BUCKET}", content=(
                "<CreateBucketConfiguration><LocationConstraint>eu-west-3</LocationConstraint>"
                "</CreateBucketConfiguration>"))
            made.raise_for_status()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, SIGSTOP to have it silent."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it: nobody listens any more."""
        self._process.kill()
        self._process.wait(WAIT_SECONDS)


@contextmanager
def store_server() -> Iterator[StoreServer]:
    """Run one."""
    server = StoreServer()
    try:
        yield server
    finally:
        server.stop()
