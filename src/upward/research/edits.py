"""Typed edits: small pure functions from knobs to a change with its reason in words.

Every edit really changes a value and stays in the knob's range; where that is impossible there
is no edit (None).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from upward.core.records import Change, Draft
from upward.core.seen import Kept
from upward.research.knob import Kind, Knob
from upward.research.knobs import apply_sources
from upward.research.literals import read_number
from upward.research.space import in_range, moved

SCALE_UP, SCALE_DOWN, FLIP, CHOOSE = "scale_up", "scale_down", "flip", "choose"
SWAP, REVERT, COMBINE, SEVERAL = "swap", "revert", "combine", "several"
OPERATORS = (SCALE_UP, SCALE_DOWN, FLIP, CHOOSE, SWAP, REVERT, COMBINE, SEVERAL)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed and why, not yet applied to any file.

    Args:
        operator: one of `OPERATORS`.
        changes: one typed change for each knob.
        words: one sentence for people; by default it is made from the changes when it is asked
            for, because of a thousand edits that are considered one is proposed.
        parents: further candidates that it takes from.
    """

    operator: str
    changes: tuple[Change, ...]
    words: str = ""
    parents: tuple[str, ...] = ()

    @property
    def hypothesis(self) -> str:
        """Why this should help, one sentence for people."""
        return self.words or _together(self.changes)

    @property
    def knobs(self) -> frozenset[str]:
        """Ids of the knobs that it touches."""
        return frozenset(change.knob for change in self.changes)


def scale_up(knob: Knob, factor: float) -> Edit | None:
    """Move a number up its scale by a factor above 1."""
    return _scaled(knob, moved(knob, factor, up=True), SCALE_UP)


def scale_down(knob: Knob, factor: float) -> Edit | None:
    """Move a number down its scale by a factor above 1."""
    return _scaled(knob, moved(knob, factor, up=False), SCALE_DOWN)


def _scaled(knob: Knob, source: str | None, operator: str) -> Edit | None:
    if source is None:
        return None
    verb = _verb(knob, source)
    words = f"{verb} {knob.name} ({knob.source} -> {source}) may suit this task better."
    return Edit(operator, (Change(knob.id, knob.source, source),), words)


def _verb(knob: Knob, source: str) -> str:
    new, old = read_number(source) or 0.0, read_number(knob.source) or 0.0
    ratio = new / old if old > 0 else 0.0
    if 1.9 <= ratio <= 2.1:
        return "Doubling"
    if 0.48 <= ratio <= 0.52:
        return "Halving"
    return "Raising" if new > old else "Lowering"


def flip(knob: Knob) -> Edit | None:
    """Turn a switch to its other position."""
    others = [source for source in knob.choices if source != knob.source]
    if knob.kind is not Kind.BOOL or len(others) != 1:
        return None
    verb = "Switching on" if others[0].lower() in ("true", "yes", "on") else "Switching off"
    words = f"{verb} {knob.name} ({knob.source} -> {others[0]}) may help."
    return Edit(FLIP, (Change(knob.id, knob.source, others[0]),), words)


def choose(knob: Knob, source: str) -> Edit | None:
    """Take another of the knob's known choices."""
    if knob.kind is not Kind.CHOICE or source not in knob.choices or source == knob.source:
        return None
    words = f"{knob.name} may work better as {source} than as {knob.source}."
    return Edit(CHOOSE, (Change(knob.id, knob.source, source),), words)


def swap(one: Knob, other: Knob) -> Edit | None:
    """Exchange the values of two numbers of the same kind, where each fits the other's range."""
    values = read_number(one.source), read_number(other.source)
    if one.kind is not other.kind or one.scale is not other.scale or not one.numeric:
        return None
    if values[0] is None or values[1] is None or values[0] == values[1] or one.id == other.id:
        return None
    if not (in_range(one, values[1]) and in_range(other, values[0])):
        return None
    words = f"{one.name} and {other.name} may be the wrong way round: exchange their values."
    changes = Change(one.id, one.source, other.source), Change(other.id, other.source, one.source)
    return Edit(SWAP, changes, words)


def revert(knob: Knob, baseline: str) -> Edit | None:
    """Put one changed knob back to the baseline's value: a change that costs nothing to drop."""
    if knob.source == baseline:
        return None
    words = f"{knob.name} may be better as it was ({knob.source} -> {baseline})."
    return Edit(REVERT, (Change(knob.id, knob.source, baseline),), words)


def combine(parent: Mapping[str, Knob], held: frozenset[str], other: Kept) -> Edit | None:
    """Apply what another archived candidate changed, where the parent has not changed it itself.

    Args:
        parent: the parent's knobs by id.
        held: knobs that the parent itself changed; they stay.
        other: the archived candidate.

    Returns:
        The edit, or None when nothing new would come over.
    """
    wanted = {change.knob: change.new for change in other.changes}
    changes = tuple(
        Change(name, parent[name].source, source)
        for name, source in wanted.items()
        if name in parent and name not in held and parent[name].source != source
    )
    if not changes:
        return None
    names = ", ".join(parent[change.knob].name for change in changes)
    words = f"What helped another candidate ({names}) may add to what this one has."
    return Edit(COMBINE, changes, words, (other.candidate,))


def several(edits: Sequence[Edit]) -> Edit | None:
    """Make two or more edits of different knobs at once."""
    changes = tuple(change for edit in edits for change in edit.changes)
    if len(edits) < 2 or len({change.knob for change in changes}) != len(changes):
        return None
    return Edit(SEVERAL, changes)


def _together(changes: Sequence[Change]) -> str:
    return f"Changing {listed(changes)} together may add up."


def listed(changes: Sequence[Change]) -> str:
    """Two or more changes in words: ``A (1 -> 2), B (0 -> 5) and C (False -> True)``."""
    names = [f"{c.knob.partition(':')[2]} ({c.old} -> {c.new})" for c in changes]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def varied(edit: Edit, single: Edit) -> Edit:
    """Add one more change to an edit, in place of what the edit does to the same knob."""
    [change] = single.changes
    kept = tuple(c for c in edit.changes if c.knob != change.knob)
    return Edit(SEVERAL, (*kept, change)) if kept else single


def to_draft(edit: Edit, parent: Kept) -> Draft:
    """Apply an edit to its parent's files.

    Raises:
        UnreadableSource: a place cannot be edited safely.
        UnknownName: the parent has no such knob.
    """
    sources = {change.knob: change.new for change in edit.changes}
    return Draft(
        parent=parent.candidate,
        hypothesis=edit.hypothesis,
        files=apply_sources(parent.files, sources),
        operator=edit.operator,
        changes=edit.changes,
        parents=edit.parents,
    )
