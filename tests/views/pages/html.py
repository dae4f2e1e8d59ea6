"""A page as its elements, refused where tags do not balance."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


VOID = {"meta", "link", "br", "hr", "img", "input"}
SELF_CLOSING = {"rect", "path", "circle"}
BLOCKS = {"p", "h1", "h2", "h3", "ul", "ol", "dl", "div", "table", "section", "details", "pre",
          "article", "nav", "header", "footer", "main"}


@dataclass
class Element:
    """One element with all that is in it."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = field(default=None, repr=False)
    children: list["Element"] = field(default_factory=list, repr=False)
    pieces: list["str | Element"] = field(default_factory=list, repr=False)

    def all(self, *tags: str) -> list["Element"]:
        """Return all elements within, in order, of these tags (any tag without)."""
        found = []
        for child in self.children:
            if not tags or child.tag in tags:
                found.append(child)
            found += child.all(*tags)
        return found

    def text(self) -> str:
        """Return the text, elements set apart by a space."""
        parts = (piece if isinstance(piece, str) else f" {piece.text()} " for piece in self.pieces)
        return " ".join("".join(parts).split(" "))

    def within(self, *, tag: str = "", name: str = "") -> bool:
        """Whether this or an ancestor has a tag or a class."""
        classes = self.attributes.get("class", "").split()
        here = (tag and self.tag == tag) or (name and name in classes)
        return bool(here) or (self.parent is not None and self.parent.within(tag=tag, name=name))


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            assert not self.open[-1].within(tag="p"), f"<{tag}> within <p> at {self.getpos()}"
        self._add(tag, attrs)
        if tag not in VOID:
            self.open.append(self.open[-1].children[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSING, f"<{tag}/> at {self.getpos()}"
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].pieces.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice at {self.getpos()}"
        parent = self.open[-1]
        element = Element(tag, {name: value or "" for name, value in attrs}, parent)
        parent.children.append(element)
        parent.pieces.append(element)


def parse(page: bytes) -> Element:
    """Read a page; AssertionError where its tags do not balance."""
    builder = _Builder()
    builder.feed(page.decode())
    builder.close()
    assert builder.open == [builder.root], f"<{builder.open[-1].tag}> is never closed"
    return builder.root
