"""The prepare command: once per study, kept by content."""

from pathlib import Path

import pytest
from tests.execute.small import Small

from upward.core.errors import ScorerFailed

MAKE = "import os\nos.makedirs('public/a'); os.mkdir('hidden')\n"


def test_a_task_without_the_command_has_no_data(tmp_path: Path) -> None:
    assert Small().prepared(tmp_path) == {}


def test_both_folders_are_kept_by_content(tmp_path: Path) -> None:
    small = Small(
        prepare=MAKE + "open('public/a/x', 'w').write('x'); open('hidden/y', 'w').write('y')"
    )
    found = small.prepared(tmp_path)
    assert {part: sorted(files) for part, files in found.items()} == {
        "public": ["a/x"],
        "hidden": ["y"],
    }
    assert small.blobs.get(found["public"]["a/x"]) == b"x"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("1 / 0", "exit code 1: ZeroDivisionError"),
        ("pass", "no folder 'public'"),
        (MAKE + "os.symlink('/etc/passwd', 'hidden/y')", "'y' is no plain file"),
        (MAKE + "os.symlink('/etc', 'public/b')", "'b' is no plain file"),
        (MAKE + "os.mkfifo('hidden/y')", "'y' is no plain file"),
    ],
)
def test_anything_else_is_a_failure_of_the_scorer(script: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ScorerFailed) as caught:
        Small(prepare=script).prepared(tmp_path)
    assert says in str(caught.value)
