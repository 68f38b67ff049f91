"""What this machine and its software are, as far as a study depends on them."""

import os
import platform
from importlib import metadata

from upward.core.metric import Noise
from upward.core.records import Isolation
from upward.core.task import Task

VERSIONED = ("upward", "numpy", "scipy", "torch", "scikit-learn", "libcst")


def software() -> dict[str, str]:
    """Versions of what a trial may depend on; packages that are not installed are left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(task: Task, wanted: int | None) -> int:
    """Trials at a time; beside another trial a timing would measure that one too."""
    return 1 if task.metric.noise is Noise.TIMING else wanted or cores()


def unisolated(isolation: Isolation) -> list[str]:
    """The warning for a machine that does not isolate trials, where there is one to give."""
    if isolation.isolated:
        return []
    return [f"Trials are not isolated here, so nothing can be verified. {isolation.advice}"]
