from pathlib import Path

import pytest

from upward.core.errors import CannotWrite, StudyBusy
from upward.store.lock import StudyLock, holder
from upward.testing.fakes import FakeClock


def lock_of(folder: Path, study: str = "s") -> StudyLock:
    return StudyLock(folder, study, FakeClock())


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with lock_of(tmp_path), pytest.raises(StudyBusy, match="since 2026-01-01"):
        lock_of(tmp_path).acquire()
    with lock_of(tmp_path):
        pass


def test_studies_do_not_block_each_other(tmp_path: Path) -> None:
    with lock_of(tmp_path, "a"), lock_of(tmp_path, "b"), lock_of(tmp_path, "a/b"):
        assert holder(tmp_path, "a") is not None


def test_the_right_is_given_back_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), lock_of(tmp_path):
        raise RuntimeError
    lock_of(tmp_path).acquire()


def test_giving_back_twice_changes_nothing(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()
    with lock_of(tmp_path):
        pass


def test_a_refused_lock_can_be_tried_again(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    with lock_of(tmp_path), pytest.raises(StudyBusy):
        lock.acquire()
    with lock:
        pass


def test_nobody_holds_what_was_never_taken_or_was_given_back(tmp_path: Path) -> None:
    assert holder(tmp_path, "s") is None
    with lock_of(tmp_path):
        pass
    assert holder(tmp_path, "s") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"pid": "x"}', '{"pid": 1, "since": "", "started": 0}']
)
def test_a_lock_file_with_strange_content_blocks_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.lock").write_text(text)
    assert holder(tmp_path, "s") is None
    with lock_of(tmp_path):
        assert holder(tmp_path, "s") is not None


@pytest.mark.parametrize("study", ["..", "a/../../b", "ü b", "%2F", "-", "~"])
def test_the_name_of_a_study_is_never_a_path(tmp_path: Path, study: str) -> None:
    folder = tmp_path / "locks"
    with lock_of(folder, study):
        [file] = folder.iterdir()
        assert file.name.endswith(".lock")
    assert [entry.name for entry in tmp_path.iterdir()] == ["locks"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="file"):
        lock_of(tmp_path / "file").acquire()


def test_a_name_too_long_for_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="too long"):
        lock_of(tmp_path, "x" * 300).acquire()
