from pathlib import Path

import pytest

from upward.core.errors import ManifestError, UnreadableSource
from upward.core.metric import Direction, Guard, Metric, Noise
from upward.core.task import Limits
from upward.tasks.manifest import read_manifest

WHOLE = """\
name = "tiny"
goal = "Lowest loss."
[candidate]
edit = ["train.py"]
run = ["python", "train.py"]
outputs = ["model.npy"]
hide = ["pydoc_data"]
[scorer]
run = ["python", "score.py"]
prepare = ["python", "prepare.py"]
cpu_s = 30
[predictor]
run = ["python", "predict.py"]
[metric]
name = "loss"
unit = "nats"
direction = "minimize"
bound = -0.0
noise = "timing"
[[guard]]
name = "peak_memory_mb"
direction = "minimize"
tolerance = 64
[budget]
cpu_s = 20.0
wall_s = 90
"""


def read(folder: Path, text: str):
    (folder / "task.toml").write_text(text)
    return read_manifest(folder)


def refusal(folder: Path, old: str, new: str) -> str:
    assert old in WHOLE
    with pytest.raises(ManifestError) as caught:
        read(folder, WHOLE.replace(old, new, 1))
    return str(caught.value)


def test_a_whole_manifest_becomes_typed_sections(tmp_path: Path):
    found = read(tmp_path, WHOLE)
    assert found.name == "tiny"
    assert found.candidate.edit == ("train.py",)
    assert found.candidate.hide == ("pydoc_data",)
    assert found.scorer.prepare == ("python", "prepare.py")
    assert found.scorer.budget == Limits(cpu_s=30.0, wall_s=120.0, memory_mb=2048)
    assert found.predictor == ("python", "predict.py")
    assert found.metric == Metric("loss", "nats", Direction.MINIMIZE, Noise.TIMING, 0.0)
    assert str(found.metric.bound) == "0.0"
    assert found.guards == (Guard("peak_memory_mb", Direction.MINIMIZE, 64.0),)
    assert found.budget == Limits(20.0, 90.0, 2048, 256, 64)
    assert isinstance(found.budget.wall_s, float)


def test_optional_keys_and_sections_have_their_documented_defaults(tmp_path: Path):
    lines = WHOLE.splitlines()
    left_out = ("hide", "prepare", "bound", "noise", "cpu_s = 30", "[predictor]")
    kept = [line for line in lines if not line.startswith(left_out)]
    kept.remove('run = ["python", "predict.py"]')
    first, last = kept.index("[[guard]]"), kept.index("[budget]")
    found = read(tmp_path, "\n".join(kept[:first] + kept[last:]))
    assert found.candidate.hide == ()
    assert found.predictor == found.scorer.prepare == ()
    assert found.guards == ()
    assert found.scorer.budget.cpu_s == 60.0
    assert (found.metric.noise, found.metric.bound) == (Noise.SEEDED, None)


MISSPELT = [
    ("edit =", "edits =", "'edit'", 4),
    ("[candidate]", "[candidat]", "'candidate'", 3),
    ("direction =", "dirction =", "'direction'", 17),
    ("tolerance =", "tolerence =", "'tolerance'", 23),
    ("wall_s =", "walls_s =", "'wall_s'", 26),
    ("goal =", "gaol =", "'goal'", 2),
]


@pytest.mark.parametrize(("old", "new", "near", "line"), MISSPELT)
def test_a_misspelt_key_is_refused_with_the_nearest_one_and_its_line(
    tmp_path: Path, old: str, new: str, near: str, line: int
):
    text = refusal(tmp_path, old, new)
    assert f"Did you mean {near}?" in text
    assert f"task.toml, line {line}:" in text


def test_a_key_like_no_other_is_refused_with_all_that_are_known(tmp_path: Path):
    text = refusal(tmp_path, "[budget]\n", "[budget]\nzzz = 1\n")
    assert "'zzz' is not a key of [budget]" in text
    assert "cpu_s, wall_s, memory_mb, disk_mb, processes" in text


