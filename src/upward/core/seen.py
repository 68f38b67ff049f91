"""What a researcher is shown and told: the other side of its port."""

from collections.abc import Mapping
from dataclasses import dataclass

from upward.core.records import Change, Decision, Level, Proposal
from upward.core.task import Task


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a researcher learns from one verdict, in units that do not depend on the task.

    Args:
        proposal: what was proposed.
        decision: how it ended.
        level: what is known of the candidate now.
        gain_sd: gain over the parent's mean in standard deviations of the baseline's noise, None
            when the trial failed or was invalid, or when a guard was broken.
        failure: ``trial`` or ``guard``, if it failed by one.
    """

    proposal: Proposal
    decision: Decision
    level: Level | None
    gain_sd: float | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate in the archive: it may become a parent.

    Args:
        candidate: content id.
        level: None for the baseline.
        mean: mean of its measurements, metric units.
        trials: how many are behind the mean.
        files: editable path to text.
        changes: every typed change from the baseline, oldest first.
    """

    candidate: str
    level: Level | None
    mean: float
    trials: int
    files: Mapping[str, str]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a researcher may look at when it makes a proposal.

    Args:
        task: name, goal, metric and surface.
        number: number that the next proposal will get.
        seed: the researcher's randomness for this proposal.
        baseline: the fixed control.
        incumbent: the best accepted so far.
        archive: further possible parents, best first, at most a few dozen.
        sd: standard deviation of one measurement of the incumbent, metric units.
        budget_left: share of the budget that is left, in [0, 1].
        unit: the standard deviation that lessons count in, the baseline's, metric units; None
            where it is the same.
    """

    task: Task
    number: int
    seed: int
    baseline: Kept
    incumbent: Kept
    archive: tuple[Kept, ...]
    sd: float
    budget_left: float
    unit: float | None = None
