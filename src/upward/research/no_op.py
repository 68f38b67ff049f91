"""The A/A arm: proposals that change nothing, so that whatever is accepted is a false alarm."""

from pathlib import PurePosixPath

from upward.core.records import Draft
from upward.core.seen import Lesson, Seen

REMARK = {".py": "#", ".toml": "#", ".yaml": "#", ".yml": "#", ".sh": "#", ".cfg": "#"}


class NoOpResearcher:
    """Adds a remark to a file of the incumbent; the program stays the same.

    What it shows is the error rate of the whole study, on this task and this machine: how often
    a change that does nothing passes its screen, and how often it is accepted.
    """

    @property
    def name(self) -> str:
        """Name for the ledger."""
        return "no-op"

    def propose(self, seen: Seen) -> Draft | None:
        """Return the incumbent with one more remark, or None where no file can take one."""
        for path in sorted(seen.incumbent.files):
            mark = REMARK.get(PurePosixPath(path).suffix)
            if mark is None:
                continue
            text = seen.incumbent.files[path]
            gap = "" if text.endswith("\n") or not text else "\n"
            new = f"{text}{gap}{mark} no change, attempt {seen.number}\n"
            words = "A remark changes nothing: if this is accepted, the verdict was wrong."
            return Draft(seen.incumbent.candidate, words, {path: new}, "no-op")
        return None

    def learn(self, lesson: Lesson) -> None:
        """Learn nothing."""
