"""Private keys that sign controls, as files: made, found by role.

A key of a role lies in `ROLE.key`, others of that role in `ROLE-NAME.key`. The role in the name is
for people; which key may sign what is for the log to say.
"""

import re
import secrets
from pathlib import Path

from producers.errors import InvalidInput
from producers.signing import OwnKey, own_key, own_keys
from schemas.control_roles import CLERK, GUARD, OPERATOR, PublicKey, public_key
from schemas.private_files import KEY_BYTES, make_private
from schemas.words import CONTROL_ROLES


ROLES = (OPERATOR, GUARD, CLERK)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


def make(folder: Path, role: str, name: str = "") -> OwnKey:
    """Draw a key of a role and keep it; raise InvalidInput where one of that name lies there."""
    if name and not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name of a key: write up to 40 small letters, digits, "
                           "- and _.")
    path = folder / (f"{role}-{name}.key" if name else f"{role}.key")
    if path.exists():
        raise InvalidInput(f"{path} is there already, and is not replaced. Give the new key "
                           "another name: --name NAME.")
    return own_key(make_private(path, secrets.token_bytes(KEY_BYTES)), path)


def make_missing(folder: Path) -> None:
    """Make a key of each role that has none."""
    for role in ROLES:
        if not (folder / f"{role}.key").exists():
            make(folder, role)


def public_keys(folder: Path) -> tuple[PublicKey, ...]:
    """Return the public halves of the keys that lie in a folder, by the roles in their names."""
    found = []
    for own in own_keys(folder):
        assert own.path is not None
        role = own.path.stem.partition("-")[0]
        if role in CONTROL_ROLES:
            found.append(public_key(role, own.public))
    return tuple(sorted(found, key=lambda key: ROLES.index(key.role)))
