"""The catalogue of a campaign: consultation, themes, ideas, proposals and their grouping."""

import random
from collections.abc import Callable
from typing import Any

from producers.campaign.plan import Plan
from schemas import codec


DESCRIBED_BEFORE_MS = 21 * 86_400_000
"""The consultation is described three weeks before it opens."""
ACCEPTED_WITHIN_MS = 20 * 86_400_000
"""Proposals are collected and accepted until it opens, so that every vote finds its proposal."""

Record = tuple[int, bytes]


def catalogue(plan: Plan) -> list[Record]:
    """Encode the catalogue of a plan, in order of time."""
    chance = random.Random(f"{plan.published.consultation}:{plan.seed}:catalogue")
    begins_at = plan.published.opens_at - DESCRIBED_BEFORE_MS
    records: list[Record] = []

    def add(event: str, at: int, **fields: Any) -> None:
        records.append((at, codec.encode(
            event, event_id=chance.randbytes(16), consultation=plan.published.consultation,
            origin="simulation", occurred_at=at, **fields,
        )))

    _describe(plan, begins_at, add)
    step_ms = ACCEPTED_WITHIN_MS // len(plan.proposals)
    for number, proposal in enumerate(plan.proposals, 1):
        at = begins_at + number * step_ms + chance.randrange(step_ms // 2)
        add("ProposalAccepted", at, proposal=proposal.id, text=proposal.text,
            author=proposal.author)
        if proposal.idea is not None:
            add("ProposalGrouped", at + step_ms // 4, proposal=proposal.id, idea=proposal.idea)
    return records


def _describe(plan: Plan, at: int, add: Callable[..., None]) -> None:
    published = plan.published
    add("ConsultationDescribed", at, question=published.question, opens_at=published.opens_at,
        closes_at=published.closes_at, time_zone="Europe/Paris",
        languages=list(published.question), votes_target=published.votes_target,
        hashtag=published.hashtag, contact=published.contact, stages=list(published.stages),
        organisers=list(published.organisers), facts=list(published.facts),
        shares_embargoed=False)
    for theme, title in published.themes:
        add("ThemeDescribed", at, theme=theme, title=title)
    for idea in published.ideas:
        add("IdeaDescribed", at, idea=idea.id, theme=idea.theme, title=idea.title)
