"""The published figures of a campaign, read from the file the project ships or another like it."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from producers.errors import InvalidInput, Missing


@dataclass(frozen=True)
class PublishedIdea:
    """An idea and its published whole percentages of all votes on its proposals."""

    id: str
    theme: str
    title: dict[str, str]
    agree: int
    like_it: int
    doable: int


@dataclass(frozen=True)
class PublishedProposal:
    """A controversial proposal and its published whole percentages."""

    id: str
    text: dict[str, str]
    author: dict[str, Any]
    agree: int
    disagree: int


@dataclass(frozen=True)
class Published:
    """All of the file that a campaign is made from."""

    consultation: str
    question: dict[str, str]
    opens_at: int
    closes_at: int
    proposals: int
    participants: int
    votes: int
    votes_target: int
    themes: tuple[tuple[str, dict[str, str]], ...]
    ideas: tuple[PublishedIdea, ...]
    controversial: tuple[PublishedProposal, ...]
    stages: tuple[dict[str, str | None], ...]
    organisers: tuple[dict[str, Any], ...]
    facts: tuple[dict[str, Any], ...]
    hashtag: str
    contact: str


def load(path: Path | None = None) -> Published:
    """Read a file of published figures; without a path, the one the project ships.

    Raises Missing or InvalidInput, which name the file and the field.
    """
    source = path or resources.files("producers.campaign") / "solutions-jeunes.json"
    try:
        return parse(json.loads(source.read_text("utf-8")))
    except FileNotFoundError as error:
        raise Missing(f"{source}: no such file. Name a file of published figures.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{source}: not a file of published figures ({type(error).__name__}: {error}). "
            "Compare it with producers/campaign/solutions-jeunes.json."
        ) from error


def parse(data: dict[str, Any]) -> Published:
    """Take the figures from the decoded file; raise ValueError, KeyError or TypeError."""
    figures = data["published"]
    return Published(
        consultation=data["id"],
        question=_texts(data["question"]),
        opens_at=_instant(data["opens"]),
        closes_at=_instant(data["closes"]),
        proposals=figures["proposals"],
        participants=figures["participants"],
        votes=figures["votes"],
        votes_target=figures["votes_target"],
        themes=tuple((theme["id"], _texts(theme)) for theme in data["themes"]),
        ideas=tuple(
            _idea(idea, theme["id"]) for theme in data["themes"] for idea in theme["ideas"]
        ),
        controversial=tuple(map(_controversial, data["controversial"])),
        stages=tuple(
            {"name": stage["name"], "begins": stage["from"], "ends": stage.get("to")}
            for stage in data["stages"]
        ),
        organisers=tuple(data["organisers"]),
        facts=tuple(
            {"value": fact["value"], "texts": _texts(fact), "source": fact["source"]}
            for fact in data["facts"]
        ),
        hashtag=data["hashtag"],
        contact=data["contact"],
    )


def _texts(record: dict[str, Any]) -> dict[str, str]:
    return {language: record[language] for language in ("fr", "en") if language in record}


def _instant(text: str) -> int:
    """Read an instant in milliseconds; the file adds a remark in brackets to its closing."""
    moment = datetime.fromisoformat(text.partition(" ")[0])
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no offset from UTC")
    return int(moment.timestamp() * 1_000)


def _percentage(record: dict[str, Any], name: str) -> int:
    value = record[name]
    if not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError(f"{record['id']}: {name} is {value!r}, not a whole percentage")
    return value


def _idea(idea: dict[str, Any], theme: str) -> PublishedIdea:
    agree = _percentage(idea, "agree")
    like_it, doable = _percentage(idea, "like_it"), _percentage(idea, "doable")
    if max(like_it, doable) > agree:
        raise ValueError(f"{idea['id']}: more qualify agreement than agree")
    return PublishedIdea(idea["id"], theme, _texts(idea), agree, like_it, doable)


def _controversial(proposal: dict[str, Any]) -> PublishedProposal:
    agree, disagree = _percentage(proposal, "agree"), _percentage(proposal, "disagree")
    if agree + disagree > 100:
        raise ValueError(f"{proposal['id']}: agree and disagree exceed 100")
    author = {**proposal["author"], "age_band": None}
    return PublishedProposal(proposal["id"], _texts(proposal), author, agree, disagree)
