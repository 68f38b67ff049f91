"""What a candidate changes, as a unified diff against its parent: hostile text, shown as it is."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from upward.core.errors import BlobChanged
from upward.core.records import Proposal
from upward.ledger.replay import StudyState
from upward.report.markup import Html, el, join, verbatim
from upward.report.text import count, reveal

Read = Callable[[str], str]

MOST_LINES = 240
MOST_LINE_CHARS = 400
MOST_FILE_CHARS = 400_000
CLASSES = {"+": "plus", "-": "minus", "@": "at"}


@dataclass(slots=True)
class Room:
    """How many lines of diffs the page may still take."""

    lines: int

    def take(self, wanted: int) -> int:
        """Take lines for one diff; returns how many it may show."""
        given = min(wanted, MOST_LINES, self.lines)
        self.lines -= given
        return given


def diff(state: StudyState, proposal: Proposal, read: Read, room: Room) -> Html:
    """Return the changes of a proposal against its parent.

    Args:
        state: the study.
        proposal: whose candidate is shown.
        read: text of a blob; it may raise `BlobChanged`, which is then said in place of the
            diff, or `UnicodeDecodeError` for bytes that are no text.
        room: how many lines may still be shown.
    """
    try:
        lines = _lines(state, proposal, read)
    except UnicodeDecodeError:
        return el("p", "Not text: there is no diff to show.", cls="note")
    except BlobChanged as error:
        return el("p", f"This cannot be shown, the stored bytes are in doubt. {error}", cls="alarm")
    shown = lines[: room.take(len(lines))]
    body = join((_line(text) for text in shown), "\n")
    parts = [el("pre", body, cls="diff", tabindex="0")] if shown else []
    if len(shown) < len(lines):
        missing = count(len(lines) - len(shown), "further line")
        note = f"{missing} not shown here; `upward diff p{proposal.number}` shows all."
        parts.append(el("p", note, cls="note"))
    return join(parts)


def _lines(state: StudyState, proposal: Proposal, read: Read) -> list[str]:
    before = state.tree_of(proposal.parent)
    found = list[str]()
    for path, blob in sorted(proposal.files.items()):
        old = read(before[path])[:MOST_FILE_CHARS] if path in before else ""
        new = read(blob)[:MOST_FILE_CHARS]
        # only "\n" ends a line here: other separators stay visible inside it
        found += difflib.unified_diff(old.split("\n"), new.split("\n"), path, path, lineterm="")
    return found


def _line(text: str) -> Html:
    shown = verbatim(reveal(text, MOST_LINE_CHARS))
    cls = CLASSES.get(text[:1])
    return el("span", shown, cls=cls) if cls else shown
