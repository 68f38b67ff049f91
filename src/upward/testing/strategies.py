"""Hypothesis strategies: any record of Upward, and any history that a study may have."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union

from hypothesis import strategies as st

from upward.core.canon import canonical
from upward.core.codec import plain
from upward.core.ids import blob_id, tree_id
from upward.core.metric import Direction, Metric, Noise
from upward.core.noise import NoiseLevel
from upward.core.plan import Plan
from upward.core.records import (
    Decision,
    Entry,
    Failure,
    Isolation,
    Level,
    Measurement,
    Outcome,
    Proposal,
    Purpose,
    Trial,
    TrialState,
    Usage,
    Verdict,
)
from upward.core.task import Limits, Task
from upward.ledger.chain import START, link
from upward.ledger.facts import Genesis

R = TypeVar("R")

# the largest integers that survive `parse_strict`, which reads at most 20 characters
INTEGERS = st.integers(-(10**18), 10**18)
TEXT = st.text(max_size=20)
HASHES = st.binary(max_size=8).map(blob_id)


def finite() -> st.SearchStrategy[float]:
    """Floats that have a canonical form: finite, and zero without a sign."""
    return st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)


def plains() -> st.SearchStrategy[Any]:
    """Plain values: whatever has a canonical form and is read back as it was."""
    leaves = st.none() | st.booleans() | INTEGERS | finite() | TEXT
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=12,
    )


def records(kind: type[R]) -> st.SearchStrategy[R]:
    """Any record of a type, from its type hints alone."""
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)  # pyright: ignore[reportArgumentType]
    return st.builds(kind, **{item.name: _of_field(item, hints[item.name]) for item in fields})


def _of_field(item: "dataclasses.Field[Any]", hint: Any) -> st.SearchStrategy[Any]:
    # empty text is left out of the bytes, so it cannot be told from another default, or from None
    if hint is str and item.default not in ("", dataclasses.MISSING):
        return st.text(min_size=1, max_size=20)
    if hint == str | None:
        return st.none() | st.text(min_size=1, max_size=20)
    return _of(hint)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return records(typing.cast("type[Any]", hint))
    if origin in (types.UnionType, Union):
        return st.one_of(*map(_of, args))
    if origin is tuple:
        return st.lists(_of(args[0]), max_size=3).map(tuple)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(_of(args[0]), _of(args[1]), max_size=3)
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    scalars: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: INTEGERS,
        float: finite(),
        str: TEXT,
        bytes: st.binary(max_size=20),
        types.NoneType: st.none(),
    }
    return scalars[hint]


def a_task(noise: Noise = Noise.SEEDED, direction: Direction = Direction.MINIMIZE) -> Task:
    """Return a small task whose files are ``train.py`` and ``data.py``."""
    return Task(
        id=blob_id(b"task"),
        name="small",
        goal="Less loss.",
        root="/nowhere",
        files={"train.py": blob_id(b"LR = 1"), "data.py": blob_id(b"pass")},
        edit=("train.py",),
        run=("python", "train.py"),
        outputs=("model.bin",),
        metric=Metric("loss", "nats", direction, noise),
        budget=Limits(1.0, 5.0),
        scorer_files={"score.py": blob_id(b"score")},
        scorer_run=("python", "score.py"),
        scorer_budget=Limits(1.0, 5.0),
        predictor_files={"predict.py": blob_id(b"predict")},
        predictor_run=("python", "predict.py"),
    )


def a_genesis(task: Task | None = None) -> Genesis:
    """Return the genesis of a study of a task."""
    task = task or a_task()
    return Genesis(
        task=task,
        plan=Plan(),
        seed=1,
        secret="secret",  # noqa: S106  (an invented study has nothing to hide)
        baseline=tree_id(task.files),
        prepared={"hidden": {"x.bin": blob_id(b"hidden")}},
        isolation=Isolation("bubblewrap", isolated=True, holds={"network": True}),
        software={"python": "3.11"},
    )


class History:
    """Writes the entries of an invented study, each allowed at its place.

    `entries` grows with every call; the calls return what was written, so that the next one can
    refer to it.
    """

    def __init__(self, name: str = "s", genesis: Genesis | None = None) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self.genesis = genesis or a_genesis()
        self.baseline = self.genesis.baseline
        self._trees = {self.baseline: dict(self.genesis.task.files)}
        self._proposals = self._trials = 0
        self.write("study", plain(self.genesis))

    def write(self, kind: str, body: object) -> Entry:
        """Write any entry, allowed or not."""
        seq = len(self.entries) + 1
        prev = self.entries[-1].hash if self.entries else START
        at = f"2026-01-01T00:{seq // 60 % 60:02d}:{seq % 60:02d}.000Z"
        self.entries.append(link(self.name, seq, kind, canonical(plain(body)), at, prev))
        return self.entries[-1]

    def session(self) -> None:
        """A process begins to work on the study."""
        body = {"workers": 2, "budget": {"minutes": 1.0}, "isolation": self.genesis.isolation}
        self.write("session", body)

    def propose(self, parent: str, text: str) -> Proposal:
        """Propose another text of ``train.py``."""
        files = {"train.py": blob_id(text.encode())}
        tree = {**self._trees[parent], **files}
        self._proposals += 1
        candidate = tree_id(tree)
        self._trees[candidate] = tree
        proposal = Proposal(self._proposals, "search", candidate, parent, "why", "step", files)
        self.write("proposal", proposal)
        return proposal

    def trial(
        self, candidate: str, purpose: Purpose, about: str | None = None, **more: Any
    ) -> Trial:
        """Begin a trial, on a seed of its own unless another is given."""
        self._trials += 1
        more = {"seed": 7 * self._trials, **more}
        trial = Trial(self._trials, candidate, purpose=purpose, about=about or candidate, **more)
        self.write("trial", trial)
        return trial

    def complete(self, trial: Trial, value: float, **more: Any) -> Outcome:
        """End a trial with a measurement."""
        outcome = Outcome(
            trial.number,
            TrialState.COMPLETE,
            measurement=Measurement(value),
            usage=Usage(1.0, 2.0, 30.0),
            scoring=Usage(0.5, 0.5, 10.0),
            **more,
        )
        self.write("outcome", outcome)
        return outcome

    def fail(self, trial: Trial) -> Outcome:
        """End a trial without one."""
        failure = Failure("candidate", "exit code 1")
        outcome = Outcome(trial.number, TrialState.FAILED, failure=failure)
        self.write("outcome", outcome)
        return outcome

    def measure(self, candidate: str, purpose: Purpose, value: float) -> None:
        """Run one trial to its end."""
        self.complete(self.trial(candidate, purpose), value)

    def noise(self, sd: float = 0.1) -> None:
        """Record what calibration found."""
        self.write("noise", NoiseLevel(2, 1.0, sd, 0.2, 1.0, 2.0))

    def verdict(
        self,
        candidate: str,
        incumbent: str,
        decision: Decision,
        level: Level | None = None,
        rule: str = "race",
    ) -> Verdict:
        """Record a decision."""
        verdict = Verdict(candidate, incumbent, decision, level, rule, "because")
        self.write("verdict", verdict)
        return verdict


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any allowed history: candidates of candidates, trials that overlap, every decision."""
    noise = draw(st.sampled_from([Noise.SEEDED, Noise.EXACT]))
    history = History(genesis=a_genesis(a_task(noise)))
    known, running = [history.baseline], list[Trial]()
    incumbent = history.baseline
    for number in range(draw(st.integers(0, 25))):
        match draw(st.sampled_from(["session", "propose", "trial", "end", "end", "verdict"])):
            case "session":
                history.session()
            case "propose":
                parent = draw(st.sampled_from(known))
                known.append(history.propose(parent, f"LR = {number + 2}").candidate)
            case "trial":
                purpose = draw(st.sampled_from(Purpose))
                running.append(history.trial(draw(st.sampled_from(known)), purpose))
            case "end" if running:
                trial = running.pop(draw(st.integers(0, len(running) - 1)))
                _end(history, trial, draw(st.none() | st.floats(0.5, 2.0)))
            case "verdict" if len(known) > 1:
                candidate = draw(st.sampled_from(known[1:]))
                decision = draw(st.sampled_from(Decision))
                level = draw(st.none() | st.sampled_from(Level))
                history.verdict(candidate, incumbent, decision, level)
                incumbent = candidate if decision is Decision.ACCEPTED else incumbent
            case _:
                history.noise()
    return history


def _end(history: History, trial: Trial, value: float | None) -> None:
    if value is None:
        history.fail(trial)
    else:
        history.complete(trial, value)
