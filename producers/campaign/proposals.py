"""The proposals of a campaign: their identifiers, sentences and authors."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from producers.campaign.counts import Counts, Group
from producers.campaign.published import Published
from producers.campaign.sentences import draw_sentences


FIRST_NAMES = (
    "Adèle", "Adrien", "Agathe", "Aïcha", "Alain", "Alexandre", "Alice", "Amandine", "Amélie",
    "Amina", "Anaïs", "André", "Anne", "Antoine", "Arthur", "Axel", "Baptiste", "Béatrice",
    "Benoît", "Bernard", "Brigitte", "Camille", "Carole", "Catherine", "Cécile", "Céline",
    "Chantal", "Charlotte", "Chloé", "Christophe", "Claire", "Clara", "Clément", "Corinne",
    "Damien", "Daniel", "David", "Delphine", "Denis", "Dominique", "Élise", "Élodie", "Emma",
    "Émilie", "Enzo", "Éric", "Estelle", "Étienne", "Fanny", "Fatima", "Fatou", "Florence",
    "Florian", "Françoise", "Gabriel", "Gaëlle", "Georges", "Gilles", "Guillaume", "Hélène",
    "Hervé", "Hugo", "Inès", "Isabelle", "Jacques", "Jade", "Jean", "Jeanne", "Jérôme", "Joëlle",
    "Julie", "Julien", "Karim", "Karine", "Kevin", "Laetitia", "Laura", "Laurent", "Léa", "Léo",
    "Lina", "Louis", "Louise", "Lucas", "Lucie", "Malik", "Manon", "Marc", "Margaux", "Marie",
    "Martine", "Mathieu", "Mathilde", "Maxime", "Mehdi", "Mélanie", "Michel", "Mohamed", "Monique",
    "Morgane", "Nadia", "Nathalie", "Nathan", "Nicolas", "Nicole", "Noé", "Océane", "Olivier",
    "Pascal", "Patricia", "Paul", "Pauline", "Philippe", "Pierre", "Quentin", "Raphaël", "Rémi",
    "Romain", "Rose", "Sabrina", "Samir", "Sandrine", "Sarah", "Sébastien", "Serge", "Simon",
    "Sophie", "Stéphanie", "Sylvain", "Théo", "Thierry", "Thomas", "Valérie", "Vincent", "Yanis",
    "Yasmine", "Yves", "Zoé",
)
AUTHOR_AGE_BANDS = (
    ("15-17", 8), ("18-24", 24), ("25-34", 20), ("35-49", 24), ("50-64", 16), ("65+", 8),
)
"""Age bands of authors and their weights: as participants', a little younger."""


@dataclass(frozen=True)
class Proposal:
    """A proposal as it stands in the catalogue."""

    id: str
    idea: str | None
    text: dict[str, str]
    author: dict[str, Any]


def draw_proposals(
    published: Published,
    groups: Sequence[Group],
    counts: Sequence[Sequence[Counts]],
    chance: random.Random,
) -> tuple[tuple[Proposal, ...], tuple[Counts, ...]]:
    """Write the proposals and put each beside its counts: the published ones first, then mixed."""
    first = len(published.controversial)
    named = [
        Proposal(proposal.id, None, proposal.text, proposal.author)
        for proposal in published.controversial
    ]
    taken: set[str] = set()
    drawn = [
        (group.idea, sentence, row)
        for group, rows in zip(groups[first:], counts[first:], strict=True)
        for sentence, row in zip(
            draw_sentences(group.idea, len(rows), chance, taken), rows, strict=True
        )
    ]
    chance.shuffle(drawn)
    authors = _draw_authors(len(drawn), chance)
    others = [
        Proposal(f"p{number:04d}", idea, {"fr": sentence}, author)
        for number, ((idea, sentence, _), author) in enumerate(
            zip(drawn, authors, strict=True), 1
        )
    ]
    rows = [row for group in counts[:first] for row in group] + [row for _, _, row in drawn]
    return (*named, *others), tuple(rows)


def _draw_authors(number: int, chance: random.Random) -> list[dict[str, Any]]:
    names = chance.choices(FIRST_NAMES, k=number)
    bands, weights = zip(*AUTHOR_AGE_BANDS, strict=True)
    ages = chance.choices(bands, weights, k=number)
    return [
        {"name": name, "kind": "citizen", "age_band": age}
        for name, age in zip(names, ages, strict=True)
    ]
