"""A gain of known size is planted: is a large one found, and what is said of one too small to see?

    python bench/planted.py            `tinylm` with short trials; an hour or two of one core
    python bench/planted.py --quick    a cheap task, under a minute

The baseline of a copied task carries a handicap of tunable size, and the scripted researcher
proposes to remove it, among proposals that change nothing. On `tinylm` a constant spreads a share
of every prediction evenly over all bytes; on `rugged` a number stands away from its best value.

1. Pilot: how much a large handicap costs, and how much repeats differ. From these follow handicaps
   that cost about 2 and about 0.5 times the resolution of a study.
2. Truth: the baseline of each size and the clean task run `--truth` times each, alternating, in
   the sandbox, outside any study. Their difference is the true gain, with a 95 % interval.
3. Studies of each size: 8 calibration trials, the script, its races. The resolution is that of
   the study's own noise entry.

Reported: how often the removal was accepted; whether acceptances fell on anything else; and for
the rest what the verdict says: `hidden_as_zero` counts verdicts that name neither a gain that is
not visible nor an interval that holds the true gain, and should be 0. The last line is one JSON
object.
"""

import argparse
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from studylib import Edit, copy_task, measure, nothing, progress, pursue, workplace

from upward.core.metric import Direction
from upward.core.plan import Plan
from upward.core.records import Decision, Verdict
from upward.core.seen import Seen
from upward.ledger.replay import StudyState
from upward.stats.noise import resolution
from upward.stats.student import quantile

SIZES = {"large": 2.0, "small": 0.5}
NULLS = 3


@dataclass(frozen=True)
class Plant:
    """How a handicap is put into a task.

    Args:
        path: the file that carries it.
        line: pattern of the one line that says how large it is.
        write: that line for a handicap that costs about this much, in units of the metric.
        pilot: a handicap that costs much.
        prepare: puts the handicap's line into the task's own text.
    """

    path: str
    line: str
    write: Callable[[float], str]
    pilot: float
    prepare: Callable[[str], str]

    def text(self, clean: str, cost: float) -> str:
        """The file with a handicap of another size."""
        changed, times = re.subn(self.line, self.write(cost), clean)
        if times != 1:
            raise SystemExit(f"{self.path}: {times} lines say how large the handicap is, not 1")
        return changed


def haze(cost: float) -> str:
    """A share spread evenly: what a certain prediction loses by it, in bits, is the cost."""
    return f"HAZE = {1.0 - 2.0**-cost:.6f}"


def hazy(model: str) -> str:
    """The lab's model file with predictions that HAZE blurs."""
    made = model.replace("PRIOR_ORDER = 0", "HAZE = 0.0\nPRIOR_ORDER = 0", 1)
    before = "return torch.cat(pieces, dim=1).float().numpy()"
    after = (
        "clear = torch.cat(pieces, dim=1).float().softmax(dim=2)\n"
        "        return ((1 - HAZE) * clear + HAZE / 256).clamp_min(1e-30).log().numpy()"
    )
    if made == model or before not in made:
        raise SystemExit("the lab's model.py is not as this bench knows it")
    return made.replace(before, after)


def too_hot(cost: float) -> str:
    """What `rugged` asks for a temperature is 0.1 log(T / 1.5)^2."""
    return f"TEMPERATURE = {1.5 * math.exp(math.sqrt(max(cost, 0.0) / 0.1)):.6f}"


PLANTS = {
    "tinylm": Plant("model.py", r"(?m)^HAZE = .*$", haze, 0.5, hazy),
    "rugged": Plant("point.py", r"(?m)^TEMPERATURE = .*$", too_hot, 1.0, lambda text: text),
}


@dataclass(frozen=True)
class Size:
    """A true gain with its 95 % interval, metric units, positive where removal helps."""

    gain: float
    low: float
    high: float


def difference(with_it: Sequence[float], without: Sequence[float], direction: Direction) -> Size:
    """Mean gain of removing a handicap, by Welch's interval.

    Args:
        with_it: shape (n,), n >= 2, measurements with the handicap.
        without: likewise without it.
        direction: of the metric.
    """
    a, b = np.array(with_it), np.array(without)
    sign = 1.0 if direction is Direction.MINIMIZE else -1.0
    gain = sign * float(a.mean() - b.mean())
    first, second = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    error = math.sqrt(first + second)
    if error == 0.0:
        return Size(gain, gain, gain)
    df = error**4 / (first**2 / (a.size - 1) + second**2 / (b.size - 1))
    half = quantile(0.975, df) * error
    return Size(gain, gain - half, gain + half)


def removal(plant: Plant) -> Edit:
    """The proposal that takes the handicap away."""

    def edit(seen: Seen) -> Mapping[str, str]:
        return {plant.path: plant.text(seen.incumbent.files[plant.path], 0.0)}

    return edit


def script(plant: Plant, repeat: int) -> list[Edit]:
    """Proposals that change nothing with the removal among them, at another place each time."""
    edits: list[Edit] = [nothing(plant.path)] * NULLS
    edits.insert(repeat % (NULLS + 1), removal(plant))
    return edits


