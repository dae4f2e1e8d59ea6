"""A process that shut itself in reaches nothing else, nor do its threads."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from deploy.local import landlock


ATTEMPTS = """
import json, socket, subprocess, sys, threading
from pathlib import Path
from deploy.local import landlock

inside, readable, outside = map(Path, sys.argv[1:4])
port = int(sys.argv[4])
attempts = {
    "write inside": lambda: (inside / "a").write_text("a"),
    "read inside": lambda: (inside / "a").read_text(),
    "move inside": lambda: (inside / "a").rename(inside / "b"),
    "read what is readable": lambda: readable.joinpath("known").read_text(),
    "write what is readable": lambda: readable.joinpath("known").write_text("x"),
    "read outside": lambda: outside.joinpath("secret").read_text(),
    "list outside": lambda: list(outside.iterdir()),
    "write outside": lambda: outside.joinpath("new").write_text("x"),
    "truncate outside": lambda: outside.joinpath("secret").open("w"),
    "remove outside": lambda: outside.joinpath("secret").unlink(),
    "move outside": lambda: (inside / "b").rename(outside / "b"),
    "start a program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "connect": lambda: socket.create_connection(("127.0.0.1", port), 5),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
}
done = []
def attempt():
    for name, action in attempts.items():
        try:
            action()
        except PermissionError:
            continue
        done.append(name)
assert landlock.confine(readable=[readable, readable / "missing"], writable=[inside])
attempt()
thread = threading.Thread(target=attempt)
thread.start()
thread.join()
print(json.dumps(done))
"""


def test_a_confined_process_has_its_folders_and_nothing_else(tmp_path: Path) -> None:
    """It reads and writes where it may; files, programs and connections are denied elsewhere."""
    for name in ("inside", "readable", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "readable" / "known").write_text("known")
    (tmp_path / "outside" / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = subprocess.run(
            [sys.executable, "-c", ATTEMPTS, *(str(tmp_path / name)
             for name in ("inside", "readable", "outside")), str(server.getsockname()[1])],
            capture_output=True, text=True, check=True)

    allowed = ["write inside", "read inside", "move inside", "read what is readable"]
    assert json.loads(ended.stdout) == [*allowed, *allowed]
    assert (tmp_path / "outside" / "secret").read_text() == "secret"
    assert (tmp_path / "readable" / "known").read_text() == "known"


def test_this_kernel_governs_connections_too() -> None:
    """The version that knows TCP is what the other tests of this house presume."""
    assert landlock.version() >= 4
