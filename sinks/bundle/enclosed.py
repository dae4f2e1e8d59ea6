"""What a bundle encloses for its readers: pages, and schemas. No number follows from them. Pure."""

import hashlib
from collections.abc import Iterator
from importlib import resources

from sinks.bundle.packing import Bundle
from sinks.bundle.readme import readmes


SCHEMAS = "schemas/"


def enclosed(kind: str, consultation: str) -> dict[str, bytes]:
    """Return the pages, every published schema, their ids, and the schema of the results."""
    pages = {name: text.encode() for name, text in readmes(kind, consultation).items()}
    return {**pages, **dict(_schemas())}


def foreign(bundle: Bundle, kind: str, consultation: str) -> list[str]:
    """Name the enclosed files that are not this version's own, and those that lack."""
    own = {name: hashlib.sha256(body).hexdigest()
           for name, body in enclosed(kind, consultation).items()}
    found = {name: packed.sha256 for name, packed in bundle.files.items()
             if name in own or name.startswith(SCHEMAS)}
    return sorted(name for name in {*own, *found} if own.get(name) != found.get(name))


def _schemas() -> Iterator[tuple[str, bytes]]:
    folder = resources.files("schemas")
    yield f"{SCHEMAS}ids.json", (folder / "ids.json").read_bytes()
    for event in sorted((folder / "history").iterdir(), key=lambda found: found.name):
        for version in sorted(event.iterdir(), key=lambda found: found.name):
            yield f"{SCHEMAS}{event.name}/{version.name}", version.read_bytes()
    results = resources.files("processors") / "results.schema.json"
    yield f"{SCHEMAS}results.schema.json", results.read_bytes()
