"""Null candidates: what they are made of."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loop.studies import SCRIPT, make_task

from upward.loop.nulls import constant, copy, empty, zeroed
from upward.testing.fakes import MemoryBlobs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def test_empty_leaves_fixed_files_alone() -> None:
    blobs = MemoryBlobs()
    task = make_task(blobs)
    null = empty(task, blobs)
    assert blobs.get(null.files["train.py"]) == b""
    assert null.files["data.txt"] == task.files["data.txt"]


def test_a_copy_is_another_candidate_with_the_same_code() -> None:
    blobs = MemoryBlobs()
    task = make_task(blobs)
    text = blobs.get(copy(task, blobs).files["train.py"]).decode()
    assert text.startswith(SCRIPT)
    assert all(line.startswith("#") for line in text[len(SCRIPT) :].split("\n") if line)
    assert text != SCRIPT


def test_a_copy_of_an_unknown_format_is_skipped_with_its_reason() -> None:
    blobs = MemoryBlobs()
    task = replace(make_task(blobs), edit=("data.bin",), files={"data.bin": blobs.put(b"\x00")})
    null = copy(task, blobs)
    assert not null.files
    assert ".json" in null.skipped


def test_the_constant_program_leaves_zeroed_outputs_and_reads_nothing(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    task = replace(make_task(blobs), outputs=("deep/out.json", "train.py"))
    made = {"deep/out.json": blobs.put(b'{"x": [1.5, 2]}')}
    source = blobs.get(constant(task, blobs, made).files["train.py"])
    subprocess.run([sys.executable, "-c", source.decode()], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "deep" / "out.json").read_text()) == {"x": [0.0, 0]}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"run": ("./train",)}, "no Python file"),
        ({"run": ("python", "fixed.py")}, "no Python file"),
        ({"outputs": ("train.py",)}, "files of the task itself"),
        ({"outputs": ("other.txt",)}, "was kept"),
    ],
)
def test_where_there_can_be_no_constant_the_reason_is_said(
    change: dict[str, tuple[str, ...]], why: str
) -> None:
    blobs = MemoryBlobs()
    task = replace(make_task(blobs), **change)  # pyright: ignore[reportArgumentType]
    null = constant(task, blobs, {"out.txt": blobs.put(b"1")})
    assert not null.files
    assert why in null.skipped


@given(JSON)
def test_zeroed_json_keeps_its_shape_and_holds_no_number(value: object) -> None:
    found = json.loads(zeroed(json.dumps(value).encode()))
    again = zeroed(json.dumps(found).encode())
    assert json.loads(again) == found
    assert type(found) is type(value)
    if isinstance(value, int | float):
        assert found == 0


def test_a_number_written_as_text_is_zeroed_too() -> None:
    assert (
        zeroed(b'["0.125", "1e-3", "circle 7", "nan"]') == b'["0.000", "0e-0", "circle 7", "nan"]'
    )


@given(st.binary(max_size=64))
def test_any_bytes_can_be_zeroed(data: bytes) -> None:
    assert isinstance(zeroed(data), bytes)


def test_an_array_keeps_its_header() -> None:
    file = io.BytesIO()
    np.save(file, np.arange(6.0).reshape(2, 3))
    array = np.load(io.BytesIO(zeroed(file.getvalue())))
    assert array.shape == (2, 3)
    assert not array.any()


def test_tensors_keep_their_header_and_a_table_its_layout() -> None:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  '
    data = len(header).to_bytes(8, "little") + header + b"\x01" * 8
    assert zeroed(data) == data[:-8] + bytes(8)
    assert zeroed(b"a,b\n1.25,37\n") == b"a,b\n0.00,00\n"
    assert zeroed(b"\xff\xfe\x01") == bytes(3)
