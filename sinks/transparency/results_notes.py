"""A published result as a signed note: which document, of which part of the logs. Pure.

The text is made from the document alone, so a note is checked by making it again. It is signed by
the key of the catalogue's log; a checkpoint it can never be taken for, by its first lines.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sinks.transparency.notes import Refused, Verifier, open_note, to_base64


HEAD = "scrutin results v1"


def results_text(body: bytes) -> str:
    """Write what is signed of a results document, given as its bytes; raise Refused."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not a results document: {type(error).__name__} {error}") from error
    return text_of_document(document, body)


def text_of_document(document: Any, body: bytes) -> str:
    """Write what is signed of a results document that was read from these bytes; raise Refused."""
    try:
        as_of = document["as_of"]
        lines = (
            HEAD,
            # As JSON, for an identifier may hold anything.
            f"consultation {json.dumps(document['consultation']['id'])}",
            f"votes {' '.join(str(int(offset)) for offset in as_of['votes'])}",
            f"catalogue {int(as_of['catalogue'])}",
            f"rules {int(document['rules_version'])}",
            f"scores {json.dumps(document['scores_version'])}",
            f"final {'yes' if document['final'] is True else 'no'}",
            hash_line(body),
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Refused(f"not a results document: {type(error).__name__} {error}") from error
    return "".join(f"{line}\n" for line in lines)


def hash_line(body: bytes) -> str:
    """Write the last line of what is signed: the hash of the document's bytes."""
    return f"sha256 {to_base64(hashlib.sha256(body).digest())}"


def require_signed(note: str, body: bytes, verifier: Verifier) -> None:
    """Raise Refused unless the note is the key's, and of this very document."""
    require_same(open_note(note, [verifier]).splitlines(), results_text(body).splitlines())


def require_same(signed: Sequence[str], made: Sequence[str]) -> None:
    """Raise Refused at the first line that was signed and is not what the document gives."""
    if signed == made:
        return
    differing = next((pair for pair in zip(signed, made, strict=False) if pair[0] != pair[1]),
                     ("", ""))
    raise Refused(f"the note is of another document: signed was `{differing[0]}`, this document "
                  f"gives `{differing[1]}`")
