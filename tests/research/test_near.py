from dataclasses import replace

import pytest

from upward.research.near import Near, near_copy, near_tree
from upward.testing.fakes import MemoryBlobs
from upward.testing.sample_task import sample_task


def test_a_fraction_is_preferred_and_only_it_changes() -> None:
    files = {"a.py": "LAYERS = 40\n", "b.json": '{"rate": 0.5, "width": 64}\n'}
    near = near_copy(files)
    assert near.files == {"b.json": '{"rate": 0.55, "width": 64}\n'}
    assert near.words == "rate 0.5 -> 0.55"


def test_a_large_whole_number_does_where_there_is_no_fraction() -> None:
    near = near_copy({"a.py": "LAYERS = 2\nWIDTH = 64\n"})
    assert near.files["a.py"].startswith("LAYERS = 2\nWIDTH = 7")


def test_a_value_at_the_end_of_its_range_moves_down() -> None:
    near = near_copy({"a.py": "SHARE = 1.0  # range: 0.1..1.0\n"})
    assert float(near.words.rpartition(" ")[2]) < 1.0


@pytest.mark.parametrize("text", ["", "print(1)\n", "LAYERS = 2\nON = False\n", "RATE = (\n"])
def test_where_no_number_moves_by_little_there_is_none(text: str) -> None:
    assert near_copy({"a.py": text}) == Near({}, "")


def test_a_task_gives_a_whole_tree_and_a_binary_file_is_left_alone() -> None:
    blobs = MemoryBlobs()
    files = {"a.py": blobs.put(b"RATE = 0.5\n"), "b.bin": blobs.put(b"\xff\x00")}
    task = replace(sample_task(), files={**files, "fixed": "0" * 64}, edit=("a.py", "b.bin"))
    near = near_tree(task, blobs)
    assert blobs.get(near.files["a.py"]) == b"RATE = 0.55\n"
    assert {name: near.files[name] for name in ("b.bin", "fixed")} == {
        "b.bin": files["b.bin"],
        "fixed": "0" * 64,
    }
    assert near_tree(replace(task, edit=("b.bin",)), blobs) == Near({}, "")
