"""The built-in researcher: tunes what it finds in the files, with no language model and no network.

Ideas that are prepared and switched off are asked first: together, in halves, alone. Afterwards
typed edits are drawn up for every knob, alone and together; a belief about the space of knobs says
how much each is expected to gain; the best new one is proposed. The belief is where credit goes:
what a knob gained in one direction is expected of it further on, and what it lost is not tried
again. (Credit for whole kinds of edit, sampled by Thompson's rule, was tried on top of it: it made
the search worse on one bench task and better on none, so there is none.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from upward.core.errors import UnreadableSource
from upward.core.records import Change, Draft
from upward.core.seen import Kept, Lesson, Seen
from upward.research import edits
from upward.research.edits import Edit
from upward.research.knob import Kind, Knob
from upward.research.knobs import surface
from upward.research.memory import Memory, candidate_of
from upward.research.surrogate import Floats, Surrogate, expected_gain, fit
from upward.research.switches import Switches
from upward.research.window import Frame, Window


@dataclass(frozen=True, slots=True)
class Policy:
    """How the search searches; everything that could be learned across tasks.

    Args:
        prepared: how often the next question about ideas that are switched off is asked, until
            all were.
        factors: sizes of the steps of a number that are considered.
        together: how many edits of several knobs are considered.
        most: how many knobs such an edit touches at most before it is refined.
        refine: how many rounds of refinement the most promising edits go through.
        variants: how many variants of each promising edit a round considers.
        largest: how many knobs a refined edit touches at most.
        merge: how often what helped an archived candidate is added to the parent without further
            ado, where the belief expects a gain of it.
        ambition: gain over the incumbent, in compressed units, below which nothing counts: every
            small win costs a race, so few larger ones are cheaper.
        elsewhere: how often the parent is a candidate of the archive instead of the incumbent.
        singles: how many edits of single knobs are considered at most.
    """

    prepared: float = 1.0
    factors: tuple[float, ...] = (1.5, 4.0, 12.0)
    together: int = 120
    most: int = 4
    refine: int = 5
    variants: int = 60
    largest: int = 12
    merge: float = 0.1
    ambition: float = 0.5
    elsewhere: float = 0.05
    singles: int = 400


REFINED = 3
TRIES = 80


class SearchResearcher:
    """Proposes typed edits of knobs: large expected gain, from the kinds of edit that have paid.

    Deterministic given the seeds in `Seen`, the lessons and the proposals still waiting for one.
    Time and memory of a proposal grow with the number of knobs, not with the history.

    Use it for anything with numbers and switches in its source; it writes no new code.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        """Begin with the policy's prior and nothing learned."""
        self.policy = policy or Policy()
        self._window = Window()
        self._memory = Memory()
        self._switches = Switches()
        self._spent: tuple[str, set[tuple[Change, ...]]] = ("", set())

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "search"

    def propose(self, seen: Seen) -> Draft | None:
        """Return the most promising edit that was never proposed before.

        Returns:
            A draft, or None when nothing new was found.
        """
        rng = np.random.default_rng(seen.seed)
        self._window.begin(seen.baseline.candidate)
        asked = self._switch(seen) if rng.random() < self.policy.prepared else None
        if asked is not None:
            return asked
        for parent in _parents(seen, self.policy.elsewhere, rng):
            if not surface(parent.files):
                continue
            desk = Desk(self.policy, self._window, seen, parent, rng)
            for edit in desk.ranked():
                draft = self._drafted(edit, parent, seen)
                if draft is not None:
                    return draft
        return None

    def _switch(self, seen: Seen) -> Draft | None:
        """The next question about what was prepared and is switched off."""
        knobs = surface(seen.incumbent.files).values()
        while (edit := self._switches.next(knobs)) is not None:
            draft = self._drafted(edit, seen.incumbent, seen)
            if draft is not None:
                return draft
        return None

    def _drafted(self, edit: Edit, parent: Kept, seen: Seen) -> Draft | None:
        if self._spent[0] != parent.candidate:
            self._spent = (parent.candidate, set())
        if edit.changes in self._spent[1]:
            return None
        self._spent[1].add(edit.changes)
        try:
            draft = edits.to_draft(edit, parent)
        except UnreadableSource:
            return None
        if not self._memory.is_new(draft, parent, seen):
            return None
        candidate = candidate_of(draft, parent, seen)
        self._window.wait_for(candidate, parent.candidate, draft.changes)
        return draft

    def learn(self, lesson: Lesson) -> None:
        """Take in one verdict; a later verdict on the same proposal replaces the earlier one."""
        self._memory.add(lesson.proposal.candidate)
        self._window.learn(lesson)
        self._switches.learn(lesson.proposal.changes)


def _parents(seen: Seen, elsewhere: float, rng: np.random.Generator) -> list[Kept]:
    others = [kept for kept in seen.archive if kept.candidate != seen.incumbent.candidate]
    if others and rng.random() < elsewhere:
        return [others[int(rng.integers(len(others)))], seen.incumbent]
    return [seen.incumbent]


