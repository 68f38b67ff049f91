"""Ideas that an author prepared and left switched off: the cheapest questions of all.

A `False`, a zero at the lower end of a range, a `None` among choices: each is one trial that asks
about a whole idea, where every other knob asks about a little more or less of the same. They are
asked one at a time and first, because together one harmful switch hides a good one.
"""

from collections.abc import Iterable

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
    """Which switches were asked already."""

    def __init__(self) -> None:
        """Begin with none asked."""
        self._asked: set[str] = set()

    def learn(self, changes: Iterable[Change]) -> None:
        """Take in what a proposal changed; alone it is an answer, among others it is not."""
        changed = list(changes)
        if len(changed) == 1:
            self._asked.add(changed[0].knob)

    def next(self, knobs: Iterable[Knob]) -> Edit | None:
        """Return the edit that asks the next switch, or None.

        A literal in the middle of a call is a detail; what was prepared has a name.
        """
        for knob in knobs:
            if knob.id in self._asked or "(" in knob.name:
                continue
            source = switched_on(knob)
            if source is not None and source != knob.source:
                self._asked.add(knob.id)
                return _edit(knob, source)
        return None


def _edit(knob: Knob, source: str) -> Edit:
    operator = {Kind.BOOL: edits.FLIP, Kind.CHOICE: edits.CHOOSE}.get(knob.kind, edits.SCALE_UP)
    words = f"{knob.name} is switched off ({knob.source} -> {source}): what is prepared may help."
    return Edit(operator, (Change(knob.id, knob.source, source),), words)
