"""From the trials of a check to what they say: pure, and without a number where there is none."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from upward.core.errors import BadMeasurement, EvidenceError, TooFewTrials
from upward.core.metric import Metric, Noise
from upward.core.plan import Plan
from upward.core.records import Outcome, TrialState
from upward.core.task import Task
from upward.loop.advise import conclude
from upward.loop.checked import (
    Arm,
    Checked,
    Cost,
    Price,
    Ran,
    Sameness,
    Sight,
    Spread,
    Tried,
    Unknown,
)
from upward.stats.drift import Drift, drift
from upward.stats.noise import noise, resolution
from upward.stats.pairing import Pairing, break_even_ratio, pairing
from upward.stats.power import trials_needed
from upward.stats.sources import Components, components, sd_range

T = TypeVar("T")

GAINS_IN_SD = (4.0, 2.0, 1.0, 0.5)
FEWEST = 4


def appraise(tried: Tried, task: Task, plan: Plan) -> Checked:
    """Say what the trials of a check tell about its task.

    Args:
        tried: all trials.
        task: what was checked.
        plan: the rule of a study, for what a race sees and costs.

    Returns:
        Where the trials are too few, never vary, or hold a value that is no measurement, the
        answer is `Unknown` with the reason; nothing is raised for bad data.

    Cost: some seconds, for the races that are simulated; no randomness.
    """
    values = _values(tried, Arm.BASELINE)
    unedited = [ran.outcome for ran in tried.ran if ran.arm in (Arm.BASELINE, Arm.AGAIN)]
    failed = [outcome for outcome in unedited if outcome.state is TrialState.FAILED]
    cost = _or_unknown(lambda: _cost(unedited))
    spread = _or_unknown(lambda: _spread(list(values.values()), task.metric))
    checked = Checked(
        task=task.name,
        goal=task.goal,
        metric=task.metric,
        trials=len(tried.ran) + len(tried.extra),
        failed=len(failed),
        baseline_trials=len(unedited),
        failure=failed[0].failure if failed else None,
        elapsed_s=tried.elapsed_s,
        workers=tried.workers,
        values=tuple(values.values()),
        cost=cost,
        spread=spread,
        sources=_or_unknown(lambda: _sources(tried, task.metric)),
        sameness=_sameness(tried),
        sight=_sight(spread, cost, task.metric, plan, tried.workers),
        near_words=tried.near_words,
        near_differs=any(values.get(seed, v) != v for seed, v in _values(tried, Arm.NEAR).items()),
        pairing=_pairing(tried, task.metric, plan),
        drift=_or_unknown(lambda: _drift(tried, task.metric)),
        speed=_or_unknown(lambda: _speed(tried)),
        nulls=tried.nulls,
    )
    return replace(checked, conclusion=conclude(checked))


def _or_unknown(ask: Callable[[], T]) -> T | Unknown:
    """The answer, or why the data has none."""
    try:
        return ask()
    except BadMeasurement as error:
        return Unknown(f"{error.reason}.")
    except EvidenceError as error:
        return Unknown(str(error))


def _values(tried: Tried, arm: Arm) -> dict[int, float]:
    """Seed to measurement, in the order of seeds."""
    found = {ran.seed: ran.value for ran in tried.ran if ran.arm is arm}
    return {seed: value for seed, value in sorted(found.items()) if value is not None}


def _scaled(values: Sequence[float], metric: Metric) -> list[float]:
    """Measurements on the scale on which they are compared: timings as logarithms."""
    checked = [metric.check(value) for value in values]
    return [math.log(v) for v in checked] if metric.noise is Noise.TIMING else checked


# -- cost and noise ----------------------------------------------------------------------------


def _cost(outcomes: Sequence[Outcome]) -> Cost:
    uses = [[u for u in (o.usage, o.scoring) if u] for o in outcomes if o.measurement]
    if not uses:
        raise TooFewTrials("the cost of a trial", 1, 0)
    cpu_s = [sum(use.cpu_s for use in trial) for trial in uses]
    wall_s = [sum(use.wall_s for use in trial) for trial in uses]
    return Cost(sum(cpu_s) / len(uses), sum(wall_s) / len(uses))


def _spread(values: Sequence[float], metric: Metric) -> Spread:
    if len(values) < FEWEST:
        raise TooFewTrials("the noise of this task", FEWEST, len(values))
    middle, sd = noise(_scaled(values, metric))
    low, high = sd_range(sd, len(values) - 1)
    unit = 1.0
    if metric.noise is Noise.TIMING:
        middle = unit = math.exp(middle)
    order = sorted(values, key=lambda value: metric.gain(value, values[0]))
    return Spread(
        n=len(values),
        mean=middle,
        sd=sd * unit,
        low=low * unit,
        high=high * unit,
        relative=abs(sd * unit / middle) if middle else None,
        best=order[-1],
        worst=order[0],
    )


def _sources(tried: Tried, metric: Metric) -> Components:
    rows = dict[int, list[float]]()
    for ran in tried.ran:
        if ran.arm in (Arm.BASELINE, Arm.AGAIN) and ran.value is not None:
            rows.setdefault(ran.seed, []).append(ran.value)
    return components([_scaled(row, metric) for row in rows.values()])


def _sameness(tried: Tried) -> Sameness:
    done = [ran for ran in tried.ran if ran.value is not None and ran.arm is not Arm.NEAR]
    first = {ran.seed: ran for ran in done if ran.arm is Arm.BASELINE}
    pairs = [(first[r.seed], r) for r in done if r.arm is Arm.AGAIN and r.seed in first]
    left = [_left(ran.outcome) for ran in done]
    return Sameness(
        repeats=len(pairs),
        agree=sum(a.value == b.value for a, b in pairs),
        same_outputs=len(left) > 1 and bool(left[0]) and all(other == left[0] for other in left),
        scorer_wavers=any(
            _left(a.outcome) and _left(a.outcome) == _left(b.outcome) and a.value != b.value
            for a, b in pairs
        ),
    )


def _left(outcome: Outcome) -> dict[str, str]:
    return dict(outcome.outputs)


# -- what can be seen --------------------------------------------------------------------------


def _sight(
    spread: Spread | Unknown, cost: Cost | Unknown, metric: Metric, plan: Plan, workers: int
) -> Sight | Unknown:
    if isinstance(spread, Unknown):
        return spread
    if isinstance(cost, Unknown):
        return cost
    if metric.noise is Noise.EXACT:
        return Unknown("An exact measurement proves a gain by itself, however small.")
    if spread.sd == 0.0:
        return Unknown("No trial differed from another, so there is no noise to see through.")
    minutes = cost.wall_s / 60.0
    timing = metric.noise is Noise.TIMING
    sd = spread.sd / spread.mean if timing else spread.sd
    held = plan.calibration
    seen = _or_unknown(lambda: resolution(sd, plan=plan, incumbent_trials=held, paired=timing))
    if isinstance(seen, Unknown):
        return seen
    return Sight(
        resolution=_in_unit(seen, spread, metric),
        cap=plan.race_cap,
        screen_minutes=minutes,
        race_minutes=2 * plan.race_cap * minutes / workers,
        prices=tuple(
            _price(times, sd, spread, metric, plan, minutes / workers) for times in GAINS_IN_SD
        ),
    )


def _in_unit(gain: float, spread: Spread, metric: Metric) -> float:
    """A gain on the scale of comparison, from the baseline's mean, in the metric's unit."""
    if metric.noise is not Noise.TIMING:
        return gain
    better = spread.mean * math.exp(metric.gain(gain, 0.0))
    return metric.gain(better, spread.mean)


def _price(
    times: float, sd: float, spread: Spread, metric: Metric, plan: Plan, minutes: float
) -> Price:
    held, timing = plan.calibration, metric.noise is Noise.TIMING
    trials = _trials(times, plan, held, timing)
    spent = None if trials is None else 2 * trials * minutes
    return Price(times, _in_unit(times * sd, spread, metric), trials, spent)


@lru_cache(maxsize=64)
def _trials(times: float, plan: Plan, held: int, paired: bool) -> int | None:  # noqa: FBT001 - cached
    """Trials for a gain of so many sd, None for more than anybody runs; the same for every task."""
    try:
        return trials_needed(times, 1.0, plan=plan, incumbent_trials=held, paired=paired)
    except TooFewTrials:
        return None


# -- pairing and drift -------------------------------------------------------------------------


def _pairing(tried: Tried, metric: Metric, plan: Plan) -> Pairing | Unknown:
    if metric.noise is Noise.EXACT:
        return Unknown("An exact measurement needs no partner.")
    if not tried.near_words:
        return Unknown("No number in the files can be changed by a little to make a near copy.")
    one, other = _values(tried, Arm.BASELINE), _values(tried, Arm.NEAR)
    if metric.noise is Noise.TIMING:
        pairs = _neighbours(tried)
    else:
        pairs = [(one[seed], other[seed]) for seed in one if seed in other]
    return _or_unknown(
        lambda: pairing(
            _scaled([a for a, _ in pairs], metric),
            _scaled([b for _, b in pairs], metric),
            break_even=break_even_ratio(plan, incumbent_trials=plan.calibration),
        )
    )


def _neighbours(tried: Tried) -> list[tuple[float, float]]:
    """Measurements of baseline and near copy that ran one after the other, as a race pairs them."""
    arms = [[ran for ran in tried.ran if ran.arm is arm] for arm in (Arm.BASELINE, Arm.NEAR)]
    pairs = zip(*arms, strict=False)
    return [(a.value, b.value) for a, b in pairs if a.value is not None and b.value is not None]


def _drift(tried: Tried, metric: Metric) -> Drift:
    """Drift of the measurement: what one seed gives early and late, of either program."""
    done = [ran for ran in tried.ran if ran.value is not None]
    values = _scaled([ran.value for ran in done if ran.value is not None], metric)
    return drift(_level(values, done), [ran.seed for ran in done])


def _speed(tried: Tried) -> Drift:
    """Drift of the machine: the logarithm of the wall time of every trial."""
    done = [ran for ran in tried.ran if ran.value is not None and ran.outcome.usage]
    walls = [ran.outcome.usage.wall_s for ran in done if ran.outcome.usage]
    times = [math.log(max(wall, 1e-6)) for wall in walls]
    return drift(_level(times, done), [ran.seed for ran in done])


def _level(values: Sequence[float], done: Sequence[Ran]) -> list[float]:
    """Values without what the near copy is better or worse by on the same seeds."""
    by_arm: dict[Arm, dict[int, float]] = {arm: {} for arm in Arm}
    for value, ran in zip(values, done, strict=True):
        by_arm[ran.arm][ran.seed] = value
    near, baseline = by_arm[Arm.NEAR], by_arm[Arm.BASELINE]
    steps = [near[seed] - baseline[seed] for seed in near if seed in baseline]
    shift = sum(steps) / len(steps) if steps else 0.0
    pairs = zip(values, done, strict=True)
    return [v - shift if ran.arm is Arm.NEAR else v for v, ran in pairs]
