"""Kafka's jars by hash: what Maven hands out is run only if it is what was reviewed.

`kafka_jars.lock` names every jar of the class path by its coordinates and SHA-256. Each start
compares (some 45 MB, a tenth of a second). `python -m deploy.local.kafka_jars FOLDER`, a part of
`make lock`, writes the file anew after a change of the version.
"""

import hashlib
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from deploy.local.errors import JarsDifferError, JarsUnavailableError


KAFKA_VERSION = "4.3.0"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:2.0.17"
LOCK = Path(__file__).with_name("kafka_jars.lock")


class Jar(NamedTuple):
    """A jar as the lock names it."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.artifact}-{self.version}.jar"


def resolve(jar_folder: Path, endpoint: str) -> Path:
    """Resolve jars into a folder, downloading what the cache lacks; return the folder's part.

    Raises `JarsUnavailableError`.
    """
    try:
        import jgo  # noqa: PLC0415 - a missing package must become a clear message

        environment = jgo.build(endpoint, cache_dir=jar_folder)
    except ImportError as error:
        raise JarsUnavailableError(endpoint, f"the package jgo is missing ({error})") from error
    except (RuntimeError, OSError, ValueError) as error:
        raise JarsUnavailableError(endpoint, str(error)) from error
    return Path(environment.path)


def locked(text: str) -> list[Jar]:
    """Read the lock: a line a jar, hash and coordinates as `sha256  group:artifact:version`."""
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return [Jar(sha256, *coordinates.split(":")) for sha256, coordinates in lines]


def check(jars: Iterable[Path], lock: Path = LOCK) -> None:
    """Raise `JarsDifferError` unless the files are those of the lock, all of them and no more."""
    known = {jar.file: jar.sha256 for jar in locked(lock.read_text("utf-8"))}
    found = {path.name: _sha256(path) for path in jars}
    faults = [
        *(f"{name} is not in the lock" for name in sorted(found.keys() - known.keys())),
        *(f"{name} is missing" for name in sorted(known.keys() - found.keys())),
        *(f"{name} has another hash" for name in sorted(found.keys() & known.keys())
          if found[name] != known[name]),
    ]
    if faults:
        raise JarsDifferError(lock.name, faults)


def written(environment: Path) -> str:
    """Write the lock of the jars that were resolved into a folder, from their own bytes."""
    resolved = tomllib.loads((environment / "jgo.lock.toml").read_text("utf-8"))["dependencies"]
    files = {path.name: path for path in environment.glob("*/*.jar")}
    jars = (Jar("", each["groupId"], each["artifactId"], each["version"]) for each in resolved)
    return "# Written by `make lock`: every jar that the local Kafka runs.\n" + "".join(
        f"{_sha256(files[jar.file])}  {jar.group}:{jar.artifact}:{jar.version}\n"
        for jar in sorted(jars) if jar.file in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    LOCK.write_text(written(resolve(Path(sys.argv[1]), ENDPOINT)), "utf-8")
