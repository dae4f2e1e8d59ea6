"""Known faults of what we use: a list kept in the tree, and how it is made and compared.

Theory of operation: advisory databases publish in one format, OSV, and as git repositories. `make
advisories FROM=FOLDER` reads clones of them and keeps what names a component of ours, whatever
its version, together with where it comes from and of which day. `make audit` compares the locked
versions with that list and asks nobody: it gives the same verdict on a machine without a network,
and a verdict no fresher than the list, whose days it prints.
"""

import json
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.utils import canonicalize_name
from univers.versions import GolangVersion, MavenVersion, PypiVersion, Version

from tests.supply.components import Component


LIST = Path(__file__).with_name("advisories.json")
ACCEPTED = Path(__file__).with_name("accepted.toml")
FILE_BYTES_MAX = 4 << 20
"""Largest file of a database that is read; an advisory has some kB."""

_VERSIONS: dict[str, type[Version]] = {
    "PyPI": PypiVersion, "Maven": MavenVersion, "Go": GolangVersion}


class Accepted(NamedTuple):
    """What people decided to live with."""

    advisories: dict[str, str]
    """Reasons by id of the advisory."""
    uncovered: dict[str, str]
    """Reasons by ecosystem for which no list is kept."""


def accepted(file: Path = ACCEPTED) -> Accepted:
    """Read the decisions."""
    found = tomllib.loads(file.read_text("utf-8"))
    return Accepted(found.get("advisories", {}), found.get("uncovered", {}))


def kept(file: Path = LIST) -> dict[str, Any]:
    """Read the list: {sources: [{name, commit, date, ecosystems}], looked_for, advisories}."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def faults(
    components: Iterable[Component], found: dict[str, Any], decided: Accepted
) -> list[str]:
    """Say what is wrong: a version with a known fault, or a component nobody looked for."""
    covered = {each for source in found["sources"] for each in source["ecosystems"]}
    said = []
    for component in components:
        if component.ecosystem not in covered:
            if component.ecosystem not in decided.uncovered:
                said.append(f"{component.purl}: no list of {component.ecosystem} is kept")
        elif component.name not in found["looked_for"][component.ecosystem]:
            said.append(f"{component.purl}: nobody has looked for it; run make advisories")
        said += [
            f"{component.purl}: {advisory['id']}, {advisory['summary']}"
            for advisory in found["advisories"]
            if advisory["id"] not in decided.advisories and concerns(advisory, component)]
    present = {advisory["id"] for advisory in found["advisories"]}
    said += [f"accepted.toml: {each} is no longer in the list; take it out"
             for each in sorted(decided.advisories.keys() - present)]
    return said


def concerns(advisory: dict[str, Any], component: Component) -> bool:
    """Whether an advisory names the component at its version."""
    if (advisory["ecosystem"], advisory["name"]) != (component.ecosystem, component.name):
        return False
    if component.version in advisory["versions"]:
        return True
    kind = _VERSIONS[component.ecosystem]
    version = kind(component.version)
    return any(_within(version, kind, events) for events in advisory["ranges"])


def _within(version: Version, kind: type[Version], events: list[dict[str, str]]) -> bool:
    """Whether a version is affected, by the events of an OSV range in the order of versions."""
    affected = False
    for event in events:
        [(what, text)] = event.items()
        if what == "introduced" and (text == "0" or version >= kind(text)):
            affected = True
        ends = {"fixed": version >= kind(text), "last_affected": version > kind(text)}
        if ends.get(what, False):
            affected = False
    return affected


def collected(folders: Iterable[Path], components: Iterable[Component]) -> dict[str, Any]:
    """Make the list from clones of advisory databases."""
    names: dict[str, set[str]] = {}
    for component in components:
        names.setdefault(component.ecosystem, set()).add(component.name)
    sources, advisories = [], []
    for folder in folders:
        ecosystems = set()
        for document in _documents(folder, {name for each in names.values() for name in each}):
            for entry in _entries(document):
                ecosystems.add(entry["ecosystem"])
                if entry["name"] in names.get(entry["ecosystem"], ()):
                    advisories.append(entry)
        sources.append({**_source(folder), "ecosystems": sorted(ecosystems & names.keys())})
    return {
        "sources": sources,
        "looked_for": {ecosystem: sorted(each) for ecosystem, each in sorted(names.items())},
        "advisories": sorted(advisories, key=lambda each: (each["id"], each["name"])),
    }


def _documents(folder: Path, names: set[str]) -> Iterator[dict[str, Any]]:
    """Read the advisories of a database that may name one of ours."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in {".json", ".yaml"} or path.stat().st_size > FILE_BYTES_MAX:
            continue
        text = path.read_text("utf-8")
        if any(name in text for name in names):
            document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            if isinstance(document, dict) and "affected" in document:
                yield document


def _entries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if document.get("withdrawn"):
        return
    details = (document.get("details") or "").strip() or "no summary"
    for affected in document["affected"]:
        package = affected["package"]
        name = package["name"]
        yield {
            "id": document["id"],
            "aliases": sorted(document.get("aliases", [])),
            "summary": (document.get("summary") or details).splitlines()[0][:200],
            "ecosystem": package["ecosystem"],
            "name": canonicalize_name(name) if package["ecosystem"] == "PyPI" else name,
            "ranges": [each["events"] for each in affected.get("ranges", [])
                       if each["type"] != "GIT"],
            "versions": sorted(affected.get("versions", [])),
        }


def _source(folder: Path) -> dict[str, str]:
    """Say what a clone is, and of which day."""
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True,
        ).stdout.strip()

    commit, date = git("log", "-1", "--format=%H %cs").split()
    return {"name": folder.resolve().name, "commit": commit, "date": date}
