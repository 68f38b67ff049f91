"""Ideas that an author prepared and left switched off: the cheapest questions of all.

A `False`, a zero at the lower end of a range, a `None` among choices: each is one trial that asks
about a whole idea, where every other knob asks about a little more or less of the same. They are
asked one at a time and first, because together one harmful switch hides a good one.
"""

from collections.abc import Iterable, Sequence

from upward.core.records import Change
from upward.research import edits
from upward.research.edits import Edit
from upward.research.knob import Kind, Knob
from upward.research.literals import read_number, write_number

ON = ("true", "yes", "on")
NOTHING = ("none", "null", "off", "no", "false")


def switched_on(knob: Knob) -> str | None:
    """Return the source that switches a knob on, or None for a knob that is not switched off."""
    if knob.kind is Kind.BOOL:
        others = [c for c in knob.choices if c.lower() in ON]
        return others[0] if others and knob.source.lower() not in ON else None
    if knob.kind is Kind.CHOICE:
        others = [choice for choice in knob.choices if not _is_nothing(choice)]
        return others[len(others) // 2] if others and _is_nothing(knob.source) else None
    if not knob.numeric or knob.value != 0 or knob.low != 0 or not knob.high:
        return None
    # the middle of its range: enough of the idea to see whether there is anything in it
    return write_number(knob, 0.5 * knob.high)


def _is_nothing(source: str) -> bool:
    return read_number(source) == 0 or source.strip("\"'").lower() in NOTHING


class Switches:
    """Which questions about switches were asked already."""

    def __init__(self) -> None:
        """Begin with none asked."""
        self._asked: set[frozenset[str]] = set()

    def learn(self, changes: Iterable[Change]) -> None:
        """Take in which knobs a proposal changed together: that question is answered."""
        self._asked.add(frozenset(change.knob for change in changes))

    def next(self, knobs: Iterable[Knob]) -> Edit | None:
        """Return the edit that asks the next question about what is still switched off, or None.

        First all together, then each half, then one by one: where most of what an author prepared
        helps, one trial has nearly all of it, and where one harmful switch hides the rest, the
        question costs three trials. Once a group is kept, only what it left off is asked.

        A literal in the middle of a call is a detail; what was prepared has a name.
        """
        off = [edit for knob in knobs if "(" not in knob.name if (edit := _on(knob)) is not None]
        half = len(off) // 2
        for group in (off, off[:half], off[half:], *([edit] for edit in off)):
            names = frozenset(change.knob for edit in group for change in edit.changes)
            if names and names not in self._asked:
                self._asked.add(names)
                return group[0] if len(group) == 1 else _together(group)
        return None


def _on(knob: Knob) -> Edit | None:
    source = switched_on(knob)
    if source is None or source == knob.source:
        return None
    operator = {Kind.BOOL: edits.FLIP, Kind.CHOICE: edits.CHOOSE}.get(knob.kind, edits.SCALE_UP)
    words = f"{knob.name} is switched off ({knob.source} -> {source}): what is prepared may help."
    return Edit(operator, (Change(knob.id, knob.source, source),), words)


def _together(group: Sequence[Edit]) -> Edit:
    changes = tuple(change for edit in group for change in edit.changes)
    words = f"What is prepared and switched off may help together: {edits.listed(changes)}."
    return Edit(edits.SEVERAL, changes, words)
