import json
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.tasks.play import play, run

from upward.core.errors import CannotWrite, ManifestError, UnknownName
from upward.tasks.init import make_task
from upward.tasks.load import load_folder
from upward.testing.fakes import MemoryBlobs

WRITES_NPY = """
import numpy as np
HIDDEN = 8
LOSSES = "losses.csv"
np.save("predictions.npy", np.array([0.5, 1.5]))
open(LOSSES, "w").write("1")
open("notes.txt").read() if False else None
"""


def in_folder(folder: Path, **scripts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def rmse(task: Path, place: Path, seed: int = 5) -> float:
    ran = play(task, place, seed=seed)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found) == {"rmse"}
    return found["rmse"]


@pytest.mark.slow
def test_an_empty_folder_becomes_a_task_that_runs_and_can_be_improved(tmp_path: Path):
    demo = tmp_path / "demo"
    written = make_task(demo)
    assert written == ["scorer/prepare.py", "scorer/score.py", "train.py", "task.toml"]
    task = load_folder(demo, MemoryBlobs())
    assert (task.name, task.edit, task.metric.name) == ("demo", ("train.py",), "rmse")
    plain = rmse(demo, tmp_path / "a")
    assert plain != rmse(demo, tmp_path / "b", seed=6)
    text = (demo / "train.py").read_text()
    (demo / "train.py").write_text(
        text.replace("FEATURES = 60", "FEATURES = 300").replace("RIDGE = 1.0", "RIDGE = 0.1")
    )
    assert rmse(demo, tmp_path / "c") < 0.5 * plain


NO_PREDICTIONS = {
    "NaN": np.full(20, np.nan),
    "too few": np.zeros(19),
    "another shape": np.zeros((20, 1)),
    "objects": np.array([None] * 20),
    "complex": np.zeros(20, complex),
    "text": np.full(20, "1.0"),
}


def score_example(folder: Path) -> "subprocess.CompletedProcess[str]":
    make_task(folder / "demo")
    (folder / "hidden").mkdir()
    np.save(folder / "hidden/test_values.npy", np.linspace(-1.0, 1.0, 20))
    return run(folder, folder / "demo/scorer/score.py", {"seed": 1})


