"""Do programs that no one here wrote accept our transparency logs? `make interop`.

Builds logs as the notary does, serves them as the views do, and has tessera's `fsck` (Go) read
them over HTTP: it must accept them whole, and refuse them with one bit changed anywhere. Then two
real witnesses countersign a log, and a fork of it under the same key: they must refuse that, and a
policy that asks for them must find it (`tests.interop.countersigning`).
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from schemas.named_keys import KeyList
from schemas.topics import Topics
from scrutin.settings import load
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment
from sinks.transparency.keys import make_key
from sinks.transparency.notes import Signer, Verifier
from tests.interop import countersigning
from tests.interop.witnesses import LITEWITNESS, lacking
from tests.sinks.transparency.serving import served


FSCK = "github.com/transparency-dev/tessera/cmd/fsck"
HERE = Path(__file__).parent
GO_FOLDER = Path("/usr/local/go/bin")
"""Where Go installs itself, should it not be on the path."""
BUILD_SECONDS = 600
CHECK_SECONDS = 120
SIZES = (1, 256, 300, 70_000)
"""A leaf, one full tile, a partial one beside it, and three levels of tiles; one log each."""
DAMAGED = 3
"""The log that is damaged: the largest."""
FILES = ("checkpoint", "tile/0/000", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17",
         "tile/2/000.p/1", "tile/entries/100", "tile/entries/273.p/112")


class Missing(Exception):
    """Interoperability cannot be checked; says what to do."""


def main() -> int:
    """Check; return the exit status."""
    try:
        require_openssh()
        fsck, litewitness = built(FSCK), built(LITEWITNESS)
    except Missing as error:
        print(f"make interop: {error}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="interop-") as name:
        folder = Path(name)
        verifiers = [log_of(folder, number, size) for number, size in enumerate(SIZES)]
        with served(folder, Topics("scrutin", len(SIZES))) as url:
            faults = [
                f"{FSCK} refused our log of {size} entries" for number, size in enumerate(SIZES)
                if not accepted(fsck, url, folder, number, verifiers[number])]
        faults += [
            f"{FSCK} accepted a log with a bit of {file} changed" for file in FILES
            if damaged(fsck, folder, file, verifiers[DAMAGED])]
    faults += countersigning.faults(litewitness)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"two {LITEWITNESS} countersigned a log as it grew and refused its fork, which "
              "`scrutin audit log` finds by its policy")
        print(f"{FSCK} accepted {len(SIZES)} logs of up to {SIZES[-1]:,} entries and "
              f"refused one with a bit changed in each of {len(FILES)} kinds of file")
    return 1 if faults else 0


def require_openssh() -> None:
    """Raise Missing where nothing here can keep the key of a witness."""
    if without := lacking():
        raise Missing(f"{', '.join(without)} of OpenSSH are not installed, and keep the keys of "
                      "witnesses. Install OpenSSH's client, and try again.")


def built(source: str) -> Path:
    """Build a program, once for each set of modules that go.mod and go.sum lock; raise Missing."""
    locked = b"".join((HERE / name).read_bytes() for name in ("go.mod", "go.sum"))
    name = f"{source.rpartition('/')[2]}-{hashlib.sha256(locked).hexdigest()[:16]}"
    program = load().cache_dir.expanduser() / name
    if not program.exists():
        go = shutil.which("go") or shutil.which("go", path=GO_FOLDER)
        if go is None:
            raise Missing(f"Go is not installed, and {source} is built with it. Install Go "
                          "1.26 or later, on the path or in /usr/local/go, and try again.")
        print(f"building {source}", file=sys.stderr)
        program.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [go, "build", "-mod=readonly", "-o", str(program), source], cwd=HERE,
            timeout=BUILD_SECONDS, check=False)
        if done.returncode:
            raise Missing(f"{source} could not be built: see what go said above.")
    return program


def log_of(folder: Path, number: int, size: int) -> Verifier:
    """Build a log, signed in several steps by its key and one that comes beside it; return its key.

    Its checkpoints commit to keys, in a line behind the root.
    """
    place = f"scrutin/votes/{number}"
    key = make_key(folder / f"{number}.key")
    signer = Signer(f"localhost/log/{place}", key, make_key(folder / f"{number}.1.key"))
    keeper = Keeper(LogFolder(folder / place), signer, lambda: (commitment(KeyList(), size),))
    keeper.open()
    for step in (size // 3, size // 2, size):
        keeper.append([entry_of("town", f"record {at}".encode())
                       for at in range(keeper.size, step)])
        keeper.sign()
    (folder / f"{number}.vkey").write_text(signer.verifier.vkey)
    return signer.verifier


def accepted(fsck: Path, url: str, folder: Path, number: int, verifier: Verifier) -> bool:
    """Whether fsck finds no fault in a log. It says so, its status does not."""
    began = time.monotonic()
    done = subprocess.run(
        [fsck, "--ui=false", "--N=4", "-v=1", f"--storage_url={url}/scrutin/votes/{number}/",
         f"--public_key={folder / f'{number}.vkey'}", f"--origin={verifier.name}"],
        capture_output=True, text=True, timeout=CHECK_SECONDS, check=False)
    found = "fsck failed" not in done.stderr and not done.returncode
    print(f"{'accepted' if found else 'refused'} in {time.monotonic() - began:.1f} s",
          file=sys.stderr)
    if found:
        assert "Completed ranges" in done.stderr, done.stderr
    return found


def damaged(fsck: Path, folder: Path, file: str, verifier: Verifier) -> bool:
    """Whether fsck accepts a log with one bit changed; the bit is put right afterwards.

    It is served anew: a server keeps what it has read of a log, whose files never change.
    """
    path = folder / f"scrutin/votes/{DAMAGED}" / file
    whole = path.read_bytes()
    raw = bytearray(whole)
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)
    try:
        with served(folder, Topics("scrutin", len(SIZES))) as url:
            return accepted(fsck, url, folder, DAMAGED, verifier)
    finally:
        path.write_bytes(whole)


if __name__ == "__main__":
    sys.exit(main())
