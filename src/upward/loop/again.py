"""Replay: run a candidate and what it was compared with again, from the ledger alone."""

from collections.abc import Callable
from dataclasses import dataclass

from upward.core.codec import plain
from upward.core.errors import EvidenceError
from upward.core.ports import Executor, Job
from upward.core.records import Purpose, Trial, Verdict
from upward.loop.run import TICK_S
from upward.loop.study import Planned, Study
from upward.stats.sequential import Gain, interval


@dataclass(frozen=True, slots=True)
class Replayed:
    """What running again showed.

    Args:
        candidate: content id.
        against: content id of the incumbent that it was compared with then; equal to
            `candidate` when the baseline itself is replayed.
        values: of the candidate on new seeds, metric units.
        against_values: of the other one on new seeds.
        failed: replayed trials without a measurement.
        claimed: the gain that the ledger claims, None where it claims none.
        found: the gain on the new seeds with its interval, None where there are too few.
    """

    candidate: str
    against: str
    values: tuple[float, ...]
    against_values: tuple[float, ...]
    failed: int
    claimed: float | None
    found: Gain | None


def run_again(
    study: Study,
    executor: Executor,
    candidate: str,
    trials: int,
    watch: Callable[[int, int], None],
) -> Replayed:
    """Run a candidate and its former incumbent again on new seeds, and compare.

    The new trials are recorded, but they do not change the study: a replay is a check, not a
    second chance.

    Args:
        study: it is recorded here.
        executor: runs the trials.
        candidate: content id.
        trials: how many of each arm.
        watch: shown (done, planned).
    """
    verdict = _claim(study, candidate)
    against = verdict.incumbent if verdict else candidate
    arms = [candidate] if against == candidate else [candidate, against]
    planned = [Planned(arm, Purpose.REPLAY, candidate) for _ in range(trials) for arm in arms]
    done = _run_all(study, executor, planned, watch)
    values, others = _values(study, done, candidate), _values(study, done, against)
    return Replayed(
        candidate=candidate,
        against=against,
        values=values,
        against_values=() if against == candidate else others,
        failed=len(done) - len(values) - (0 if against == candidate else len(others)),
        claimed=verdict.gain if verdict else None,
        found=None if against == candidate else _gain(study, values, others),
    )


def _claim(study: Study, candidate: str) -> Verdict | None:
    """The verdict on a candidate that speaks loudest: the last one with a gain."""
    found = [v for v in study.state.verdicts if v.candidate == candidate]
    return next((v for v in reversed(found) if v.gain is not None), found[-1] if found else None)


def _run_all(
    study: Study, executor: Executor, planned: list[Planned], watch: Callable[[int, int], None]
) -> list[Trial]:
    waiting, running, done, total = planned[::-1], 0, list[Trial](), len(planned)
    while waiting or running:
        while waiting and running < executor.workers:
            trial = study.start_trial(waiting.pop())
            executor.start(Job(trial, study.state.tree_of(trial.candidate)))
            running += 1
        for outcome in executor.finished(TICK_S):
            study.record(("outcome", plain(outcome)))
            done.append(study.state.trials[outcome.trial])
            running -= 1
        watch(len(done), total)
    return done


def _values(study: Study, trials: list[Trial], candidate: str) -> tuple[float, ...]:
    outcomes = [study.state.outcomes[t.number] for t in trials if t.candidate == candidate]
    return tuple(o.measurement.value for o in outcomes if o.measurement)


def _gain(study: Study, values: tuple[float, ...], others: tuple[float, ...]) -> Gain | None:
    try:
        return interval(values, others, metric=study.state.task.metric)
    except EvidenceError:
        return None
