"""Judgements as records, for those who read them."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from processors.guard.published import Findings
from schemas import codec
from views.guard.door import Door


FIRST_AT = 1_653_200_000_000
DAY = 19_134


def voters(count: int, first: int = 0) -> list[bytes]:
    """Name so many voters, in ascending order."""
    return [number.to_bytes(16, "big") for number in range(first, first + count)]


def finding(
    consultation: str, *, rule: int = 1, mode: str = "report", proposal: str = "p1",
    choice: str | None = "agree", marks: Sequence[int] = (), numbers: dict[str, int] | None = None,
    named: Sequence[bytes] = (), day: int = DAY, ordinal: int = 0,
) -> dict[str, Any]:
    """Say a group; its id follows from what it is about."""
    about = f"{rule} {consultation} {day} {proposal} {choice} {ordinal}"
    return {
        "finding": hashlib.sha256(about.encode()).digest()[:16], "rule": rule, "version": 1,
        "mode": mode, "consultation": consultation, "day": day, "proposal": proposal,
        "choice": choice, "marks": list(marks), "voters": list(named),
        "numbers": [{"name": name, "value": value}
                    for name, value in sorted((numbers or {}).items())]}


def act(event: str, finding_id: bytes, **other: Any) -> dict[str, Any]:
    """Fields of what a person decided about a finding, without what all events have."""
    return {
        "finding": finding_id, "rule": 1, "version": 1, "judgement": 1, "voters": 30, "votes": 60,
        "of": 100_000, "second": None, "follows": bytes(16), "reason": "They voted by the clock.",
        "salt": bytes(16), "by": bytes(8), "signature": bytes(64),
        **({"marked_only": True} if event == "FindingConfirmed" else {}), **other}


def evening(consultation: str) -> Findings:
    """Find something by every rule, in two modes, on forty days."""
    findings = Findings()
    for number in range(1, 41):
        rule, day = 1 + number % 9, DAY + number // 4
        found = finding(
            consultation, rule=rule, mode="set_aside" if number % 2 else "report", day=day,
            proposal=f"p-{number:04}" if rule < 6 else "", choice="agree" if rule < 3 else None,
            marks=(1, 2) if rule < 3 else (), named=voters(3 * number, 1_000 * number),
            numbers={"network_voters": 4 * number, "popularity": 2_000,
                     "score": 27_600_000 + number, "voters": 3 * number})
        findings.take(judgement(number, found, judged_at=FIRST_AT + 86_400_000 * (number // 4)))
    return findings


def judgement(
    number: int, *findings: dict[str, Any], judged_at: int = FIRST_AT, votes: Sequence[int] = (-1,)
) -> bytes:
    """Make the record of a judgement."""
    return codec.encode(
        "PatrolJudged", number=number, judged_at=judged_at + number, log_time=judged_at,
        votes=list(votes), networks=-1, catalogue=-1, rules=[], findings=list(findings), left=0,
        voters=0, sample=0, votes_digest=bytes(32), networks_digest=bytes(32))


def batch(consultation: str, *, swapped: bool = False) -> dict[str, Any]:
    """Recount everything and without one rule, as `sinks.recount` would."""
    shares = {"agree": 0.2, "disagree": 0.7, "neutral": 0.1} if swapped else {
        "agree": 0.7, "disagree": 0.2, "neutral": 0.1}
    counted = {"votes": 24_988, "shares": shares, "rank": None}
    entries = [{"of": "proposal", "id": f"p-{number:04}", "after": {
        "votes": 3_000 + number, "shares": shares, "rank": 3}, "before": {
        "votes": 2_000, "shares": shares, "rank": number}} for number in range(1, 30)]
    return {
        "format": "scrutin-guard-recount/1", "consultation": consultation,
        "recounted_at": "2022-05-22T03:00:00+00:00",
        "as_of": {"votes": [1, 2, 3, 4], "ranking": [1, 2, 3, 4], "catalogue": 5,
                  "participants": -1},
        "counted": counted, "suppositions": [
            {"without": "everything", "totals": {**counted, "votes": 25_900},
             "changed": {"idea": 3, "proposal": 70}, "entries": entries},
            {"without": "crowd", "totals": {**counted, "votes": 25_000},
             "changed": {"idea": 0, "proposal": 0}, "entries": []}],
        "noticed": {
            "judgement": 40, "reinstated_voters": None,
            "median_seconds_to_find": {"crowd": 64, "spread": 7_201},
            "hours": {finding(consultation, rule=1 + 36 % 9, mode="report", day=DAY + 9,
                              proposal="p-0036")["finding"].hex(): [
                0, 0, None, *range(10, 31)]}}}


def door(consultation: str) -> Door:
    """Have the archive tell of a busy minute at the door."""
    told, row = Door(), {"begins": FIRST_AT, "raised": 2, "asked": 1_300, "solved": 840,
                         "waited": 120, "left": 340, "refusals": {"rate-limited": 52}}
    told.tell(consultation, {"minutes": [row], "days": [row]},
              datetime(2022, 5, 22, 22, tzinfo=UTC))
    return told