class Desk:
    """Everything that is considered for one proposal."""

    def __init__(
        self, policy: Policy, window: Window, seen: Seen, parent: Kept, rng: np.random.Generator
    ) -> None:
        """Lay out the knobs of the parent and the belief about their space."""
        self._policy, self._seen, self._parent, self._rng = policy, seen, parent, rng
        self._before = surface(seen.baseline.files)
        self._knobs = surface(parent.files)
        self._frame = Frame(self._before, self._knobs)
        self._here = self._frame.place({n: knob.source for n, knob in self._knobs.items()})
        sharper = seen.unit / seen.sd if seen.unit and seen.sd > 0.0 else 1.0
        trials = window.trials(self._frame, seen.incumbent.candidate, sharper)
        self._belief: Surrogate = fit(trials)

    def ranked(self) -> Iterator[Edit]:
        """Yield edits, most promising first, then some at random as a last resort."""
        singles = self._singles()
        if self._rng.random() < self._policy.merge:
            yield from self._merged()
        options = [*singles, *self._others(), *self._drawn(singles, self._policy.together)]
        rows = self._rows(options)
        scores = self._scores(rows)
        for _ in range(self._policy.refine):
            more, places = self._refined(options, rows, scores, singles)
            options += more
            rows = np.concatenate([rows, places])
            scores = np.concatenate([scores, self._scores(places)])
        for index in np.argsort(-scores, kind="stable")[:TRIES]:
            yield options[int(index)]
        yield from singles
        yield from self._drawn(singles, TRIES)

    def _merged(self) -> Iterator[Edit]:
        """Combinations that are expected to be better than the parent, the best first."""
        options = list(self._combinations())
        if options:
            mean = self._belief.predict(self._rows(options))[0]
            here = self._belief.predict(self._here[None, :])[0]
            for index in np.argsort(-mean, kind="stable"):
                if mean[index] > here[0]:
                    yield options[int(index)]

    def _scores(self, rows: Floats) -> Floats:
        """Expected gain over the parent of every row, shape (m,)."""
        if not len(rows):
            return np.zeros(0)
        here, _ = self._belief.predict(self._here[None, :])
        aim = max(float(here[0]), 0.0) + self._policy.ambition
        return expected_gain(*self._belief.predict(rows), aim)

    def _rows(self, options: list[Edit]) -> Floats:
        """Where every edit leads, shape (m, columns)."""
        rows = [self._frame.place({c.knob: c.new for c in e.changes}, self._here) for e in options]
        return np.array(rows).reshape(len(rows), len(self._here))

    def _singles(self) -> list[Edit]:
        found = [edit for knob in self._knobs.values() for edit in self._moves(knob)]
        if len(found) <= self._policy.singles:
            return found
        picked = self._rng.choice(len(found), self._policy.singles, replace=False)
        return [found[int(index)] for index in sorted(picked)]

    def _moves(self, knob: Knob) -> Iterator[Edit]:
        if knob.kind is Kind.BOOL:
            options: Iterable[Edit | None] = [edits.flip(knob)]
        elif knob.numeric:
            spread = self._rng.uniform(0.8, 1.2, len(self._policy.factors))
            sizes = [f**s for f, s in zip(self._policy.factors, spread, strict=True)]
            options = [
                scale(knob, f) for f in sizes for scale in (edits.scale_up, edits.scale_down)
            ]
        else:
            options = [edits.choose(knob, source) for source in knob.choices]
        yield from {edit.changes: edit for edit in options if edit is not None}.values()

    def _drawn(self, singles: list[Edit], count: int) -> Iterator[Edit]:
        """Random edits of several knobs at once."""
        by_knob: dict[str, list[Edit]] = {}
        for edit in singles:
            by_knob.setdefault(edit.changes[0].knob, []).append(edit)
        groups = list(by_knob.values())
        for _ in range(count if len(groups) > 1 else 0):
            size = min(len(groups), int(self._rng.integers(2, self._policy.most + 1)))
            picked = self._rng.choice(len(groups), size, replace=False)
            parts = [self._one(groups[int(index)]) for index in picked]
            joined = edits.several(parts)
            if joined is not None:
                yield joined

    def _one(self, options: list[Edit]) -> Edit:
        return options[int(self._rng.integers(len(options)))]

    def _refined(
        self, options: list[Edit], rows: Floats, scores: Floats, singles: list[Edit]
    ) -> tuple[list[Edit], Floats]:
        """The best edits with every single one on top: one knob more, or another value."""
        count = min(len(singles), self._policy.variants)
        found, places = list[Edit](), list[Floats]()
        for index in np.argsort(-scores, kind="stable")[:REFINED]:
            for picked in self._rng.choice(len(singles), count, replace=False):
                single = singles[int(picked)]
                edit = edits.varied(options[int(index)], single)
                if len(edit.changes) <= self._policy.largest:
                    [change] = single.changes
                    found.append(edit)
                    places.append(self._frame.place({change.knob: change.new}, rows[index]))
        return found, np.array(places).reshape(len(places), rows.shape[1])

    def _others(self) -> Iterator[Edit]:
        """Reverts, one swap, and what archived candidates have and this one has not."""
        for name, knob in self._knobs.items():
            edit = edits.revert(knob, self._before[name].source) if name in self._before else None
            if edit is not None:
                yield edit
        numbers = [knob for knob in self._knobs.values() if knob.numeric]
        if len(numbers) > 1:
            one, other = self._rng.choice(len(numbers), 2, replace=False)
            swapped = edits.swap(numbers[int(one)], numbers[int(other)])
            if swapped is not None:
                yield swapped
        yield from self._combinations()

    def _combinations(self) -> Iterator[Edit]:
        held = frozenset(change.knob for change in self._parent.changes)
        for other in self._seen.archive:
            gain = self._seen.task.metric.gain(other.mean, self._seen.baseline.mean)
            if gain > 0 and other.candidate != self._parent.candidate:
                edit = edits.combine(self._knobs, held, other)
                if edit is not None:
                    yield edit
