"""A study that is being pursued: its state, and the one way to add to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from upward.core.codec import plain
from upward.core.design import SHARED, Design
from upward.core.errors import EditOutsideSurface, TooFewTrials, UnknownName
from upward.core.ids import derive_seed, short, tree_id
from upward.core.ports import Blobs, Ledger
from upward.core.records import Purpose, Trial
from upward.core.seen import Kept
from upward.ledger.chain import checked
from upward.ledger.facts import Genesis
from upward.ledger.replay import StudyState, replay

CACHED_KEPT = 64

Item = tuple[str, Mapping[str, Any]]  # kind and plain body of an entry that is to be recorded


@dataclass(frozen=True, slots=True)
class Planned:
    """A trial that should run next, before it has a number and a seed."""

    candidate: str
    purpose: Purpose
    about: str
    of: int = 0
    design: Design | None = None


class Study:
    """The state of a study together with the ledger that it is folded from.

    Whatever changes the state goes through `record`: first the ledger, durably, then the state.
    """

    def __init__(self, state: StudyState, ledger: Ledger, blobs: Blobs) -> None:
        self.state = state
        self.blobs = blobs
        self._ledger = ledger
        self._kept: dict[str, Kept] = {}

    @classmethod
    def begin(
        cls, name: str, genesis: Genesis, ledger: Ledger, blobs: Blobs, *known: Item
    ) -> "Study":
        """Begin a new study; its plan is on record before any trial can be.

        Args:
            name: in the workspace.
            genesis: the first entry.
            ledger: where it is recorded.
            blobs: where the files are.
            known: entries about what a linked study found out already.
        """
        study = cls(StudyState(name), ledger, blobs)
        study.record(("study", plain(genesis)), *known)
        return study

    @classmethod
    def resume(cls, name: str, ledger: Ledger, blobs: Blobs) -> "Study":
        """Take up a study where its ledger ends.

        Raises:
            UnknownName: there is no study of this name.
            ChainBroken: an entry does not follow; nothing is built on a broken record.
        """
        if ledger.head(name) is None:
            raise UnknownName("study", name, ledger.studies(), "Begin one with `upward run TASK`.")
        return cls(replay(name, checked(ledger.entries(name))), ledger, blobs)

    @property
    def name(self) -> str:
        """Its name in the workspace."""
        return self.state.name

    def record(self, *items: Item) -> None:
        """Append entries in one durable transaction, then fold them."""
        for entry in self._ledger.extend(self.name, items):
            self.state.apply(entry)

    def plan_trials(self, *planned: Planned) -> list[Trial]:
        """Give planned trials their numbers and seeds; nothing is recorded yet.

        The seed depends on the content of the candidate that the trial is about, so it cannot be
        known before that is fixed.
        """
        state, trials = self.state, list[Trial]()
        for plan in planned:
            earlier = [t for t in trials if t.candidate == plan.candidate]
            seed = self._shared_seed(plan) if plan.design in SHARED else self._seed(plan, earlier)
            number = len(state.trials) + len(trials) + 1
            about, of, design = plan.about, plan.of, plan.design
            trial = Trial(number, plan.candidate, seed, plan.purpose, about, of, design)
            trials.append(trial)
        return trials

    def _seed(self, plan: Planned, earlier: Sequence[Trial]) -> int:
        known = self.state.records.get(plan.candidate)
        index = len(earlier) + (len(known.trials) if known else 0)
        return derive_seed(self.state.start.secret, plan.candidate, plan.purpose, index)

    def _shared_seed(self, plan: Planned) -> int:
        """The first seed of a comparison that this arm has not run on and the other not failed on.

        Both arms walk through the same seeds, each at its own pace.
        """
        state = self.state
        begun = state.arm_trials(plan.candidate, plan.about, plan.purpose)
        gone = {trial.seed for trial in begun} | state.seeds_lost
        path = state.start.secret, plan.about, plan.purpose, "pair"
        return next(s for index in count() if (s := derive_seed(*path, index)) not in gone)

    def start_trial(self, planned: Planned) -> Trial:
        """Record that a trial begins, before it does."""
        [trial] = self.plan_trials(planned)
        self.record(("trial", plain(trial)))
        return trial

    def candidate_id(self, parent: str, files: Mapping[str, str]) -> str:
        """Content id of the tree that results from putting changed files (blob ids) on a parent.

        Raises:
            EditOutsideSurface: a path is not editable.
        """
        surface = self.state.task.edit
        for path in files:
            if path not in surface:
                raise EditOutsideSurface(path, surface)
        return tree_id({**self.state.tree_of(parent), **files})

    def inherited(self) -> list[Item]:
        """The calibration as entries of a linked study, which it then has without a trial.

        Raises:
            TooFewTrials: the noise is not known yet.
        """
        state = self.state
        if state.noise is None:
            raise TooFewTrials("a linked study", state.start.plan.calibration, 0)
        found = state.arm_trials(state.start.baseline, state.start.baseline, Purpose.CALIBRATE)
        done = [trial for trial in found if trial.number in state.outcomes]
        items = list[Item]()
        for number, trial in enumerate(done, start=1):
            outcome = state.outcomes[trial.number]
            items.append(("trial", plain(replace(trial, number=number))))
            items.append(("outcome", plain(replace(outcome, trial=number))))
        return [*items, ("noise", plain(state.noise))]

    def kept(self, candidate: str) -> Kept:
        """Return a candidate as a possible parent, with the text of its editable files."""
        record = self.state.record(candidate)
        found = self._kept.get(candidate)
        if found is None or found.trials != len(record.values):
            found = self._look_up(candidate)
            if len(self._kept) >= CACHED_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[candidate] = found
        return found

    def _look_up(self, candidate: str) -> Kept:
        state, tree = self.state, self.state.tree_of(candidate)
        record, value = state.record(candidate), state.value_of(candidate)
        if value is None:
            raise TooFewTrials(f"candidate {short(candidate)}", 1, 0)
        cached = self._kept.get(candidate)
        files = cached.files if cached else self._texts(tree, state.task.edit)
        return Kept(
            candidate=candidate,
            level=record.level,
            mean=value,
            trials=len(record.values),
            files=files,
            changes=state.changes_of(candidate),
        )

    def _texts(self, tree: Mapping[str, str], paths: Sequence[str]) -> dict[str, str]:
        texts = dict[str, str]()
        for path in paths:
            try:
                texts[path] = self.blobs.get(tree[path]).decode("utf-8")
            except UnicodeDecodeError:
                continue  # a binary file on the surface: nothing for a researcher to read
        return texts
