"""Small studies on fakes, shared by the tests of the loop."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from upward.archive.archive import Archive
from upward.core.ids import tree_id
from upward.core.metric import Direction, Guard, Metric, Noise
from upward.core.plan import Plan
from upward.core.ports import Remover, Researcher
from upward.core.records import Change, Draft, Entry, Isolation
from upward.core.seen import Lesson, Seen
from upward.core.task import Limits, Task
from upward.ledger.facts import Genesis
from upward.loop.budget import Budget
from upward.loop.run import Pursuit
from upward.loop.study import Study
from upward.testing.fake_executor import FakeExecutor, Measure
from upward.testing.fakes import FakeClock, MemoryBlobs, MemoryLedger

SCRIPT = "RATE = 1.0\nWIDTH = 8\n"
SOUND = Isolation("fake", True, {"no network": True})


class Killed(BaseException):
    """Stands for `kill -9`: nothing catches it."""


class MortalLedger(MemoryLedger):
    """A ledger whose process can be killed just after something became durable."""

    extended = 0
    die_after: int | None = None

    def extend(self, study: str, items: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
        entries = super().extend(study, items)
        self.extended += 1
        if self.extended == self.die_after:
            raise Killed
        return entries


class Script:
    """A researcher that proposes given values of RATE, then nothing."""

    name = "script"

    def __init__(self, rates: Iterable[float]) -> None:
        self.rates = list(rates)
        self.lessons: list[Lesson] = []

    def propose(self, seen: Seen) -> Draft | None:
        if seen.number > len(self.rates):
            return None
        return edit(seen, self.rates[seen.number - 1])

    def learn(self, lesson: Lesson) -> None:
        self.lessons.append(lesson)


def edit(seen: Seen, rate: float) -> Draft:
    text = seen.incumbent.files["train.py"]
    new = re.sub(r"RATE = \S+", f"RATE = {rate}", text)
    change = Change("train.py:RATE", "1.0", str(rate))
    return Draft(seen.incumbent.candidate, f"RATE {rate}", {"train.py": new}, "set", (change,))


def rate_of(files: Mapping[str, str]) -> float:
    found = re.search(r"RATE = (\S+)", files["train.py"])
    assert found
    return float(found[1])


def noisy_loss(sd: float = 0.1, shared: float = 0.0) -> Callable[[Mapping[str, str], int], float]:
    """Loss equals RATE plus Gaussian luck, of which other rates on the same seed share a part."""

    def measure(files: Mapping[str, str], seed: int) -> float:
        rate = rate_of(files)
        own = np.random.default_rng([seed, *np.array([rate]).view(np.uint32).tolist()])
        luck = np.sqrt(shared) * np.random.default_rng(seed).standard_normal()
        luck += np.sqrt(1.0 - shared) * own.standard_normal()
        return rate + sd * float(luck) + 10.0

    return measure


def make_task(
    blobs: MemoryBlobs, noise: Noise = Noise.SEEDED, guards: tuple[Guard, ...] = ()
) -> Task:
    limits = Limits(1.0, 5.0)
    return Task(
        id="task",
        name="toy",
        goal="Lower the loss.",
        root="",
        files={"train.py": blobs.put(SCRIPT.encode()), "data.txt": blobs.put(b"1 2 3")},
        edit=("train.py",),
        run=("python", "train.py"),
        outputs=("out.txt",),
        metric=Metric("loss", "nats", Direction.MINIMIZE, noise),
        budget=limits,
        scorer_files={"score.py": blobs.put(b"print(1)")},
        scorer_run=("python", "score.py"),
        scorer_budget=limits,
        guards=guards,
    )


class World:
    """A ledger and blobs that outlive processes."""

    def __init__(
        self,
        noise: Noise = Noise.SEEDED,
        isolation: Isolation = SOUND,
        guards: tuple[Guard, ...] = (),
    ) -> None:
        self.blobs, self.clock = MemoryBlobs(), FakeClock()
        self.ledger = MortalLedger(self.clock)
        self.task = make_task(self.blobs, noise, guards)
        self.isolation = isolation

    def begin(self, plan: Plan | None = None, *, secret: str = "secret") -> Study:
        task = self.task
        genesis = Genesis(
            task, plan or Plan(), 0, secret, tree_id(task.files), {}, self.isolation, {}
        )
        return Study.begin("toy", genesis, self.ledger, self.blobs)

    def resume(self) -> Study:
        return Study.resume("toy", self.ledger, self.blobs)

    def pursuit(
        self,
        study: Study,
        researcher: Researcher,
        measure: Measure,
        *,
        trials: int | None = 100,
        workers: int = 1,
        remover: Remover | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Pursuit:
        return Pursuit(
            study=study,
            executor=FakeExecutor(self.blobs, measure, workers=workers),
            researcher=researcher,
            archive=Archive(),
            budget=Budget(trials=trials),
            clock=self.clock,
            isolation=self.isolation,
            interrupted=interrupted,
            watch=lambda pursuit, activities: None,
            remover=remover,
        )
