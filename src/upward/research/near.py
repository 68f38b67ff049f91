"""A near copy: the smallest change that is still an edit, to see how much luck two programs share.

Not a proposal: nothing is hoped of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from upward.core.ports import Blobs
from upward.core.task import Task
from upward.research.edits import Edit, scale_down, scale_up
from upward.research.knob import Kind
from upward.research.knobs import apply_sources, surface
from upward.research.literals import read_number

FACTOR = 1.1
SMALL = 0.25


@dataclass(frozen=True, slots=True)
class Near:
    """A near copy.

    Args:
        files: changed paths with their whole new text, or path to blob id of a whole tree.
        words: what differs, for people; empty where there is no near copy, and then no file.
    """

    files: Mapping[str, str]
    words: str


def near_tree(task: Task, blobs: Blobs) -> Near:
    """Make a near copy of a task's unedited files; see `near_copy`.

    Returns:
        Path to blob id of the whole tree; of nothing where there is no near copy.
    """
    near = near_copy(_texts(task, blobs))
    changed = {path: blobs.put(text.encode("utf-8")) for path, text in near.files.items()}
    return Near({**task.files, **changed}, near.words) if changed else near


def _texts(task: Task, blobs: Blobs) -> dict[str, str]:
    """The editable files that are text."""
    texts = dict[str, str]()
    for path in task.edit:
        try:
            texts[path] = blobs.get(task.files[path]).decode("utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def near_copy(files: Mapping[str, str]) -> Near:
    r"""Change one number by about a tenth.

    A fraction comes before a whole number, which cannot be changed by little where it is small.

    Args:
        files: path to text of the editable files.

    Returns:
        Without files and words where no number can be changed by a quarter of itself or less.

    Example:
        >>> near_copy({"train.py": "LAYERS = 2\nRATE = 0.5\n"}).words
        'RATE 0.5 -> 0.55'
    """
    knobs = [knob for knob in surface(files).values() if knob.numeric]
    for knob in sorted(knobs, key=lambda knob: knob.kind is not Kind.FLOAT):
        for edit in (scale_up(knob, FACTOR), scale_down(knob, FACTOR)):
            if edit is not None and _small(edit):
                [change] = edit.changes
                sources = {change.knob: change.new}
                words = f"{knob.name} {change.old} -> {change.new}"
                return Near(apply_sources(files, sources), words)
    return Near({}, "")


def _small(edit: Edit) -> bool:
    [change] = edit.changes
    old, new = read_number(change.old), read_number(change.new)
    return bool(old and new is not None and abs(new - old) <= SMALL * abs(old))
