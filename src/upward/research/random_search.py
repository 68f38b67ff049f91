"""Control arms: proposals that learn nothing, over the same knobs and ranges as the search."""

import numpy as np

from upward.core.errors import UnreadableSource
from upward.core.records import Change, Draft
from upward.core.seen import Lesson, Seen
from upward.research import edits
from upward.research.edits import Edit
from upward.research.knob import Knob
from upward.research.knobs import surface
from upward.research.memory import Memory
from upward.research.space import draw

ATTEMPTS = 100


class RandomResearcher:
    """Random search: every knob of the baseline drawn independently from its whole range.

    Source: Bergstra and Bengio (2012), JMLR 13.
    """

    def __init__(self) -> None:
        """Begin with nothing proposed."""
        self._memory = Memory()

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "random"

    def propose(self, seen: Seen) -> Draft | None:
        """Return a draw that was never proposed before, or None after many draws."""
        rng = np.random.default_rng(seen.seed)
        knobs = surface(seen.baseline.files)
        for _ in range(ATTEMPTS if knobs else 0):
            edit = drawn({name: draw(knob, rng) for name, knob in knobs.items()}, knobs)
            draft = _drafted(edit, seen)
            if draft is not None and self._memory.is_new(draft, seen.baseline, seen):
                return draft
        return None

    def learn(self, lesson: Lesson) -> None:
        """Remember only that it was tried."""
        self._memory.add(lesson.proposal.candidate)


def drawn(sources: dict[str, str], knobs: dict[str, Knob]) -> Edit:
    """Return a whole configuration as one edit of the knobs that it changes."""
    changes = tuple(
        Change(name, knobs[name].source, source)
        for name, source in sources.items()
        if source != knobs[name].source
    )
    words = f"A configuration drawn from the ranges of all {len(knobs)} knobs may be better."
    return Edit("draw", changes, words)


def _drafted(edit: Edit, seen: Seen) -> Draft | None:
    try:
        return edits.to_draft(edit, seen.baseline)
    except UnreadableSource:
        return None


class RandomEdits:
    """Hill climbing without memory: one knob of the incumbent, drawn at random, redrawn."""

    def __init__(self) -> None:
        """Begin with nothing proposed."""
        self._memory = Memory()

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "random-edits"

    def propose(self, seen: Seen) -> Draft | None:
        """Return one random change of the incumbent, or None after many draws."""
        rng = np.random.default_rng(seen.seed)
        knobs = surface(seen.incumbent.files)
        names = sorted(knobs)
        for _ in range(ATTEMPTS if names else 0):
            name = names[int(rng.integers(len(names)))]
            source = draw(knobs[name], rng)
            words = f"{knobs[name].name} = {source}, drawn from its range, may be better."
            edit = Edit("redraw", (Change(name, knobs[name].source, source),), words)
            draft = edits.to_draft(edit, seen.incumbent)
            if self._memory.is_new(draft, seen.incumbent, seen):
                return draft
        return None

    def learn(self, lesson: Lesson) -> None:
        """Remember only that it was tried."""
        self._memory.add(lesson.proposal.candidate)
