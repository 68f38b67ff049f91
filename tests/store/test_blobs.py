import os
import stat
from pathlib import Path

import pytest
from tests.store.processes import finished, read_only

from upward.core.errors import BlobChanged, CannotWrite
from upward.core.ids import blob_id
from upward.store.blobs import FolderBlobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def file_of(folder: Path, blob: str) -> Path:
    return folder / blob[:2] / blob[2:]


def test_nothing_is_made_before_something_is_kept(folder: Path) -> None:
    blobs = FolderBlobs(folder)
    assert list(blobs.ids()) == []
    assert not blobs.has(blob_id(b"x"))
    assert not folder.exists()


def test_a_kept_file_is_read_only_and_lies_in_its_shard(folder: Path) -> None:
    blob = FolderBlobs(folder).put(b"x")
    mode = stat.S_IMODE(file_of(folder, blob).stat().st_mode)
    assert mode & 0o222 == 0
    assert mode & 0o400


def test_putting_again_does_not_touch_the_file(folder: Path) -> None:
    blobs = FolderBlobs(folder)
    blob = blobs.put(b"x")
    before = file_of(folder, blob).stat()
    FolderBlobs(folder).put(b"x")
    after = file_of(folder, blob).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_file_that_was_cut_is_replaced_when_it_is_put_again(folder: Path) -> None:
    blobs = FolderBlobs(folder)
    blob = blobs.put(b"whole")
    os.truncate(file_of(folder, blob), 2)
    with pytest.raises(BlobChanged, match="changed"):
        blobs.get(blob)
    blobs.put(b"whole")
    assert blobs.get(blob) == b"whole"


@pytest.mark.parametrize("blob", ["", "../../etc/passwd", "AB" * 32, "g" * 64, "0" * 63])
def test_what_is_no_content_id_is_never_a_path(folder: Path, blob: str) -> None:
    blobs = FolderBlobs(folder)
    with pytest.raises(BlobChanged, match="no content id"):
        blobs.get(blob)
    with pytest.raises(BlobChanged, match="no content id"):
        blobs.has(blob)


def test_a_folder_in_place_of_a_blob_is_unreadable_and_not_a_crash(folder: Path) -> None:
    blob = blob_id(b"x")
    file_of(folder, blob).mkdir(parents=True)
    assert not FolderBlobs(folder).has(blob)
    with pytest.raises(BlobChanged, match="unreadable"):
        FolderBlobs(folder).get(blob)


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "blobs"):
        with pytest.raises(CannotWrite, match="file"):
            FolderBlobs(folder).put(b"x")


def test_a_folder_that_is_read_only_is_named_and_still_read(folder: Path) -> None:
    blob = FolderBlobs(folder).put(b"x")
    script = (
        "import sys; from pathlib import Path; from upward.store.blobs import FolderBlobs\n"
        "from upward.core.errors import CannotWrite\n"
        "blobs = FolderBlobs(Path(sys.argv[1]))\n"
        "print(blobs.get(sys.argv[2]))\n"
        "try: blobs.put(b'y')\n"
        "except CannotWrite as error: print(error)\n"
    )
    said = finished(script, folder, blob, under=read_only(folder)).splitlines()
    assert said[0] == "b'x'"
    assert str(folder) in said[1]


def test_what_killed_processes_left_is_removed_and_what_lives_is_not(folder: Path) -> None:
    FolderBlobs(folder).put(b"x")
    unfinished = folder / "unfinished"
    dead, alive = unfinished / "999999999-0", unfinished / f"{os.getpid()}-77"
    for file in (dead, alive, unfinished / "strange"):
        file.touch()
    FolderBlobs(folder).put(b"y")
    assert list(unfinished.iterdir()) == [alive]
    assert list(FolderBlobs(folder).ids()) == sorted([blob_id(b"x"), blob_id(b"y")])
