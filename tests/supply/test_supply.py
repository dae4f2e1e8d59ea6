"""The audit of what others made: a known fault is found, whatever the ecosystem, and said."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.supply import advisories, sbom
from tests.supply.advisories import Accepted
from tests.supply.components import (
    AMONG_OURS,
    DEVELOPMENT,
    LOCAL,
    ROOT,
    RUN,
    Component,
    components,
)


NOTHING = Accepted({}, {})


def _component(ecosystem: str, version: str) -> Component:
    return Component(ecosystem, "example", version, RUN, ())


def _list(
    ecosystem: str, *events: dict[str, str], versions: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "sources": [{"name": "database", "date": "2026-01-01", "ecosystems": [ecosystem]}],
        "looked_for": {ecosystem: ["example"]},
        "advisories": [{
            "id": "X-1", "summary": "bad", "ecosystem": ecosystem, "name": "example",
            "ranges": [list(events)], "versions": list(versions)}],
    }


@pytest.mark.parametrize(("ecosystem", "version", "concerned"), [
    ("PyPI", "1.2.0rc1", True), ("PyPI", "1.2", False), ("PyPI", "1.10", False),
    ("Maven", "1.2-rc1", True), ("Maven", "1.2", False), ("Maven", "1.1.9", True),
    ("Go", "v1.1.9", True), ("Go", "v1.2.0", False), ("Go", "v0.0.0-20250311204145-2c3ea96c31dd",
                                                       True),
])
def test_a_version_below_the_mended_one_is_found(
    ecosystem: str, version: str, *, concerned: bool
) -> None:
    """Versions are ordered as their ecosystem orders them, pre-releases before the release."""
    mended = "v1.2.0" if ecosystem == "Go" else "1.2"
    found = _list(ecosystem, {"introduced": "0"}, {"fixed": mended})

    said = advisories.faults([_component(ecosystem, version)], found, NOTHING)

    assert [line.endswith("X-1, bad") for line in said] == [True] * concerned


def test_ranges_and_lists_of_versions_are_obeyed() -> None:
    """A range may end with its last version, begin again, and versions may be named singly."""
    events = [{"introduced": "1.0"}, {"last_affected": "1.5"}, {"introduced": "3.0"}]
    found = _list("PyPI", *events, versions=("2.2",))

    concerned = [version for version in ("0.9", "1.0", "1.5", "1.6", "2.2", "2.3", "3.1")
                 if advisories.faults([_component("PyPI", version)], found, NOTHING)]

    assert concerned == ["1.0", "1.5", "2.2", "3.1"]


def test_what_nobody_looked_for_is_a_fault_and_a_decision_needs_its_advisory() -> None:
    """An empty answer is none: a component without a look-up, or an outdated decision, is said."""
    found = _list("PyPI", {"introduced": "0"})
    other = Component("PyPI", "other", "1", RUN, ())
    jar = Component("Maven", "g:a", "1", LOCAL, ())

    assert "nobody has looked for it" in advisories.faults([other], found, NOTHING)[0]
    assert "no list of Maven is kept" in advisories.faults([jar], found, NOTHING)[0]
    assert advisories.faults([jar], found, Accepted({}, {"Maven": "why"})) == []
    assert advisories.faults([_component("PyPI", "1")], found, Accepted({"X-1": "why"}, {})) == []
    assert "take it out" in advisories.faults([], found, Accepted({"X-0": "why"}, {}))[0]


def test_a_list_is_made_of_clones_of_databases(tmp_path: Path) -> None:
    """Of each database what names one of ours is kept, with its commit and day; the rest is not."""
    database = tmp_path / "database"
    database.mkdir()
    affected = [{"package": {"ecosystem": "PyPI", "name": "Exam_ple"},
                 "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]},
                            {"type": "GIT", "events": [{"introduced": "0" * 40}]}]}]
    for name, document in {
        "X-1.json": {"id": "X-1", "summary": "bad", "affected": affected},
        "X-2.yaml": {"id": "X-2", "summary": "gone", "withdrawn": "2026", "affected": affected},
        "other.json": {"id": "X-3", "affected": [{"package": {"ecosystem": "Go", "name": "o"}}]},
    }.items():
        (database / name).write_text(json.dumps(document), "utf-8")
    for words in (["init", "--quiet"], ["add", "."], [
            "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "a"]):
        subprocess.run(["git", "-C", str(database), *words], check=True)

    found = advisories.collected(
        [database], [Component("PyPI", "exam-ple", "1", RUN, ()),
                     Component("PyPI", "Exam_ple", "1", RUN, ())])

    assert [each["id"] for each in found["advisories"]] == ["X-1"]
    assert found["advisories"][0]["ranges"] == [[{"introduced": "0"}]]
    assert found["sources"][0]["ecosystems"] == ["PyPI"]
    assert len(found["sources"][0]["commit"]) == 40


def test_the_locks_are_read_whole_and_each_component_has_its_use() -> None:
    """Each ecosystem is there; what runs in production is told from what only tests need."""
    found = {each.name: each for each in components()}

    assert found["aiokafka"].use == RUN
    assert found["starlette"].use == RUN
    assert found["chdb"].use == found["org.apache.kafka:kafka-clients"].use == LOCAL
    assert found["pytest"].use == found["golang.org/x/mod"].use == DEVELOPMENT
    assert all(each.version and each.use for each in found.values())
    assert all(len(value) == 64 for each in found.values() for value in each.hashes)


def test_files_of_others_among_ours_are_theirs_unchanged() -> None:
    """Below a comment that says what they are, with their licence, the bytes of the package."""
    for place, component in AMONG_OURS.items():
        comment, _, theirs = (ROOT / place).read_text("utf-8").partition("*/\n")

        assert component.hashes == (hashlib.sha256(theirs.encode()).hexdigest(),)
        assert f"{component.name} {component.version}" in comment
        assert "Permission is hereby granted, free of charge" in comment


def test_the_list_of_parts_names_every_component_once_by_its_url() -> None:
    """The SBOM has what the locks have, and the same locks give the same bytes."""
    found = sbom.document(components(), "1")
    urls = [each["purl"] for each in found["components"]]

    assert len(set(urls)) == len(urls) == len(components())
    assert "pkg:maven/org.apache.kafka/kafka-clients@4.3.0" in urls
    assert sbom.text(found) == sbom.text(sbom.document(components(), "1"))
