"""The words are those of the schemas, in their order."""

from schemas import words
from schemas.registry import current


def test_qualifications_belong_to_their_choice_by_place() -> None:
    """Three qualifications to a choice, in the order of the choices."""
    assert words.CHOICES == ("agree", "disagree", "neutral")
    assert words.QUALIFICATIONS == (
        "like_it", "doable", "platitude_agree",
        "no_way", "impossible", "platitude_disagree",
        "do_not_understand", "no_opinion", "do_not_care",
    )
    assert len(words.QUALIFICATIONS) == words.QUALIFICATIONS_PER_CHOICE * len(words.CHOICES)


def test_counts_name_every_choice_qualification_and_reason() -> None:
    """One name for one thing: a count bears the name of what it counts."""
    expected = (
        "received", *words.CHOICES, *words.QUALIFICATIONS,
        *(f"set_aside_{reason}" for reason in words.SET_ASIDE),
        "superseded", "withdrawn", "unchanged", "repeated", "proven", "late",
        "refused_misplaced", "refused_unproven_change", "refused_too_many",
    )

    assert expected == words.COUNTS


def test_counts_are_the_same_wherever_they_are_published() -> None:
    """Tallies and results carry the same counts in the same order."""
    for event in ("ProposalScored", "IdeaScored"):
        entry = next(field for field in current(event).fields if field["name"] == "entry")
        counts = entry["type"]["fields"][0]["type"]

        assert tuple(field["name"] for field in counts["fields"]) == words.COUNTS


def test_the_closed_lists_are_those_of_the_events() -> None:
    """Trust, origin, outcome and reason are read from the schemas."""
    assert words.TRUSTS == ("trusted", "suspect")
    assert set(words.ORIGINS) >= {"web", "widget", "api", "import", "simulation"}
    assert words.REASONS[0] == "none"
    assert words.KINDS[0] == "unknown"
    assert set(words.OUTCOMES) == {
        "counted", "changed", "withdrawn", "unchanged", "repeated", "proven", "qualified",
        "unqualified", "suspended", "reinstated", "adopted", "closed", "late", "refused",
        "sealed"}