def told(state: StudyState, number: int, true: Size) -> dict[str, object]:
    """What a study says of the removal, which was proposal `number`."""
    candidate = state.proposals[number].candidate
    verdicts = [v for v in state.verdicts if v.candidate == candidate]
    others = [v for v in state.verdicts if v.candidate != candidate]
    last, noise = verdicts[-1], state.noise
    assert noise is not None
    found = any(v.decision is Decision.ACCEPTED for v in verdicts)
    return {
        "found": found,
        "others_accepted": sum(v.decision is Decision.ACCEPTED for v in others),
        "trials": len(state.outcomes),
        "resolution": float(f"{noise.resolution:.4g}"),
        "true_over_resolution": round(true.gain / noise.resolution, 2),
        "rule": last.rule,
        "decision": str(last.decision),
        "gain": last.gain and float(f"{last.gain:.4g}"),
        "interval": None if last.low is None or last.high is None else [last.low, last.high],
        "hidden_as_zero": not found and hides(last, true),
        "reason": last.reason,
    }


def hides(verdict: Verdict, true: Size) -> bool:
    """Whether a verdict reads as if there were no gain.

    It neither says that gains are not visible, nor shows an interval that holds the true one.
    """
    says = "visible" in verdict.reason
    shows = verdict.high is not None and verdict.low is not None
    return not says and not (shows and (verdict.low or 0.0) <= true.gain <= (verdict.high or 0.0))


@dataclass(frozen=True)
class Sizes:
    """How much is run."""

    pilot: int
    truth: int
    studies: int


def run(task: str, cpu_s: float, sizes: Sizes, seed: int) -> dict[str, object]:
    """Pilot, truth and studies; return the report."""
    plant = PLANTS[task]
    with workplace() as place:
        folder = copy_task(task, place / task, cpu_s)
        clean = plant.text(plant.prepare((folder / plant.path).read_text()), 0.0)
        (folder / plant.path).write_text(clean)
        direction, costs, sd = pilot(plant, folder, place / "pilot", clean, sizes.pilot)
        arms = {"clean": clean} | {name: plant.text(clean, cost) for name, cost in costs.items()}
        files = {name: {plant.path: text} for name, text in arms.items()}
        values = measure(folder, place / "truth", files, sizes.truth, f"truth-{seed}")
        report: dict[str, object] = {"pilot_sd": sd}
        for name in SIZES:
            true = difference(values[name], values["clean"], direction)
            progress(f"{name}: true gain {true}")
            (folder / plant.path).write_text(arms[name])
            rows = studies(plant, folder, place / f"home-{name}", sizes.studies, true, seed)
            report[name] = summed(true, rows)
    return report


def pilot(
    plant: Plant, folder: Path, home: Path, clean: str, trials: int
) -> tuple[Direction, dict[str, float], float]:
    """How large the handicaps should be: direction of the metric, costs to ask for, noise."""
    files = {
        name: {plant.path: plant.text(clean, cost)}
        for name, cost in (("clean", 0.0), ("much", plant.pilot))
    }
    values = measure(folder, home, files, trials, "pilot")
    direction = Direction.MINIMIZE  # of both tasks
    true = difference(values["much"], values["clean"], direction)
    sd = math.sqrt(sum(float(np.var(v, ddof=1)) for v in values.values()) / len(values))
    seen = resolution(sd, plan=Plan(), incumbent_trials=Plan().calibration)
    progress(f"pilot: sd {sd:.4g}, resolution {seen:.4g}, {plant.pilot} asked costs {true}")
    factor = plant.pilot / max(true.gain, 1e-9)
    return direction, {name: factor * times * seen for name, times in SIZES.items()}, sd


def studies(
    plant: Plant, folder: Path, home: Path, repeats: int, true: Size, seed: int
) -> list[dict[str, object]]:
    """The studies of one size, one after the other."""
    rows = list[dict[str, object]]()
    for i in range(repeats):
        state = pursue(folder, home, f"planted-{i}", seed + i, script(plant, i))
        rows.append(told(state, i % (NULLS + 1) + 1, true))
        progress(f"study {i + 1} of {repeats}: {rows[-1]}")
    return rows


def summed(true: Size, rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The figures of one size."""
    return {
        "true_gain": round(true.gain, 5),
        "true_interval": [round(true.low, 5), round(true.high, 5)],
        "mean_resolution": round(float(np.mean([float(str(r["resolution"])) for r in rows])), 5),
        "studies": len(rows),
        "found": sum(bool(r["found"]) for r in rows),
        "others_accepted": sum(int(str(r["others_accepted"])) for r in rows),
        "hidden_as_zero": sum(bool(r["hidden_as_zero"]) for r in rows),
        "rows": list(rows),
    }


def main() -> None:
    """Run everything and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a cheap task, under a minute")
    parser.add_argument("--task", default="tinylm", choices=sorted(PLANTS))
    parser.add_argument("--cpu-s", type=float, default=6.0, help="of a trial; 0: the task's own")
    parser.add_argument("--truth", type=int, default=30, help="trials of each arm")
    parser.add_argument("--studies", type=int, default=4, help="of each size")
    parser.add_argument("--workers", type=int, default=1, choices=[1], help="one trial at a time")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sizes = Sizes(pilot=8, truth=args.truth, studies=args.studies)
    if args.quick:
        args.task, args.cpu_s, sizes = "rugged", 0.0, Sizes(pilot=6, truth=30, studies=2)
    began = time.monotonic()
    report = run(args.task, args.cpu_s, sizes, args.seed)
    settings = {"task": args.task, "cpu_s": args.cpu_s, "truth_trials": sizes.truth, "workers": 1}
    wall = {"wall_s": round(time.monotonic() - began, 1)}
    print(json.dumps({"bench": "planted", **settings, **report, **wall}))


if __name__ == "__main__":
    main()
