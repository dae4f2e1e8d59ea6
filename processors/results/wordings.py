"""What the results document says of words: digests, corrections, retirements. Pure.

Each proposal has the digest of its words, hidden or not, so that whoever keeps a document can tell
for ever whether others were put in their place. A correction has the words before and after, and
how many votes were cast on those before; where the words are hidden, their digests alone.
"""

from typing import Any
from zoneinfo import ZoneInfo

from processors.results.catalogue import Consultation, Correction, Redescription
from schemas.corrections import INSTANTS, TEXT_DIGEST
from schemas.moments import moment


FORMATS_WITHOUT = ("scrutin-results/1", "scrutin-results/2")
"""Of documents that say nothing of words: the second tells drawn votes apart, the first none."""

Block = dict[str, Any]
_OF_TOTALS = ("retired_proposals", "corrections_after_closing", "retirements_after_closing")
_OF_PROPOSALS = (TEXT_DIGEST, "corrections", "retired")


def instant(milliseconds: int | None, zone: ZoneInfo) -> str | None:
    """Write an instant in ISO 8601 with its offset in the consultation's time zone."""
    if milliseconds is None:
        return None
    return moment(milliseconds, zone).isoformat()


def of_totals(known: Consultation) -> dict[str, int]:
    """Count what changed of words."""
    return {
        "retired_proposals": len(known.retired),
        "corrections_after_closing": known.corrections_after_closing,
        "retirements_after_closing": known.retirements_after_closing,
    }


def of_proposal(known: Consultation, name: str, zone: ZoneInfo) -> Block:
    """Say what was done to the words of a proposal."""
    fields, retired = known.proposals.get(name), known.retired.get(name)
    made, before, blurred = [], 0, False
    for each in known.corrections.get(name, ()):
        made.append(_correction(
            each, None if blurred else before, zone, hidden=name in known.hidden))
        # No vote is counted on two wordings; nor on one, where words changed uncounted between.
        before, blurred = max(before, each.votes or 0), each.votes is None
    return {
        TEXT_DIGEST: fields and fields[TEXT_DIGEST],
        "corrections": made,
        "retired": retired and {
            "at": instant(retired.at, zone), "catalogue": retired.catalogue,
            "reason": retired.reason, "text_hidden": retired.hidden},
    }


def _correction(
    found: Correction, before: int | None, zone: ZoneInfo, *, hidden: bool
) -> Block:
    """Say what one correction changed; `before` it so many votes were cast on earlier words.

    None: nobody can say, for words changed between without a count.
    """
    return {
        "at": instant(found.at, zone), "catalogue": found.catalogue, "reason": found.reason,
        "before": None if hidden else found.before,
        "after": None if hidden else found.after,
        "before_sha256": found.before_digest, "after_sha256": found.after_digest,
        "votes": None if None in (found.votes, before) else max(
            (found.votes or 0) - (before or 0), 0),
        "votes_as_of": list(found.offsets), "after_closing": found.after_closing,
    }


def of_descriptions(known: Consultation, zone: ZoneInfo) -> list[Block]:
    """List what was corrected of the consultation, its themes and ideas."""
    return [_redescription(each, zone) for each in known.redescriptions]


def _redescription(found: Redescription, zone: ZoneInfo) -> Block:
    return {
        "at": instant(found.at, zone), "catalogue": found.catalogue, "reason": found.reason,
        "subject": found.subject, "id": found.name,
        "changes": [
            {"field": change.field,
             **{end: instant(int(said), zone) if said and change.field in INSTANTS else said
                for end, said in (("before", change.before), ("after", change.after))}}
            for change in found.changes],
        "votes": found.votes, "votes_as_of": list(found.offsets),
        "after_closing": found.after_closing,
    }


def without(document: Block) -> Block:
    """Return a document as releases wrote it that said nothing of words."""
    by_route = document["rules_version"] > 1
    rest = {name: said for name, said in document.items() if name != "corrections"}
    return {
        **rest, "format": FORMATS_WITHOUT[by_route],
        "totals": _less(document["totals"], *_OF_TOTALS),
        "ideas": [_less(entry, "retired_proposals") for entry in document["ideas"]],
        "proposals": [_less(entry, *_OF_PROPOSALS) for entry in document["proposals"]],
    }


def _less(entry: Block, *names: str) -> Block:
    return {name: said for name, said in entry.items() if name not in names}
