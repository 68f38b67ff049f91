"""The built-in researcher: tunes what it finds in the files, with no model and no network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from upward.core.errors import UnreadableSource
from upward.core.records import Change, Decision, Draft, Kept, Lesson, Level, Seen
from upward.research import edits
from upward.research.credit import Arm, Belief, Credit, compressed
from upward.research.edits import Edit
from upward.research.knob import Kind, Knob
from upward.research.knobs import surface
from upward.research.literals import read_number
from upward.research.memory import Memory

UP, DOWN = "up", "down"
OPPOSITE = {UP: DOWN, DOWN: UP}
PENDING_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Policy:
    """How the search searches; everything that could be learned across tasks.

    Args:
        belief: where the beliefs about gains start.
        reach: first step of a number, as the natural logarithm of a factor.
        shortest: smallest such step.
        longest: largest such step.
        grow: what a won step is multiplied with.
        shrink: what a lost step is multiplied with.
        together: how often several edits are made at once.
        elsewhere: how often the parent is a candidate of the archive instead of the incumbent.
        attempts: how many draws of several edits are made before it gives up.
    """

    belief: Belief = field(default_factory=Belief)
    reach: float = math.log(2.0)
    shortest: float = math.log(1.2)
    longest: float = math.log(4.0)
    grow: float = 1.3
    shrink: float = 0.75
    together: float = 0.25
    elsewhere: float = 0.05
    attempts: int = 60


class SearchResearcher:
    """Proposes typed edits of knobs by Thompson sampling over what such edits gained before.

    Deterministic given the seeds in `Seen` and the lessons; needs nothing but the files. Time and
    memory of a proposal grow with the number of knobs, not with the history.

    Use it for anything with numbers and switches in its source; it writes no new code.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        """Begin with the policy's prior and nothing learned."""
        self.policy = policy or Policy()
        self.credit = Credit(self.policy.belief)
        self._steps: dict[str, float] = {}
        self._memory = Memory()
        self._waiting: dict[int, list[tuple[Arm, float, float]]] = {}

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "search"

    # -- proposing -------------------------------------------------------------------------

    def propose(self, seen: Seen) -> Draft | None:
        """Return the edit whose sampled gain is largest among those never proposed before.

        Returns:
            A draft, or None when no new candidate was found within the policy's attempts.
        """
        rng = np.random.default_rng(seen.seed)
        for parent in self._parents(seen, rng):
            knobs = surface(parent.files)
            ranked = self._ranked(parent, knobs, seen, rng)
            for edit in self._edits(ranked, rng):
                draft = self._drafted(edit, parent, seen)
                if draft is not None:
                    return draft
        return None

    def _parents(self, seen: Seen, rng: np.random.Generator) -> list[Kept]:
        others = [kept for kept in seen.archive if kept.candidate != seen.incumbent.candidate]
        if others and rng.random() < self.policy.elsewhere:
            return [others[int(rng.integers(len(others)))], seen.incumbent]
        return [seen.incumbent]

    def _drafted(self, edit: Edit, parent: Kept, seen: Seen) -> Draft | None:
        try:
            draft = edits.to_draft(edit, parent)
        except UnreadableSource:
            return None
        return draft if self._memory.is_new(draft, parent, seen) else None

    def _ranked(
        self, parent: Kept, knobs: dict[str, Knob], seen: Seen, rng: np.random.Generator
    ) -> list[tuple[float, Arm, Edit]]:
        """All single edits, best sampled gain first."""
        options = [
            *self._singles(knobs, rng),
            *_reverts(knobs, seen.baseline),
            *_swaps(knobs, rng),
            *_combinations(knobs, parent, seen),
        ]
        scored = [(self.credit.sample(arm, rng), arm, edit) for arm, edit in options]
        return sorted(scored, key=lambda item: item[0], reverse=True)

    def _singles(
        self, knobs: dict[str, Knob], rng: np.random.Generator
    ) -> Iterator[tuple[Arm, Edit]]:
        for knob in knobs.values():
            reach = self._steps.get(knob.id, self.policy.reach)
            factor = math.exp(reach * float(rng.uniform(0.75, 1.25)))
            yield from _moves(knob, factor)

    def _edits(
        self, ranked: list[tuple[float, Arm, Edit]], rng: np.random.Generator
    ) -> Iterator[Edit]:
        if rng.random() < self.policy.together:
            promising = self._promising(ranked)
            joined = edits.several(promising)
            if joined is not None:
                yield joined
        for _, _, edit in ranked:
            yield edit
        for _ in range(self.policy.attempts):
            yield from _random_several(ranked, rng)

    def _promising(self, ranked: list[tuple[float, Arm, Edit]]) -> list[Edit]:
        """The best two or three edits of different knobs that are believed to gain."""
        taken: list[Edit] = []
        for sampled, arm, edit in ranked:
            touched = frozenset[str]().union(*(other.knobs for other in taken))
            hoped = sampled > 0 and self.credit.posterior(arm)[0] > 0
            if hoped and not edit.knobs & touched and arm[0] != edits.COMBINE:
                taken.append(edit)
            if len(taken) == 3:
                break
        return taken

    # -- learning --------------------------------------------------------------------------

    def learn(self, lesson: Lesson) -> None:
        """Take in one verdict; a later verdict on the same proposal replaces the earlier one."""
        proposal = lesson.proposal
        self._memory.add(proposal.candidate)
        for arm, gain, weight in self._waiting.pop(proposal.number, []):
            self.credit.learn(arm, gain, -weight)
        changes = proposal.changes
        if not changes:
            return
        gain = self._gain(lesson)
        shares = [
            (arm, gain / len(changes) if gain > 0 else gain, 1.0 / len(changes))
            for arm in arms_of(proposal.operator, changes, proposal.parents)
        ]
        for arm, value, weight in shares:
            self.credit.learn(arm, value, weight)
        if lesson.level is Level.PROVISIONAL and lesson.decision is Decision.INCONCLUSIVE:
            self._wait(proposal.number, shares)
            return
        self._resize(changes, gain)
        if lesson.decision is Decision.ACCEPTED:
            self._moved(changes, gain)

    def _gain(self, lesson: Lesson) -> float:
        if lesson.gain_sd is None:
            return self.policy.belief.failure
        return compressed(lesson.gain_sd)

    def _wait(self, number: int, shares: list[tuple[Arm, float, float]]) -> None:
        self._waiting[number] = shares
        if len(self._waiting) > PENDING_LIMIT:
            del self._waiting[next(iter(self._waiting))]

    def _resize(self, changes: tuple[Change, ...], gain: float) -> None:
        """Longer steps after a win, shorter ones after a loss."""
        if len(changes) != 1 or direction_of(changes[0]) not in OPPOSITE:
            return
        knob, policy = changes[0].knob, self.policy
        reach = self._steps.get(knob, policy.reach)
        reach *= policy.grow if gain > 0.5 else policy.shrink
        self._steps[knob] = min(max(reach, policy.shortest), policy.longest)

    def _moved(self, changes: tuple[Change, ...], gain: float) -> None:
        """The incumbent moved: go on in the same direction, do not go back, doubt old evidence."""
        self.credit.fade()
        for change in changes:
            direction = direction_of(change)
            share = gain / len(changes)
            if direction in OPPOSITE:
                ahead = (_scale(direction), change.knob, direction)
                back = (_scale(OPPOSITE[direction]), change.knob, OPPOSITE[direction])
                self.credit.expect(ahead, self.policy.belief.carry * share, 0.7)
                self.credit.expect(back, -share, 2.0)
            else:
                for operator in (edits.FLIP, edits.CHOOSE):
                    self.credit.expect((operator, change.knob, change.old), -share, 2.0)


