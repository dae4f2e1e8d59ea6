"""Codes that a consultation may ask of its voters: how many were made for it. Pure."""

from collections.abc import Mapping
from typing import Any


ISSUED = "CodesIssued"

Issues = dict[bytes, int]
"""How many codes each issue of a consultation has, by the root of its tree."""


def add_issue(issues: Issues, fields: Mapping[str, Any]) -> None:
    """Fold a CodesIssued: the same root is the same issue, however often it is said."""
    issues.setdefault(fields["root"], fields["codes"])
