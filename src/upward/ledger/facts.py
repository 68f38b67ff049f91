"""The facts of a study that are not records of their own: how it began, and what adds up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from upward.core.design import Design
from upward.core.plan import Plan
from upward.core.records import Isolation, Level
from upward.core.task import Task


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
        linked: name of the study that this one belongs to, empty for one of its own.
        inherited: how many of its first trials are copies: that study's calibration.
    """

    task: Task
    plan: Plan
    seed: int
    secret: str
    baseline: str
    prepared: Mapping[str, Mapping[str, str]]
    isolation: Isolation
    software: Mapping[str, str]
    linked: str = ""
    inherited: int = 0


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


@dataclass(frozen=True, slots=True)
class Beside:
    """Both arms of a comparison as measured so far, metric units.

    Args:
        mine: of the candidate.
        theirs: of what it is compared with.
        pairs: how many of the first values of both are from the same seeds, in the same order.
        design: how the arms are laid out.
    """

    mine: tuple[float, ...]
    theirs: tuple[float, ...]
    pairs: int
    design: Design


@dataclass(frozen=True, slots=True)
class Certificate:
    """Which accepted steps hold when all races of the study are counted.

    Args:
        evidence: content id to e-value, of its race times that of its re-runs.
        raced: candidates whose race began, whatever came of it.
        alpha: expected share of false ones among those named.
    """

    evidence: Mapping[str, float]
    raced: int
    alpha: float


@dataclass(frozen=True, slots=True)
class StackCheck:
    """A whole row of accepted steps, compared with what it was built on.

    Args:
        tip: content id of the incumbent that was checked.
        against: content id of what it was compared with.
        stands: content id of the last step that was shown better than that: the tip where all is
            well, else what the study goes back to.
        compared: content ids that were compared, in order: the tip, then midpoints.
        trials: of the study when it was decided; later ones belong to the next check.
        gain: of what stands over `against`, metric units; None where nothing stands above it.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    tip: str
    against: str
    stands: str
    compared: tuple[str, ...]
    trials: int
    gain: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """What the short trial of a candidate led to.

    Args:
        candidate: content id.
        value: of the short trial, metric units; not comparable with whole trials.
        passed: whether it was good enough for a whole trial.
        survivor: whether it goes on without having passed, to see how often that is wrong.
        reason: one sentence for people.
    """

    candidate: str
    value: float
    passed: bool
    survivor: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One question to a sealed holdout; the first is the baseline's and begins the ladder.

    Args:
        candidate: content id.
        holdout: position among the task's holdouts.
        values: of the candidate there, metric units; none where a scoring failed.
        better: the answer; None for the baseline, and where the baseline has no value there.
        best: the best value that was released so far, rounded to steps; None where there is none.
        asked: questions so far, without the baseline's.
        confirmed: how many of them were answered with yes.
        step: by which it had to be better, metric units.
        trials: of the study by then; later ones belong to other questions.
    """

    candidate: str
    holdout: int
    values: tuple[float, ...]
    better: bool | None
    best: float | None
    asked: int
    confirmed: int
    step: float
    trials: int


@dataclass(frozen=True, slots=True)
class Publication:
    """The best candidate beside the baseline, on fresh seeds that decided nothing.

    Args:
        candidate: content id.
        values: of the candidate, metric units.
        baseline_values: of the baseline, interleaved with them.
        failed: trials of either that gave no measurement.
        attempts: candidates that had been proposed by then.
        gain: metric units, None where too few trials gave a measurement.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    candidate: str
    values: tuple[float, ...]
    baseline_values: tuple[float, ...]
    failed: int
    attempts: int
    gain: float | None = None
    low: float | None = None
    high: float | None = None


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
