"""Upward: runs the AI-research loop and keeps only what it can prove.

The command line is the front door; the names below are for programs that read studies or bring
their own researcher. They are imported when they are used, so that ``import upward`` is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upward.core.errors import EvidenceError, LedgerError, TrialError, UpwardError, UsageError
    from upward.core.metric import Metric
    from upward.core.ports import Researcher
    from upward.core.records import Draft, Verdict
    from upward.core.seen import Kept, Lesson, Seen
    from upward.core.task import Task
    from upward.ledger.replay import StudyState, replay

__all__ = [
    "Draft",
    "EvidenceError",
    "Kept",
    "LedgerError",
    "Lesson",
    "Metric",
    "Researcher",
    "Seen",
    "StudyState",
    "Task",
    "TrialError",
    "UpwardError",
    "UsageError",
    "Verdict",
    "replay",
]

_HOME = {
    **dict.fromkeys(
        ("EvidenceError", "LedgerError", "TrialError", "UpwardError", "UsageError"),
        "upward.core.errors",
    ),
    **dict.fromkeys(("Draft", "Verdict"), "upward.core.records"),
    "Task": "upward.core.task",
    **dict.fromkeys(("Kept", "Lesson", "Seen"), "upward.core.seen"),
    **dict.fromkeys(("StudyState", "replay"), "upward.ledger.replay"),
    "Metric": "upward.core.metric",
    "Researcher": "upward.core.ports",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'upward' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
