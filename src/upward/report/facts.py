"""What the page says in numbers, read from the state of a study; nothing here makes markup."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

from upward.core.errors import EvidenceError
from upward.core.metric import Direction, Metric, Noise
from upward.core.records import (
    Decision,
    Failure,
    Level,
    Proposal,
    Purpose,
    TrialState,
    Verdict,
)
from upward.ledger.facts import Publication, Record
from upward.ledger.replay import StudyState
from upward.report.text import decimals_for, moment, number, percent, signed
from upward.stats.noise import expected_best_of
from upward.stats.sequential import Gain, interval


class Finding(StrEnum):
    """What a study may claim."""

    BEGUN = "begun"  # the noise is not known yet
    NOTHING = "nothing"  # no candidate was accepted
    UNPROVEN = "unproven"  # accepted, but without isolation or by the task's own report
    VERIFIED = "verified"
    CERTIFIED = "certified"  # every accepted step holds when all races are counted


@dataclass(frozen=True, slots=True)
class Figures:
    """Writes the metric's values with the digits that its noise leaves meaningful.

    Args:
        metric: name, unit and direction.
        decimals: None writes as many digits as a value has.
    """

    metric: Metric
    decimals: int | None

    def value(self, value: float) -> str:
        """A value without its unit."""
        return number(value, self.decimals)

    def unit(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.value(value)} {self.metric.unit}".rstrip()

    def gain(self, gain: float) -> str:
        """A gain: signed, positive is better."""
        return signed(gain, self.decimals)

    @property
    def better(self) -> str:
        """Which way is better, in words."""
        return "higher" if self.metric.direction is Direction.MAXIMIZE else "lower"


@dataclass(frozen=True, slots=True)
class Headline:
    """The first thing that the page says.

    Args:
        finding: what may be claimed.
        before: what the baseline is worth, None while unknown.
        after: what the incumbent is worth; None unless something was accepted.
        gain: with its interval, metric units; None where no number can be stood behind.
        tries: candidates that were tried.
        luck: what the best of as many tries of pure noise would show, metric units.
        trials_before: trials of the baseline behind this.
        trials_after: trials of the incumbent behind this.
        published: whether these ran in turn, at the end, and decided nothing.
    """

    finding: Finding
    before: float | None
    after: float | None
    gain: Gain | None
    tries: int
    luck: float | None
    trials_before: int
    trials_after: int
    published: bool = False

    def share(self, gain: float) -> str | None:
        """A gain as a share of the baseline, where that means something."""
        if not self.before:
            return None
        return percent(gain / abs(self.before))


def figures(state: StudyState) -> Figures:
    """Return how values of this study are written."""
    metric, noise = state.task.metric, state.noise
    if noise is None:
        return Figures(metric, None)
    exact = metric.noise is Noise.EXACT or noise.sd <= 0
    return Figures(metric, None if exact else decimals_for(noise.sd))


def headline(state: StudyState) -> Headline:
    """Return the headline of a study."""
    baseline, incumbent = state.record(state.start.baseline), state.record(state.incumbent)
    found = _finding(state)
    claims = found not in (Finding.BEGUN, Finding.NOTHING)
    tries = len(state.proposals)
    noisy = state.noise is not None and tries > 0 and state.task.metric.noise is not Noise.EXACT
    basis = Headline(
        finding=found,
        before=state.value_of(state.start.baseline),
        after=state.value_of(state.incumbent) if claims else None,
        gain=_total_gain(state, baseline, incumbent) if claims else None,
        tries=tries,
        luck=expected_best_of(tries) * state.noise.sd if state.noise and noisy else None,
        trials_before=len(baseline.counted),
        trials_after=len(incumbent.counted),
    )
    return _published(basis, state.publication) if claims and state.publication else basis


def _published(basis: Headline, found: Publication) -> Headline:
    """The headline on the trials that ran for it: nothing in them was selected."""
    estimate, low, high = found.gain or 0.0, found.low, found.high
    gain = Gain(estimate, estimate if low is None else low, estimate if high is None else high)
    return replace(
        basis,
        before=_mean(found.baseline_values),
        after=_mean(found.values),
        gain=gain,
        trials_before=len(found.baseline_values),
        trials_after=len(found.values),
        published=True,
    )


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _finding(state: StudyState) -> Finding:
    if state.noise is None:
        return Finding.BEGUN
    if not state.acceptances:
        return Finding.NOTHING
    line = [verdict.candidate for verdict in state.ascent()]
    levels = [level for c in line if (level := state.record(c).level) is not None]
    level = state.record(state.incumbent).level
    if level is None or level.rank < Level.VERIFIED.rank:
        return Finding.UNPROVEN
    held = all(one.rank >= Level.CERTIFIED.rank for one in levels) and len(levels) == len(line)
    return Finding.CERTIFIED if held else Finding.VERIFIED


def _total_gain(state: StudyState, baseline: Record, incumbent: Record) -> Gain | None:
    metric = state.task.metric
    if metric.noise is Noise.EXACT:
        before, after = state.value_of(baseline.candidate), state.value_of(state.incumbent)
        if before is None or after is None:
            return None
        gain = metric.gain(after, before)
        return Gain(gain, gain, gain)
    try:
        return interval(incumbent.counted, baseline.counted, metric=metric)
    except EvidenceError:
        return None


# -- trials and time ---------------------------------------------------------------------------


def order_of_end(state: StudyState) -> dict[int, int]:
    """Trial number to its place in the order in which trials ended, from 1."""
    return {trial: place for place, trial in enumerate(state.outcomes, start=1)}


def elapsed_s(state: StudyState, at: str) -> float:
    """Seconds of wall time from the study's first entry, 0 where a time cannot be read."""
    began, then = moment(state.began), moment(at)
    return max(0.0, (then - began).total_seconds()) if began and then else 0.0


