"""What follows from a trial that ended: noise, a screen, or one step of a race."""

from dataclasses import replace

from upward.core.codec import plain
from upward.core.design import SHARED
from upward.core.errors import EvidenceError, TooFewTrials
from upward.core.metric import Noise
from upward.core.noise import NoiseLevel
from upward.core.plan import Plan
from upward.core.records import Decision, Level, Outcome, Purpose, Trial, TrialState, Usage, Verdict
from upward.ledger.facts import Beside
from upward.ledger.replay import OVERTAKEN, RACE, SCREEN, StudyState
from upward.loop.decide import calibration_trials
from upward.loop.ease import eased, exactly, plainly
from upward.loop.guarded import LATEST, guard_race, guard_screen
from upward.loop.spread import spread_now
from upward.loop.study import Item
from upward.stats import noise as noise_stats
from upward.stats.pairing import break_even_ratio
from upward.stats.shared import Layout
from upward.stats.verdict import Judgement, missing_trial, race, screen


def conclusions(state: StudyState, outcome: Outcome) -> list[Item]:
    """Return the entries that follow from an outcome that the state already contains."""
    trial = state.trials[outcome.trial]
    if trial.purpose is Purpose.CALIBRATE:
        return _noise(state)
    if trial.purpose is Purpose.SCREEN:
        return _screen_ended(state, trial, outcome)
    if trial.purpose is Purpose.RACE:
        return _raced(state, trial, outcome)
    return []


def overtaken(state: StudyState) -> list[Item]:
    """Return verdicts on contenders that no longer beat the incumbent, after it changed.

    A removal falls in any case: that it loses little against what it was taken out of says
    nothing about the incumbent of now, and beside that one it would not be simpler either.
    """
    items = list[Item]()
    for candidate in state.contenders:
        if of_another(state, candidate):
            items.append(_verdict(_out_of_date(state, candidate)))
            continue
        value = state.value_of(candidate)
        against = _incumbent_values(state)
        if value is None or _judge_screen(state, candidate, value, against).level is None:
            items.append(_verdict(_overtaken(state, candidate)))
    return items


def of_another(state: StudyState, candidate: str) -> bool:
    """Whether a candidate is a removal, and not one of the incumbent of now."""
    proposal = state.proposal_of(candidate)
    if proposal is None or proposal.margin is None:
        return False
    return proposal.parent != state.incumbent


def _verdict(verdict: Verdict) -> Item:
    return ("verdict", plain(verdict))


# -- calibration -------------------------------------------------------------------------------


def _noise(state: StudyState) -> list[Item]:
    values = state.record(state.start.baseline).counted
    if state.noise is not None or len(values) < calibration_trials(state):
        return []
    mean, sd = noise_stats.noise(values)
    kind, plan = state.task.metric.noise, state.start.plan
    seen, n = 0.0, len(values)
    if kind is not Noise.EXACT:
        paired = kind is Noise.TIMING
        seen = noise_stats.resolution(sd, plan=plan, incumbent_trials=n, paired=paired)
    even = _break_even(plan, n) if kind is Noise.SEEDED else None
    return [("noise", plain(NoiseLevel(n, mean, sd, seen, *_cost(state), even)))]


def _break_even(plan: Plan, trials: int) -> float | None:
    """From which share of the variance on pairs pay; None where races are too short for pairs."""
    try:
        return break_even_ratio(plan, incumbent_trials=trials)
    except TooFewTrials:
        return None


def _cost(state: StudyState) -> tuple[float, float]:
    """Mean CPU and wall time of a trial with its scoring, seconds."""
    complete = [o for o in state.outcomes.values() if o.state is TrialState.COMPLETE]
    uses = [[u for u in (o.usage, o.scoring) if u] for o in complete]
    return _mean_use(uses, "cpu_s"), _mean_use(uses, "wall_s")


def _mean_use(uses: list[list[Usage]], name: str) -> float:
    totals = [sum(float(getattr(u, name)) for u in use) for use in uses]
    return sum(totals) / len(totals)


# -- screen ------------------------------------------------------------------------------------


def _screen_ended(state: StudyState, trial: Trial, outcome: Outcome) -> list[Item]:
    verdict = _screened(state, trial, outcome)
    numbers = state.record(trial.candidate).trials
    again = sum(state.trials[number].purpose is not Purpose.RUNG for number in numbers) > 1
    if again and verdict.decision is not Decision.ACCEPTED:
        return []  # another start of something known that found nothing better changes nothing
    return [_verdict(verdict)]


def _screened(state: StudyState, trial: Trial, outcome: Outcome) -> Verdict:
    if outcome.measurement is None:
        return _failed(state, trial.candidate, SCREEN, outcome)
    if of_another(state, trial.candidate):
        return _out_of_date(state, trial.candidate)
    value = outcome.measurement.value
    against = _incumbent_values(state, without=trial.number)
    judged = _judge_screen(state, trial.candidate, value, against)
    verdict = _from(judged, state, trial.candidate, SCREEN, (value,))
    return guard_screen(state, verdict, outcome)


