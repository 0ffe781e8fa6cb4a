"""A page read back: its tables as rows of text, its big numbers, and everything that a rule may be about."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr", "source", "wbr", "base", "col", "area", "embed", "track"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, *tags: str) -> list[Element]:
        """All elements inside, of some kinds, in their order."""
        inside = []
        for child in self.children:
            inside += [child, *child.all()]
        return [each for each in inside if not tags or each.tag in tags]

    def above(self) -> list[str]:
        return [] if self.parent is None else [self.parent.tag, *self.parent.above()]


class Page(HTMLParser):
    """Parse strictly: what is opened is closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.root = self._at = Element("", {}, None)
        self.feed(html)
        self.close()
        assert self._at is self.root, f"<{self._at.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._at.tag == tag, f"</{tag}> closes <{self._at.tag}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self._at
        while element is not None:
            element.text += data
            element = element.parent

    def table(self, name: str) -> list[list[str]]:
        """The rows of a table's body."""
        found = [each for each in self.root.all("table") if each.attributes.get("id") == name]
        assert len(found) == 1, f"{len(found)} tables called {name}"
        body = found[0].all("tbody")[0]
        return [[cell.text for cell in row.children] for row in body.all("tr")]

    def has(self, name: str) -> bool:
        return any(each.attributes.get("id") == name for each in self.root.all())

    @property
    def figures(self) -> dict[str, str]:
        """The big numbers by their names."""
        return {e.attributes["data-figure"]: e.text for e in self.root.all("dd") if "data-figure" in e.attributes}

    def section(self, name: str) -> str:
        """All text of a section, in one line."""
        found = [each for each in self.root.all("section") if each.attributes["id"] == name]
        assert len(found) == 1
        return " ".join(found[0].text.split())
