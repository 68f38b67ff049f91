"""Folders that candidates have made are removed, whatever they are."""

import os
from pathlib import Path

from upward.execute.scratch import remove


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    before = Path.cwd()
    os.chdir(top)
    try:
        for _ in range(400):
            Path("a-long-name").mkdir()
            os.chdir("a-long-name")
        Path("file").write_text("x")
    finally:
        os.chdir(before)
    remove(top)
    assert not top.exists()


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "top")
    assert (tmp_path / "kept" / "file").exists()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "link")
    assert (tmp_path / "kept" / "file").exists()


def test_permissions_do_not_matter(tmp_path: Path) -> None:
    inner = tmp_path / "top" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0)
    (tmp_path / "top" / "a").chmod(0)
    remove(tmp_path / "top")
    assert list(tmp_path.iterdir()) == []


def test_nothing_happens_where_there_is_nothing(tmp_path: Path) -> None:
    remove(tmp_path / "no")
    assert list(tmp_path.iterdir()) == []
