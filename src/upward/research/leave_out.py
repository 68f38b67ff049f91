"""Leaving out: what was changed, part by part, put back as the baseline has it.

A part is a knob that differs from the baseline; where a file differs by more than its knobs, each
block of lines that differs is one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from upward.core.errors import UnreadableSource
from upward.core.records import Change, Draft
from upward.core.seen import Kept
from upward.research.knobs import apply_sources, surface

OPERATOR = "leave out"
FEWEST_TO_HALVE = 4
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a file that differ from the baseline.

    Args:
        path: of the file.
        words: what it is, for people.
        text: the whole file with these lines as the baseline has them.
    """

    path: str
    words: str
    text: str


class LeaveOut:
    """Takes changed knobs and changed blocks of lines back out of a candidate."""

    def removals(self, baseline: Kept, incumbent: Kept) -> Iterator[Draft]:
        """Yield both halves of the changed knobs, then every knob and every block alone."""
        changes = _changed_knobs(baseline, incumbent)
        paths = sorted(incumbent.files)
        blocks = [b for path in paths for b in _blocks(path, baseline, incumbent, changes)]
        loose = {block.path for block in blocks}
        knobs = [change for change in changes if _path(change) not in loose]
        if len(knobs) + len(blocks) < 2:
            return
        half = len(knobs) // 2
        halves = [knobs[:half], knobs[half:]] if len(knobs) >= FEWEST_TO_HALVE else []
        for group in (*halves, *([change] for change in knobs)):
            draft = _without_knobs(group, incumbent)
            if draft is not None:
                yield draft
        for block in blocks:
            words = f"Without {block.words} nothing may be lost."
            yield Draft(incumbent.candidate, words, {block.path: block.text}, OPERATOR)


def _changed_knobs(baseline: Kept, incumbent: Kept) -> list[Change]:
    """What puts every changed knob back."""
    before, now = surface(baseline.files), surface(incumbent.files)
    return [
        Change(name, knob.source, before[name].source)
        for name, knob in now.items()
        if name in before and before[name].source != knob.source
    ]


def _path(change: Change) -> str:
    return change.knob.partition(":")[0]


def _without_knobs(group: Sequence[Change], incumbent: Kept) -> Draft | None:
    try:
        files = apply_sources(incumbent.files, {change.knob: change.new for change in group})
    except UnreadableSource:
        return None
    names = [f"{change.knob.partition(':')[2]} {change.old}" for change in group[:MOST_NAMED]]
    more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
    words = f"Without {', '.join(names)}{more} nothing may be lost."
    return Draft(incumbent.candidate, words, files, OPERATOR, tuple(group))


def _blocks(
    path: str, baseline: Kept, incumbent: Kept, changes: Sequence[Change]
) -> Iterator[Block]:
    """The blocks of a file that differs by more than its knobs; none where knobs are all."""
    text, before = incumbent.files[path], baseline.files.get(path)
    if before is None or text == before:
        return
    back = {change.knob: change.new for change in changes if _path(change) == path}
    try:
        if apply_sources({path: text}, back).get(path, text) == before:
            return
    except UnreadableSource:
        pass
    new, old = text.splitlines(keepends=True), before.splitlines(keepends=True)
    for kind, i, j, m, n in SequenceMatcher(None, new, old, autojunk=False).get_opcodes():
        if kind != "equal":
            lines = f"lines {i + 1} to {j}" if j > i else f"what was deleted before line {i + 1}"
            whole = "".join([*new[:i], *old[m:n], *new[j:]])
            yield Block(path, f"the change of {path}, {lines},", whole)
