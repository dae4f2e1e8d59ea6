"""What others made and we use: audited (`make audit`), listed (`make sbom`), looked up anew
(`make advisories FROM="FOLDER ..."`)."""

import json
import sys
import tomllib
from pathlib import Path

from tests.supply import advisories, sbom
from tests.supply.components import ROOT, components


def main(arguments: list[str]) -> int:
    """Do what is asked; return the exit status: 1 where something is found."""
    match arguments:
        case ["audit"]:
            return _audit()
        case ["sbom"]:
            sbom.write(sbom.document(components(), project_version()))
            return 0
        case ["advisories", *folders] if folders:
            found = advisories.collected(map(Path, folders), components())
            advisories.LIST.write_text(
                json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
            return _audit()
    print("make advisories FROM=\"FOLDER ...\": name clones of advisory databases in OSV's format, "
          "such as github/advisory-database", file=sys.stderr)
    return 2


def project_version() -> str:
    """Read the version of scrutin."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def _audit() -> int:
    found, decided, ours = advisories.kept(), advisories.accepted(), components()
    said = advisories.faults(ours, found, decided)
    if sbom.FILE.read_text("utf-8") != sbom.text(sbom.document(ours, project_version())):
        said.append(f"{sbom.FILE.relative_to(ROOT)} is stale: run make sbom and commit it")
    for fault in said:
        print(fault, file=sys.stderr)
    for ecosystem, reason in decided.uncovered.items():
        print(f"NOT AUDITED: {ecosystem}: {reason}", file=sys.stderr)
    sources = "; ".join(f"{each['name']} of {each['date']} ({', '.join(each['ecosystems'])})"
                        for each in found["sources"])
    print(f"{len(ours)} components, {len(found['advisories'])} advisories of {sources}: "
          f"{len(said)} to mend")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
