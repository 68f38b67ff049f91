"""The state of a study, folded from its entries: nothing is known that the ledger does not say.

Kinds of entry, and the body of each:

    study      the genesis: task, plan, secret, baseline, prepared data, isolation, software
    session    a process began to work on it: workers, budget
    stopped    that process ended on purpose: reason
    proposal   `Proposal`
    trial      `Trial`, before it runs
    outcome    `Outcome`, after it ran
    noise      `NoiseLevel`, after calibration
    verdict    `Verdict`; a screen that was passed is a verdict too (inconclusive, provisional)
    refused    a draft that was not turned into a candidate: researcher, hypothesis, reason

The cost of one entry does not grow with the length of the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from upward.core.canon import parse_strict
from upward.core.codec import plain, restore
from upward.core.errors import BadEntry
from upward.core.metric import Direction, Noise
from upward.core.records import (
    Change,
    Decision,
    Entry,
    Isolation,
    Level,
    NoiseLevel,
    Outcome,
    Plan,
    Proposal,
    Purpose,
    Task,
    Trial,
    TrialState,
    Verdict,
)

SCREEN = "screen"
RACE = "race"
OVERTAKEN = "overtaken"

MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Genesis:
    """The first entry of a study.

    Args:
        task: with its files by content id; `root` is where it was found.
        plan: the rule, fixed before the first trial.
        seed: what the user asked for.
        secret: from which all seeds are derived; no candidate and no researcher sees it.
        baseline: content id of the unedited candidate.
        prepared: ``public`` and ``hidden`` to path to blob id, made by the task's prepare command.
        isolation: what really holds on the machine that began the study.
        software: versions.
    """

    task: Task
    plan: Plan
    seed: int
    secret: str
    baseline: str
    prepared: Mapping[str, Mapping[str, str]]
    isolation: Isolation
    software: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """One process that worked on the study.

    Args:
        at: when it began, UTC.
        workers: trials at a time.
        budget: what it was allowed, for example ``{"minutes": 10.0}``.
        isolation: what held on its machine.
    """

    at: str
    workers: int
    budget: Mapping[str, float]
    isolation: Isolation


@dataclass(frozen=True, slots=True)
class Step:
    """One point of the best-so-far curve.

    Args:
        at: UTC time of the entry.
        trials: complete and failed trials until then.
        candidate: content id.
        value: mean of the values that count, metric units.
        verdict: position in `StudyState.verdicts`.
        level: provisional steps are good enough to search from, never to report.
    """

    at: str
    trials: int
    candidate: str
    value: float
    verdict: int
    level: Level


@dataclass(slots=True)
class Record:
    """All that is known of one candidate."""

    candidate: str
    proposal: int | None = None
    level: Level | None = None
    verdict: int | None = None
    screened: list[float] = field(default_factory=list[float])
    counted: list[float] = field(default_factory=list[float])
    trials: list[int] = field(default_factory=list[int])
    failed: int = 0

    @property
    def values(self) -> list[float]:
        """The unselected values, or the screening values where there are no others."""
        return self.counted or self.screened

    @property
    def mean(self) -> float | None:
        """Mean of `values`, None where there are none."""
        return sum(self.values) / len(self.values) if self.values else None


class StudyState:
    """What the entries so far say; `apply` is the only way to change it."""

    def __init__(self, name: str) -> None:
        """Begin with nothing known."""
        self.name = name
        self.genesis: Genesis | None = None
        self.began = ""
        self.last = ""
        self.seq = 0
        self.head = ""
        self.sessions: list[Session] = []
        self.stopped: str | None = None
        self.proposals: dict[int, Proposal] = {}
        self.records: dict[str, Record] = {}
        self.trials: dict[int, Trial] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.ended_at: dict[int, str] = {}
        self.pending: dict[int, Trial] = {}
        self.noise: NoiseLevel | None = None
        self.verdicts: list[Verdict] = []
        self.verdict_at: list[str] = []
        self.acceptances: list[int] = []
        self.incumbent = ""
        self.steps: list[Step] = []
        self.contenders: dict[str, None] = {}
        self.cpu_s = 0.0
        self.failed = 0
        self.failed_in_a_row = 0
        self.refused: list[str] = []

    # -- reading ---------------------------------------------------------------------------

    @property
    def start(self) -> Genesis:
        """The genesis.

        Raises:
            BadEntry: the study has none yet.
        """
        if self.genesis is None:
            raise BadEntry("study", "the study has no first entry")
        return self.genesis

    @property
    def task(self) -> Task:
        """The task of the study."""
        return self.start.task

    @property
    def accepted(self) -> list[Verdict]:
        """Verdicts that made a new incumbent, oldest first."""
        return [self.verdicts[position] for position in self.acceptances]

    @property
    def isolation(self) -> Isolation:
        """What holds where the study was last worked on."""
        return self.sessions[-1].isolation if self.sessions else self.start.isolation

    def record(self, candidate: str) -> Record:
        """What is known of a candidate.

        Raises:
            BadEntry: no such candidate in this study.
        """
        try:
            return self.records[candidate]
        except KeyError:
            raise BadEntry("candidate", f"{candidate!r} is not part of this study") from None

    def value_of(self, candidate: str) -> float | None:
        """What a candidate is worth: its mean, or for an exact metric the best that it made.

        An exact measurement is of the thing itself, so its best trial is a proof, not luck.
        """
        record = self.record(candidate)
        if self.task.metric.noise is not Noise.EXACT:
            return record.mean
        values = record.counted + record.screened
        pick = max if self.task.metric.direction is Direction.MAXIMIZE else min
        return pick(values) if values else None

    def raced(self, candidate: str, about: str) -> list[float]:
        """The values of a candidate that count in the race about another, or about itself.

        Trials of an incumbent count in every later race; only timings are compared within one
        race, because there both arms must have met the same machine.
        """
        record = self.record(candidate)
        if self.task.metric.noise is not Noise.TIMING:
            return record.counted
        values = list[float]()
        for number in record.trials:
            trial, outcome = self.trials[number], self.outcomes.get(number)
            mine = trial.about == about and trial.purpose is Purpose.RACE
            if mine and outcome and outcome.measurement:
                values.append(outcome.measurement.value)
        return values

    def proposal_of(self, candidate: str) -> Proposal | None:
        """The proposal that led to a candidate; None for the baseline."""
        number = self.record(candidate).proposal
        return None if number is None else self.proposals[number]

    def tree_of(self, candidate: str) -> dict[str, str]:
        """Path to blob id of a candidate's whole tree."""
        tree = dict(self.task.files)
        for proposal in self.lineage(candidate):
            tree.update(proposal.files)
        return tree

    def lineage(self, candidate: str) -> list[Proposal]:
        """The proposals from the baseline to a candidate, oldest first."""
        chain: list[Proposal] = []
        while (proposal := self.proposal_of(candidate)) is not None:
            chain.append(proposal)
            candidate = proposal.parent
        return chain[::-1]

    def changes_of(self, candidate: str) -> tuple[Change, ...]:
        """Every typed change from the baseline to a candidate, oldest first."""
        return tuple(change for step in self.lineage(candidate) for change in step.changes)

    # -- folding ---------------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """Take in the next entry.

        Raises:
            BadEntry: the state machine does not allow it here.
        """
        body = parse_strict(entry.body, limit_bytes=MAX_BODY_BYTES)
        if (self.genesis is None) != (entry.kind == "study"):
            raise BadEntry(entry.kind, "a study begins with exactly one 'study' entry")
        fold = getattr(self, f"_fold_{entry.kind}", None)
        if fold is None:
            raise BadEntry(entry.kind, "this version of Upward does not know the kind")
        fold(body, entry)
        self.seq, self.head, self.last = entry.seq, entry.hash, entry.at
        self.began = self.began or entry.at

    def _fold_study(self, body: dict[str, Any], _: Entry) -> None:
        self.genesis = restore(Genesis, body)
        self.incumbent = self.genesis.baseline
        self.records[self.incumbent] = Record(self.incumbent)

    def _fold_session(self, body: dict[str, Any], entry: Entry) -> None:
        self.sessions.append(restore(Session, {"at": entry.at, **body}))
        self.stopped = None

    def _fold_stopped(self, body: dict[str, Any], _: Entry) -> None:
        self.stopped = str(body["reason"])

    def _fold_proposal(self, body: dict[str, Any], _: Entry) -> None:
        proposal = restore(Proposal, body)
        if proposal.number != len(self.proposals) + 1:
            raise BadEntry("proposal", f"number {proposal.number} is out of order")
        if proposal.candidate in self.records:
            raise BadEntry("proposal", f"candidate {proposal.candidate} was proposed before")
        self.record(proposal.parent)
        self.proposals[proposal.number] = proposal
        self.records[proposal.candidate] = Record(proposal.candidate, proposal.number)

    def _fold_trial(self, body: dict[str, Any], _: Entry) -> None:
        trial = restore(Trial, body)
        if trial.number != len(self.trials) + 1:
            raise BadEntry("trial", f"number {trial.number} is out of order")
        self.record(trial.candidate).trials.append(trial.number)
        self.trials[trial.number] = trial
        self.pending[trial.number] = trial

    def _fold_outcome(self, body: dict[str, Any], entry: Entry) -> None:
        outcome = restore(Outcome, body)
        trial = self.pending.pop(outcome.trial, None)
        if trial is None:
            raise BadEntry("outcome", f"trial {outcome.trial} is not running")
        if (outcome.state is TrialState.COMPLETE) != (outcome.measurement is not None):
            raise BadEntry("outcome", "a measurement exists exactly for a complete trial")
        self.outcomes[outcome.trial] = outcome
        self.ended_at[outcome.trial] = entry.at
        self.cpu_s += sum(u.cpu_s for u in (outcome.usage, outcome.scoring) if u)
        self._count(trial, outcome)

    def _count(self, trial: Trial, outcome: Outcome) -> None:
        record = self.record(trial.candidate)
        failed = outcome.state is TrialState.FAILED
        record.failed += failed
        self.failed += failed
        self.failed_in_a_row = self.failed_in_a_row + 1 if failed else 0
        if outcome.measurement is None:
            return
        if trial.purpose is Purpose.SCREEN:
            record.screened.append(outcome.measurement.value)
        elif trial.purpose is not Purpose.REPLAY:
            record.counted.append(outcome.measurement.value)

    def _fold_noise(self, body: dict[str, Any], _: Entry) -> None:
        self.noise = restore(NoiseLevel, body)

    def _fold_refused(self, body: dict[str, Any], _: Entry) -> None:
        self.refused.append(str(body["reason"]))

    def _fold_verdict(self, body: dict[str, Any], entry: Entry) -> None:
        verdict = restore(Verdict, body)
        record = self.record(verdict.candidate)
        before = self.value_of(self.incumbent)
        record.verdict, record.level = len(self.verdicts), verdict.level
        self.verdicts.append(verdict)
        self.verdict_at.append(entry.at)
        self._contend(verdict)
        value = self.value_of(verdict.candidate)
        if verdict.level is not None and value is not None:
            self._step(verdict, verdict.level, value, before, entry)
        if verdict.decision is Decision.ACCEPTED:
            self.incumbent = verdict.candidate
            self.acceptances.append(len(self.verdicts) - 1)

    def _contend(self, verdict: Verdict) -> None:
        """A passed screen waits for its race; any other verdict ends the waiting."""
        if verdict.rule == SCREEN and verdict.level is Level.PROVISIONAL:
            self.contenders[verdict.candidate] = None
        else:
            self.contenders.pop(verdict.candidate, None)

    def _step(
        self, verdict: Verdict, level: Level, value: float, before: float | None, entry: Entry
    ) -> None:
        best = [before] if before is not None else []
        best += [step.value for step in self.steps[-1:] if step.level is Level.PROVISIONAL]
        gain = self.task.metric.gain
        if verdict.decision is Decision.ACCEPTED or all(gain(value, old) > 0 for old in best):
            done, index = len(self.outcomes), len(self.verdicts) - 1
            self.steps.append(Step(entry.at, done, verdict.candidate, value, index, level))


def replay(name: str, entries: Iterable[Entry]) -> StudyState:
    """Fold all entries of a study into its state."""
    state = StudyState(name)
    for entry in entries:
        state.apply(entry)
    return state


def genesis_body(genesis: Genesis) -> dict[str, Any]:
    """Return the plain body of a study's first entry."""
    return plain(genesis)
