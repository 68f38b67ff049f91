import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from upward.core.errors import CannotWrite, ManifestError, MissingTool
from upward.tasks.export import ExportCommit, export

BASE = ExportCommit(
    {"train.py": b"LR = 1\n", "lib/a.py": b"", "data.bin": b"\x00\r\n\xff"},
    "tiny: baseline\n\nThe fixed control.",
    "2026-11-21T08:00:00.000Z",
)
FIRST = ExportCommit(
    {**BASE.files, "train.py": b"LR = 2\r\n"},
    "Try a larger rate\n\nGain: 0.1\nCandidate: abc",
    "2026-11-21T08:05:00.250Z",
)
SECOND = ExportCommit({"train.py": b"LR = 3\n"}, "Drop the rest", "2026-11-21T09:00:00.000Z")


def git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=Me", "-c", "user.email=me@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=env, capture_output=True, check=True
    )
    return done.stdout.decode(errors="surrogateescape").rstrip("\n")


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    (folder / "mine.txt").write_text("mine\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "mine")
    (folder / "mine.txt").write_text("staged\n")
    git(folder, "add", ".")
    (folder / "mine.txt").write_text("in work\n")
    (folder / "new.txt").write_text("untracked\n")
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    inner = [path for path in folder.rglob("*") if path.is_file()]
    kept = ("objects", "upward", "logs")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in inner
        if not any(part in kept for part in path.relative_to(folder).parts)
    }


def test_a_new_repository_holds_one_commit_per_change(tmp_path: Path):
    place = tmp_path / "out/tiny"
    head = export(place, "upward/tiny", [BASE, FIRST, SECOND])
    assert git(place, "rev-parse", "upward/tiny") == head
    subjects = git(place, "log", "--reverse", "--format=%s", head).splitlines()
    assert subjects == ["tiny: baseline", "Try a larger rate", "Drop the rest"]
    assert git(place, "log", "-1", "--format=%b", f"{head}~1") == "Gain: 0.1\nCandidate: abc"
    assert git(place, "ls-tree", "-r", "--name-only", f"{head}~2").splitlines() == [
        "data.bin",
        "lib/a.py",
        "train.py",
    ]
    assert git(place, "ls-tree", "-r", "--name-only", head) == "train.py"
    assert git(place, "fsck", "--strict") == ""


def test_the_bytes_of_every_file_are_kept(tmp_path: Path):
    export(tmp_path, "b", [BASE, FIRST])
    for path, data in FIRST.files.items():
        done = subprocess.run(
            ["git", "cat-file", "blob", f"b:{path}"], cwd=tmp_path, capture_output=True, check=True
        )
        assert done.stdout == data


def test_author_and_time_are_those_of_the_study(tmp_path: Path):
    export(tmp_path, "b", [BASE])
    shown = git(tmp_path, "log", "-1", "--date=iso-strict", "--format=%an <%ae> %ad|%cn %cd", "b")
    who, time = "Upward <upward@localhost>", "2026-11-21T08:00:00+00:00"
    assert shown.replace("Z", "+00:00") == f"{who} {time}|Upward {time}"


def test_nothing_of_an_existing_repository_is_touched_but_the_branch(tmp_path: Path):
    place = repository(tmp_path / "repo")
    before, status = everything(place), git(place, "status", "--porcelain")
    export(place, "upward/tiny", [BASE, FIRST])
    assert everything(place) == before
    assert git(place, "status", "--porcelain") == status
    assert git(place, "branch", "--show-current") == "trunk"
    assert git(place, "rev-list", "--count", "upward/tiny") == "2"


def test_a_folder_below_the_repository_exports_into_it_and_begins_no_other(tmp_path: Path):
    place = repository(tmp_path / "repo")
    below = place / "tasks/tiny"
    head = export(below, "upward/tiny", [BASE])
    assert git(place, "rev-parse", "upward/tiny") == head
    assert not (below / ".git").exists()
    assert git(place, "ls-tree", "--name-only", head).splitlines()[-1] == "train.py"


def test_exporting_again_changes_nothing_and_later_only_adds(tmp_path: Path):
    first = export(tmp_path, "b", [BASE, FIRST])
    assert export(tmp_path, "b", [BASE, FIRST]) == first
    second = export(tmp_path, "b", [BASE, FIRST, SECOND])
    assert git(tmp_path, "rev-parse", "b~1") == first
    assert git(tmp_path, "rev-parse", "b") == second


