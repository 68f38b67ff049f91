"""A git branch with one commit per verified change, made without touching anyone's work tree.

Only git's plumbing is used (blobs, an index file of our own, trees, commits, one reference), so a
repository's files, index, hooks and checked-out branch stay as they are. The same study at the
same moment gives the same commits. Later it may know more of a step, or have given one up: then the
branch is written anew, and git's reflog still has the old one.

Not covered: two exports at the same moment (git's own check of the old value refuses the second),
and files whose exact mode matters: every file is exported as a plain, not executable one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upward.core.errors import CannotWrite, ManifestError, MissingTool

AUTHOR = ("Upward", "upward@localhost")
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class ExportCommit:
    """One commit: the whole tree, why, and when.

    Args:
        files: path to bytes, of every file.
        message: the first line is the subject.
        at: UTC time in ISO 8601.
    """

    files: Mapping[str, bytes]
    message: str
    at: str


def export(folder: Path, branch: str, commits: Sequence[ExportCommit], *, own: str = "") -> str:
    """Write commits to a branch and return the id of the last one.

    Args:
        folder: a folder inside a git repository, or a new one in which a repository is begun.
        branch: name of the branch, without ``refs/heads/``.
        commits: oldest first, the baseline being the first; at least one.
        own: how a line begins that marks a commit as one of this study's; a branch is written anew
            only where all that it would lose are such commits of ours. Empty: never.

    Returns:
        The full id of the branch's new head.

    Raises:
        MissingTool: git is not installed.
        CannotWrite: git refused, or the branch holds something else than these commits' past.
        ManifestError: not a possible name of a branch.
    """
    if not commits:
        raise ValueError("an export needs at least one commit")
    git = _Git.open(folder)
    reference = _reference(git, branch)
    old = git.find(reference)
    head = _write_commits(git, commits)
    if old == head:
        return head
    if old and not (git.is_ancestor(old, head) or (own and git.made_all(old, head, own))):
        reason = f"branch {branch!r} holds other commits, and an export only ever adds to its own"
        raise CannotWrite(str(folder), reason + "; name another branch")
    git.run("update-ref", "-m", "upward export", reference, head, old)  # "" means: not there yet
    return head


def _reference(git: "_Git", branch: str) -> str:
    reference = f"refs/heads/{branch}"
    if branch.startswith("-") or git.status("check-ref-format", reference) != 0:
        fix = "Name another, for example upward/mystudy."
        raise ManifestError(branch, "git does not allow this name of a branch", fix)
    return reference


def _write_commits(git: "_Git", commits: Sequence[ExportCommit]) -> str:
    known: dict[bytes, str] = {}
    parent = ""
    with tempfile.TemporaryDirectory(prefix="upward-export-") as scratch:
        for number, commit in enumerate(commits):
            tree = _write_tree(git, commit.files, known, Path(scratch) / f"index{number}")
            parents = ["-p", parent] if parent else []
            text = commit.message.rstrip() + "\n"
            parent = git.run("commit-tree", *parents, tree, stdin=text.encode(), at=commit.at)
    return parent


def _write_tree(
    git: "_Git", files: Mapping[str, bytes], known: dict[bytes, str], index: Path
) -> str:
    rows: list[bytes] = []
    for path, data in sorted(files.items()):
        if data not in known:
            known[data] = git.run("hash-object", "-w", "--stdin", "--no-filters", stdin=data)
        rows.append(f"100644 {known[data]}\t{path}".encode() + b"\x00")
    git.run("update-index", "-z", "--index-info", stdin=b"".join(rows), index=index)
    tree = git.run("write-tree", index=index)
    taken = git.run("ls-tree", "-r", "-z", "--full-tree", "--name-only", tree).split("\x00")
    left_out = sorted(set(files) - set(taken))
    if left_out:  # git only warns about a path such as .git/config
        raise CannotWrite(left_out[0], "git does not allow this path in a tree")
    return tree


class _Git:
    """The git program on one repository, out of reach of the user's own settings."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder

    @classmethod
    def open(cls, folder: Path) -> "_Git":
        """Find git and the repository of a folder; begin one in a folder that is in none."""
        program = shutil.which("git")
        if program is None:
            fix = "Install it (for example: apt install git), then export again."
            raise MissingTool("git", "an export", fix)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(str(folder), error.strerror or "unwritable") from None
        git = cls(program, folder)
        if git.status("rev-parse", "--git-dir") != 0:
            git.run("init", "--quiet", "--initial-branch=main")
        return git

    def find(self, reference: str) -> str:
        """Return the commit of a reference, or empty text."""
        done = self._start(["rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}"])
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether the new commit has the old one in its past."""
        return self.status("merge-base", "--is-ancestor", old, new) == 0

    def made_all(self, old: str, head: str, own: str) -> bool:
        """Whether every commit of the old one's past that the new one's lacks is an own export."""
        form = "--format=%ae%n%ce%n%B%x00"
        found = self.run("log", form, old, "--not", head).split("\x00")
        commits = [text.strip().splitlines() for text in found if text.strip()]
        return all(
            lines[:2] == [AUTHOR[1], AUTHOR[1]] and any(line.startswith(own) for line in lines[2:])
            for lines in commits
        )

    def status(self, *words: str) -> int:
        """Return the exit code of a command that only asks."""
        return self._start(list(words)).returncode

    def run(self, *words: str, stdin: bytes = b"", index: Path | None = None, at: str = "") -> str:
        """Return what a command prints.

        Raises:
            CannotWrite: the command failed.
        """
        done = self._start(list(words), stdin=stdin, index=index, at=at)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"
            raise CannotWrite(str(self._folder), f"git {words[0]} failed: {reason}")
        return done.stdout.decode().strip()

    def _start(
        self, words: list[str], stdin: bytes = b"", index: Path | None = None, at: str = ""
    ) -> "subprocess.CompletedProcess[bytes]":
        extra = {"GIT_INDEX_FILE": str(index)} if index else {}
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
        command = [self._program, *_SETTINGS, *words]
        try:
            return subprocess.run(  # noqa: S603 - a fixed program and words that are our own
                command,
                cwd=self._folder,
                env=_environment() | extra | dates,
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CannotWrite(str(self._folder), f"git {words[0]} took too long") from None


# hooks and signing could run other programs or ask for a password; line ends must stay
_SETTINGS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "gc.auto=0"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "i18n.commitEncoding=UTF-8"),
)


def _environment() -> dict[str, str]:
    """Return an environment without the user's ``GIT_*`` variables and configuration."""
    name, mail = AUTHOR
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": mail,
    }
