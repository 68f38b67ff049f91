"""The invented tasks of the sample studies: statements, source, knobs, and what these are worth."""

from dataclasses import replace

from upward.core.metric import Direction, Guard, Metric, Noise
from upward.core.records import Failure, Isolation
from upward.core.task import Limits, Task

SD = 0.012
KNOBS = {
    "LEARNING_RATE": (3e-3, 1.8e-2, 0.085),
    "WARMUP_STEPS": (20, 60, 0.025),
    "WIDTH": (128, 192, 0.060),
    "LAYERS": (4, 6, 0.035),
    "BATCH_SIZE": (32, 16, 0.050),
    "WEIGHT_DECAY": (0.1, 0.03, 0.030),
    "BETA2": (0.999, 0.95, 0.045),
    "HASHED_NGRAMS": (1, 8, 0.110),
}
SOURCE = '''"""Train a small language model within a budget of CPU time."""

from data import batches
from model import Model, save

{knobs}


def schedule(step: int) -> float:
    """Warm up, then fall off with the inverse square root."""
    rise = min(1.0, (step + 1) / WARMUP_STEPS)
    return LEARNING_RATE * rise / max(1.0, step / WARMUP_STEPS) ** 0.5


def main() -> None:
    model = Model(width=WIDTH, layers=LAYERS, ngrams=HASHED_NGRAMS)
    for step, batch in enumerate(batches(BATCH_SIZE)):
        model.update(batch, rate=schedule(step), decay=WEIGHT_DECAY, beta2=BETA2)
    save(model, "model.safetensors")


main()
'''
TRACEBACK = """Traceback (most recent call last):
  File "/trial/train.py", line 34, in <module>
    main()
  File "/trial/train.py", line 29, in main
    model.update(batch, rate=schedule(step), decay=WEIGHT_DECAY, beta2=BETA2)
  File "/trial/model.py", line 88, in update
    raise FloatingPointError("loss is nan at step 212")
FloatingPointError: loss is nan at step 212
"""
FAILURES = (
    Failure("candidate", "the command ended with exit code 1", TRACEBACK),
    Failure("limits", "cpu_s reached its limit of 20 s", "step 412 of 900\n"),
    Failure("outputs", "model.safetensors is missing", ""),
)


def baseline_files() -> dict[str, str]:
    """The unedited candidate."""
    knobs = "\n".join(f"{name} = {start:g}" for name, (start, _, _) in KNOBS.items())
    return {"train.py": SOURCE.format(knobs=knobs), "model.py": "class Model: ...\n"}


def sample_task() -> Task:
    """A noisy metric that is minimised."""
    return Task(
        id="",
        name="tinylm",
        goal="Lowest bits per byte on unseen text after 20 CPU-seconds of training on one core.",
        root="",
        files={},
        edit=("train.py", "model.py"),
        run=("python", "train.py"),
        outputs=("model.safetensors", "model.py"),
        metric=Metric("val_bpb", "bits/byte", Direction.MINIMIZE, Noise.SEEDED, 0.0),
        budget=Limits(cpu_s=20.0, wall_s=90.0),
        scorer_files={},
        scorer_run=("python", "score.py"),
        scorer_budget=Limits(cpu_s=60.0, wall_s=120.0),
        guards=(Guard("peak_memory_mb", Direction.MINIMIZE, 64.0),),
    )


def exact_task() -> Task:
    """An exact metric that is maximised."""
    return replace(
        sample_task(),
        name="packing",
        goal="Largest sum of radii of 26 disjoint circles in the unit square.",
        edit=("pack.py",),
        run=("python", "pack.py"),
        outputs=("circles.json",),
        metric=Metric("radii", "", Direction.MAXIMIZE, Noise.EXACT, None),
        guards=(),
    )


def sample_isolation(*, isolated: bool) -> Isolation:
    """What a sandbox that holds, or does not, would report."""
    probes = ("network", "scorer_files", "host_files", "other_processes", "limits")
    return Isolation(
        sandbox="bubblewrap" if isolated else "plain",
        isolated=isolated,
        holds={name: isolated or name == "limits" for name in probes},
        advice="" if isolated else "Install bubblewrap, then run `upward check` again.",
    )
