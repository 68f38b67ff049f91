"""What was tried lately and what was best: configurations with how good they were, bounded.

A configuration is written as what differs from the baseline: knob id to source text. Its level is
its gain over the baseline in standard deviations of one measurement, added up along its parents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from upward.core.records import Change, Decision
from upward.core.seen import Lesson
from upward.research.knob import Knob
from upward.research.literals import read_number
from upward.research.space import stretched
from upward.research.surrogate import Floats, Trials

LIMIT = 112
RECENT = 40
PENDING = 16
CHOICE_STEP = 1.4  # in each of two columns: two choices are correlated by a third
FAILED_NOISE = 0.3

Sources = dict[str, str]


@dataclass(frozen=True, slots=True)
class Tried:
    """One configuration.

    Args:
        sources: what differs from the baseline.
        level: None when it failed.
        parent: content id of the candidate that its level is counted from.
    """

    sources: Sources
    level: float | None
    parent: str = ""


class Window:
    """The configurations that a proposal looks at; the worst of the old ones are forgotten."""

    def __init__(self) -> None:
        """Begin empty."""
        self.tried: dict[str, Tried] = {}
        self.pending: dict[str, Sources] = {}

    def begin(self, baseline: str) -> None:
        """Make the baseline known: level 0, nothing changed."""
        self.tried.setdefault(baseline, Tried({}, 0.0))

    def wait_for(self, candidate: str, parent: str, changes: tuple[Change, ...]) -> None:
        """Remember a proposal whose verdict is still to come."""
        self.pending[candidate] = self._sources(parent, changes)
        if len(self.pending) > PENDING:
            del self.pending[next(iter(self.pending))]

    def learn(self, lesson: Lesson) -> None:
        """Take in one verdict; a later one on the same candidate replaces the earlier.

        One without a measurement and without a failure leaves what was known as it is.
        """
        proposal = lesson.proposal
        self.pending.pop(proposal.candidate, None)
        if lesson.gain_sd is None and lesson.failure is None:
            return
        if not self.tried:
            self.begin(proposal.parent)
        parent = self.tried.get(proposal.parent)
        fell = lesson.failure == "stack"
        if parent is None or parent.level is None:
            if fell:
                self._fall(proposal.candidate, None)
            return
        level = None if lesson.gain_sd is None else parent.level + lesson.gain_sd
        if fell:
            self._fall(proposal.candidate, level)
            return
        sources = self._sources(proposal.parent, proposal.changes)
        untyped = not proposal.changes
        if untyped and lesson.decision is Decision.ACCEPTED and lesson.gain_sd is not None:
            self._lift(lesson.gain_sd)
        if not untyped or lesson.decision is Decision.ACCEPTED:
            self.tried.pop(proposal.candidate, None)
            self.tried[proposal.candidate] = Tried(sources, level, proposal.parent)
            self._forget()

    def _fall(self, candidate: str, level: float | None) -> None:
        """A step that was accepted is given up: what was counted from it falls with it.

        Args:
            candidate: the step.
            level: what it is known to have now; None where that cannot be told any more.
        """
        was = self.tried.get(candidate)
        for name in (candidate, *self._upon(candidate)):
            tried = self.tried.get(name)
            if tried is None or tried.level is None:
                continue
            if level is None or was is None or was.level is None:
                del self.tried[name]
            else:
                self.tried[name] = replace(tried, level=tried.level + level - was.level)

    def _upon(self, candidate: str) -> list[str]:
        """Everything whose level is counted from a candidate, directly or not."""
        found = [candidate]
        for above in found:
            found += [n for n, t in self.tried.items() if t.parent == above and n not in found]
        return found[1:]

    def _sources(self, parent: str, changes: tuple[Change, ...]) -> Sources:
        known = self.tried.get(parent)
        return (known.sources if known else {}) | {c.knob: c.new for c in changes}

    def _lift(self, gain_sd: float) -> None:
        """An accepted rewrite of the code is expected to help every configuration alike."""
        for name, tried in self.tried.items():
            if tried.level is not None:
                self.tried[name] = replace(tried, level=tried.level + gain_sd)

    def _forget(self) -> None:
        if len(self.tried) > LIMIT:
            old = list(self.tried)[1:-RECENT]
            worst = min(old, key=lambda name: _or_worst(self.tried[name].level))
            del self.tried[worst]

    def level(self, candidate: str) -> float:
        """The level of a candidate; of one that was forgotten, the best level known."""
        tried = self.tried.get(candidate)
        if tried is not None and tried.level is not None:
            return tried.level
        return max((t.level for t in self.tried.values() if t.level is not None), default=0.0)

    def trials(self, frame: "Frame", incumbent: str, sharper: float = 1.0) -> Trials:
        """Return the window as points and values for a fit.

        Args:
            frame: the columns.
            incumbent: content id.
            sharper: how many times less a measurement of the incumbent varies than one of the
                baseline did; differences that were noise at first are seen then.

        Values are levels over the incumbent's, compressed so that the far bad ones do not
        outweigh the differences that matter; a failure is worse than anything measured. What is
        pending counts as no better than the incumbent, so that workers do not ask the same.
        """
        rows = [frame.place(tried.sources) for tried in self.tried.values()]
        over = np.array([_or_nan(t.level) for t in self.tried.values()]) - self.level(incumbent)
        values, noise = _compressed(over * sharper)
        waiting = [frame.place(sources) for sources in self.pending.values()]
        return Trials(
            np.array(rows + waiting),
            np.concatenate([values, np.zeros(len(waiting))]),
            np.concatenate([noise, np.full(len(waiting), FAILED_NOISE)]),
            frame.switch,
        )


def _or_nan(level: float | None) -> float:
    return np.nan if level is None else level


def _or_worst(level: float | None) -> float:
    return -np.inf if level is None else level


def _compressed(over: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(over)
    apart = np.abs(over[known])
    unit = max(1.0, float(np.quantile(apart, 0.3))) if len(apart) > 3 else 1.0
    values = np.arcsinh(over / unit)
    values[~known] = values[known].min(initial=0.0) - 0.5
    noise = 1.0 / (unit**2 + np.where(known, over, 0.0) ** 2) + 1e-3
    return values, np.where(known, noise, FAILED_NOISE)


class Frame:
    """Columns of numbers for configurations: one for a number, one for each choice of a switch.

    Choices that are all numbers are steps of one scale and share a column. Ranges are those of
    the baseline's knobs, so that a column means the same all the time.
    """

    def __init__(self, baseline: Mapping[str, Knob], parent: Mapping[str, Knob]) -> None:
        """Lay out the columns for all knobs of the baseline and of the parent."""
        self.knobs = {**parent, **baseline}
        self._rungs = {name: _rungs(knob) for name, knob in self.knobs.items()}
        self._first: dict[str, int] = {}
        self._spots: dict[tuple[str, str], tuple[slice, Floats]] = {}
        switch: list[float] = []
        for name, knob in self.knobs.items():
            self._first[name] = len(switch)
            ordered = knob.numeric or bool(self._rungs[name])
            switch += [0.0] if ordered else [1.0] * len(knob.choices)
        self.switch: Floats = np.array(switch)
        self._base = np.zeros(len(switch))
        for name, knob in self.knobs.items():
            self._put(self._base, name, knob.source)

    def place(self, sources: Mapping[str, str], base: Floats | None = None) -> Floats:
        """Return the row of a configuration, shape (columns,).

        Args:
            sources: what differs.
            base: the row that it differs from; the baseline's by default.
        """
        row = (self._base if base is None else base).copy()
        for name, source in sources.items():
            if name in self._first:
                self._put(row, name, source)
        return row

    def _put(self, row: Floats, name: str, source: str) -> None:
        spot = self._spots.get((name, source))
        if spot is None:
            spot = self._spots[name, source] = self._spot(name, source)
        row[spot[0]] = spot[1]

    def _spot(self, name: str, source: str) -> tuple[slice, Floats]:
        """The columns of a knob and what stands in them for a source; none for an unknown one."""
        knob, first, rungs = self.knobs[name], self._first[name], self._rungs[name]
        value = read_number(source)
        if knob.numeric and value is not None:
            values = [stretched(knob, float(value))]
        elif rungs and value in rungs:
            values = [rungs.index(value) / (len(rungs) - 1)]
        elif not knob.numeric and not rungs:
            values = [CHOICE_STEP * (choice == source) for choice in knob.choices]
        else:
            values = []
        return slice(first, first + len(values)), np.array(values)


def _rungs(knob: Knob) -> list[float]:
    """The sorted values of at least three choices that are all numbers."""
    values = [read_number(choice) for choice in knob.choices]
    numbers = sorted({float(value) for value in values if value is not None})
    return numbers if len(numbers) == len(values) > 2 else []
