"""Which keys sign which logs (C2SP tlog-policy), for a verifier to keep. Pure.

A log whose key was changed has a line for each: what any of them signed is the log's.
"""

from collections.abc import Iterable

from schemas.topics import Topics
from sinks.transparency.notes import Refused, Verifier, parse_verifier


POLICY = "policy"
"""The file that names all logs and their public keys."""
KEYS_MAX = 64
"""Keys of one log, those in use and retired: each note is held against all of them."""


def place_of(topics: Topics, topic: str, partition: int) -> str:
    """Name a log by its place: `scrutin/votes/0`."""
    return f"{topics.prefix}/{topic.removeprefix(f'{topics.prefix}.')}/{partition}"


def write_policy(verifiers: Iterable[Verifier]) -> str:
    """Write a policy that trusts these logs and asks for no witness."""
    return "".join(
        f"log {Verifier(verifier.name, public).vkey}\n"
        for verifier in verifiers for public in verifier.publics) + "quorum none\n"


def parse_policy(text: str) -> dict[str, Verifier]:
    """Read the logs of a policy, by their origin; raise Refused."""
    logs: dict[str, Verifier] = {}
    quorum: list[list[str]] = []
    publics: set[bytes] = set()
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "log" and len(words) in {2, 3}:
            verifier = parse_verifier(words[1])
            if verifier.public in publics:
                raise Refused("the policy names a key twice")
            publics.add(verifier.public)
            known = logs.get(verifier.name, verifier)
            if len(known.publics) > KEYS_MAX:
                raise Refused(f"the policy names more than {KEYS_MAX} keys of {verifier.name}")
            logs[verifier.name] = known.with_keys([verifier.public])
        elif words[0] == "quorum":
            quorum.append(words[1:])
        elif words[0] not in {"witness", "group"}:
            raise Refused(f"the policy has a line that is none: {line[:80]!r}")
    if quorum != [["none"]]:
        raise Refused(f"the policy must have one line `quorum none`, not {quorum[:2]}: this "
                      "version checks no witnesses, and will not pass over one that is asked for")
    return logs
