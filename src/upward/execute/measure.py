"""From what a scorer printed to a measurement, strictly."""

from collections.abc import Mapping
from typing import Any

from upward.core.canon import parse_strict
from upward.core.errors import BadMeasurement, ScorerFailed
from upward.core.metric import SUPERVISED
from upward.core.ports import Ran
from upward.core.records import Measurement, Usage
from upward.core.task import Limits, Task

NOTES = "notes"
MOST_NOTES = 64
LONGEST_NOTE = 2000
LONGEST_NAME = 100
WORDS = {
    "cpu_s": "CPU-seconds",
    "wall_s": "seconds of wall time",
    "memory_mb": "MiB of memory",
    "disk_mb": "MiB of disk",
    "processes": "processes",
}


def measurement(task: Task, ran: Ran, usage: Usage) -> Measurement:
    """Read one measurement.

    Args:
        task: its metric and guards.
        ran: how the scorer ended.
        usage: of the candidate, for the guards that the supervisor measures itself.

    Raises:
        ScorerFailed: the scorer crashed, was ended, or did not print exactly one measurement.
    """
    tail = readable(ran.stderr.decode("utf-8", "replace"))
    if ran.exceeded:
        raise ScorerFailed(f"scoring {used_up(ran.exceeded, task.scorer_budget)}", tail)
    if ran.exit_code != 0:
        raise ScorerFailed(f"the scorer ended with {ending(ran.exit_code)}{last_line(tail)}", tail)
    if not ran.stdout.strip():
        raise ScorerFailed("the scorer printed nothing; one JSON object is needed", tail)
    try:
        return _read(task, parse_strict(ran.stdout), usage)
    except BadMeasurement as error:
        raise ScorerFailed(f"the scorer's output is refused: {error}", tail) from None


def _read(task: Task, found: Any, usage: Usage) -> Measurement:
    if not isinstance(found, Mapping):
        raise BadMeasurement("json", "one JSON object is needed")
    fields: dict[str, Any] = {str(name): value for name, value in found.items()}
    notes = fields.pop(NOTES, {})
    if task.metric.name not in fields:
        raise BadMeasurement(task.metric.name, f"missing; found {sorted(fields) or 'nothing'}")
    value = task.metric.check(fields.pop(task.metric.name))
    guards = {guard.name: _guard(guard.name, fields, usage) for guard in task.guards}
    if fields:
        known = [task.metric.name, *guards, NOTES]
        raise BadMeasurement("json", f"unknown keys {sorted(fields)}, known are {known}")
    return Measurement(value, guards, _notes(notes))


def _guard(name: str, fields: dict[str, Any], usage: Usage) -> float:
    if name in fields:
        return _number(name, fields.pop(name))
    if name in SUPERVISED:
        return float(getattr(usage, name))
    raise BadMeasurement(name, "a guard that the scorer did not measure")


def _number(name: str, value: object) -> float:
    # NaN and infinity never get this far: the strict parser refuses them
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadMeasurement(name, f"{type(value).__name__} is not a number")
    return float(value)


def _notes(notes: object) -> dict[str, float | str]:
    if not isinstance(notes, Mapping) or len(notes) > MOST_NOTES:
        raise BadMeasurement(NOTES, f"an object with at most {MOST_NOTES} entries is needed")
    read = dict[str, float | str]()
    for name, value in notes.items():
        text = isinstance(value, str)
        read[str(name)[:LONGEST_NAME]] = value[:LONGEST_NOTE] if text else _number(NOTES, value)
    return read


def used_up(limit: str, limits: Limits) -> str:
    """Which limit was reached, in words that follow a subject."""
    return f"used more than {getattr(limits, limit):g} {WORDS[limit]} ({limit})"


def ending(exit_code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"


def last_line(tail: str) -> str:
    """The last line of an error output, as hostile text after a colon; nothing when empty."""
    lines = [line.strip() for line in readable(tail).splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else ""


def readable(text: str) -> str:
    """Hostile text without what could steer a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