def worked_s(state: StudyState) -> float:
    """Wall time in which sessions worked: from each start to its last trial that ended."""
    starts = [elapsed_s(state, session.at) for session in state.sessions]
    ends = sorted(elapsed_s(state, at) for at in state.ended_at.values())
    total = 0.0
    for i, start in enumerate(starts):
        until = starts[i + 1] if i + 1 < len(starts) else math.inf
        inside = [end for end in ends if start <= end <= until]
        total += inside[-1] - start if inside else 0.0
    return total


def failures(state: StudyState) -> Counter[str]:
    """How many trials failed, by the boundary that they crossed."""
    return Counter(
        outcome.failure.boundary if outcome.failure else "unknown"
        for outcome in state.outcomes.values()
        if outcome.state is TrialState.FAILED
    )


def purposes(state: StudyState) -> Counter[Purpose]:
    """How many trials ended, by their purpose."""
    return Counter(state.trials[number].purpose for number in state.outcomes)


def values_for(state: StudyState, candidate: str, purpose: Purpose) -> list[float]:
    """Measurements of a candidate's trials of one purpose, in order."""
    found = list[float]()
    for trial in state.record(candidate).trials:
        outcome = state.outcomes.get(trial)
        if state.trials[trial].purpose is purpose and outcome and outcome.measurement:
            found.append(outcome.measurement.value)
    return found


# -- verdicts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """A proposal that was not accepted, with its last verdict and why it failed, if it did."""

    proposal: Proposal
    verdict: Verdict
    failure: Failure | None


def not_accepted(state: StudyState) -> list[Ended]:
    """Return every decided proposal that did not become an incumbent, newest first."""
    won = {verdict.candidate for verdict in state.accepted}
    found = list[Ended]()
    for proposal in reversed(state.proposals.values()):
        record = state.records[proposal.candidate]
        if record.verdict is not None and proposal.candidate not in won:
            verdict = state.verdicts[record.verdict]
            found.append(Ended(proposal, verdict, _failure(state, record)))
    return found


def _failure(state: StudyState, record: Record) -> Failure | None:
    for trial in reversed(record.trials):
        outcome = state.outcomes.get(trial)
        if outcome and outcome.failure:
            return outcome.failure
    return None


def decisions(state: StudyState) -> Counter[Decision]:
    """How the proposals stand, by the last verdict of each; accepted counts once."""
    counts = Counter(ended.verdict.decision for ended in not_accepted(state))
    baseline = state.start.baseline
    won = {v.candidate for v in state.accepted if v.candidate != baseline}
    counts[Decision.ACCEPTED] = len(won)
    return counts


def reference_lines(state: StudyState) -> dict[str, float]:
    """Return readings of the scorer that can be compared with the metric, by short name.

    A scorer may add notes in the metric's own unit, such as ``xz_bpb`` beside ``val_bpb``: what a
    compressor reaches on the same text. They are recognised by the metric's last word.
    """
    metric = state.task.metric.name
    suffix = "_" + metric.rsplit("_", 1)[-1]
    sums: dict[str, list[float]] = {}
    for trial in state.record(state.start.baseline).trials:
        outcome = state.outcomes.get(trial)
        if state.trials[trial].purpose is Purpose.HOLDOUT:
            continue  # these are of other text
        notes = outcome.measurement.notes if outcome and outcome.measurement else {}
        for name, value in notes.items():
            usable = isinstance(value, int | float) and not isinstance(value, bool)
            if usable and name.endswith(suffix) and name != metric:
                sums.setdefault(name.removesuffix(suffix), []).append(float(value))
    return {name: sum(values) / len(values) for name, values in sorted(sums.items())[:4]}
