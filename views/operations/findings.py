"""Findings of the guard on the operators' page, the newest first: what each says, and who answered.

Nothing is acted on here: acts are signed by a key, and it lies where the command line is. The page
names the command. Counts are those of judgements and acts; `scrutin guard finding` counts anew.
While shares are hidden neither choice nor evidence are told, for both say how people vote. Pure.
"""

from itertools import islice
from typing import Any, NamedTuple

from processors.guard.parameters import MODES, NAMES
from processors.guard.published import MARKS, Findings, Said
from processors.results.catalogue import Catalogue
from schemas.corrections import FINDING_CONFIRMED
from schemas.finding_acts import ANSWER_SECONDS, OPEN, WAITING, Acts, Standing, state_after
from schemas.words import CHOICES
from views.embargo import embargoed


PAGE_FINDINGS = 10
"""Findings of one page."""


class Known(NamedTuple):
    """What findings, acts and descriptions are known."""

    findings: Findings
    acts: Acts
    catalogue: Catalogue


def page(known: Known, first: int, now: float) -> dict[str, Any]:
    """Arrange one page of findings, from the newest on, at a moment in seconds since 1970."""
    count = known.findings.count
    shown = islice(known.findings.newest(), first, first + PAGE_FINDINGS)
    return {
        "first": first, "count": count, "gone": known.findings.gone,
        "newer": max(first - PAGE_FINDINGS, 0) if first else None,
        "older": first + PAGE_FINDINGS if first + PAGE_FINDINGS < count else None,
        "rows": [_row(known, said, now) for said in shown]}


def _row(known: Known, said: Said, now: float) -> dict[str, Any]:
    found = said.last
    standing = known.acts.standing(found.consultation, found.finding)
    consultation = known.catalogue.consultations.get(found.consultation)
    hidden = embargoed(
        consultation, "final" if consultation and consultation.completed else "open")
    age_seconds = now - said.judged_at / 1_000
    return {
        "id": found.finding.hex(), "rule": NAMES[found.rule], "version": found.version,
        "mode": MODES[found.mode], "consultation": found.consultation,
        "proposal": found.proposal, "hidden": hidden,
        "choice": None if hidden or found.choice < 0 else CHOICES[found.choice],
        "numbers": () if hidden else found.numbers,
        "marks": [MARKS[mark] for mark in found.marks if mark in MARKS],
        "named": max(said.named, said.marked), "marked": said.marked,
        "set_aside": _set_aside(said, standing), "state": standing.state,
        "age_seconds": age_seconds, "commands": _commands(said, standing),
        "unanswered": age_seconds > ANSWER_SECONDS and (
            standing.state == WAITING or (standing.state == OPEN and not said.to_suspend))}


def _set_aside(said: Said, standing: Standing) -> int:
    """Return how many the rule, or a person, has set aside by it."""
    act = standing.in_force
    if act is None:
        return said.to_suspend
    return max(said.to_suspend, act.voters) if act.event == FINDING_CONFIRMED else 0


def _commands(said: Said, standing: Standing) -> list[str]:
    """Name the commands by which a person can act on it, the one to begin with first."""
    name = said.last.finding.hex()
    look, reason = f"scrutin guard preview {name}", "--reason …"
    confirm, dismiss = (f"scrutin guard {word} {name} {reason}" for word in ("confirm", "dismiss"))
    reinstate = f"scrutin guard reinstate --finding {name} {reason}"
    if standing.waiting is not None:
        waits = confirm if standing.waiting.event == FINDING_CONFIRMED else reinstate
        return [look, waits]
    if state_after(standing.in_force) == OPEN:
        return [look, confirm, reinstate if said.to_suspend else dismiss]
    if _set_aside(said, standing):
        return [f"scrutin guard finding {name}", reinstate]
    return [f"scrutin guard finding {name}"]
