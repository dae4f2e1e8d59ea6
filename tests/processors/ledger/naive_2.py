"""The rules of version 2 told a second time, on top of the naive first ones.

Written from the words of the contract, with sets and lists and no thought of speed. Keys are left
to tests of their own: here nobody has any, so nothing is signed.
"""

from collections import Counter
from typing import Any

from schemas import codec
from tests.processors.ledger.naive import KIND_OF, Fields, NaiveLedger, Verdict, Vote


MOVES = ("counted", "changed", "proven", "withdrawn")
MOST_FINDINGS = 8
CONTROLS = ("VoterSuspended", "VoterReinstated", "ConsultationClosed", "ConsultationSealed")
Key = tuple[str, bytes]
Pair = tuple[int, bytes]


class NaiveLedger2(NaiveLedger):
    """One partition, decided by the first rules until the second are adopted."""

    def __init__(self, partition: int, partitions: int) -> None:
        super().__init__(partition, partitions)
        self.routes: dict[tuple[Key, str], str] = {}
        self.refused: dict[tuple[Key, str], list[bytes]] = {}
        self.findings: dict[Key, dict[Pair, str]] = {}
        """Of each voter: pairs of cause and finding, standing or cleared."""
        self.immune: dict[Key, set[int]] = {}
        self.event_version = 0
        self.shown = "unknown"
        self.refusal = "none"

    def take(self, value: bytes | None) -> Fields:
        """Decide one record: what the first rules say in a DecisionMade, and the refusal."""
        event, fields = self._read(value)
        self.event_version = codec.schema_of(value).version if event in KIND_OF else 0
        self.refusal, self.shown = "none", fields.get("shown", "unknown")
        later = self.event_version > 1 and event in CONTROLS
        if self.version < 2 and later:
            return super().take(b"")
        if event == "RulesAdopted" and (self.event_version > 1 or self.version > 1):
            return self._adoption(fields)
        return {**super().take(value), "refusal": self.refusal}

    def _adoption(self, fields: Fields) -> Fields:
        outcome = "refused"
        if self.event_version == 1 and self._knows(fields["event_id"], "rules"):
            outcome = "repeated"
        elif self.event_version == 1 or fields["ledger_version"] < max(2, self.version):
            self.refusal = "stale"
        elif fields["ledger_version"] == self.version:
            outcome = "unchanged"
        else:
            outcome = "adopted"
            if self.version == 1:
                self._rise()
            self.version = 2
        self.decided[outcome] += 1
        return {"kind": "rules_adopted", "outcome": outcome, "reason": "none", "voter": None,
                "event_id": fields["event_id"], "consultation": None, "changes": [],
                "ledger_version": self.version, "refusal": self.refusal}

    def _rise(self) -> None:
        for under in self.ids:
            if under[0] not in ("voter", "rules", "closing"):
                consultation, voter, proposal = under
                assert isinstance(consultation, str)
                assert isinstance(voter, bytes)
                self.routes[(consultation, voter), str(proposal)] = "unknown"
        for key in self.suspended:
            self.findings[key] = {(0, bytes(16)): "standing"}

    # Ballots

    def _ballot(self, kind: str, fields: Fields) -> tuple[Verdict, list[Fields]]:
        key, proposal = (fields["consultation"], fields["voter"]), fields["proposal"]
        if self.version < 2:
            return super()._ballot(kind, fields)
        kept = list(self.ids.get((*key, proposal), []))
        verdict, [change] = super()._ballot(kind, fields)
        if verdict[0] == "refused" and verdict[1] != "misplaced":
            self.ids[*key, proposal] = kept  # the refused have a memory of their own
            memory = self.refused.setdefault((key, proposal), [])
            memory.append(fields["event_id"][-5:])
            del memory[:-8]
        if verdict[0] in MOVES:
            self.routes[key, proposal] = self._route(self._route_of(key, proposal))
        route = "none" if verdict[1] == "misplaced" else self._route_of(key, proposal)
        return verdict, [{**change, "route": "none" if key[0] in self.sealed else route}]

    def _route_of(self, key: Key, proposal: str) -> str:
        return self.routes.get((key, proposal), "none")

    def _route(self, before: str) -> str:
        if "asked" in (before, self.shown):
            return "asked"
        return "unknown" if "unknown" in (before, self.shown) else "drawn"

    def _ballot_verdict(self, kind: str, fields: Fields) -> Verdict:
        pair = (fields["consultation"], fields["voter"]), fields["proposal"]
        if self.version > 1 and fields["consultation"] not in self.sealed and (
                fields["event_id"][-5:] in self.refused.get(pair, [])):
            return "repeated", "none"
        return super()._ballot_verdict(kind, fields)

    def _vote_cast(self, votes: dict[str, Vote], vote: Vote | None, fields: Fields) -> Verdict:
        verdict = super()._vote_cast(votes, vote, fields)
        if self.version > 1 and verdict[0] == "proven" and vote is not None:
            vote.qualifications.clear()
        return verdict

    # Controls

    def _voter_control(self, kind: str, fields: Fields) -> tuple[Verdict, list[Fields]]:
        if self.version < 2:
            return super()._voter_control(kind, fields)
        key = (fields["consultation"], fields["voter"])
        proposals = sorted(self.votes.get(key, {}))
        before = [self.standing(key, proposal) for proposal in proposals], self._lowest(key)
        verdict = self._voter_verdict(kind, key, fields)
        if verdict[0] not in ("suspended", "reinstated"):
            return verdict, []
        (self.suspended.add if self._lowest(key) is not None else self.suspended.discard)(key)
        if key[0] in self.closed:
            self.controls_after_closing[key[0]] += 1
        if self._lowest(key) == before[1]:
            return verdict, []
        return verdict, [
            {"proposal": proposal, "before": was, "after": self.standing(key, proposal),
             "route": self._route_of(key, proposal)}
            for proposal, was in zip(proposals, before[0], strict=True)]

    def _voter_verdict(self, kind: str, key: Key, fields: Fields) -> Verdict:
        later = self.event_version > 1
        if int.from_bytes(key[1][:4], "big") % self.partitions != self.partition:
            return "refused", "misplaced"
        if not later and key[0] not in self.sealed and self._knows(
                fields["event_id"], "voter", *key):
            return "repeated", "none"
        if key[0] in self.sealed:
            return "late", "none"
        found = self.findings.get(key, {})
        immune = self.immune.get(key, set())
        if kind == "voter_suspended":
            pairs = [(fields["cause"], fields["finding"]) if later else (0, fields["event_id"])]
            known = pairs[0] in found
        else:
            pairs = [(each["cause"], each["finding"]) for each in fields["findings"]]
            if not later:
                pairs = [pair for pair, stands in found.items()
                         if stands == "standing" and pair[0] == 0]
            known = all(found.get(pair) == "cleared" for pair in pairs) and (
                immune >= set(fields["immune"]))
        refused = None if known else self._refused(kind, pairs, found, immune)
        if refused is not None:
            return refused
        if not later:
            self._remember(fields["event_id"], "voter", *key)
        if known:
            return "unchanged", "none"
        stands = "standing" if kind == "voter_suspended" else "cleared"
        self.findings.setdefault(key, {}).update(dict.fromkeys(pairs, stands))
        if kind == "voter_reinstated":
            self.immune.setdefault(key, set()).update(fields["immune"])
        return kind.removeprefix("voter_"), "none"

    def _refused(
        self, kind: str, pairs: list[Pair], found: dict[Pair, str], immune: set[int]
    ) -> Verdict | None:
        if kind == "voter_suspended" and pairs[0][0] in immune:
            self.refusal = "immune"
            return "refused", "none"
        met = Counter(cause for cause, _ in {*found, *pairs})
        if any(met[cause] > MOST_FINDINGS for cause, _ in {*pairs} - {*found}):
            return "refused", "too_many"
        return None

    def _consultation_closed(self, fields: Fields) -> Verdict:
        return self._without_memory(super()._consultation_closed, fields)

    def _consultation_sealed(self, fields: Fields) -> Verdict:
        return self._without_memory(super()._consultation_sealed, fields)

    def _without_memory(self, decide: Any, fields: Fields) -> Verdict:
        """Decide a control of version 2 as if its id had never been met, nor were remembered."""
        under = ("closing", fields["consultation"])
        kept = list(self.ids.get(under, []))
        if self.event_version > 1:
            self.ids[under] = []
        verdict: Verdict = decide(fields)
        if self.event_version > 1:
            self.ids[under] = kept
        return verdict

    def _lowest(self, key: Key) -> int | None:
        return min((cause for (cause, _), stands in self.findings.get(key, {}).items()
                    if stands == "standing"), default=None)

    # The recount

    def recount(self) -> dict[tuple[str, str], Counter[str]]:
        """Count everything anew, by consultation and proposal."""
        found = super().recount()
        for key, votes in self.votes.items():
            for proposal in votes:
                standing = self.standing(key, proposal)
                assert standing is not None
                counts, cause = found[key[0], proposal], self._lowest(key)
                if standing["set_aside"] == "suspended" and cause:
                    counts[f"set_aside_cause_{cause}"] += 1
                route = self._route_of(key, proposal)
                if standing["set_aside"] is None and self.version > 1 and route == "drawn":
                    counts.update(f"drawn_{name}" for name in self.counts_of(standing))
                if standing["set_aside"] is None and route == "asked":
                    counts["counted_asked"] += 1
        return found


