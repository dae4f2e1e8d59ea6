"""What the results document says of words: it commits to each, and shows every change."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document, wordings
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from producers.known_catalogue import KnownCatalogue
from schemas.corrections import digest_of
from schemas.words import COUNTS
from tests.schemas.events import property_test


DAM, NO_DAM = {"en": "Build the dam"}, {"en": "Do NOT build the dam"}
DESCRIBED = ("ConsultationDescribed", {
    "question": {"en": "?"}, "opens_at": 0, "closes_at": None, "time_zone": "Europe/Paris",
    "languages": [], "votes_target": None, "hashtag": None, "contact": None, "stages": [],
    "organisers": [], "facts": [], "origin": None})
CLOSED = ("ConsultationClosed", {"closes_at": 0})
Event = tuple[str, dict[str, Any]]


def accepted(text: dict[str, str], **fields: Any) -> Event:
    """Make a ProposalAccepted of the proposal of these tests."""
    author = {"name": "Anne", "kind": "citizen", "age_band": None}
    return "ProposalAccepted", {"proposal": "p", "text": text, "author": author, **fields}


def corrected(before: dict[str, str], after: dict[str, str], follows: int, **fields: Any) -> Event:
    """Make a ProposalCorrected that follows the record at an offset."""
    return "ProposalCorrected", {
        "proposal": "p", "before": before, "after": after, "follows": bytes([follows] * 16),
        "reason": "a slip", "offsets": [9], "votes": 90, **fields}


def retired(*, hidden: bool = True) -> Event:
    """Make a ProposalRetired."""
    return "ProposalRetired", {"proposal": "p", "reason": "unlawful", "text_hidden": hidden}


RESTORED = ("ProposalRestored", {"proposal": "p", "reason": "lawful"})
ANNOUNCED = ("RulesAnnounced", {"generation": 1, "keys": [
    {"id": bytes(8), "role": "operator", "public": bytes(32)}]})


def folded(events: list[Event]) -> Catalogue:
    """Fold events from offset 0 on."""
    catalogue = Catalogue()
    for offset, (event, fields) in enumerate(events):
        catalogue.apply(event, {
            "consultation": "c", "event_id": bytes([offset] * 16), "occurred_at": 1_000 * offset,
            **fields}, offset)
    return catalogue


def document(events: list[Event], agree: int = 100) -> dict[str, Any]:
    """Make the document of a catalogue, with so many votes for the proposal."""
    counts = dict.fromkeys(COUNTS, 0) | {"received": agree, "agree": agree}
    catalogue = folded([DESCRIBED, *events])
    found = results_document.compute(
        "c", Figures({"p": [*counts.values()]}), catalogue, AsOf((9,), catalogue.offset, -1),
        decided={}, undecodable=0)
    return results_document.document(found, catalogue)


def test_a_wording_turned_round_after_the_votes_is_told() -> None:
    """A description that says otherwise: shown as a change, after the closing counted too."""
    before, after = document([accepted(DAM)]), document([accepted(DAM), accepted(NO_DAM)])
    late = document([accepted(DAM), CLOSED, accepted(NO_DAM)])

    assert before["proposals"][0]["text_sha256"] == digest_of(DAM)
    assert after["proposals"][0]["text_sha256"] == digest_of(NO_DAM)
    [change] = after["proposals"][0]["corrections"]
    assert (change["before"], change["after"], change["reason"], change["votes"]) == (
        DAM, NO_DAM, None, None)
    assert [each["totals"]["corrections_after_closing"] for each in (before, after, late)] == [
        0, 0, 1]


def test_a_correction_says_how_many_votes_were_cast_on_each_wording() -> None:
    """Of two corrections each has the votes since the one before it."""
    [entry] = document([accepted(DAM), corrected(DAM, NO_DAM, 1),
                        corrected(NO_DAM, DAM, 2, votes=97, offsets=[99])])["proposals"]

    assert entry["text"] == DAM
    assert [(each["votes"], each["votes_as_of"], each["at"]) for each in entry["corrections"]] == [
        (90, [9], "1970-01-01T01:00:02+01:00"), (7, [99], "1970-01-01T01:00:03+01:00")]


def test_no_vote_is_counted_on_two_wordings() -> None:
    """Not even by a correction whose cut lies before the one that it follows."""
    [entry] = document([accepted(DAM), corrected(DAM, NO_DAM, 1),
                        corrected(NO_DAM, DAM, 2, votes=40), corrected(DAM, NO_DAM, 3, votes=100),
                        ])["proposals"]
    assert [each["votes"] for each in entry["corrections"]] == [90, 0, 10]


def test_where_words_changed_uncounted_between_nobody_says_on_which_votes_were_cast() -> None:
    """The votes up to the next correction are on either; those after it are counted again."""
    later = {"en": "Later"}
    [entry] = document([
        accepted(DAM), corrected(DAM, NO_DAM, 1), accepted(DAM),
        corrected(DAM, later, 3, votes=100), corrected(later, DAM, 4, votes=130)])["proposals"]
    assert [each["votes"] for each in entry["corrections"]] == [90, None, None, 30]


@pytest.mark.parametrize("fold", [Catalogue, KnownCatalogue])
@pytest.mark.parametrize("again", [(1,), (3,), (1, 3, 1), (1, 1)])
def test_a_description_that_comes_again_turns_no_correction_back(
    fold: type[Catalogue] | type[KnownCatalogue], again: tuple[int, ...]
) -> None:
    """In a log without keys: the first one, one that was corrected since, or both; nor what is told
    of a theme. What is said anew under an id of its own does."""
    theme = {"theme": "t", "title": {"en": "Dams"}}
    change = {"subject": "theme", "name": "t", "reason": "a slip", "votes": 1, "offsets": [9],
              "changes": [{"field": "title.en", "before": "Dams", "after": "Rivers"}]}
    events: list[Event] = [
        DESCRIBED, accepted(DAM), corrected(DAM, {"en": "A dam"}, 1), accepted(DAM),
        corrected(DAM, NO_DAM, 3), ("ThemeDescribed", theme),
        ("DescriptionCorrected", {**change, "follows": bytes([5] * 16)}),
        *((event, {**fields, "event_id": bytes([number] * 16)})
          for number in again for event, fields in [accepted(DAM)]),
        ("ThemeDescribed", {**theme, "event_id": bytes([5] * 16)})]
    found, anew = fold(), fold()
    for each, more in ((found, []), (anew, [accepted(DAM)])):
        for offset, (event, fields) in enumerate([*events, *more]):
            each.apply(event, {"consultation": "c", "event_id": bytes([offset] * 16),
                               "occurred_at": offset, **fields}, offset)

    assert _said(found) == (NO_DAM, {"en": "Rivers"})
    assert _said(anew) == (DAM, {"en": "Rivers"})


def _said(known: Catalogue | KnownCatalogue) -> tuple[Any, Any]:
    """Return the words of the proposal and of the theme."""
    if isinstance(known, Catalogue):
        found = known.consultations["c"]
        return found.proposals["p"]["text"], found.themes["t"]["title"]
    proposal, theme = (known.find(event, "c", name) for event, name in (
        ("ProposalAccepted", "p"), ("ThemeDescribed", "t")))
    return proposal and proposal["text"], theme and theme["title"]


def test_without_a_correction_a_description_that_comes_again_is_read_as_ever() -> None:
    """Logs that earlier releases wrote mean what they meant."""
    [entry] = document([accepted(DAM), accepted(NO_DAM),
                        accepted(DAM, event_id=bytes([1] * 16))])["proposals"]
    assert (entry["text"], len(entry["corrections"])) == (DAM, 2)


@pytest.mark.parametrize("event", [
    corrected(DAM, NO_DAM, 0), corrected(NO_DAM, DAM, 1), corrected({}, NO_DAM, 1)])
def test_a_correction_of_something_else_has_no_effect(event: Event) -> None:
    """It follows another record, or corrects words that do not stand there."""
    [entry] = document([accepted(DAM), event])["proposals"]
    assert (entry["text"], entry["corrections"]) == (DAM, [])


def test_of_two_corrections_of_the_same_record_the_first_counts() -> None:
    """Two operators at once: the second finds other words than it was to correct."""
    [entry] = document([accepted(DAM), corrected(DAM, NO_DAM, 1),
                        corrected(DAM, {"en": "Later"}, 1)])["proposals"]
    assert (entry["text"], len(entry["corrections"])) == (NO_DAM, 1)


@pytest.mark.parametrize("fold", [Catalogue, KnownCatalogue])
def test_a_copy_of_a_former_record_brings_nothing_back(
    fold: type[Catalogue] | type[KnownCatalogue],
) -> None:
    """Neither a restoration that was revoked, nor a correction under a former event id."""
    copies = {"restored": ("ProposalRestored", {**RESTORED[1], "event_id": b"r" * 16}),
              "corrected": corrected(DAM, NO_DAM, 1, event_id=b"s" * 16)}
    events = [DESCRIBED, accepted(DAM), copies["corrected"],
              ("ProposalCorrected", {**corrected(NO_DAM, DAM, 0)[1], "follows": b"s" * 16}),
              retired(), copies["restored"], retired(),
              accepted(DAM, event_id=bytes([1] * 16)), copies["corrected"], copies["restored"]]
    found = fold()
    for offset, (event, fields) in enumerate(events):
        found.apply(event, {"consultation": "c", "event_id": bytes([offset] * 16),
                            "occurred_at": offset, **fields}, offset)

    if isinstance(found, Catalogue):
        known = found.consultations["c"]
        assert ([*known.hidden], known.hidden["p"]["text"]) == (["p"], DAM)
    else:
        said = found.find("ProposalAccepted", "c", "p")
        assert ([*found.retired], said and said["text"]) == ([("c", "p")], DAM)


def test_with_keys_announced_nothing_unsigned_changes_words() -> None:
    """Neither a bare description nor an unsigned correction nor a retirement."""
    made = document([accepted(DAM), ANNOUNCED, accepted(NO_DAM, author=None),
                     corrected(DAM, NO_DAM, 3), retired()])
    [entry] = made["proposals"]

    assert (entry["text"], entry["author"], entry["corrections"], entry["retired"]) == (
        DAM, None, [], None)


def test_a_hidden_text_stands_nowhere_and_its_digest_stays() -> None:
    """Neither its words nor its author nor what was corrected; counts and rank are as before."""
    events = [accepted(DAM), corrected(DAM, NO_DAM, 1)]
    [shown], [hidden] = (document(each)["proposals"] for each in (events, [*events, retired()]))

    assert "dam" not in str(hidden)
    assert "Anne" not in str(hidden)
    assert (hidden["text"], hidden["author"], hidden["text_sha256"]) == (
        {}, None, digest_of(NO_DAM))
    assert hidden["corrections"][0]["before_sha256"] == digest_of(DAM)
    assert hidden["retired"] == {"at": "1970-01-01T01:00:03+01:00", "catalogue": 3,
                                 "reason": "unlawful", "text_hidden": True}
    changed = {"text", "author", "corrections", "retired"}
    assert {name: told for name, told in hidden.items() if name not in changed} == {
        name: told for name, told in shown.items() if name not in changed}


def test_a_restored_proposal_is_as_it_was() -> None:
    """Its words come back, also those corrected while they were hidden."""
    made = document([accepted(DAM), retired(), corrected(DAM, NO_DAM, 1), RESTORED])
    [entry] = made["proposals"]
    assert (entry["text"], entry["retired"], made["totals"]["retired_proposals"]) == (
        NO_DAM, None, 0)
    assert entry["corrections"][0]["before"] == DAM


def test_ideas_say_how_many_of_their_proposals_are_retired() -> None:
    """And keep their votes: retiring moves no figure."""
    events: list[Event] = [
        ("IdeaDescribed", {"idea": "i", "theme": None, "title": {}}), accepted(DAM),
        ("ProposalGrouped", {"proposal": "p", "idea": "i"})]
    before, after = document(events), document([*events, retired(hidden=False)])

    assert [each["ideas"][0]["retired_proposals"] for each in (before, after)] == [0, 1]
    assert before["ideas"][0]["counted"] == after["ideas"][0]["counted"]
    assert before["totals"]["counted"] == after["totals"]["counted"]
    assert after["proposals"][0]["text"] == DAM


def test_changes_after_the_closing_are_counted() -> None:
    """Corrections, retirements and restorations; what is delivered again is no change."""
    made = document([
        accepted(DAM), CLOSED, corrected(DAM, NO_DAM, 1), corrected(DAM, NO_DAM, 1),
        retired(), ("ProposalRetired", {**retired()[1], "occurred_at": 5_000}), RESTORED, RESTORED])

    assert made["totals"]["corrections_after_closing"] == 1
    assert made["totals"]["retirements_after_closing"] == 2


def test_a_date_that_was_moved_is_told() -> None:
    """Old and new instants, in the consultation's own time zone."""
    made = document([("DescriptionCorrected", {
        "subject": "consultation", "name": "", "follows": bytes(16), "reason": "more time",
        "changes": [{"field": "closes_at", "before": None, "after": "3600000"}],
        "offsets": [4], "votes": 5})])

    assert made["consultation"]["closes_at"] == "1970-01-01T02:00:00+01:00"
    [change] = made["corrections"]
    assert change["changes"] == [{
        "field": "closes_at", "before": None, "after": "1970-01-01T02:00:00+01:00"}]
    assert (change["votes"], change["reason"]) == (5, "more time")


