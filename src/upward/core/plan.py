"""The rule of a study, fixed before its first trial."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The rule of a study, fixed and recorded before its first trial.

    Args:
        rule: name and version of the whole protocol.
        alpha: error level of one race; accepted when the evidence reaches 1 / alpha.
        calibration: baseline trials before anything else.
        screen_sd: a screening trial must beat the incumbent's mean by this many standard
            deviations of one measurement to become provisional.
        race_cap: most fresh trials of a candidate in one race.
        incumbent_floor: the incumbent has at least this many trials beside the candidate's before
            a race may end in acceptance.
        missing: how a failed trial of a candidate counts in a race; ``reject`` ends it.
        certify_alpha: expected share of false ones among the certified, over all races.
        certify_share: largest share of all trials that re-runs of accepted steps may have.
        stack_every: accepted steps after which all of them together are compared with what they
            were built on; 0: never.
        simplify_share: largest share of all trials that may ask what can be left out again.
        holdout: whether accepted candidates ask the task's sealed holdout.
        survivors: share of the candidates stopped at a rung that go on all the same.
        publish: trials of the best candidate, and as many of the baseline, at the end; 0: none.
        controls: share of all trials after calibration that control arms get.
        timing_cv: a timing is verified only while the incumbent's own trials in the race have at
            most this coefficient of variation. GPU kernels without locked clocks show up to 0.3;
            beyond it something else runs on the machine, and a ratio of means says little.
    """

    rule: str = "screen-race-3"
    alpha: float = 0.05
    calibration: int = 8
    screen_sd: float = 0.5
    race_cap: int = 10
    incumbent_floor: int = 2
    missing: str = "reject"
    certify_alpha: float = 0.10
    certify_share: float = 0.10
    stack_every: int = 10
    simplify_share: float = 0.10
    holdout: bool = True
    survivors: float = 0.10
    publish: int = 3
    controls: float = 0.15
    timing_cv: float = 0.3
