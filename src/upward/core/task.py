"""A task as a study knows it: statement, editable surface, scorer, metric and budget."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from upward.core.metric import Guard, Metric


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process tree may use, held from outside."""

    cpu_s: float
    wall_s: float
    memory_mb: int = 2048
    disk_mb: int = 256
    processes: int = 64


@dataclass(frozen=True, slots=True)
class Holdout:
    """Sealed data of a task.

    Args:
        run: the scorer's command on it; same folder, same measurement.
        examples: how many independent examples it holds.
        width: range of one example's loss, metric units; with 0 only the noise of a trial says
            what it can tell.
    """

    run: tuple[str, ...]
    examples: int
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """Statement, editable surface, scorer, metric and budget, with all files by content.

    Args:
        id: content id of everything below except `root`; a study is bound to it.
        name: short name.
        goal: one sentence for people and for researchers.
        root: the folder on this machine; not part of the id.
        files: path to blob id, relative to the task folder: all that a candidate may see.
        edit: the paths among `files` that a proposal may change.
        run: the candidate's command.
        outputs: names of the files that it must leave behind.
        hide: names of Python packages that are masked in every sandbox that runs candidate code.
        metric: what is improved.
        guards: what must not get worse.
        budget: of one trial.
        scorer_files: path to blob id, relative to ``scorer/``; never visible to a candidate.
        scorer_run: the scorer's command.
        scorer_budget: of one scoring.
        prepare_run: command in ``scorer/`` that makes ``public/`` and ``hidden/`` once; or empty.
        predictor_files: path to blob id, relative to ``predictor/``; or empty.
        predictor_run: command of the process that holds the candidate's outputs while the scorer
            asks it for predictions; or empty.
        holdouts: sealed data, asked one after the other as they are used up; or none.
        rung: share of the budget that a short trial gets, or None where trials cannot be short.
        self_reported: the scorer runs in the candidate's process; never more than provisional.
    """

    id: str
    name: str
    goal: str
    root: str
    files: Mapping[str, str]
    edit: tuple[str, ...]
    run: tuple[str, ...]
    outputs: tuple[str, ...]
    metric: Metric
    budget: Limits
    scorer_files: Mapping[str, str]
    scorer_run: tuple[str, ...]
    scorer_budget: Limits
    guards: tuple[Guard, ...] = ()
    hide: tuple[str, ...] = ()
    prepare_run: tuple[str, ...] = ()
    predictor_files: Mapping[str, str] = field(default_factory=dict[str, str])
    predictor_run: tuple[str, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    rung: float | None = None
    self_reported: bool = False