TEXTS = st.sampled_from((DAM, NO_DAM, {"en": "Third"}, {}))
EVENTS = st.one_of(
    TEXTS.map(accepted),
    st.builds(corrected, TEXTS, TEXTS, st.integers(0, 9)),
    st.builds(lambda hidden: retired(hidden=hidden), st.booleans()), st.just(RESTORED),
    st.just(ANNOUNCED), st.just(DESCRIBED), st.just(("DescriptionCorrected", {
        "subject": "consultation", "name": "", "follows": bytes(16), "reason": "r",
        "changes": [{"field": "question.en", "before": "?", "after": "!"}],
        "offsets": [], "votes": 0})))


@given(st.lists(EVENTS, max_size=12))
@property_test
def test_writers_and_readers_of_the_catalogue_know_the_same_words(events: list[Event]) -> None:
    """What a gateway serves and a command corrects is what results, pages and recounts show."""
    events = [DESCRIBED, *events]
    known, catalogue = KnownCatalogue(), Catalogue()
    for offset, (event, fields) in enumerate(events):
        full = {"consultation": "c", "event_id": bytes([offset] * 16), "occurred_at": offset,
                "ledger_version": 2, "first_keys": [], **fields}
        known.apply(event, full, offset)
        catalogue.apply(event, full, offset)
    found = catalogue.consultations["c"]
    told, shown = known.find("ProposalAccepted", "c", "p"), found.said_of("p")

    assert (told and told["text"]) == (shown and shown["text"])
    assert known.find("ConsultationDescribed", "c") == found.described
    assert {place[1] for place in known.retired} == set(found.retired)


def test_documents_of_former_forms_say_nothing_of_words() -> None:
    """What recounts compare with documents that earlier releases published."""
    made = wordings.without(document([accepted(DAM), retired()]))
    assert made["format"] == "scrutin-results/1"
    assert "corrections" not in made
    assert made["proposals"][0].keys().isdisjoint({"text_sha256", "corrections", "retired"})
