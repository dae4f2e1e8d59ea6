"""Which keys sign which logs (C2SP tlog-policy), for a verifier to keep. Pure.

A log whose key was changed has a line for each: what any of them signed is the log's.
"""

import re
from collections.abc import Iterable, Iterator

from schemas.topics import Topics
from sinks.transparency.notes import Refused, Verifier, parse_verifier
from sinks.transparency.quorum import NONE, Quorum, parse_quorum


POLICY = "policy"
"""The file that names all logs and their public keys."""
WITNESSED_POLICY = "policy-witnessed"
"""The same, asking for the witnesses that countersign here."""
KEYS_MAX = 64
"""Keys of one log, those in use and retired: each note is held against all of them."""


def place_of(topics: Topics, topic: str, partition: int) -> str:
    """Name a log by its place: `scrutin/votes/0`."""
    return f"{topics.prefix}/{topic.removeprefix(f'{topics.prefix}.')}/{partition}"


def write_policy(verifiers: Iterable[Verifier], quorum: Quorum | None = None) -> str:
    """Write a policy that trusts these logs, and asks for these witnesses if for any."""
    return "".join(
        f"log {Verifier(verifier.name, public).vkey}\n"
        for verifier in verifiers for public in verifier.publics) + (
        quorum.text() if quorum else f"quorum {NONE}\n")


def parse_policy(text: str) -> dict[str, Verifier]:
    """Read the logs of a policy, by their origin; raise Refused.

    Each asks for the policy's witnesses, if it names any: whoever opens its checkpoints with it
    cannot forget them.
    """
    logs: dict[str, Verifier] = {}
    others: list[list[str]] = []
    publics: set[bytes] = set()
    for words in _lines(text):
        if words[0] != "log" or len(words) not in {2, 3}:
            others.append(words)
            continue
        verifier = parse_verifier(words[1])
        if verifier.public in publics:
            raise Refused("the policy names a key twice")
        publics.add(verifier.public)
        known = logs.get(verifier.name, verifier)
        if len(known.publics) > KEYS_MAX:
            raise Refused(f"the policy names more than {KEYS_MAX} keys of {verifier.name}")
        logs[verifier.name] = known.with_keys([verifier.public])
    quorum = parse_quorum(others)
    if quorum and any(witness.public in publics for witness in quorum.witnesses):
        raise Refused("the policy names a log's own key as a witness: nobody would be asked")
    return {name: verifier._replace(quorum=quorum) for name, verifier in logs.items()}


def parse_witnesses(text: str) -> Quorum | None:
    """Read the witnesses of a policy, whatever logs it names; None where it asks for none."""
    return parse_quorum(words for words in _lines(text) if words[0] != "log")


def _lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each line that says something.

    Raises Refused where a character would end a line for some readers only: behind a `#` it would
    say what nobody sees.
    """
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]|\r(?!\n)", text):
        raise Refused("the policy has a control character")
    for line in text.split("\n"):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield words
