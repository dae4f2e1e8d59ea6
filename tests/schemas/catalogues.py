"""Strategies that make whatever the catalogue can hold of one consultation."""

from typing import Any

from hypothesis import strategies as st

from schemas.registry import current
from tests.schemas.events import fields_of, texts


NAME = "town"
EVENTS = ("ConsultationDescribed", "ThemeDescribed", "IdeaDescribed", "ProposalAccepted",
          "ProposalGrouped", "ConsultationClosed", "ClosingCompleted", "ConsultationSealed",
          "ProposalCorrected", "DescriptionCorrected", "ProposalRetired", "ProposalRestored")
"""What the catalogue says of a consultation."""
IDENTIFIERS = st.sampled_from(("a", "b", "../..", "é <b>", "x" * 63, "\u202e\u0000"))
"""Few, so that proposals, ideas and themes meet."""

WORDS = st.dictionaries(st.sampled_from(("fr", "en", "de", "")), st.sampled_from((
    "Il faut des arbres.", "", " ", "\u200b", "x" * 400, "\u202egauche", "a\0b", "<b>=1</b>",
)) | texts(0, 60), max_size=2)
"""Texts by language: good ones, empty ones, and those that no writer would take."""

EVENT_IDS = st.sampled_from((bytes(16), bytes(15) + b"1"))
"""Few, so that corrections meet what they follow."""
CHANGES = st.lists(st.builds(
    lambda field, before, after: {"field": field, "before": before, "after": after},
    st.sampled_from(("question.fr", "title.fr", "opens_at", "closes_at", "time_zone", "x")),
    st.sampled_from((None, "0", "<b>=1</b>")), st.sampled_from((None, "-1", "9" * 18, "<i>"))),
    max_size=2)

Event = tuple[str, dict[str, Any]]


def _events(name: str, consultation: str) -> st.SearchStrategy[Event]:
    """Return any event of a kind about a consultation, its identifiers few."""
    named = {"theme": IDENTIFIERS, "idea": IDENTIFIERS, "proposal": IDENTIFIERS,
             "question": WORDS, "title": WORDS, "text": WORDS, "before": WORDS, "after": WORDS,
             "event_id": EVENT_IDS, "follows": EVENT_IDS, "changes": CHANGES}

    @st.composite
    def event(draw: st.DrawFn) -> Event:
        fields = draw(fields_of(current(name).raw))
        for each in fields.keys() & named.keys():
            fields[each] = draw(named[each])
        return name, {**fields, "consultation": consultation}

    return event()


def catalogues(
    consultation: str = NAME, *, descriptions_least: int = 0, proposals_least: int = 0
) -> st.SearchStrategy[list[Event]]:
    """Return what a catalogue says of a consultation: described or not, then up to eight events."""
    return st.tuples(
        st.lists(_events("ConsultationDescribed", consultation),
                 min_size=descriptions_least, max_size=1),
        st.lists(_events("ProposalAccepted", consultation),
                 min_size=proposals_least, max_size=2),
        st.lists(st.sampled_from(EVENTS[1:]).flatmap(
            lambda name: _events(name, consultation)), max_size=8),
    ).map(lambda parts: [event for part in parts for event in part])