@pytest.mark.parametrize("branch", ["trunk", "b"])
def test_a_branch_with_other_commits_is_never_moved(tmp_path: Path, branch: str):
    place = repository(tmp_path / "repo")
    export(place, "b", [BASE, SECOND])
    before = git(place, "rev-parse", branch)
    with pytest.raises(CannotWrite, match="only ever adds"):
        export(place, branch, [BASE, FIRST])
    with pytest.raises(CannotWrite, match="only ever adds"):
        export(place, branch, [BASE] if branch == "b" else [FIRST])
    assert git(place, "rev-parse", branch) == before


@pytest.mark.parametrize("branch", ["", "-f", "a b", "a..b", "x.lock", "/x"])
def test_an_impossible_name_of_a_branch_is_refused(tmp_path: Path, branch: str):
    with pytest.raises(ManifestError, match="name of a branch"):
        export(tmp_path, branch, [BASE])


def test_hooks_signing_and_the_users_settings_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = repository(tmp_path / "repo")
    hook = place / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    git(place, "config", "commit.gpgSign", "true")
    git(place, "config", "core.autocrlf", "input")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Someone")
    export(place, "b", [BASE, FIRST])
    monkeypatch.delenv("GIT_DIR")
    assert not (tmp_path / "hooked").exists()
    assert git(place, "log", "-1", "--format=%an", "b") == "Upward"
    assert git(place, "cat-file", "-s", "b:train.py") == str(len(b"LR = 2\r\n"))


def test_a_path_that_git_refuses_is_an_error_and_leaves_no_branch(tmp_path: Path):
    with pytest.raises(CannotWrite, match="does not allow this path"):
        export(tmp_path, "b", [BASE, replace(FIRST, files={".git/config": b""})])
    assert git(tmp_path, "branch", "--list", "b") == ""


def test_without_git_the_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="git is needed for an export"):
        export(tmp_path, "b", [BASE])


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        export(tmp_path / "file/below", "b", [BASE])


def test_an_export_of_nothing_is_a_mistake_of_the_caller(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one"):
        export(tmp_path, "b", [])


def told(commit: ExportCommit, study: str) -> ExportCommit:
    return replace(commit, message=f"{commit.message}\nStudy: {study}, p1")


MINE = [told(commit, "tiny") for commit in (BASE, FIRST, SECOND)]
OWN = "Study: tiny, "


def test_a_step_that_was_given_up_leaves_the_branch(tmp_path: Path):
    export(tmp_path, "b", MINE, own=OWN)
    head = export(tmp_path, "b", MINE[:2], own=OWN)
    assert git(tmp_path, "rev-parse", "b") == head
    subjects = git(tmp_path, "log", "--reverse", "--format=%s", "b").splitlines()
    assert subjects == ["tiny: baseline", "Try a larger rate"]


def test_what_is_known_better_now_is_written_anew(tmp_path: Path):
    export(tmp_path, "b", MINE, own=OWN)
    surer = replace(MINE[1], message=MINE[1].message + "\nLevel: certified")
    head = export(tmp_path, "b", [MINE[0], surer, MINE[2]], own=OWN)
    assert git(tmp_path, "rev-parse", "b") == head


@pytest.mark.parametrize("other", ["tiny-s2", "tin"])
def test_the_branch_of_another_study_is_never_written_anew(tmp_path: Path, other: str):
    export(tmp_path, "b", [told(BASE, other), told(SECOND, other)], own=f"Study: {other}, ")
    with pytest.raises(CannotWrite, match="only ever adds"):
        export(tmp_path, "b", MINE, own=OWN)


def test_a_commit_of_somebody_else_on_the_branch_is_never_lost(tmp_path: Path):
    place = repository(tmp_path / "repo")
    export(place, "b", MINE, own=OWN)
    git(place, "stash", "-q")
    git(place, "checkout", "-q", "-f", "b")
    git(place, "commit", "-q", "--allow-empty", "-m", "Study: tiny, mine")
    before = git(place, "rev-parse", "b")
    with pytest.raises(CannotWrite, match="only ever adds"):
        export(place, "b", MINE[:2], own=OWN)
    assert git(place, "rev-parse", "b") == before
