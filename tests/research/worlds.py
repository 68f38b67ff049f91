from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from upward.core.ids import blob_id, tree_id
from upward.core.metric import Direction, Metric
from upward.core.ports import Researcher
from upward.core.records import Decision, Draft, Level, Proposal
from upward.core.seen import Kept, Lesson, Seen
from upward.core.task import Limits, Task
from upward.research.knobs import surface

Gain = Callable[[dict[str, object]], float | None]


@dataclass
class World:
    """A task without trials: a function says how good a configuration is, in sd units."""

    files: Mapping[str, str]
    gain: Gain
    noise: float = 1.0
    seed: int = 0
    number: int = 0
    lessons: list[Lesson] = field(default_factory=list[Lesson])
    drafts: list[Draft] = field(default_factory=list[Draft])

    def __post_init__(self) -> None:
        self.tree = {path: blob_id(text.encode()) for path, text in self.files.items()}
        self.task = Task(
            id="t" * 64,
            name="world",
            goal="",
            root=".",
            files=self.tree,
            edit=tuple(self.files),
            run=("python", "t.py"),
            outputs=(),
            metric=Metric("gain", "sd", Direction.MAXIMIZE),
            budget=Limits(1.0, 1.0),
            scorer_files={},
            scorer_run=(),
            scorer_budget=Limits(1.0, 1.0),
        )
        self.baseline = Kept(tree_id(self.tree), None, self.true(self.files) or 0.0, 8, self.files)
        self.incumbent = self.baseline
        self.archive: list[Kept] = []
        self.rng = np.random.default_rng(self.seed)

    def true(self, files: Mapping[str, str]) -> float | None:
        """The gain of some files without noise."""
        return self.gain({name: knob.value for name, knob in surface(files).items()})

    def seen(self) -> Seen:
        """What the researcher may look at now."""
        seed = self.seed * 100_003 + self.number
        archive = tuple(self.archive)
        return Seen(self.task, self.number, seed, self.baseline, self.incumbent, archive, 1.0, 1.0)

    def turn(self, researcher: Researcher) -> Draft | None:
        """One proposal, its verdict and its lesson."""
        self.number += 1
        draft = researcher.propose(self.seen())
        if draft is not None:
            self.drafts.append(draft)
            lesson = self.judged(draft)
            self.lessons.append(lesson)
            researcher.learn(lesson)
        return draft

    def judged(self, draft: Draft) -> Lesson:
        """Keep the candidate if the mean of four noisy looks says so."""
        known = [self.baseline, self.incumbent, *self.archive]
        parent = next(kept for kept in known if kept.candidate == draft.parent)
        files = {**parent.files, **draft.files}
        ids = {path: blob_id(text.encode()) for path, text in draft.files.items()}
        candidate = tree_id(
            {**self.tree, **{p: blob_id(t.encode()) for p, t in parent.files.items()}, **ids}
        )
        proposal = Proposal(
            self.number, "r", candidate, draft.parent, draft.hypothesis, draft.operator, ids,
            draft.changes, draft.parents,
        )  # fmt: skip
        true = self.true(files)
        if true is None:
            return Lesson(proposal, Decision.INVALID, None, None, "candidate")
        first = true + self.noise * float(self.rng.standard_normal())
        if first < self.incumbent.mean + 0.5:
            return Lesson(proposal, Decision.REJECTED, None, first - parent.mean)
        mean = true + 0.5 * self.noise * float(self.rng.standard_normal())
        kept = Kept(candidate, Level.VERIFIED, mean, 4, files, parent.changes + draft.changes)
        if mean < self.incumbent.mean + 0.5:
            self.archive = [*self.archive, kept][-8:]
            return Lesson(proposal, Decision.REJECTED, None, mean - parent.mean)
        self.incumbent = kept
        return Lesson(proposal, Decision.ACCEPTED, Level.VERIFIED, mean - parent.mean)