def direction_of(change: Change) -> str:
    """Return ``up`` or ``down`` for a number, otherwise the new source text."""
    old, new = read_number(change.old), read_number(change.new)
    if old is None or new is None or old == new:
        return change.new
    return UP if new > old else DOWN


def arms_of(operator: str, changes: tuple[Change, ...], parents: tuple[str, ...]) -> list[Arm]:
    """Return the arms that a proposal's changes give evidence about."""
    if operator in (edits.SWAP, edits.REVERT):
        return [(operator, change.knob, "") for change in changes]
    if operator == edits.COMBINE and parents:
        return [(operator, parents[-1], "")]
    if operator in (edits.FLIP, edits.CHOOSE):
        return [(operator, change.knob, change.new) for change in changes]
    return [_arm(change) for change in changes]


def _arm(change: Change) -> Arm:
    direction = direction_of(change)
    if direction in OPPOSITE:
        return _scale(direction), change.knob, direction
    switch = {change.old.lower(), change.new.lower()} in ({"true", "false"}, {"yes", "no"})
    return (edits.FLIP if switch else edits.CHOOSE), change.knob, direction


def _scale(direction: str) -> str:
    return edits.SCALE_UP if direction == UP else edits.SCALE_DOWN


def _moves(knob: Knob, factor: float) -> Iterator[tuple[Arm, Edit]]:
    if knob.numeric:
        options = [
            ((edits.SCALE_UP, knob.id, UP), edits.scale_up(knob, factor)),
            ((edits.SCALE_DOWN, knob.id, DOWN), edits.scale_down(knob, factor)),
        ]
    elif knob.kind is Kind.BOOL:
        options = [((edits.FLIP, knob.id, c), edits.flip(knob)) for c in knob.choices]
    else:
        options = [((edits.CHOOSE, knob.id, c), edits.choose(knob, c)) for c in knob.choices]
    for arm, edit in options:
        if edit is not None and (knob.numeric or edit.changes[0].new == arm[2]):
            yield arm, edit


