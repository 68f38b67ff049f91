"""How many trials a question needs."""

import math
from dataclasses import replace

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.plan import Plan
from upward.stats.noise import power_of

MOST_TRIALS = 64
FEWEST_TRIALS = 2


def trials_needed(
    gain: float,
    sd: float,
    *,
    plan: Plan,
    incumbent_trials: int,
    power: float = 0.8,
    paired: bool = False,
) -> int:
    """Return the smallest cap at which a race finds a gain in 80 % of cases.

    For people who plan a study: what would it cost to see this? A longer trial or a larger
    evaluation set, which lower `sd`, are often cheaper than the trials that this asks for.

    Args:
        gain: that should be seen, metric unit, above 0.
        sd: of one measurement, metric unit.
        plan: its error level and floor; the cap is what is looked for.
        incumbent_trials: measurements that the incumbent brings along, 2 or more.
        power: share of races that must find it, in (0, 1).
        paired: whether the race compares pairs side by side (timing metrics).

    Returns:
        Trials of the candidate, 2 to 64; the incumbent needs as many in the same race.

    Raises:
        TooFewTrials: more than 64 would be needed; nothing affordable sees this gain.
        BadMeasurement: `gain` is not above 0, or as `resolution`.

    Cost: about a second; no randomness. Simulated, so near a boundary it may be off by a trial.
    """
    if not (math.isfinite(gain) and gain > 0.0):
        raise BadMeasurement("gain", f"{gain} is no gain")
    if not 0.0 < power < 1.0:
        raise BadMeasurement("power", f"{power} is not a share between 0 and 1")
    if sd == 0.0:
        return FEWEST_TRIALS
    held = 0 if paired else incumbent_trials

    def enough(cap: int) -> bool:
        tried = replace(plan, race_cap=cap)
        share = power_of(gain, sd, plan=tried, incumbent_trials=held, paired=paired)
        return share >= power

    if not enough(MOST_TRIALS):
        raise TooFewTrials(f"a race that sees a gain of {gain:.4g}", MOST_TRIALS + 1, MOST_TRIALS)
    low, high = 1, MOST_TRIALS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
