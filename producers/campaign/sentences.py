"""Sentences of proposals, from a grammar per idea: all different, all "Il faut …"."""

import functools
import itertools
import json
import random
from importlib import resources
from typing import Any

from producers.errors import InvalidInput


SENTENCE_CHARACTERS_MOST = 140
"""Make.org's limit: a proposal is one sentence that fits a card."""
UNGROUPED = "ungrouped"
"""Name of the grammar (a list of topics) of proposals without an idea."""
GENERAL = "general"
"""Name of the grammar of an idea the file does not know."""


@functools.cache
def _grammars() -> dict[str, Any]:
    text = (resources.files("producers.campaign") / "sentences.json").read_text("utf-8")
    grammars: dict[str, Any] = json.loads(text)
    return grammars


@functools.cache
def possible(idea: str | None) -> tuple[str, ...]:
    """Return every sentence the grammar of an idea (None: ungrouped) can make."""
    grammars = _grammars()
    chosen = grammars[UNGROUPED] if idea is None else [grammars.get(idea, grammars[GENERAL])]
    sentences = dict.fromkeys(
        f"Il faut {' '.join(part for part in parts if part)}."
        for grammar in chosen
        for parts in itertools.product(grammar["actions"], grammar["where"], grammar["why"])
    )
    return tuple(text for text in sentences if len(text) <= SENTENCE_CHARACTERS_MOST)


def draw_sentences(
    idea: str | None, number: int, chance: random.Random, taken: set[str]
) -> list[str]:
    """Draw so many sentences of an idea that are not taken yet, and take them."""
    free = [text for text in possible(idea) if text not in taken]
    if len(free) < number:
        raise InvalidInput(
            f"idea {idea!r}: the grammar makes {len(free)} sentences, {number} are needed"
        )
    drawn = chance.sample(free, number)
    taken.update(drawn)
    return drawn
