"""What the best-so-far curve shows: what was tried, what looked better, and what was proved."""

from dataclasses import dataclass, field

from upward.core.metric import Noise
from upward.core.records import Decision, Level, Proposal, Purpose, Verdict
from upward.ledger.replay import STACK, StudyState
from upward.report.facts import Figures, elapsed_s, order_of_end, reference_lines
from upward.report.scale import spread_domain
from upward.report.text import clean

MOST_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One trial or step on the curve, before it has a place.

    Args:
        trials: trials that had ended by then.
        time_s: wall time by then, from the study's first entry.
        value: None for a failed trial.
        words: what appears on hover.
    """

    trials: int
    time_s: float
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Stair(Mark):
    """A step of the best so far.

    Args:
        level: what was known of the candidate then.
        interval: where the candidate's value lies by the 95 % interval of its gain, or None.
    """

    level: Level = Level.PROVISIONAL
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that the chart shows, in metric units.

    Args:
        screened: first looks at candidates.
        failed: trials without a measurement.
        steps: the best so far, provisional or verified.
        baseline: what it is worth, None before any measurement.
        sd: of one measurement, None before calibration and for an exact metric.
        begins: trials and time at which calibration was done.
        ends: trials and time of the last trial.
        references: further lines.
        left_out: points that are not drawn, because there are too many.
    """

    screened: list[Mark]
    failed: list[Mark]
    steps: list[Stair]
    baseline: float | None
    sd: float | None
    begins: tuple[int, float]
    ends: tuple[int, float]
    references: dict[str, float] = field(default_factory=dict[str, float])
    left_out: int = 0


def curve(state: StudyState, figures: Figures) -> Curve:
    """Read the curve from the state of a study."""
    places = order_of_end(state)
    exact = figures.metric.noise is Noise.EXACT
    screened, failed = list[Mark](), list[Mark]()
    for number, outcome in list(state.outcomes.items())[-MOST_POINTS:]:
        trial = state.trials[number]
        at = (places[number], elapsed_s(state, state.ended_at[number]))
        if outcome.failure is not None:
            failed.append(Mark(*at, None, _failed_words(state, number, outcome.failure.reason)))
        elif outcome.measurement and trial.purpose is Purpose.SCREEN:
            value = outcome.measurement.value
            screened.append(Mark(*at, value, _screened_words(state, number, value, figures)))
    last = max(places.values(), default=0)
    ends = max((elapsed_s(state, at) for at in state.ended_at.values()), default=0.0)
    return Curve(
        screened=screened,
        failed=failed,
        steps=[_stair(state, i, figures) for i in range(len(state.steps))],
        baseline=state.value_of(state.start.baseline),
        sd=state.noise.sd if state.noise and not exact else None,
        begins=_calibrated(state),
        ends=(last, ends),
        references=reference_lines(state),
        left_out=max(0, len(state.outcomes) - MOST_POINTS),
    )


def _calibrated(state: StudyState) -> tuple[int, float]:
    """Where calibration ended: the baseline's trials before anything else ended."""
    found = (0, 0.0)
    for place, number in enumerate(state.outcomes, start=1):
        if state.trials[number].purpose is not Purpose.CALIBRATE:
            break
        found = (place, elapsed_s(state, state.ended_at[number]))
    return found


def _stair(state: StudyState, position: int, figures: Figures) -> Stair:
    step = state.steps[position]
    verdict = state.verdicts[step.verdict]
    who = _who(state, step.candidate)
    level = "accepted" if verdict.decision is Decision.ACCEPTED else step.level.value
    level = "gone back to" if verdict.rule == STACK else level
    words = f"{who}: {level}, {figures.unit(step.value)}"
    return Stair(
        trials=step.trials,
        time_s=elapsed_s(state, step.at),
        value=step.value,
        words=words,
        level=step.level,
        interval=_where(verdict, figures) if verdict.decision is Decision.ACCEPTED else None,
    )


def _where(verdict: Verdict, figures: Figures) -> tuple[float, float] | None:
    """The interval of the gain, put at the incumbent's mean at that time."""
    against = verdict.incumbent_values
    if verdict.low is None or verdict.high is None or not against or verdict.low == verdict.high:
        return None
    mean = sum(against) / len(against)
    towards = figures.metric.gain(1.0, 0.0)
    first, second = mean + towards * verdict.low, mean + towards * verdict.high
    return min(first, second), max(first, second)


def _screened_words(state: StudyState, number: int, value: float, figures: Figures) -> str:
    trial = state.trials[number]
    return f"t{number}, {_who(state, trial.candidate)}: {figures.unit(value)} on its screen"


def _failed_words(state: StudyState, number: int, reason: str) -> str:
    who = _who(state, state.trials[number].candidate)
    return f"t{number}, {who}: failed, {clean(reason, 80)}"


def _who(state: StudyState, candidate: str) -> str:
    proposal = state.proposal_of(candidate)
    return f"p{proposal.number} ({short_change(proposal)})" if proposal else "baseline"


def short_change(proposal: Proposal, limit: int = 48) -> str:
    """Say in a few words what a proposal changes."""
    parts = [f"{c.knob.rsplit(':', 1)[-1]} {c.old} \u2192 {c.new}" for c in proposal.changes[:3]]
    more = f" and {len(proposal.changes) - 3} more" if len(proposal.changes) > 3 else ""
    return clean((", ".join(parts) + more) or proposal.hypothesis or proposal.operator, limit)


def domain(found: Curve) -> tuple[float, float]:
    """Return the range of values to show: the steps and the noise band, and what is near them."""
    baseline, sd = found.baseline or 0.0, found.sd or 0.0
    core = [baseline - 2.5 * sd, baseline + 2.5 * sd]
    core += [step.value for step in found.steps if step.value is not None]
    for step in found.steps:
        core += step.interval or ()
    others = [mark.value for mark in found.screened if mark.value is not None]
    return spread_domain(core, [*others, *found.references.values()], reach=0.3)


def beyond(found: Curve) -> int:
    """How many screened trials lie outside of the range that is shown."""
    low, high = domain(found)
    return sum(1 for m in found.screened if m.value is not None and not low <= m.value <= high)
