"""What every part of the page needs, and the frame that every part has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from upward.ledger.replay import StudyState
from upward.report.diffs import Room
from upward.report.facts import Figures, Headline
from upward.report.markup import Html, el, join

Read = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class View:
    """A study as the page sees it.

    Args:
        state: the study.
        figures: how its values are written.
        headline: what it may claim.
        read: text of a blob by its id.
        room: how much of the page diffs may still take.
        generated_at: when the page was made, for people.
        head_checked: hash of the last entry of a chain that was verified just before, or None.
        arms: its control arms.
    """

    state: StudyState
    figures: Figures
    headline: Headline
    read: Read
    room: Room
    generated_at: str
    head_checked: str | None
    arms: Sequence[StudyState] = ()


def section(name: str, heading: str, *parts: str | None, intro: str | None = None) -> Html:
    """Return a part of the page with its heading and a sentence that says what it shows."""
    lead = el("p", intro, cls="intro") if intro else None
    return el("section", el("h2", heading), lead, *parts, id=name)


def facts(*pairs: tuple[str, str, str | None]) -> Html:
    """Return tiles: name, figure, and one sentence that explains it."""
    return el("dl", *(_tile(*pair) for pair in pairs), cls="tiles")


def _tile(name: str, figure: str, explained: str | None) -> Html:
    words = el("dd", explained, cls="why") if explained else None
    amount, _, unit = figure.partition(" ")
    unit_words = join((" ", el("span", unit, cls="u"))) if unit else None
    return el("div", el("dt", name), el("dd", amount, unit_words, cls="figure"), words)


def table(head: tuple[str, ...], rows: list[Html], cls: str, *, fit: bool = False) -> Html:
    """Return a table in a box that scrolls by itself; a heading that ends in # is for numbers.

    With `fit` the box is as wide as its content, not as the page.
    """
    cells = (
        el("th", name.removesuffix("#"), scope="col", cls="n" if name.endswith("#") else None)
        for name in head
    )
    body = el("table", el("thead", el("tr", *cells)), el("tbody", *rows), cls=cls)
    return el("div", body, cls="box fit" if fit else "box", tabindex="0")


def code(text: str) -> Html:
    """Return a command or a name in the page's own words."""
    return el("code", text)
