"""What a check of a task finds: its trials, and what they could and could not tell."""

from dataclasses import dataclass, field
from enum import StrEnum

from upward.core.metric import Metric
from upward.core.records import Failure, Outcome
from upward.loop.nulls import NullKind
from upward.stats.drift import Drift
from upward.stats.pairing import Pairing
from upward.stats.sources import Components


class Arm(StrEnum):
    """What a trial of a check runs."""

    BASELINE = "baseline"
    AGAIN = "baseline again"  # on a seed that it has run on
    NEAR = "near copy"  # on the baseline's seeds
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Ran:
    """One trial of the check's schedule that has ended.

    Args:
        arm: what ran.
        seed: which of the check's seeds, from 0.
        position: place in the order in which trials were begun.
        outcome: how it ended.
    """

    arm: Arm
    seed: int
    position: int
    outcome: Outcome

    @property
    def value(self) -> float | None:
        """Its measurement, metric unit; None where it failed."""
        return self.outcome.measurement.value if self.outcome.measurement else None


@dataclass(frozen=True, slots=True)
class NullFound:
    """How a null candidate did.

    Args:
        kind: which.
        trials: of it, that ended.
        value: mean of its measurements, None where there is none.
        gain: of that over the baseline's mean, metric unit, positive when better.
        won: whether it would have been accepted as an improvement.
        words: what happened, one sentence.
        skipped: why it was not tried, else empty.
    """

    kind: NullKind
    trials: int = 0
    value: float | None = None
    gain: float | None = None
    won: bool = False
    words: str = ""
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """All trials of a check.

    Args:
        ran: the schedule's trials, in the order in which they were begun.
        nulls: the null candidates.
        extra: outcomes of the null candidates' trials and of those beside them.
        elapsed_s: wall time of everything.
        workers: trials at a time.
        near_words: what the near copy changes, empty where there was none.
        interrupted: whether it was stopped before its end; then nothing may be concluded.
    """

    ran: tuple[Ran, ...]
    nulls: tuple[NullFound, ...]
    extra: tuple[Outcome, ...]
    elapsed_s: float
    workers: int
    near_words: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A question that these trials do not answer, and why; no number stands in for it."""

    why: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Mean cost of a trial with its scoring, in seconds of CPU and of wall time."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How much one trial of the baseline differs from the next.

    Args:
        n: seeds behind it.
        mean: metric unit; of a timing the geometric mean.
        sd: of one measurement, metric unit.
        low: lower end of the range in which the true sd lies (95 %).
        high: upper end.
        relative: sd as a share of the mean, None where the mean is 0.
        best: best measurement.
        worst: worst measurement.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    relative: float | None
    best: float
    worst: float


@dataclass(frozen=True, slots=True)
class Price:
    """What seeing a gain costs.

    Args:
        in_sd: the gain in standard deviations of one measurement.
        gain: the same in the metric's unit.
        trials: of the candidate in one race, as many again of the incumbent; None where more
            would be needed than anybody runs.
        minutes: of the race on this machine, None likewise.
    """

    in_sd: float
    gain: float
    trials: int | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a study of this task can see.

    Args:
        resolution: smallest gain that a race of `cap` trials finds in 80 % of cases, metric unit.
        cap: most trials of a candidate in one race.
        screen_minutes: wall time of the one trial that turns most candidates away.
        race_minutes: wall time of a race to its cap, both sides.
        prices: what larger and smaller gains cost.
    """

    resolution: float
    cap: int
    screen_minutes: float
    race_minutes: float
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Sameness:
    """What trials on one seed, and their outputs, have in common.

    Args:
        repeats: trials that ran on a seed again.
        agree: those among them whose measurement has the same digits as the first.
        same_outputs: whether all trials, on all seeds, left the very same bytes; then all that
            differs between measurements is the scorer's own draw.
        scorer_wavers: whether the same seed and the same bytes were measured differently: the
            scorer does not repeat itself.
    """

    repeats: int
    agree: int
    same_outputs: bool
    scorer_wavers: bool


class Answer(StrEnum):
    """Whether a task is measurable."""

    MEASURABLE = "measurable"
    NOT_MEASURABLE = "not measurable"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The verdict on a task, in words.

    Args:
        answer: in one word.
        summary: in one sentence.
        findings: what stands in the way, or deserves attention; one sentence each.
        advice: what to change, one sentence each, most useful first.
    """

    answer: Answer
    summary: str
    findings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that a check found.

    Args:
        task: its name.
        goal: one sentence.
        metric: what is measured.
        trials: that ended, of all kinds.
        failed: trials of the unedited task without a measurement.
        baseline_trials: trials of the unedited task.
        failure: why the first of them failed, None where none did.
        elapsed_s: wall time of the check.
        workers: trials at a time.
        values: of the baseline, one per seed, in order; metric unit.
        cost: of one trial.
        spread: the noise.
        sources: where the noise comes from.
        sameness: what repeats have in common.
        sight: what can be seen.
        near_words: what the near copy changes, empty where there was none.
        near_differs: whether it measured differently from the baseline on any seed.
        pairing: whether two candidates should share seeds.
        drift: whether measurements drifted.
        speed: whether the wall time of a trial drifted.
        nulls: the null candidates.
        conclusion: the verdict.
    """

    task: str
    goal: str
    metric: Metric
    trials: int
    failed: int
    baseline_trials: int
    failure: Failure | None
    elapsed_s: float
    workers: int
    values: tuple[float, ...]
    cost: Cost | Unknown
    spread: Spread | Unknown
    sources: Components | Unknown
    sameness: Sameness
    sight: Sight | Unknown
    near_words: str
    near_differs: bool
    pairing: Pairing | Unknown
    drift: Drift | Unknown
    speed: Drift | Unknown
    nulls: tuple[NullFound, ...]
    conclusion: Conclusion = field(default=Conclusion(Answer.CANNOT_SAY, ""))

    @property
    def races(self) -> bool:
        """Whether gains are proved by races; an exact measurement proves them by itself."""
        return str(self.metric.noise) != "exact"