def _judge_screen(
    state: StudyState, candidate: str, value: float, against: list[float]
) -> Judgement:
    metric, plan = state.task.metric, state.start.plan
    old = eased(state, candidate, against)
    judged = screen(value, old, metric=metric, sd=spread_now(state), plan=plan)
    if metric.noise is Noise.EXACT and state.is_removal(candidate):
        return exactly(judged)
    return plainly(judged, metric, state.margin_of(candidate), 0)


def _incumbent_values(state: StudyState, *, without: int = 0) -> list[float]:
    """The values that an incumbent stands on.

    Args:
        state: the study.
        without: a trial that is left out, for an incumbent that is compared with itself.
    """
    if state.task.metric.noise is not Noise.EXACT:
        return state.record(state.incumbent).values[-LATEST:]
    complete = _complete(state, state.incumbent)
    return [o.measurement.value for t, o in complete if o.measurement and t.number != without]


def _overtaken(state: StudyState, candidate: str) -> Verdict:
    return Verdict(
        candidate=candidate,
        incumbent=state.incumbent,
        decision=Decision.INCONCLUSIVE,
        level=Level.PROVISIONAL,
        rule=OVERTAKEN,
        reason="It passed its screen, but a better incumbent was accepted before its race.",
    )


def _out_of_date(state: StudyState, candidate: str) -> Verdict:
    return Verdict(
        candidate=candidate,
        incumbent=state.incumbent,
        decision=Decision.INCONCLUSIVE,
        level=None,
        rule=OVERTAKEN,
        reason="It is an earlier incumbent without a part, and before it was decided another "
        "candidate became the incumbent.",
    )


# -- race --------------------------------------------------------------------------------------


def _raced(state: StudyState, trial: Trial, outcome: Outcome) -> list[Item]:
    candidate = trial.about
    if candidate not in state.contenders:
        return []  # a straggler of a race that is already decided: it only adds to the incumbent
    if outcome.failure is not None and trial.candidate == candidate:
        judged = missing_trial(outcome.failure, plan=state.start.plan)
        return [_verdict(_from(judged, state, candidate, RACE, ()))]
    beside = state.beside(candidate, state.incumbent, Purpose.RACE)
    if not beside.mine:
        return []
    if state.task.metric.noise is Noise.EXACT:  # proved by its best trial; the guards are raced
        best, known = _best(state, candidate), _incumbent_values(state)
        beside = replace(beside, mine=tuple(best), theirs=tuple(known))
    judged = _judge_race(state, candidate, beside)
    if judged.decision is None:
        return []
    pairs = beside.pairs if beside.design in SHARED else None
    verdict = _from(judged, state, candidate, RACE, beside.mine)
    verdict = replace(verdict, incumbent_values=beside.theirs, pairs=pairs)
    if judged.decision is Decision.ACCEPTED:
        verdict = guard_race(state, verdict)
    return [_verdict(verdict)] if verdict else []


def _judge_race(state: StudyState, candidate: str, beside: Beside) -> Judgement:
    mine, metric, plan = beside.mine, state.task.metric, state.start.plan
    if metric.noise is Noise.EXACT:
        return _judge_screen(state, candidate, mine[0], list(beside.theirs))
    earlier, old = state.before_race(candidate), eased(state, candidate, beside.theirs)
    layout = Layout(beside.design, beside.pairs)
    try:
        judged = race(mine, old, metric=metric, plan=plan, earlier=earlier, layout=layout)
        return plainly(judged, metric, state.margin_of(candidate), len(mine))
    except EvidenceError as error:
        return Judgement(Decision.INCONCLUSIVE, Level.PROVISIONAL, str(error))


def _best(state: StudyState, candidate: str) -> list[float]:
    value = state.value_of(candidate)
    return [] if value is None else [value]


def _complete(state: StudyState, candidate: str) -> list[tuple[Trial, Outcome]]:
    numbers = state.record(candidate).trials
    pairs = [(state.trials[n], state.outcomes[n]) for n in numbers if n in state.outcomes]
    return [(trial, outcome) for trial, outcome in pairs if outcome.measurement]


# -- records -----------------------------------------------------------------------------------


def _from(
    judged: Judgement, state: StudyState, candidate: str, rule: str, values: tuple[float, ...]
) -> Verdict:
    level, decision = judged.level, judged.decision or Decision.INCONCLUSIVE
    reason = judged.reason
    if decision is Decision.ACCEPTED and not _provable(state):
        level = Level.PROVISIONAL
        reason += " Not verified: the trial was not isolated or the task reports its own result."
    return Verdict(
        candidate=candidate,
        incumbent=state.incumbent,
        decision=decision,
        level=level,
        rule=rule,
        reason=reason,
        gain=judged.gain,
        low=judged.low,
        high=judged.high,
        evidence=judged.evidence,
        candidate_values=values,
        incumbent_values=tuple(_incumbent_values(state)),
    )


def _provable(state: StudyState) -> bool:
    return state.isolation.isolated and not state.task.self_reported


def _failed(state: StudyState, candidate: str, rule: str, outcome: Outcome) -> Verdict:
    failure = outcome.failure
    why = failure.reason.rstrip(". ") if failure else "no measurement"
    return Verdict(
        candidate=candidate,
        incumbent=state.incumbent,
        decision=Decision.INVALID,
        level=None,
        rule=rule,
        reason=f"Trial t{outcome.trial} failed: {why}.",
    )
