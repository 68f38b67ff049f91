"""Studies made of real entries, without running anything: something to show, count and test with.

The trials are invented: a smooth function of a few knobs with Gaussian noise stands in for the
training of a model. Everything else is what a real study records, in the order of a real one.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from upward.core.canon import canonical
from upward.core.codec import plain
from upward.core.errors import BlobChanged
from upward.core.ids import blob_id, derive_seed, record_id, tree_id
from upward.core.metric import Noise
from upward.core.noise import NoiseLevel
from upward.core.plan import Plan
from upward.core.records import (
    Change,
    Decision,
    Failure,
    Level,
    Measurement,
    Outcome,
    Proposal,
    Purpose,
    Trial,
    TrialState,
    Usage,
    Verdict,
)
from upward.core.task import Task
from upward.ledger.chain import START, link
from upward.ledger.facts import Genesis
from upward.ledger.replay import RACE, SCREEN, StudyState
from upward.stats.sequential import evidence, interval
from upward.testing.sample_task import (
    FAILURES,
    KNOBS,
    SD,
    SOURCE,
    baseline_files,
    exact_task,
    sample_isolation,
    sample_task,
)

Read = Callable[[str], str]


def sample_state(
    proposals: int = 40,
    seed: int = 0,
    *,
    hopeless: bool = False,
    failing: float = 0.12,
    isolated: bool = True,
    hypothesis: str = "",
) -> tuple[StudyState, Read]:
    """Make a study of a small language model, as `upward run` would have recorded it.

    Args:
        proposals: how many drafts became candidates.
        seed: of the invented trials.
        hopeless: whether no proposal helps at all.
        failing: share of screening trials that fail.
        isolated: whether the sandbox held.
        hypothesis: put in place of every hypothesis, to show what hostile text does.

    Returns:
        The state, and the text of a blob by its id.
    """
    study = _Invented(sample_task(), seed, isolated=isolated)
    study.begin(baseline_files())
    study.calibrate()
    for number in range(1, proposals + 1):
        study.advance(number, hopeless=hopeless, failing=failing, hypothesis=hypothesis)
    study.add("stopped", {"reason": f"{len(study.state.trials)} trials are done"})
    return study.state, study.read


def empty_state() -> tuple[StudyState, Read]:
    """Make a study that has begun and done nothing."""
    study = _Invented(sample_task(), 0, isolated=True)
    study.begin(baseline_files())
    return study.state, study.read


def exact_state(proposals: int = 12, seed: int = 0) -> tuple[StudyState, Read]:
    """Make a study that maximises an exact metric, where one better trial is a proof."""
    study = _Invented(exact_task(), seed, isolated=True)
    study.begin({"pack.py": "STEP = 0.01\nSTARTS = 8\n"})
    study.calibrate(3)
    for number in range(1, proposals + 1):
        study.construct(number)
    return study.state, study.read


@dataclass(slots=True)
class _Invented:
    """A study that is being made up, entry by entry."""

    task: Task
    seed: int
    isolated: bool
    state: StudyState = field(default_factory=lambda: StudyState("tinylm"))
    blobs: dict[str, str] = field(default_factory=dict[str, str])
    knobs: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    at: datetime = datetime(2026, 3, 14, 21, 5, tzinfo=UTC)
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.state = StudyState(self.task.name)
        self.random = np.random.default_rng(self.seed)

    def read(self, blob: str) -> str:
        """Return the text of a blob."""
        if blob not in self.blobs:
            raise BlobChanged(blob, "missing")
        return self.blobs[blob]

    def put(self, text: str) -> str:
        """Keep a text and return its id."""
        blob = blob_id(text.encode())
        self.blobs[blob] = text
        return blob

    def add(self, kind: str, body: Mapping[str, Any], after_s: float = 0.2) -> None:
        """Append an entry and fold it."""
        self.at += timedelta(seconds=after_s)
        state = self.state
        at = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        prev = state.head or START
        state.apply(link(state.name, state.seq + 1, kind, canonical(body), at, prev))

    def begin(self, files: Mapping[str, str]) -> None:
        """Record the genesis and a session."""
        blobs = {path: self.put(text) for path, text in files.items()}
        task = replace(self.task, files=blobs)
        task = replace(task, id=record_id("task", {"name": task.name, "files": blobs}))
        genesis = Genesis(
            task=task,
            plan=Plan(),
            seed=self.seed,
            secret=record_id("secret", self.seed),
            baseline=tree_id(blobs),
            prepared={"public": {}, "hidden": {}},
            isolation=sample_isolation(isolated=self.isolated),
            software={"upward": "0.1.0", "python": "3.11.7", "numpy": "2.2.1", "torch": "2.13.0"},
        )
        self.add("study", plain(genesis))
        held = plain(genesis.isolation)
        self.add("session", {"workers": 2, "budget": {"minutes": 45.0}, "isolation": held})
        self.knobs[genesis.baseline] = {name: start for name, (start, _, _) in KNOBS.items()}

    # -- trials ----------------------------------------------------------------------------

    def trial(self, candidate: str, purpose: Purpose, about: str) -> Trial:
        """Record that a trial begins."""
        number = len(self.state.trials) + 1
        seed = derive_seed("sample", candidate, number)
        trial = Trial(number, candidate, seed, purpose, about)
        self.add("trial", plain(trial))
        return trial

    def complete(self, trial: Trial, value: float) -> None:
        """Record a measurement."""
        notes: dict[str, float | str] = {"xz_bpb": 2.356, "ngram_bpb": 1.968, "tokens": 812_032.0}
        exact = self.task.metric.noise is Noise.EXACT
        measured = Measurement(
            value=round(value, 9 if exact else 6),
            guards={"peak_memory_mb": round(410 + 25 * float(self.random.random()), 1)},
            notes={} if exact else notes,
        )
        cpu_s = 19.2 + 0.6 * float(self.random.random())
        outcome = Outcome(
            trial=trial.number,
            state=TrialState.COMPLETE,
            measurement=measured,
            usage=Usage(round(cpu_s, 2), round(cpu_s + 1.1, 2), 420.0),
            scoring=Usage(3.4, 3.9, 180.0),
            isolation="bubblewrap",
        )
        self.add("outcome", plain(outcome), after_s=cpu_s / 2 + 2.0)

    def fail(self, trial: Trial, failure: Failure) -> None:
        """Record that a trial gave no measurement."""
        usage = Usage(11.3, 12.0, 300.0)
        outcome = Outcome(trial.number, TrialState.FAILED, failure=failure, usage=usage)
        self.add("outcome", plain(outcome), after_s=7.0)

    def measure(self, candidate: str) -> float:
        """Invent one measurement of a candidate."""
        return self.truth(candidate) + SD * float(self.random.standard_normal())

    def truth(self, candidate: str) -> float:
        """What an endless number of trials would give."""
        loss = 1.757
        for name, (start, best, worth) in KNOBS.items():
            span = abs(math.log(best / start))
            off = math.log(self.knobs[candidate][name] / best) / span
            loss += worth * min(4.0, off * off)
        return loss

    def calibrate(self, trials: int = 8) -> None:
        """Measure the baseline and record the noise."""
        baseline = self.state.start.baseline
        exact = self.task.metric.noise is Noise.EXACT
        for _ in range(trials):
            trial = self.trial(baseline, Purpose.CALIBRATE, baseline)
            value = 2.5 + 0.01 * float(self.random.random()) if exact else self.measure(baseline)
            self.complete(trial, value)
        values = self.state.record(baseline).counted
        sd = float(np.std(values, ddof=1))
        seen = 0.0 if exact else 1.72 * sd
        mean = float(np.mean(values))
        self.add("noise", plain(NoiseLevel(trials, mean, sd, seen, 22.9, 24.3)))

    # -- proposals -------------------------------------------------------------------------

    def advance(self, number: int, *, hopeless: bool, failing: float, hypothesis: str) -> None:
        """Propose a candidate, screen it, and race it if it passes."""
        proposal = self._proposal(number, hopeless=hopeless, hypothesis=hypothesis)
        if proposal is None:
            return
        self.add("proposal", plain(proposal))
        trial = self.trial(proposal.candidate, Purpose.SCREEN, proposal.candidate)
        if self.random.random() < failing:
            self._fall(trial, proposal)
            return
        self.complete(trial, self.measure(proposal.candidate))
        if self._screen(proposal.candidate) and self.random.random() < 0.75:
            self._race(proposal.candidate)

    def _proposal(self, number: int, *, hopeless: bool, hypothesis: str) -> Proposal | None:
        parent = self._parent()
        for _ in range(50):
            name = str(self.random.choice(list(KNOBS)))
            knobs = dict(self.knobs[parent])
            old = knobs[name]
            new = knobs[name] = self._moved(name, old, hopeless=hopeless)
            text = SOURCE.format(knobs="\n".join(f"{k} = {v:g}" for k, v in knobs.items()))
            blob = self.put(text)
            candidate = tree_id({**self.state.tree_of(parent), "train.py": blob})
            if candidate not in self.state.records:
                break
        else:
            return None
        self.knobs[candidate] = self.knobs[parent] if hopeless else knobs
        way = "A larger" if new > old else "A smaller"
        words = hypothesis or f"{way} {name} fits a budget of this length better."
        change = Change(f"train.py:{name}", f"{old:g}", f"{new:g}")
        operator = "scale" if self.random.random() < 0.8 else "jump"
        number, files = len(self.state.proposals) + 1, {"train.py": blob}
        return Proposal(
            number, "search", candidate, parent, words, operator, files, changes=(change,)
        )

    def _parent(self) -> str:
        """Mostly the incumbent, now and then another kept candidate."""
        kept = [c for c, record in self.state.records.items() if record.level is not None]
        if kept and self.random.random() < 0.3:
            return str(kept[int(self.random.integers(len(kept)))])
        return self.state.incumbent

    def _moved(self, name: str, old: float, *, hopeless: bool) -> float:
        start, best, _ = KNOBS[name]
        toward = not hopeless and self.random.random() < 0.5
        size = float(self.random.uniform(0.3, 1.0))
        to = best if toward else old * float(np.exp(self.random.choice([-1, 1]) * size))
        moved = old * (to / old) ** (size if toward else 1.0)
        return float(max(1, round(moved)) if isinstance(start, int) else f"{moved:.3g}")

    def _fall(self, trial: Trial, proposal: Proposal) -> None:
        failure = FAILURES[int(self.random.integers(len(FAILURES)))]
        self.fail(trial, failure)
        verdict = Verdict(
            proposal.candidate,
            self.state.incumbent,
            Decision.INVALID,
            None,
            SCREEN,
            f"Trial t{trial.number} failed: {failure.reason}.",
        )
        self.add("verdict", plain(verdict))

    def _screen(self, candidate: str) -> bool:
        state, metric = self.state, self.task.metric
        [value] = state.record(candidate).screened
        incumbent = state.record(state.incumbent).values
        gain = metric.gain(value, sum(incumbent) / len(incumbent))
        passed = state.noise is not None and gain > 0.5 * state.noise.sd
        verdict = Verdict(
            candidate,
            state.incumbent,
            Decision.INCONCLUSIVE if passed else Decision.REJECTED,
            Level.PROVISIONAL if passed else None,
            SCREEN,
            "It passed its screen; a race on fresh seeds decides."
            if passed
            else "Its screening trial was not half a standard deviation better.",
            gain=gain,
            candidate_values=(value,),
            incumbent_values=tuple(incumbent),
        )
        self.add("verdict", plain(verdict))
        return passed

    def _race(self, candidate: str) -> None:
        state, metric = self.state, self.task.metric
        incumbent, plan = state.incumbent, state.start.plan
        found = 1.0
        for _ in range(plan.race_cap):
            arms = [candidate]
            if len(state.record(incumbent).counted) < max(4, len(state.record(candidate).counted)):
                arms.append(incumbent)
            for arm in arms:
                self.complete(self.trial(arm, Purpose.RACE, candidate), self.measure(arm))
            mine, theirs = state.record(candidate).counted, state.record(incumbent).counted
            if len(mine) < 2 or len(theirs) < plan.incumbent_floor:
                continue
            found = evidence(mine, theirs, metric=metric)
            if found >= 1 / plan.alpha or (len(mine) >= 3 and found < 0.25):
                break
        self._conclude(candidate, found)

    def _conclude(self, candidate: str, found: float) -> None:
        state, plan = self.state, self.state.start.plan
        mine = state.record(candidate).counted
        theirs = state.record(state.incumbent).counted
        gain = interval(mine, theirs, metric=self.task.metric)
        won = found >= 1 / plan.alpha
        lost = found < 0.25
        decision = Decision.REJECTED if lost else Decision.INCONCLUSIVE
        level = None if lost else Level.PROVISIONAL
        reason = (
            "The race was stopped: its gain is too unlikely to be found within the cap."
            if lost
            else f"The race reached its cap of {plan.race_cap} trials without enough evidence."
        )
        if won:
            decision = Decision.ACCEPTED
            level = Level.VERIFIED if self.isolated else Level.PROVISIONAL
            reason = "Won its race on fresh seeds."
        verdict = Verdict(
            candidate,
            state.incumbent,
            decision,
            level,
            RACE,
            reason,
            gain.estimate,
            gain.low,
            gain.high,
            found,
            tuple(mine),
            tuple(theirs),
        )
        self.add("verdict", plain(verdict))

    # -- exact -----------------------------------------------------------------------------

    def construct(self, number: int) -> None:
        """Propose a construction and accept it when it is better."""
        state = self.state
        before = state.value_of(state.incumbent) or 0.0
        starts = 8 * (number + 1)
        text = f"STEP = {0.08 / starts:g}\nSTARTS = {starts}\n"
        blob = self.put(text)
        candidate = tree_id({**state.tree_of(state.incumbent), "pack.py": blob})
        words = "More starts from other corners leave less empty."
        change = Change("pack.py:STARTS", "8", f"{starts}")
        parent = state.incumbent
        proposal = Proposal(
            number, "search", candidate, parent, words, "scale", {"pack.py": blob}, (change,)
        )
        self.add("proposal", plain(proposal))
        trial = self.trial(candidate, Purpose.SCREEN, candidate)
        value = round(2.51 + 0.126 * (1 - math.exp(-number / 4)) * float(self.random.random()), 9)
        self.complete(trial, value)
        better = value > before
        verdict = Verdict(
            candidate,
            parent,
            Decision.ACCEPTED if better else Decision.REJECTED,
            Level.VERIFIED if better else None,
            SCREEN,
            "Better, and exact: the measurement proves itself." if better else "Not better.",
            gain=value - before,
            low=value - before,
            high=value - before,
            candidate_values=(value,),
            incumbent_values=(before,),
        )
        self.add("verdict", plain(verdict))
