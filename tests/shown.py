"""What pages tell operators to type: blocks and single commands, word for word."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tests.harness import ROOT


PAGES = ("docs/operate.md", "docs/guard.md", "docs/codes.md", "docs/capacity.md")
PROGRAMS = ("scrutin", "make", "kubectl", "helm", "docker", "git", "curl", "sed", "ssh")
_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4,}\S.*\n)+", re.MULTILINE)
_BEGINS = re.compile(rf"(?:[A-Z_]+=\S+ )*({'|'.join(PROGRAMS)}|kafka-[a-z-]+\.sh) ")
"""How a command begins; a program's name alone is a name."""


class Block(NamedTuple):
    """Lines that a page sets apart."""

    heading: str
    kind: str
    text: str


def blocks(page: str, heading: str, *kinds: str) -> list[str]:
    """Return the blocks of some kinds below a heading of a page; no kind: all."""
    return [each.text for each in all_blocks(page)
            if each.heading == heading and (not kinds or each.kind in kinds)]


def all_blocks(page: str) -> Iterator[Block]:
    """Yield every block of a page, with the heading above it; an indented one has no kind."""
    for heading, text in _sections(page):
        found = [(each.start(), each[1], each[2]) for each in _FENCE.finditer(text)]
        found += [(each.start(), "", re.sub(r"^ +", "", each[0], flags=re.MULTILINE))
                  for each in _INDENTED.finditer(_FENCE.sub("", text))
                  if _BEGINS.match(each[0].lstrip())]
        yield from (Block(heading, kind, block) for _, kind, block in sorted(found))


def commands(page: str) -> Iterator[str]:
    """Yield every command that a page shows, in blocks and between words."""
    for _, text in _sections(page):
        spans = re.findall(r"`([^`]+)`", _FENCE.sub("", text))
        yield from (" ".join(span.split()) for span in spans if _BEGINS.match(span))
    for block in all_blocks(page):
        for line in block.text.replace("\\\n", "").splitlines():
            yield from (part for part in map(str.strip, re.split(r"; do |; | \| ", line))
                        if _BEGINS.match(part))


def words(command: str) -> list[str]:
    """Split a command as a shell does, without the settings before it."""
    found = shlex.split(command)
    while re.fullmatch(r"[A-Z_]+=.*", found[0]):
        found.pop(0)
    return found


def _sections(page: str) -> Iterator[tuple[str, str]]:
    text = (ROOT / page).read_text("utf-8")
    for section in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        title, _, rest = section.partition("\n")
        yield title.lstrip("# "), rest
