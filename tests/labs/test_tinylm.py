"""The candidate of `tinylm`: it trains, keeps to its budget, and every constant of it is live."""

import importlib
import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

LAB = Path(__file__).parents[2] / "src/upward/labs/tinylm"
FILES = ("train.py", "model.py", "counts.py")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
CONSTANT = re.compile(r"(?m)^([A-Z][A-Z0-9_]*) = (\S+)(?:  # (choices|range): (.*))?$")

# builds each version of the candidate in this one process, because importing torch is dear
BUILD = """
import hashlib, json, sys
from pathlib import Path
import numpy as np, torch

class Steps:
    def __init__(self, n):
        self.at, self.n = -1, n
    def progress(self):
        self.at += 1
        return self.at / self.n

def build(folder, text):
    for name in ("train", "model", "counts"):
        sys.modules.pop(name, None)
    sys.path.insert(0, str(folder))
    import train, model
    sys.path.pop(0)
    torch.manual_seed(1)
    order = model.PRIOR_ORDER
    net = model.Model(train.CountPrior.from_text(text, order) if order else None)
    train.train(net, torch.from_numpy(text.astype(np.int64)), Steps(12))
    model.save(net, folder / "model.safetensors")
    tokens = text[:600].reshape(2, 300)
    before = model.Predictor(net).scores(tokens)
    after = model.load(folder).scores(tokens)
    changed = tokens.copy()
    changed[:, 200:] = 32
    causal = np.abs(model.load(folder).scores(changed)[:, :200] - after[:, :200]).max()
    return {
        "digest": hashlib.sha256(before.tobytes()).hexdigest(),
        "same": bool((before == after).all()),
        "finite": bool(np.isfinite(before).all()),
        "causal": float(causal),
    }

torch.set_num_threads(1)
text = np.frombuffer(Path(sys.argv[1]).read_bytes()[:20_000], np.uint8)
out = sys.stdout
sys.stdout = sys.stderr
report = {folder.name: build(folder, text) for folder in sorted(Path(sys.argv[2]).iterdir())}
json.dump(report, out)
"""


def constants() -> dict[str, tuple[str, str | None, str]]:
    """Every constant of the candidate: its value, the kind of its remark, and the remark."""
    text = "\n".join((LAB / name).read_text() for name in FILES)
    return {m[1]: (m[2], m[3], m[4]) for m in CONSTANT.finditer(text)}


def others(value: str, kind: str | None, remark: str) -> list[str]:
    """Other values that the remark allows."""
    if kind == "choices":
        return [choice for choice in remark.split(", ") if choice != value]
    if kind == "range":
        ends = remark.split("..")
        return [end for end in ends if float(end) != float(value)]
    return [str(value == "False")]


def with_constants(folder: Path, changes: dict[str, str]) -> Path:
    """Write the candidate with other constants."""
    folder.mkdir(parents=True)
    for name in FILES:
        text = (LAB / name).read_text()
        for constant, value in changes.items():
            text = re.sub(rf"(?m)^{constant} = \S+", f"{constant} = {value}", text)
        (folder / name).write_text(text)
    return folder


def all_on() -> dict[str, str]:
    """Every idea at once."""
    return {
        "ACTIVATION": '"relu_squared"',
        "NORM": '"rms"',
        "QK_NORM": "True",
        "ZERO_INIT": "True",
        "TOKEN_SHIFT": "True",
        "VALUE_EMBEDDINGS": "True",
        "DROPOUT": "0.1",
        "LOGIT_SOFTCAP": "15.0",
        "HASH_ROWS": "1024",
        "PRIOR_ORDER": "5",
        "LOOPS": "2",
        "MUON_RATE": "0.01",
        "TAIL_AVERAGE": "0.3",
        "BATCH_START": "0.5",
        "DECAY_SHAPE": '"linear"',
    }


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    command = [sys.executable, LAB / "scorer/prepare.py"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True)
    return folder


