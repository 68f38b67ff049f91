import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upward.core.errors import ManifestError, UnknownName
from upward.tasks.load import FolderTasks, changed_files, labs_folder, load_folder
from upward.testing.fakes import MemoryBlobs

FILES = {
    "task.toml": """\
name = "tiny"
goal = "Lowest loss."
[candidate]
edit = ["train.py"]
run = ["python", "train.py"]
outputs = ["model.npy"]
[scorer]
run = ["python", "score.py"]
[metric]
name = "loss"
unit = "nats"
direction = "minimize"
[budget]
cpu_s = 2
wall_s = 9
""",
    "train.py": "print(1)\n",
    "lib/help.py": "x = 1\n",
    "scorer/score.py": "print(2)\n",
    "scorer/answers.csv": "1\n",
    "predictor/predict.py": "print(3)\n",
}
FILES["task.toml"] += '[predictor]\nrun = ["python", "predict.py"]\n'


def make(folder: Path, **changes: str) -> Path:
    for path, text in {**FILES, **changes}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def manifest(old: str, new: str) -> dict[str, str]:
    assert old in FILES["task.toml"]
    return {"task.toml": FILES["task.toml"].replace(old, new, 1)}


def refusal(folder: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        load_folder(folder, MemoryBlobs())
    return str(caught.value)


def test_every_file_is_sorted_by_who_may_see_it_and_kept(tmp_path: Path):
    blobs = MemoryBlobs()
    task = load_folder(make(tmp_path), blobs)
    assert set(task.files) == {"train.py", "lib/help.py"}
    assert set(task.scorer_files) == {"score.py", "answers.csv"}
    assert set(task.predictor_files) == {"predict.py"}
    assert blobs.get(task.files["train.py"]) == b"print(1)\n"
    assert blobs.get(task.scorer_files["answers.csv"]) == b"1\n"
    assert task.root == str(tmp_path)
    assert task.predictor_run == ("python", "predict.py")


def test_hidden_and_compiled_files_are_no_part_of_a_task(tmp_path: Path):
    before = load_folder(make(tmp_path), MemoryBlobs())
    for path in (".git/config", ".upward/x", "__pycache__/a.pyc", "old.pyc", "lib/.env"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("noise")
    assert load_folder(tmp_path, MemoryBlobs()) == before


def test_the_id_stays_when_the_folder_moves_or_a_comment_changes(tmp_path: Path):
    first = load_folder(make(tmp_path / "a"), MemoryBlobs())
    text = "# a comment\n" + FILES["task.toml"].replace("cpu_s = 2", "cpu_s   = 2.0")
    second = load_folder(make(tmp_path / "b", **{"task.toml": text}), MemoryBlobs())
    assert first.id == second.id
    assert first.root != second.root
    assert changed_files(first, second) == []


@pytest.mark.parametrize("path", [path for path in FILES if path != "task.toml"])
def test_the_id_changes_with_any_file_and_the_file_is_named(tmp_path: Path, path: str):
    first = load_folder(make(tmp_path), MemoryBlobs())
    (tmp_path / path).write_text("# other\n")
    second = load_folder(tmp_path, MemoryBlobs())
    assert second.id != first.id
    assert changed_files(first, second) == [path]


@settings(max_examples=20)
@given(seconds=st.integers(3, 500))
def test_the_id_changes_with_any_setting_and_the_manifest_is_named(
    seconds: int, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("task")
    first = load_folder(make(folder), MemoryBlobs())
    second = load_folder(make(folder, **manifest("cpu_s = 2", f"cpu_s = {seconds}")), MemoryBlobs())
    assert second.id != first.id
    assert changed_files(first, second) == ["task.toml"]


def test_added_and_removed_files_are_both_named(tmp_path: Path):
    first = load_folder(make(tmp_path), MemoryBlobs())
    (tmp_path / "lib/help.py").unlink()
    (tmp_path / "scorer/new.py").write_text("")
    second = load_folder(tmp_path, MemoryBlobs())
    assert changed_files(first, second) == ["lib/help.py", "scorer/new.py"]


def test_a_folder_without_a_scorer_is_told_what_to_do(tmp_path: Path):
    make(tmp_path)
    for path in (tmp_path / "scorer").iterdir():
        path.unlink()
    text = refusal(tmp_path)
    assert "the task has no scorer" in text
    assert "Put score.py in" in text
    assert "upward init" in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('edit = ["train.py"]', 'edit = ["trian.py"]', "'trian.py': there is no such file"),
        ('edit = ["train.py"]', 'edit = ["scorer/score.py"]', "never sees that file"),
        ('edit = ["train.py"]', 'edit = ["task.toml"]', "never sees that file"),
        ('edit = ["train.py"]', 'edit = ["lib"]', "there is no such file"),
        ('run = ["python", "train.py"]', 'run = ["python", "go.py"]', "'go.py': there is no"),
        ('outputs = ["model.npy"]', 'outputs = ["lib/help.py"]', "read-only in a trial"),
        ('run = ["python", "score.py"]', 'run = ["python", "sc.py"]', "not in scorer/"),
        ('run = ["python", "score.py"]', 'run = ["python"]', "not in scorer/"),
        ('run = ["python", "predict.py"]', 'run = ["python", "p.py"]', "not in predictor/"),
        (
            "[metric]",
            'prepare = ["python", "prep.py"]\n[metric]',
            "'prepare' in [scorer] names 'prep.py'",
        ),
    ],
)
def test_a_manifest_that_does_not_fit_its_files_is_refused(
    tmp_path: Path, old: str, new: str, says: str
):
    assert says in refusal(make(tmp_path, **manifest(old, new)))


def test_an_editable_file_may_also_be_an_output(tmp_path: Path):
    change = manifest('outputs = ["model.npy"]', 'outputs = ["train.py"]')
    assert load_folder(make(tmp_path, **change), MemoryBlobs()).outputs == ("train.py",)


def test_a_predictor_folder_that_nothing_runs_is_refused(tmp_path: Path):
    change = manifest('[predictor]\nrun = ["python", "predict.py"]\n', "")
    assert "no [predictor] section" in refusal(make(tmp_path, **change))


def test_a_candidate_file_that_would_hide_prepared_data_is_refused(tmp_path: Path):
    change = manifest("[metric]", 'prepare = ["python", "score.py"]\n[metric]')
    assert "'data/x.csv' would hide" in refusal(make(tmp_path, **change, **{"data/x.csv": "1"}))


def test_a_link_is_refused_rather_than_followed_or_left_out(tmp_path: Path):
    (make(tmp_path) / "lib/link.py").symlink_to("/etc/passwd")
    assert "link.py: it is a link" in refusal(tmp_path)
    (tmp_path / "lib/link.py").unlink()
    (tmp_path / "more").symlink_to(tmp_path / "lib")
    assert "more: it is a link" in refusal(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path):
    os.mkfifo(make(tmp_path) / "lib/pipe")
    assert "not a regular file" in refusal(tmp_path)


def test_a_name_that_is_not_text_is_refused(tmp_path: Path):
    (make(tmp_path) / os.fsdecode(b"bad\xff.py")).write_text("")
    assert "is not plain text" in refusal(tmp_path)


def test_a_file_of_unreasonable_size_is_refused(tmp_path: Path):
    with (make(tmp_path) / "huge.bin").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    assert "huge.bin: it is larger than 64 MiB" in refusal(tmp_path)


def test_a_bare_name_is_a_lab_first_and_a_path_is_always_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    labs = tmp_path / "labs"
    make(labs / "tiny")
    make(tmp_path / "here/tiny", **{"train.py": "print('mine')\n"})
    make(tmp_path / "here/other")
    monkeypatch.chdir(tmp_path / "here")
    tasks = FolderTasks(labs)
    assert tasks.names() == ["tiny"]
    assert tasks.load("tiny", MemoryBlobs()).root == str(labs / "tiny")
    assert tasks.load("./tiny", MemoryBlobs()).root == str(tmp_path / "here/tiny")
    assert tasks.load("other", MemoryBlobs()).root == str(tmp_path / "here/other")
    assert tasks.load(str(tmp_path / "here/tiny"), MemoryBlobs()).name == "tiny"


def test_an_unknown_name_gets_the_nearest_lab(tmp_path: Path):
    make(tmp_path / "packing")
    with pytest.raises(UnknownName, match=r"Did you mean 'packing'\?"):
        FolderTasks(tmp_path).load("paking", MemoryBlobs())


@pytest.mark.parametrize("name", ["", "\x00", "nowhere/at/all"])
def test_a_name_of_nothing_is_unknown(tmp_path: Path, name: str):
    with pytest.raises(UnknownName, match="upward init"):
        FolderTasks(tmp_path).load(name, MemoryBlobs())


def test_a_folder_without_a_manifest_is_told_about_init(tmp_path: Path):
    with pytest.raises(ManifestError, match="upward init"):
        FolderTasks(tmp_path).load(str(tmp_path), MemoryBlobs())


@pytest.mark.parametrize("name", FolderTasks(labs_folder()).names())
def test_every_lab_that_ships_loads(name: str):
    task = FolderTasks(labs_folder()).load(name, MemoryBlobs())
    assert task.name == name
    assert not any(path.startswith("scorer") for path in task.files)
