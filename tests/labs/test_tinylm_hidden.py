"""The hidden text of `tinylm` cannot be read in a candidate's sandbox by any path."""

import pydoc_data.topics
from pathlib import Path

import pytest

from upward.core.ports import Box, Mount
from upward.core.task import Limits
from upward.execute.prepare import prepare
from upward.sandbox.choose import best_sandbox
from upward.tasks.load import FolderTasks, labs_folder
from upward.testing.fakes import MemoryBlobs

# every file that can be seen is read as bytes; compiled Python keeps the text as it is
SEARCH = """
import os, sys
patterns = [line.encode() for line in sys.stdin.read().split("\\n") if line]
found, looked = set(), 0
for root, folders, names in os.walk(sys.argv[1]):
    folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/sys", "/dev")]
    for name in names:
        path = os.path.join(root, name)
        try:
            if os.path.islink(path) or not 1000 < os.path.getsize(path) < 4 << 20:
                continue
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        looked += 1
        if any(pattern in data for pattern in patterns):
            found.add(path)
print(looked)
print("\\n".join(sorted(found)))
"""


def hidden_lines(text: str, source: str) -> list[str]:
    """A few long lines from all over a text, as they stand in the source."""
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 50]
    lines = [line for line in lines if line in source]
    return lines[:: max(1, len(lines) // 12)]


def search(
    lines: list[str], folder: Path, hide: tuple[str, ...], root: str = "/"
) -> tuple[int, list[str]]:
    folder.mkdir()
    box = Box(
        argv=("python", "-c", SEARCH, root),
        mounts=(Mount(str(folder), "/trial", writable=True),),
        cwd="/trial",
        limits=Limits(200.0, 400.0, 1024),
        stdin="\n".join(lines).encode(),
        hide=hide,
    )
    ran = best_sandbox().run(box)
    assert ran.exit_code == 0, ran.stderr.decode()
    looked, *found = ran.stdout.decode().split("\n")
    return int(looked), [path for path in found if path]


@pytest.mark.slow
def test_no_visible_file_holds_the_hidden_text_and_the_search_would_find_it(
    tmp_path: Path,
) -> None:
    blobs = MemoryBlobs()
    task = FolderTasks(labs_folder()).load("tinylm", blobs)
    made = prepare(task, best_sandbox(), blobs, tmp_path / "prepare")
    source = Path(pydoc_data.topics.__file__).read_text()
    texts = [blobs.get(blob).decode() for path, blob in made["hidden"].items() if "txt" in path]
    lines = [line for text in texts for line in hidden_lines(text, source)]
    assert len(texts) == 2
    assert len(lines) >= 20
    looked, found = search(lines, tmp_path / "hidden", task.hide)
    assert looked > 1000
    assert found == []
    library = str(Path(pydoc_data.topics.__file__).resolve().parents[1])
    _, control = search(lines, tmp_path / "shown", (), library)
    assert any("pydoc_data" in path for path in control)