@pytest.fixture(scope="module")
def built(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of the candidate with each of its constants at other values."""
    folder = tmp_path_factory.mktemp("versions")
    with_constants(folder / "baseline", {})
    with_constants(folder / "all on", all_on())
    with_constants(folder / "odd width", {"D_MODEL": "83"})
    for name, found in constants().items():
        for value in others(*found):
            plain = value.strip('"')
            with_constants(folder / f"{name}={plain}", {name: value})
    command = [sys.executable, "-c", BUILD, str(texts / "public/train.txt"), str(folder)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def load_script(path: Path) -> ModuleType:
    """Import a script of the lab by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_constant_is_a_switch_or_says_where_it_may_go() -> None:
    for name, (value, kind, _) in constants().items():
        assert kind is not None or value in {"True", "False"}, name


@pytest.mark.slow
@pytest.mark.labs
def test_every_value_of_every_constant_changes_what_is_trained(
    built: dict[str, dict[str, Any]],
) -> None:
    baseline = built["baseline"]["digest"]
    same = [name for name, found in built.items() if found["digest"] == baseline]
    assert same == ["baseline"]


@pytest.mark.slow
@pytest.mark.labs
def test_every_version_predicts_the_same_after_it_was_saved_and_loaded(
    built: dict[str, dict[str, Any]],
) -> None:
    assert [name for name, found in built.items() if not found["same"]] == []


@pytest.mark.slow
@pytest.mark.labs
def test_every_version_is_finite_and_never_looks_ahead(built: dict[str, dict[str, Any]]) -> None:
    assert [name for name, found in built.items() if not found["finite"]] == []
    assert [name for name, found in built.items() if found["causal"] > 1e-4] == []


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.labs
@pytest.mark.parametrize("changes", [{}, {"PRIOR_ORDER": "5", "HASH_ROWS": "16384"}])
def test_it_beats_even_bytes_within_a_small_budget(
    texts: Path, tmp_path: Path, changes: dict[str, str]
) -> None:
    folder = with_constants(tmp_path / "work", changes)
    (folder / "data").symlink_to(texts / "public")
    (folder / "hidden").symlink_to(texts / "hidden")
    (folder / "outputs").symlink_to(folder)
    before = cpu_s()
    orders = json.dumps({"seed": 1, "cpu_s": 8.0, "wall_s": 90.0})
    command = [sys.executable, "train.py"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, input=orders, text=True, check=True)
    assert cpu_s() - before < 8.0
    bench = load_script(LAB.parents[3] / "bench/tinylm_grid.py")
    assert bench.score(folder, seed=1) < 4.5


@given(
    text=st.lists(st.integers(0, 255), min_size=1, max_size=60),
    context=st.lists(st.integers(0, 255), max_size=6),
    order=st.integers(0, 5),
)
def test_the_chances_of_the_reference_model_sum_to_one(
    text: list[int], context: list[int], order: int
) -> None:
    ngram = load_script(LAB / "scorer/ngram.py")
    model = ngram.WittenBell(np.array(text, np.uint8), order)
    bits = [model.bits(np.array([*context, byte], np.uint8))[-1] for byte in range(256)]
    assert np.sum(0.5 ** np.array(bits)) == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.labs
def test_the_prior_sums_to_one_and_forgets_the_byte_that_it_predicts() -> None:
    torch = importlib.import_module("torch")
    counts = load_script(LAB / "counts.py")
    rng = np.random.default_rng(1)
    text = rng.integers(97, 100, 200).astype(np.uint8)
    prior = counts.CountPrior.from_text(text, 3)
    tokens = torch.from_numpy(text[:-1].astype(np.int64))[None]
    targets = torch.from_numpy(text[1:].astype(np.int64))[None]
    kept, left_out = prior.log_probs(tokens), prior.log_probs(tokens, targets)
    for logs in (kept, left_out):
        assert torch.allclose(logs.exp().sum(-1), torch.ones(1), atol=1e-5)
    at = [logs.gather(2, targets[..., None]).mean() for logs in (kept, left_out)]
    assert at[1] < at[0]


@pytest.mark.slow
@pytest.mark.labs
def test_a_byte_left_out_is_predicted_as_if_it_had_never_been_counted() -> None:
    torch = importlib.import_module("torch")
    counts = load_script(LAB / "counts.py")
    # "xyz" occurs once here and never in the other text, so order 2 must not know it
    with_it = np.frombuffer(b"abcabcabxyzabcab", np.uint8)
    prior = counts.CountPrior.from_text(with_it, 2)
    tokens = torch.tensor([[ord("x"), ord("y")]])
    targets = torch.tensor([[ord("y"), ord("z")]])
    left_out = prior.log_probs(tokens, targets)[0]
    single = prior.tables["single"].log()
    assert torch.allclose(left_out, single.expand(2, 256))