@pytest.mark.parametrize("kind", NO_PREDICTIONS)
def test_the_examples_scorer_refuses_what_is_no_prediction(tmp_path: Path, kind: str):
    (tmp_path / "outputs").mkdir()
    np.save(tmp_path / "outputs/predictions.npy", NO_PREDICTIONS[kind], allow_pickle=True)
    ran = score_example(tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "predictions.npy" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("data", [None, b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_the_examples_scorer_refuses_what_is_no_array(tmp_path: Path, data: bytes | None):
    (tmp_path / "outputs").mkdir()
    if data is not None:
        (tmp_path / "outputs/predictions.npy").write_bytes(data)
    ran = score_example(tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "Traceback" not in ran.stderr


def test_a_task_is_made_around_the_script_and_the_predictions_that_are_there(tmp_path: Path):
    folder = in_folder(tmp_path / "My Work!", train=WRITES_NPY, helper="x = 1")
    assert make_task(folder) == ["scorer/score.py", "task.toml"]
    task = load_folder(folder, MemoryBlobs())
    assert task.name == "My-Work"
    assert task.edit == ("train.py",)
    assert task.run == ("python", "train.py")
    assert task.outputs == ("predictions.npy",)
    assert (folder / "train.py").read_text() == WRITES_NPY


@pytest.mark.parametrize(
    ("scripts", "chosen"),
    [
        ({"main": "", "other": "A = 1\nB = 2"}, "main.py"),
        ({"main": "", "train": ""}, "train.py"),
        ({"a": "A = 1\nB = 2", "b": "if __name__ == '__main__':\n    pass"}, "b.py"),
        ({"a": "A = 1", "b": "A = 1\nB = 2"}, "b.py"),
        ({"setup": "A = 1\nB = 2", "z": ""}, "z.py"),
        ({"broken": "def", "z": "A = 1"}, "z.py"),
    ],
)
def test_the_script_that_trains_is_found(tmp_path: Path, scripts: dict[str, str], chosen: str):
    make_task(in_folder(tmp_path, **scripts))
    assert load_folder(tmp_path, MemoryBlobs()).edit == (chosen,)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open('preds.csv', 'w')", "preds.csv"),
        ("open('out/preds.csv', mode='wb')", "out/preds.csv"),
        ("open('input.csv')", "predictions.csv"),
        ("open('input.csv', 'r')", "predictions.csv"),
        ("from pathlib import Path\nPath('a.csv').write_text('')", "a.csv"),
        ("OUT = Path('a.npy')\nOUT.open('wb')", "a.npy"),
        ("np.save('a.npy', x)", "a.npy"),
        ("frame.to_csv('submission.csv')", "submission.csv"),
        ("frame.to_csv(path_or_buf='b.csv')", "b.csv"),
        ("torch.save(model.state_dict(), 'model.pt')", "predictions.csv"),
        ("np.save('/tmp/x.npy', x)", "predictions.csv"),
        ("np.save('../x.npy', x)", "predictions.csv"),
        ("open('loss_log.csv', 'w')\nnp.save('y.npy', y)", "y.npy"),
        ("np.save('weights.npy', w)\nnp.save('answers.npy', y)", "answers.npy"),
    ],
)
def test_the_file_of_predictions_is_found_in_the_source(tmp_path: Path, source: str, found: str):
    make_task(in_folder(tmp_path, train=source))
    assert load_folder(tmp_path, MemoryBlobs()).outputs == (found,)


def test_a_named_script_is_taken_and_a_wrong_name_gets_the_nearest(tmp_path: Path):
    folder = in_folder(tmp_path, train="", fit="")
    with pytest.raises(UnknownName, match=r"Did you mean 'fit.py'\?"):
        make_task(folder, script="fitt.py")
    with pytest.raises(UnknownName):
        make_task(folder, script="../fit.py")
    make_task(folder, script="fit.py")
    assert load_folder(folder, MemoryBlobs()).edit == ("fit.py",)


def test_nothing_that_exists_is_overwritten(tmp_path: Path):
    folder = in_folder(tmp_path, train="")
    (folder / "scorer").mkdir()
    (folder / "scorer/score.py").write_text("mine")
    assert make_task(folder) == ["task.toml"]
    before = (folder / "task.toml").read_text()
    with pytest.raises(ManifestError, match="never overwrites"):
        make_task(folder)
    assert (folder / "task.toml").read_text() == before
    assert (folder / "scorer/score.py").read_text() == "mine"


def test_a_folder_without_scripts_is_told_what_to_do(tmp_path: Path):
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(ManifestError, match="--script"):
        make_task(tmp_path)


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        make_task(tmp_path / "file")
    with pytest.raises(CannotWrite):
        make_task(tmp_path / "file/below")
    assert stat.S_ISREG((tmp_path / "file").stat().st_mode)


def around(folder: Path, predictions: str, answers: str | None) -> Path:
    text = f"open('predictions.csv', 'w').write({predictions!r})\n"
    make_task(in_folder(folder, train=text))
    if answers is not None:
        (folder / "scorer/answers.csv").write_text(answers)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("predictions", "answers", "error"),
    [
        ("1.5\n2.5\n", "1.0\n2.5\n", 0.5 / 2**0.5),
        ("0,cat\n1,dog\n", "0,cat\n1,cat\n", 0.5),
        ("1\n2.0\n3\n0\n", "1\n2\n2\n2\n", 0.5),
        ("1\n2\n", "1\n2\n", 0.0),
    ],
)
def test_the_scorer_chooses_the_error_by_the_kind_of_answers(
    tmp_path: Path, predictions: str, answers: str, error: float
):
    ran = play(around(tmp_path / "t", predictions, answers), tmp_path / "a")
    assert json.loads(ran.stdout) == {"error": pytest.approx(error)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("predictions", "answers", "says"),
    [
        ("1\n", None, "Put them into scorer/answers.csv"),
        ("1\n", "", "holds no answers"),
        ("1.0\n", "1.0\n2.0\n", "the same 2 cases"),
        ("1.0\n2.0\n3.0\n", "1.0\n2.0\n", "the same 2 cases"),
        ("b,1.0\na,1.0\n", "a,1.0\nb,1.0\n", "in the same order"),
        ("nan\n", "1.5\n", "not a finite number"),
        ("1e999\n", "1.5\n", "not a finite number"),
        ("\x00\n", "1.5\n", "not a "),
        ('"1\n', "1.5\n", "not a CSV file"),
    ],
)
def test_the_scorer_says_why_there_is_no_measurement(
    tmp_path: Path, predictions: str, answers: str | None, says: str
):
    ran = play(around(tmp_path / "t", predictions, answers), tmp_path / "a")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_arrays_are_compared_element_by_element(tmp_path: Path):
    make_task(in_folder(tmp_path / "t", train=WRITES_NPY))
    ran = play(tmp_path / "t", tmp_path / "a")
    assert "Put them into scorer/answers.npy" in ran.stderr
    answers = (tmp_path / "a/trial/predictions.npy").read_bytes()
    (tmp_path / "t/scorer/answers.npy").write_bytes(answers)
    assert json.loads(play(tmp_path / "t", tmp_path / "b").stdout) == {"error": 0.0}