@pytest.mark.parametrize(("section", "old"), [("rotate", "[budget]"), ("inherit", "hide =")])
def test_a_setting_that_nothing_reads_is_refused(tmp_path: Path, section: str, old: str):
    new = "[rotate]\nqueries = 20\n[budget]" if section == "rotate" else "inherit ="
    assert f"{section!r} is not a key of" in refusal(tmp_path, old, new)


MISSING = [
    ('name = "tiny"', "'name' is missing in the top", 'name = "mytask"'),
    ('edit = ["train.py"]', "'edit' is missing in [candidate]", 'edit = ["train.py"]'),
    ('direction = "minimize"', "'direction' is missing in [metric]", 'direction = "minimize"'),
    ("cpu_s = 20.0", "'cpu_s' is missing in [budget]", "cpu_s = 20.0"),
    ("tolerance = 64", "'tolerance' is missing in [[guard]] number 1", "tolerance = 64.0"),
]


@pytest.mark.parametrize(("line", "problem", "example"), MISSING)
def test_a_missing_key_is_named_with_a_line_to_add(
    tmp_path: Path, line: str, problem: str, example: str
):
    text = refusal(tmp_path, line, "")
    assert problem in text
    assert text.endswith(f"Add a line such as: {example}")


def test_a_missing_scorer_section_says_what_a_scorer_is(tmp_path: Path):
    first, last = WHOLE.index("[scorer]"), WHOLE.index("[predictor]")
    text = refusal(tmp_path, WHOLE[first:last], "")
    assert "'scorer' is missing" in text
    assert 'run = ["python", "score.py"], a file in a folder scorer/' in text


