"""Codes that a consultation may ask of its voters: how many were made for it. Pure."""

from collections.abc import Mapping
from typing import Any


ISSUED = "CodesIssued"
KNOWN_BEFORE_MILLISECONDS = 60_000
"""The first codes of a consultation are in the log so long before it opens, at least: a gateway
that has read the catalogue since knows whether it asks for codes."""

Issues = dict[bytes, int]
"""How many codes each issue of a consultation has, by the root of its tree."""


def add_issue(issues: Issues, fields: Mapping[str, Any]) -> None:
    """Fold a CodesIssued: the same root is the same issue, however often it is said."""
    issues.setdefault(fields["root"], fields["codes"])
