"""The rules of version 1 told a second time, as simply as they can be, to check the ledger against.

Written from the words of the design, with dicts of dicts and no thought of speed; it shares no
code with processors.ledger.ledger or its rules. Its tallies are counted anew from what it holds.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemas import codec
from schemas.topics import partition_of


REMEMBERED = 8
MOST_LIVE_VOTES = 5_000
MOST_BYTES = 4_096
QUALIFICATIONS_OF = {
    "agree": ["like_it", "doable", "platitude_agree"],
    "disagree": ["no_way", "impossible", "platitude_disagree"],
    "neutral": ["do_not_understand", "no_opinion", "do_not_care"],
}
KIND_OF = {
    "VoteCast": "vote_cast", "VoteWithdrawn": "vote_withdrawn",
    "QualificationAdded": "qualification_added",
    "QualificationWithdrawn": "qualification_withdrawn", "RulesAdopted": "rules_adopted",
    "VoterSuspended": "voter_suspended", "VoterReinstated": "voter_reinstated",
    "ConsultationClosed": "consultation_closed",
    "ConsultationSealed": "consultation_sealed",
}

Fields = dict[str, Any]
Verdict = tuple[str, str]
"""Outcome and reason."""


@dataclass
class Vote:
    """A live vote."""

    choice: str
    trust: str
    qualifications: set[str] = field(default_factory=set)


class NaiveLedger:
    """One partition of the ballot box, remembered in full."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.partition, self.partitions = partition, partitions
        self.votes: dict[tuple[str, bytes], dict[str, Vote]] = {}
        """By consultation and voter, then by proposal."""
        self.ids: dict[tuple[object, ...], list[bytes]] = {}
        """Remembered event ids, the newest last, by what they are remembered under."""
        self.suspended: set[tuple[str, bytes]] = set()
        self.closed: set[str] = set()
        self.controls_after_closing: Counter[str] = Counter()
        self.sealed: set[str] = set()
        self.voters_received: set[tuple[str, bytes]] = set()
        self.cast: dict[tuple[str, str], Counter[str]] = {}
        """What became of VoteCast records, by consultation and proposal."""
        self.gone: dict[tuple[str, str], Counter[str]] = {}
        """Votes superseded and withdrawn, by consultation and proposal."""
        self.decided: Counter[str] = Counter()
        self.version = 0

    def take(self, value: bytes | None) -> Fields:
        """Decide one record: the fields of its DecisionMade save chain and source_offset."""
        event, fields = self._read(value)
        if event not in KIND_OF:
            self.decided["refused_undecodable"] += 1
            return {"kind": "unknown", "outcome": "refused", "reason": "undecodable",
                    "event_id": None, "voter": None, "consultation": None, "changes": [],
                    "ledger_version": self.version}
        kind = KIND_OF[event]
        decide = self._ballot if "proposal" in fields else self._control
        (outcome, reason), changes = decide(kind, fields)
        self.decided[outcome if reason == "none" else f"{outcome}_{reason}"] += 1
        return {"kind": kind, "outcome": outcome, "reason": reason,
                "event_id": fields["event_id"], "voter": fields.get("voter"),
                "consultation": fields.get("consultation"), "changes": changes,
                "ledger_version": self.version}

    @staticmethod
    def _read(value: bytes | None) -> tuple[str, Fields]:
        if value and len(value) > MOST_BYTES:
            return "unreadable", {}
        try:
            return codec.decode(value)
        except codec.Undecodable:
            return "unreadable", {}

    # Votes and qualifications

    def _ballot(self, kind: str, fields: Fields) -> tuple[Verdict, list[Fields]]:
        key, proposal = (fields["consultation"], fields["voter"]), fields["proposal"]
        met = (fields["consultation"], proposal)
        self.cast.setdefault(met, Counter())
        self.gone.setdefault(met, Counter())
        before = self._shown(key, proposal)
        verdict = self._ballot_verdict(kind, fields)
        if kind == "vote_cast":
            self.cast[met][verdict[0] if verdict[1] == "none" else f"refused_{verdict[1]}"] += 1
        if verdict[0] == "changed":
            self.gone[met]["superseded"] += 1
        if verdict[0] == "withdrawn":
            self.gone[met]["withdrawn"] += 1
        if verdict[1] != "misplaced" and verdict[0] not in ("late", "repeated"):
            self._remember(fields["event_id"], *key, proposal)
            if kind == "vote_cast":
                self.voters_received.add(key)
        if verdict[1] == "misplaced":
            before = None
        after = None if verdict[1] == "misplaced" else self._shown(key, proposal)
        return verdict, [{"proposal": proposal, "before": before, "after": after}]

    def _shown(self, key: tuple[str, bytes], proposal: str) -> Fields | None:
        """Return a vote as a decision shows it: of a sealed consultation no vote is known."""
        return None if key[0] in self.sealed else self.standing(key, proposal)

    def _ballot_verdict(self, kind: str, fields: Fields) -> Verdict:
        key, proposal = (fields["consultation"], fields["voter"]), fields["proposal"]
        votes = self.votes.setdefault(key, {})
        vote = votes.get(proposal)
        if partition_of(fields["voter"], self.partitions) != self.partition:
            return "refused", "misplaced"
        if fields["consultation"] in self.sealed:
            return "late", "none"
        if self._knows(fields["event_id"], *key, proposal):
            return "repeated", "none"
        if fields["consultation"] in self.closed:
            return "late", "none"
        if kind == "vote_cast" and vote is None and len(votes) >= MOST_LIVE_VOTES:
            return "refused", "too_many"
        return self._vote_verdict(kind, votes, fields)

    def _vote_verdict(self, kind: str, votes: dict[str, Vote], fields: Fields) -> Verdict:
        vote = votes.get(fields["proposal"])
        if kind == "vote_cast":
            return self._vote_cast(votes, vote, fields)
        if kind == "vote_withdrawn":
            return self._vote_withdrawn(votes, vote, fields)
        if kind == "qualification_added":
            return self._qualification_added(vote, fields)
        return self._qualification_withdrawn(vote, fields)

    def _vote_cast(self, votes: dict[str, Vote], vote: Vote | None, fields: Fields) -> Verdict:
        cast = Vote(fields["choice"], fields["trust"])
        if vote is None:
            votes[fields["proposal"]] = cast
            return "counted", "none"
        if vote.choice == cast.choice:
            if vote.trust == "suspect" and cast.trust == "trusted":
                vote.trust = "trusted"
                return "proven", "none"
            return "unchanged", "none"
        if vote.trust == "trusted" and cast.trust == "suspect":
            return "refused", "unproven_change"
        votes[fields["proposal"]] = cast
        return "changed", "none"

    def _vote_withdrawn(
        self, votes: dict[str, Vote], vote: Vote | None, fields: Fields
    ) -> Verdict:
        if vote is None:
            return "unchanged", "none"
        if vote.trust == "trusted" and fields["trust"] == "suspect":
            return "refused", "unproven_change"
        del votes[fields["proposal"]]
        return "withdrawn", "none"

    def _qualification_added(self, vote: Vote | None, fields: Fields) -> Verdict:
        name = fields["qualification"]
        if vote is None:
            return "refused", "no_vote"
        if name not in QUALIFICATIONS_OF[vote.choice]:
            return "refused", "wrong_choice"
        if name in vote.qualifications:
            return "unchanged", "none"
        if vote.trust == "trusted" and fields["trust"] == "suspect":
            return "refused", "unproven_change"
        vote.qualifications.add(name)
        return "qualified", "none"

    def _qualification_withdrawn(self, vote: Vote | None, fields: Fields) -> Verdict:
        name = fields["qualification"]
        if vote is None or name not in vote.qualifications:
            return "unchanged", "none"
        if vote.trust == "trusted" and fields["trust"] == "suspect":
            return "refused", "unproven_change"
        vote.qualifications.remove(name)
        return "unqualified", "none"

    # Controls

    def _control(self, kind: str, fields: Fields) -> tuple[Verdict, list[Fields]]:
        if "voter" in fields:
            return self._voter_control(kind, fields)
        decide = {"rules_adopted": self._rules_adopted,
                  "consultation_closed": self._consultation_closed,
                  "consultation_sealed": self._consultation_sealed}[kind]
        return decide(fields), []

    def _voter_control(self, kind: str, fields: Fields) -> tuple[Verdict, list[Fields]]:
        key = (fields["consultation"], fields["voter"])
        if partition_of(fields["voter"], self.partitions) != self.partition:
            return ("refused", "misplaced"), []
        if fields["consultation"] in self.sealed:
            return ("late", "none"), []
        if self._knows(fields["event_id"], "voter", *key):
            return ("repeated", "none"), []
        self._remember(fields["event_id"], "voter", *key)
        if (key in self.suspended) == (kind == "voter_suspended"):
            return ("unchanged", "none"), []
        proposals = sorted(self.votes.get(key, {}))
        before = [self.standing(key, proposal) for proposal in proposals]
        (self.suspended.add if kind == "voter_suspended" else self.suspended.remove)(key)
        if fields["consultation"] in self.closed:
            self.controls_after_closing[fields["consultation"]] += 1
        changes = [
            {"proposal": proposal, "before": was, "after": self.standing(key, proposal)}
            for proposal, was in zip(proposals, before, strict=True)
        ]
        return (kind.removeprefix("voter_"), "none"), changes

    def _rules_adopted(self, fields: Fields) -> Verdict:
        if self._knows(fields["event_id"], "rules"):
            return "repeated", "none"
        self._remember(fields["event_id"], "rules")
        self.version = fields["ledger_version"]
        return "adopted", "none"

    def _consultation_closed(self, fields: Fields) -> Verdict:
        name = fields["consultation"]
        if self._knows(fields["event_id"], "closing", name):
            return "repeated", "none"
        self._remember(fields["event_id"], "closing", name)
        if name in self.closed:
            return "unchanged", "none"
        self.closed.add(name)
        return "closed", "none"

    def _consultation_sealed(self, fields: Fields) -> Verdict:
        name = fields["consultation"]
        if self._knows(fields["event_id"], "closing", name):
            return "repeated", "none"
        self._remember(fields["event_id"], "closing", name)
        if name in self.sealed or name not in self.closed:
            return "unchanged", "none"
        self.sealed.add(name)
        return "sealed", "none"

    # What is remembered and held

    def _knows(self, event_id: bytes, *under: object) -> bool:
        return event_id[8:] in self.ids.get(under, [])

    def _remember(self, event_id: bytes, *under: object) -> None:
        ids = self.ids.setdefault(under, [])
        ids.append(event_id[8:])
        del ids[:-REMEMBERED]

    def standing(self, key: tuple[str, bytes], proposal: str) -> Fields | None:
        """Return a vote as a decision shows it."""
        vote = self.votes.get(key, {}).get(proposal)
        if vote is None:
            return None
        set_aside = "unproven" if vote.trust == "suspect" else None
        if key in self.suspended:
            set_aside = "suspended"
        ordered = [q for q in QUALIFICATIONS_OF[vote.choice] if q in vote.qualifications]
        return {"choice": vote.choice, "trust": vote.trust, "set_aside": set_aside,
                "qualifications": ordered}

    # The recount

    def recount(self) -> dict[tuple[str, str], Counter[str]]:
        """Count everything anew, by consultation and proposal."""
        found: dict[tuple[str, str], Counter[str]] = {}
        for met, outcomes in self.cast.items():
            counts = found[met] = Counter()
            counts["received"] = sum(outcomes.values())
            for name, number in outcomes.items():
                if name not in ("counted", "changed"):
                    counts[name] += number
            counts.update(self.gone[met])
        for key, votes in self.votes.items():
            for proposal in votes:
                standing = self.standing(key, proposal)
                assert standing is not None
                found[(key[0], proposal)].update(self.counts_of(standing))
        return found

    @staticmethod
    def counts_of(standing: Fields | None) -> list[str]:
        """Name the counts a standing raises."""
        if standing is None:
            return []
        if standing["set_aside"]:
            return [f"set_aside_{standing['set_aside']}"]
        return [standing["choice"], *standing["qualifications"]]

    def participants(self, consultation: str) -> int:
        """Count the voters with at least one counted vote."""
        return sum(
            any(vote.trust == "trusted" for vote in votes.values())
            for key, votes in self.votes.items()
            if key[0] == consultation and key not in self.suspended
        )