WRONG = [
    ('name = "tiny"', "name = 3", "must be text, found a whole number"),
    ('name = "tiny"', 'name = ""', "is empty"),
    ('name = "tiny"', 'name = "../x"', "may hold letters, digits"),
    ('edit = ["train.py"]', 'edit = "train.py"', "must be a list of texts, found text"),
    ('edit = ["train.py"]', "edit = []", "is an empty list"),
    ('edit = ["train.py"]', 'edit = ["train.py", "train.py"]', "names 'train.py' twice"),
    ('edit = ["train.py"]', 'edit = ["/etc/passwd"]', "must be relative"),
    ('run = ["python", "train.py"]', "run = []", "is an empty list"),
    ('run = ["python", "train.py"]', "run = [1]", "found 1 in it"),
    ('outputs = ["model.npy"]', "outputs = []", "is an empty list"),
    ('outputs = ["model.npy"]', 'outputs = ["../model.npy"]', "with '..'"),
    ('outputs = ["model.npy"]', 'outputs = ["a/../../m"]', "with '..'"),
    ('outputs = ["model.npy"]', 'outputs = ["/tmp/model.npy"]', "must be relative"),
    ('outputs = ["model.npy"]', 'outputs = ["./model.npy"]', "must be plain paths"),
    ('outputs = ["model.npy"]', 'outputs = ["data/model.npy"]', "cannot lie in data/"),
    ('hide = ["pydoc_data"]', 'hide = ["a-b"]', "must name Python packages"),
    ('direction = "minimize"', 'direction = "minimise"', "did you mean 'minimize'?"),
    ('noise = "timing"', 'noise = "seed"', "did you mean 'seeded'?"),
    ("bound = -0.0", "bound = inf", "must be a finite number"),
    ("bound = -0.0", "bound = nan", "must be a finite number"),
    ("cpu_s = 20.0", "cpu_s = 0", "must be more than zero"),
    ("cpu_s = 20.0", "cpu_s = true", "must be a number, found true or false"),
    ("cpu_s = 20.0", 'cpu_s = "20"', "must be a number, found text"),
    ("cpu_s = 30", "cpu_s = -1", "must be more than zero"),
    ("wall_s = 90", "wall_s = 90\nmemory_mb = 1.5", "must be a whole number, found a number"),
    ("wall_s = 90", "wall_s = 90\nprocesses = 0", "must be more than zero"),
    ("tolerance = 64", "tolerance = -1", "must be zero or more"),
    ('name = "loss"', 'name = "notes"', "cannot be 'notes'"),
    ('name = "loss"', 'name = "peak_memory_mb"', "named twice"),
    ("[budget]", "[[budget]]", "'budget' must be a section"),
    ("[[guard]]", "[guard]", "with two brackets"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_a_value_of_the_wrong_kind_is_refused_in_plain_words(
    tmp_path: Path, old: str, new: str, says: str
):
    assert says in refusal(tmp_path, old, new)


def test_two_guards_of_one_name_are_refused(tmp_path: Path):
    guard = '[[guard]]\nname = "cpu_s"\ndirection = "minimize"\ntolerance = 1\n'
    text = refusal(tmp_path, "[budget]", guard + guard + "[budget]")
    assert "'cpu_s' is named twice" in text


@pytest.mark.parametrize("name", ["peak_memory_mb", "cpu_s", "wall_s"])
def test_no_tolerance_on_a_reading_that_always_differs_is_refused(tmp_path: Path, name: str):
    old = 'name = "peak_memory_mb"\ndirection = "minimize"\ntolerance = 64'
    text = refusal(tmp_path, old, old.replace("peak_memory_mb", name).replace("64", "0.0"))
    assert f"{name} differs from run to run" in text
    assert "line 23" in text
    kept = WHOLE.replace(old, old.replace("peak_memory_mb", "size_bytes").replace("64", "0"))
    assert read(tmp_path, kept).guards == (Guard("size_bytes", Direction.MINIMIZE, 0.0),)


def test_text_that_is_not_toml_is_refused_with_its_line(tmp_path: Path):
    with pytest.raises(UnreadableSource) as caught:
        read(tmp_path, 'name = "tiny"\ngoal = \n')
    assert caught.value.line == 2


def test_a_manifest_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "task.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableSource):
        read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_told_about_init(tmp_path: Path):
    with pytest.raises(ManifestError, match="upward init"):
        read_manifest(tmp_path)


HELD = '[[holdout]]\nrun = ["python", "score.py", "--sealed"]\nexamples = 300\n'


def test_a_holdout_is_read_with_its_defaults_and_several_keep_their_order(tmp_path: Path):
    both = HELD + HELD.replace("300", "40") + "width = 0.5\n"
    found = read(tmp_path, WHOLE.replace("[metric]", both + "[metric]")).holdouts
    assert [(one.examples, one.width) for one in found] == [(300, 0.0), (40, 0.5)]
    assert found[0].run == ("python", "score.py", "--sealed")
    assert read(tmp_path, WHOLE).holdouts == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[[holdout]]", "[holdout]", "with two brackets"),
        ("examples = 300", "exampels = 300", "did you mean 'examples'?"),
        ("examples = 300\n", "", "'examples' is missing in [[holdout]] number 1"),
        ("examples = 300", "examples = 0", "must be more than zero"),
        ("examples = 300", "examples = 300\nwidth = -1", "must be zero or more"),
    ],
)
def test_a_holdout_that_says_too_little_is_refused(tmp_path: Path, old: str, new: str, words: str):
    text = refusal(tmp_path, "[metric]", HELD.replace(old, new) + "[metric]")
    assert words.lower() in text.lower()


def test_a_rung_is_a_share_of_the_budget(tmp_path: Path):
    found = read(tmp_path, WHOLE.replace("[metric]", "[rung]\nshare = 0.2\n[metric]"))
    assert found.rung == 0.2
    assert read(tmp_path, WHOLE).rung is None


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("[rung]\nshare = 0.9\n", "between 0.05 and 0.5"),
        ("[rung]\n", "'share' is missing in [rung]"),
        ("[rung]\nshares = 0.2\n", "did you mean 'share'?"),
    ],
)
def test_a_rung_that_is_none_is_refused(tmp_path: Path, section: str, words: str):
    assert words in refusal(tmp_path, "[metric]", section + "[metric]").lower().replace("'", "'")


def test_an_exact_metric_has_no_use_for_a_rung(tmp_path: Path):
    exact = WHOLE.replace('noise = "timing"', 'noise = "exact"')
    with pytest.raises(ManifestError, match="no use for a short trial"):
        read(tmp_path, exact.replace("[metric]", "[rung]\nshare = 0.2\n[metric]"))