def _reverts(knobs: dict[str, Knob], baseline: Kept) -> Iterator[tuple[Arm, Edit]]:
    before = surface(baseline.files)
    for name, knob in knobs.items():
        edit = edits.revert(knob, before[name].source) if name in before else None
        if edit is not None:
            yield (edits.REVERT, name, ""), edit


def _swaps(knobs: dict[str, Knob], rng: np.random.Generator) -> Iterator[tuple[Arm, Edit]]:
    """One random pair: all pairs would cost the square of the knobs."""
    numbers = [knob for knob in knobs.values() if knob.numeric]
    if len(numbers) > 1:
        one, other = rng.choice(len(numbers), 2, replace=False)
        edit = edits.swap(numbers[int(one)], numbers[int(other)])
        if edit is not None:
            yield (edits.SWAP, numbers[int(one)].id, ""), edit


def _combinations(knobs: dict[str, Knob], parent: Kept, seen: Seen) -> Iterator[tuple[Arm, Edit]]:
    """What archived candidates gained over the baseline, where the parent has not got it."""
    held = frozenset(change.knob for change in parent.changes)
    for other in seen.archive:
        better = seen.task.metric.gain(other.mean, seen.baseline.mean) > 0
        if better and other.candidate != parent.candidate:
            edit = edits.combine(knobs, held, other)
            if edit is not None:
                yield (edits.COMBINE, other.candidate, ""), edit


def _random_several(
    ranked: list[tuple[float, Arm, Edit]], rng: np.random.Generator
) -> Iterator[Edit]:
    """Two or three edits at random: the last resort when every single one is known."""
    if len(ranked) > 1:
        size = min(len(ranked), int(rng.integers(2, 4)))
        picked = rng.choice(len(ranked), size, replace=False)
        joined = edits.several([ranked[int(index)][2] for index in picked])
        if joined is not None:
            yield joined
