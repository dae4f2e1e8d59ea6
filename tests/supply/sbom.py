"""The list of what scrutin is made of, as other programs read it: CycloneDX (`make sbom`)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.supply.components import DEVELOPMENT, ROOT, RUN, Component


FILE = ROOT / "deploy" / "sbom.cdx.json"
_SCOPES = {RUN: "required", DEVELOPMENT: "excluded"}


def document(components: Iterable[Component], version: str) -> dict[str, Any]:
    """Write it in CycloneDX 1.6, without a time: the same locks give the same bytes."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {
            "type": "application", "bom-ref": "scrutin", "name": "scrutin", "version": version,
            "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [_described(each) for each in components],
    }


def _described(component: Component) -> dict[str, Any]:
    group, _, name = component.name.rpartition(":")
    return {
        "type": "library", "bom-ref": component.purl, "purl": component.purl,
        **({"group": group} if group else {}),
        "name": name, "version": component.version,
        "scope": _SCOPES.get(component.use, "optional"),
        # A Python package has a hash a platform: those stand in requirements.lock.
        **({"hashes": [{"alg": "SHA-256", "content": each} for each in component.hashes]}
           if len(component.hashes) == 1 else {}),
        "properties": [{"name": "scrutin:use", "value": component.use}],
    }


def text(found: dict[str, Any]) -> str:
    """Write the document as its file has it."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def write(found: dict[str, Any], file: Path = FILE) -> None:
    file.write_text(text(found), "utf-8")
