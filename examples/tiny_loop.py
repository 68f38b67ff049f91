"""The whole idea of Upward on one page: task, proposal, trial, verdict, ledger.

    python examples/tiny_loop.py

A toy "training script" has two constants. One of them, RATE, really matters; every run is noisy.
A researcher proposes edits, each edit is tried, and a change is kept only when fresh trials prove
it. The same proposals under the usual rule (keep whatever scored better once) end in the second
column: it believes more than it has.

Upward itself does the same with real processes in a sandbox, a durable ledger and a better
researcher; the words are the same.
"""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from upward.core.metric import Direction, Metric
from upward.core.plan import Plan
from upward.core.records import Decision, Entry
from upward.ledger.chain import START, check, link
from upward.stats.noise import noise
from upward.stats.verdict import Arm, next_arm, race, screen

# --- the task: an editable text, a way to run it, a metric -----------------------------------

BASELINE = "RATE = 0.10\nWIDTH = 8\n"
METRIC = Metric("loss", "nats", Direction.MINIMIZE, bound=0.0)
PLAN = Plan()


def trial(text: str, seed: int) -> float:
    """Run a candidate once. Loss falls as RATE nears 0.4; WIDTH does nothing; sd of noise 0.05."""
    constants: dict[str, float] = {}
    exec(text, {}, constants)  # noqa: S102 - a toy: Upward runs candidates in a sandbox instead
    luck = np.random.default_rng(seed).normal(0.0, 0.05)
    return 1.0 + 2.0 * (constants["RATE"] - 0.4) ** 2 + luck


# --- the ledger: nothing is known that is not in it ------------------------------------------


@dataclass
class Ledger:
    """A hash chain in memory."""

    entries: list[Entry] = field(default_factory=list[Entry])

    def append(self, kind: str, body: dict[str, object]) -> None:
        """Add one link."""
        prev = self.entries[-1].hash if self.entries else START
        data = json.dumps(body, sort_keys=True).encode()
        seq = len(self.entries) + 1
        self.entries.append(link("tiny", seq, kind, data, "2026-01-01T00:00:00.000Z", prev))


# --- the researcher: a hypothesis and an edit ------------------------------------------------


def propose(text: str, rng: np.random.Generator) -> tuple[str, str]:
    """Scale one constant up or down; return the hypothesis and the new text."""
    lines = text.splitlines()
    which = int(rng.integers(len(lines)))
    name, value = lines[which].split(" = ")
    factor = float(rng.choice([0.5, 0.8, 1.25, 2.0]))
    lines[which] = f"{name} = {float(value) * factor:.4g}"
    return f"{name} times {factor:g} may help", "\n".join(lines) + "\n"


# --- the study: one loop ---------------------------------------------------------------------


class Study:
    """Baseline, incumbent and the trials of both."""

    def __init__(self, seed: int) -> None:
        self.ledger = Ledger()
        self.rng = np.random.default_rng(seed)
        self.incumbent, self.values = BASELINE, list[float]()
        for _ in range(PLAN.calibration):
            self.values.append(self.run(BASELINE, "calibrate"))
        _, self.sd = noise(self.values)

    def run(self, text: str, purpose: str) -> float:
        """One trial on a seed that is drawn only now, after the candidate is fixed."""
        candidate = hashlib.sha256(text.encode()).hexdigest()[:12]
        seed = int(self.rng.integers(2**31))
        value = trial(text, seed)
        body = {"candidate": candidate, "purpose": purpose, "seed": seed, "value": value}
        self.ledger.append("trial", body)
        return value

    def step(self) -> None:
        """Propose, screen, race, decide."""
        hypothesis, text = propose(self.incumbent, self.rng)
        self.ledger.append("proposal", {"hypothesis": hypothesis, "text": text})
        first = self.run(text, "screen")  # selected if it looks good, so it is never evidence
        judged = screen(first, self.values, metric=METRIC, sd=self.sd, plan=PLAN)
        fresh, beside = list[float](), list[float]()
        passed = judged.level is not None
        while passed and (arm := next_arm(len(fresh), len(beside), plan=PLAN)):
            runs_incumbent = arm is Arm.INCUMBENT
            text_now, values = (self.incumbent, beside) if runs_incumbent else (text, fresh)
            values.append(self.run(text_now, "race"))
            judged = race(fresh, beside, metric=METRIC, plan=PLAN, earlier=self.values)
            if judged.decision is not None:
                break
        self.ledger.append("verdict", {"hypothesis": hypothesis, "reason": judged.reason})
        if judged.decision is Decision.ACCEPTED:
            self.incumbent, self.values = text, fresh
        else:
            self.values += beside


def usual_rule(seed: int, proposals: int) -> tuple[str, float]:
    """Keep whatever scored better once: the rule of most systems. Returns text and its claim."""
    rng = np.random.default_rng(seed)
    best, claimed = BASELINE, trial(BASELINE, int(rng.integers(2**31)))
    for _ in range(proposals):
        _, text = propose(best, rng)
        value = trial(text, int(rng.integers(2**31)))
        if value < claimed:
            best, claimed = text, value
    return best, claimed


def truth(text: str) -> float:
    """The loss without luck: known here only because this is a toy."""
    return float(np.mean([trial(text, seed) for seed in range(4000)]))


def main() -> None:
    """Pursue the toy task and print both columns."""
    study = Study(seed=0)
    for _ in range(40):
        study.step()
    naive, claimed = usual_rule(seed=0, proposals=40)
    mean = float(np.mean(study.values))
    print(f"baseline   true loss {truth(BASELINE):.3f}, noise sd {study.sd:.3f}")
    print(f"Upward     claims {mean:.3f}, true {truth(study.incumbent):.3f}: {study.incumbent!r}")
    print(f"usual rule claims {claimed:.3f}, true {truth(naive):.3f}: {naive!r}")
    print(f"ledger     {len(study.ledger.entries)} entries, fault: {check(study.ledger.entries)}")


if __name__ == "__main__":
    main()
