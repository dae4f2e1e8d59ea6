"""Whether the hashes of codes that the log names lie here, as a gateway takes them."""

from collections.abc import Iterator

from producers.gateway.issued_codes import read_issue
from producers.gateway.keys import KeyFolder
from producers.known_catalogue import KnownCatalogue
from scrutin.doctor.answers import Answer, bad, good


ABOUT = "keys.codes"


def examined(known: KnownCatalogue, keys: KeyFolder) -> Answer:
    """Try each issue of a consultation that is not closed; what was read is forgotten."""
    issues = [(consultation, root, size) for consultation, found in known.codes.items()
              if known.find("ConsultationClosed", consultation) is None
              for root, size in found.items()]
    if not issues:
        return good(ABOUT, "no consultation that is not closed asks for codes")
    faults = list(_faults(keys, issues))
    if faults:
        return bad(ABOUT, f"{len(faults)} of {len(issues)} issues of codes are not taken here; the "
                   f"first: {faults[0]}", "Copy its file from where `scrutin codes make` ran into "
                   "the folder of keys of every gateway, mode 0600; docs/codes.md.")
    return good(ABOUT, f"{len(issues)} issues of codes lie in {keys.folder}, each as the log names "
                "it")


def _faults(keys: KeyFolder, issues: list[tuple[str, bytes, int]]) -> Iterator[str]:
    for consultation, root, size in issues:
        found, reason = read_issue(keys, consultation, root, size)
        if found is None:
            yield f"{consultation}, root {root.hex()}: {reason}"
