"""Real witnesses: litewitness (filippo.io/torchwood, Go), each with a key in its own agent."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

from sinks.transparency.cosignatures import Witness, parse_witness
from sinks.transparency.hashing import EMPTY_ROOT
from sinks.transparency.notes import Verifier, to_base64


LITEWITNESS = "filippo.io/torchwood/cmd/litewitness"
OPENSSH = ("ssh-agent", "ssh-add", "ssh-keygen")
"""Keep a witness's key: litewitness asks an agent to sign."""
SAYS_SECONDS = 60
_VKEY = re.compile(r'vkey="?([^\s"]+)')


def lacking() -> list[str]:
    """Name the programs of OpenSSH that are not installed."""
    return [name for name in OPENSSH if shutil.which(name) is None]


@contextmanager
def witness(
    program: Path, folder: Path, label: str, logs: Sequence[Verifier]
) -> Iterator[Witness]:
    """Run a witness that knows these logs, by a key made for it."""
    folder = folder / label
    folder.mkdir()
    key, agent = folder / "key", folder / "agent"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    fingerprint = subprocess.run(
        ["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    keeping = subprocess.Popen(
        ["ssh-agent", "-D", "-a", agent], stdout=subprocess.PIPE, text=True)
    try:
        assert keeping.stdout is not None
        _heard(keeping, keeping.stdout, "SSH_AUTH_SOCK")
        subprocess.run(["ssh-add", "-q", key], check=True, env={
            **os.environ, "SSH_AUTH_SOCK": str(agent)})
        with _running(program, folder, label, fingerprint, logs) as found:
            yield found
    finally:
        keeping.terminate()
        keeping.wait()
        assert keeping.stdout is not None
        keeping.stdout.close()


@contextmanager
def _running(
    program: Path, folder: Path, label: str, fingerprint: str, logs: Sequence[Verifier]
) -> Iterator[Witness]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    running = subprocess.Popen(
        [program, "-name", f"witness.example/{label}", "-db", folder / "db", "-ssh-agent",
         folder / "agent", "-key", fingerprint, "-listen", address],
        stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    try:
        said = _heard(running, running.stderr, "msg=listening")
        _know(folder / "db", logs)
        vkey = _VKEY.search(said)
        assert vkey is not None, said
        yield parse_witness(label, vkey[1], f"http://{address}")
    finally:
        running.terminate()
        running.wait()
        running.stderr.close()


def _heard(process: "subprocess.Popen[str]", lines: Iterator[str], word: str) -> str:
    """Return what a program says up to a word; what it says later is read and dropped."""
    heard: Queue[str] = Queue()

    def listen() -> None:
        for line in lines:
            heard.put(line)
        heard.put("")

    Thread(target=listen, daemon=True).start()
    said = ""
    while word not in said:
        line = heard.get(timeout=SAYS_SECONDS)
        assert line, f"{process.args!r} ended: {said}"
        said += line
    return said


def _know(database: Path, logs: Sequence[Verifier]) -> None:
    """Have a witness know logs, as its `witnessctl` does: that one cannot be built from the proxy.
    """
    with sqlite3.connect(database) as known:
        for log in logs:
            known.execute("INSERT INTO log VALUES (?, 0, ?)", (log.name, to_base64(EMPTY_ROOT)))
            known.executemany("INSERT INTO key VALUES (?, ?)", [
                (log.name, Verifier(log.name, public).vkey) for public in log.publics])
    known.close()
