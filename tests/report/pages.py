"""What the tests of the page share: reading a page as a browser would, and making one."""

from html.parser import HTMLParser

from upward.ledger.replay import StudyState
from upward.report.page import render
from upward.testing.sample_study import Read

BLOCKS = {"p", "li", "dt", "dd", "td", "th", "tr", "h1", "h2", "h3", "text", "button", "a", "time"}
VOID = {"meta", "br", "hr", "input", "col"}
NOW = "2026-03-15T08:00:00.000Z"


class Page(HTMLParser):
    """A parsed page: its tags, attributes and visible words; unbalanced tags are an error."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.markup = markup
        self.open = list[str]()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self.words = list[str]()
        self.feed(markup)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        """All words that a reader sees, with single spaces."""
        return " ".join("".join(self.words).split())

    def find(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Attributes of every tag of this name with these attributes."""
        names = {key.rstrip("_").replace("_", "-"): value for key, value in wanted.items()}
        return [
            found
            for name, found in self.tags
            if name == tag and all(found.get(k) == v for k, v in names.items())
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice on {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag in BLOCKS:
            self.words.append(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "title"} & set(self.open):
            self.words.append(data)


def page_of(study: tuple[StudyState, Read], head_checked: str | None = None) -> Page:
    """Render a study and parse what came out."""
    state, read = study
    return Page(render(state, read, generated_at=NOW, head_checked=head_checked))
