"""A null candidate on the way of every proposal: one screen, and a race where that is passed."""

from dataclasses import dataclass, field

from upward.core.design import Design
from upward.core.errors import EvidenceError
from upward.core.metric import Metric, Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Level, Outcome, Purpose
from upward.loop.checked import NullFound
from upward.loop.nulls import Null
from upward.stats.noise import noise
from upward.stats.shared import Layout
from upward.stats.verdict import Arm, missing_trial, next_arm, race, screen


@dataclass(frozen=True, slots=True)
class Turn:
    """A trial that a null candidate needs next.

    Args:
        mine: whether it is the candidate's own, or the baseline's beside it.
        purpose: screen or race.
        path: names the stream of seeds that this one is from; in a race both arms have the same.
        index: which seed of the stream.
    """

    mine: bool
    purpose: Purpose
    path: str
    index: int


@dataclass(slots=True)
class NullTry:
    """One null candidate while it is tried.

    Args:
        null: the candidate.
        metric: what is measured.
        plan: the rule of a study.
        baseline: measurements of the baseline, one per seed.
    """

    null: Null
    metric: Metric
    plan: Plan
    baseline: tuple[float, ...]
    over: bool = False
    _won: bool = False
    _words: str = ""
    _screen: float | None = None
    _mine: dict[int, float] = field(default_factory=dict[int, float])
    _theirs: dict[int, float] = field(default_factory=dict[int, float])
    _turns: list[Turn] = field(default_factory=list[Turn])
    _ended: int = 0
    _own: int = 0
    _begun: bool = False

    def __post_init__(self) -> None:
        if self.null.skipped:
            self.over = True

    def next_turn(self) -> Turn | None:
        """The trial to start now, or None where its turn has not come or it is over."""
        if self.over:
            return None
        if not self._begun:
            self._begun = True
            return self._turn(mine=True, purpose=Purpose.SCREEN)
        arm = None if self._screen is None else self._next_arm()
        return None if arm is None else self._turn(mine=arm is Arm.CANDIDATE, purpose=Purpose.RACE)

    def _next_arm(self) -> Arm | None:
        begun = [turn.mine for turn in self._turns if turn.purpose is Purpose.RACE]
        return next_arm(sum(begun), len(begun) - sum(begun), plan=self.plan)

    def _turn(self, *, mine: bool, purpose: Purpose) -> Turn:
        before = [t for t in self._turns if (t.mine, t.purpose) == (mine, purpose)]
        turn = Turn(mine, purpose, f"{self.null.kind} {purpose}", len(before))
        self._turns.append(turn)
        return turn

    def take(self, outcome: Outcome, turn: Turn) -> None:
        """Take in how a trial ended; trials that end after the decision change nothing."""
        self._ended += 1
        self._own += turn.mine
        if self.over:
            return
        if outcome.measurement is not None:
            self._measured(outcome.measurement.value, turn)
        elif turn.mine:
            self._failed(outcome)
        if not self.over and self._ended == len(self._turns) and self._next_arm() is None:
            self.over, self._words = True, "Its race ended without a decision."

    def _measured(self, value: float, turn: Turn) -> None:
        if self._screen is None:
            self._screened(value)
        else:
            (self._mine if turn.mine else self._theirs)[turn.index] = value
            self._raced()

    def label(self, *, mine: bool) -> str:
        """What a trial of it is, in a few words."""
        return f"{self.null.kind} candidate" if mine else f"baseline beside {self.null.kind}"

    def found(self) -> NullFound:
        """How it did."""
        if self.null.skipped:
            return NullFound(self.null.kind, skipped=self.null.skipped)
        value = self._value()
        middle = sum(self.baseline) / len(self.baseline)
        return NullFound(
            kind=self.null.kind,
            trials=self._own,
            value=value,
            gain=None if value is None else self.metric.gain(value, middle),
            won=self._won,
            words=self._words,
        )

    def _value(self) -> float | None:
        """The mean of fresh trials where there are some: the screen is selected where it passed."""
        fresh = list(self._mine.values()) or ([] if self._screen is None else [self._screen])
        return sum(fresh) / len(fresh) if fresh else None

    def _failed(self, outcome: Outcome) -> None:
        self.over = True
        failure = outcome.failure
        if failure and self._screen is not None:
            self._words = missing_trial(failure, plan=self.plan).reason
        elif failure:
            self._words = f"No measurement ({failure.boundary}: {failure.reason.rstrip('. ')})."

    def _screened(self, value: float) -> None:
        self._screen = value
        try:
            sd = 0.0 if self.metric.noise is Noise.EXACT else noise(self.baseline)[1]
            judged = screen(value, self.baseline, metric=self.metric, sd=sd, plan=self.plan)
        except EvidenceError as error:
            self.over, self._screen, self._words = True, None, str(error)
            return
        self._words = judged.reason
        self._won = judged.decision is Decision.ACCEPTED
        self.over = self._won or judged.level is not Level.PROVISIONAL

    def _raced(self) -> None:
        both = sorted(self._mine.keys() & self._theirs.keys())
        arms = [[*both, *(i for i in arm if i not in both)] for arm in (self._mine, self._theirs)]
        try:
            judged = race(
                [self._mine[index] for index in arms[0]],
                [self._theirs[index] for index in arms[1]],
                metric=self.metric,
                plan=self.plan,
                earlier=() if self.metric.noise is Noise.TIMING else self.baseline,
                layout=Layout(Design.MIXED, len(both)),
            )
        except EvidenceError as error:
            self.over, self._words = True, str(error)
            return
        if judged.decision is not None:
            self.over, self._words = True, judged.reason
            self._won = judged.decision is Decision.ACCEPTED
