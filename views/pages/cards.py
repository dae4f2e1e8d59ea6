"""What the picture of a consultation, an idea or a proposal says, in a language. Pure.

It says what its page says, and under embargo as little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel.support import Translations

from processors.results.results_document import shares_hidden
from schemas.words import CHOICES
from views.pages.languages import translations
from views.pages.picture import Card, Part
from views.pages.pieces import Pieces
from views.pages.rendering import plain, question_of, shown_in
from views.pages.results_page import Measure, measure
from views.pages.typography import Typography


@dataclass(frozen=True)
class Said:
    """The words of a page that is shared."""

    title: str
    said: str
    """Its figures as a sentence, for who is not shown the picture."""


class Cards:
    """The words of pictures in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._texts: Translations = translations(language)
        self._write = Typography(language)
        self._pieces = Pieces(self._write, self._texts)

    def of_consultation(self, frame: Mapping[str, Any], phase: str) -> Card:
        """Say how many took part, and of what."""
        totals, ngettext = frame["totals"], self._texts.ngettext
        votes, participants, proposals = (
            totals["counted"]["votes"], totals["participants"], totals["proposals"])
        counts = [
            (votes, ngettext("vote counted", "votes counted", votes)),
            (participants, ngettext("participant", "participants", participants)),
            (proposals, ngettext("proposal", "proposals", proposals))]
        return Card(
            self._texts.gettext("Public consultation: the results"),
            question_of(frame["consultation"], self._language)[0],
            [Part("", self._write.integer(count), label) for count, label in counts],
            self._state(frame, phase),
            self._texts.gettext("Every number can be recomputed by anybody."))

    def of_entry(
        self, frame: Mapping[str, Any], kind: str, entry: Mapping[str, Any], phase: str
    ) -> Card:
        """Say how people vote on a proposal or an idea, or that it is hidden."""
        return Card(
            question_of(frame["consultation"], self._language)[0], self._title(kind, entry),
            [] if shares_hidden(frame) else [self._part(each) for each in _shares(entry)],
            self._state(frame, phase), self._foot(frame, entry))

    def said(self, card: Card) -> Said:
        """Say the same in a title and a sentence."""
        parts = [f"{part.label} {part.value}" + (f" ({part.of})" if part.of else "")
                 for part in card.parts]
        return Said(card.title, ", ".join([*parts, f"{card.foot}. {card.state}."]))

    def _state(self, frame: Mapping[str, Any], phase: str) -> str:
        """Say in few words what results there are; nobody may take those of a demonstration for
        those of people."""
        gettext = self._texts.gettext
        if frame["consultation"].get("origin") == "simulation":
            return gettext("A demonstration: simulated votes")
        if phase == "upcoming":
            return gettext("Voting is not open yet")
        return gettext("Final results") if phase == "final" else gettext("Provisional results")

    def _title(self, kind: str, entry: Mapping[str, Any]) -> str:
        texts = entry["title"] if kind == "idea" else entry["text"]
        text = shown_in(texts, self._language)[0] if texts else ""
        return text or plain(entry["id"])

    def _foot(self, frame: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
        votes = entry["counted"]["votes"]
        said = [self._texts.ngettext(
            "%(count)s vote counted", "%(count)s votes counted", votes)
            % {"count": self._write.integer(votes)}]
        if shares_hidden(frame):
            said.append(self._texts.gettext("how people vote is hidden until voting has closed"))
        if entry.get("retired"):
            said.append(self._texts.gettext("retired: not voted on any more"))
        return " · ".join(said)

    def _part(self, m: Measure) -> Part:
        gettext = self._texts.gettext
        label = {"agree": gettext("Agree"), "disagree": gettext("Disagree"),
                 "neutral": gettext("Neutral")}[m.name]
        count = self._texts.ngettext("%(count)s vote", "%(count)s votes", m.count) % {
            "count": self._write.integer(m.count)}
        part = m.count / m.base if m.base else 0.0
        if m.percent is None:
            return Part(m.name, self._write.integer(m.count), label, "", part)
        return Part(m.name, self._pieces.written(m), label, count, part)


def _shares(entry: Mapping[str, Any]) -> list[Measure]:
    counted = entry["counted"]
    return [measure(name, counted[name], counted["votes"]) for name in CHOICES]


def said(
    language: str, frame: Mapping[str, Any], kind: str, entry: Mapping[str, Any], phase: str
) -> Said:
    """Say in a title and a sentence what the picture of an entry says."""
    cards = Cards(language)
    return cards.said(cards.of_entry(frame, kind, entry, phase))
