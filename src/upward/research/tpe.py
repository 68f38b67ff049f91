"""A classical optimiser as a control arm: Optuna's TPE over the same knobs and ranges."""

from typing import TYPE_CHECKING, Any

from upward.core.errors import MissingTool
from upward.core.records import Draft
from upward.core.seen import Lesson, Seen
from upward.research import edits
from upward.research.knob import Knob
from upward.research.knobs import surface
from upward.research.literals import read_number
from upward.research.memory import Memory, candidate_of
from upward.research.random_search import drawn
from upward.research.space import coordinate, source_at

if TYPE_CHECKING:
    import optuna

ATTEMPTS = 20
FAILED = -1e6  # a worst value for the optimiser alone; it never leaves this file


class TpeResearcher:
    """Tree-structured Parzen estimator over the baseline's knobs, through ask and tell.

    Its gains are measured from the baseline, so all its proposals have the baseline as parent.
    Needs the extra ``search``. After a restart the old points are rebuilt from the lessons.

    Source: Bergstra et al. (2011); Optuna 5.
    """

    def __init__(self, seed: int = 0) -> None:
        """Begin an empty Optuna study in memory.

        Raises:
            MissingTool: Optuna is not installed.
        """
        try:
            import optuna  # noqa: PLC0415 - optional and slow to import
        except ImportError:
            raise MissingTool(
                "optuna", "the TPE arm", "Run: pip install 'upward[search]'"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._optuna = optuna
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: dict[str, Any] = {}
        self._knobs: dict[str, Knob] = {}
        self._early: list[Lesson] = []
        self._memory = Memory()

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "tpe"

    def propose(self, seen: Seen) -> Draft | None:
        """Return TPE's next point as a draft, or None when it repeats itself."""
        if not self._knobs:
            self._knobs = surface(seen.baseline.files)
            self._add({}, 0.0)
        self._told_late()
        for _ in range(ATTEMPTS if self._knobs else 0):
            trial = self._study.ask(self._space())
            edit = drawn(self._sources(trial.params), self._knobs)
            draft = edits.to_draft(edit, seen.baseline)
            if self._memory.is_new(draft, seen.baseline, seen):
                self._asked[candidate_of(draft, seen.baseline, seen)] = trial
                return draft
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return None

    def learn(self, lesson: Lesson) -> None:
        """Tell the gain over the baseline; only the first verdict on a proposal counts."""
        candidate = lesson.proposal.candidate
        trial = self._asked.pop(candidate, None)
        if trial is not None:
            self._study.tell(trial, _value(lesson))
        elif candidate not in self._memory:
            self._early.append(lesson)
        self._memory.add(candidate)

    def _told_late(self) -> None:
        """Rebuild the points of lessons that came before the first proposal of this process."""
        for lesson in self._early:
            if all(change.knob in self._knobs for change in lesson.proposal.changes):
                changed = {change.knob: change.new for change in lesson.proposal.changes}
                self._add(changed, _value(lesson))
        self._early = []

    def _add(self, changed: dict[str, str], value: float) -> None:
        sources = {name: knob.source for name, knob in self._knobs.items()} | changed
        params = {name: _place(self._knobs[name], source) for name, source in sources.items()}
        point = self._optuna.trial.create_trial(
            params=params, distributions=self._space(), value=value
        )
        self._study.add_trial(point)

    def _space(self) -> "dict[str, optuna.distributions.BaseDistribution]":
        kinds = self._optuna.distributions
        return {
            name: kinds.FloatDistribution(0.0, 1.0)
            if knob.numeric
            else kinds.CategoricalDistribution(knob.choices)
            for name, knob in self._knobs.items()
        }

    def _sources(self, params: dict[str, Any]) -> dict[str, str]:
        return {
            name: source_at(knob, params[name]) if knob.numeric else params[name]
            for name, knob in self._knobs.items()
        }


def _value(lesson: Lesson) -> float:
    return FAILED if lesson.gain_sd is None else lesson.gain_sd


def _place(knob: Knob, source: str) -> float | str:
    value = read_number(source)
    return coordinate(knob, value) if knob.numeric and value is not None else source
