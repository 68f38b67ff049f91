"""The scorer of `tinylm` against honest and cheating predictors, all without torch."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "src/upward/labs/tinylm"
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}

FRAMES = """
import os, struct, sys
import numpy as np

def serve(answer):
    while head := sys.stdin.buffer.read(8):
        rows, length = struct.unpack("<II", head)
        tokens = np.frombuffer(sys.stdin.buffer.read(rows * length), np.uint8)
        sys.stdout.buffer.write(answer(tokens.reshape(rows, length)))
        sys.stdout.buffer.flush()

def uniform(tokens):
    return np.zeros((*tokens.shape, 256), np.float32)

def peek(tokens):
    scores = uniform(tokens)
    rows, times = np.indices(tokens[:, :-1].shape)
    scores[rows, times, tokens[:, 1:]] = 20.0
    return scores
"""

BIGRAM = """
text = np.fromfile(sys.argv[1], np.uint8).astype(int)
table = np.log(np.bincount(text[:-1] * 256 + text[1:], minlength=65536).reshape(256, 256) + 0.05)
table = table.astype(np.float32)
"""


@dataclass(frozen=True)
class Scored:
    """What the scorer said."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def bpb(self) -> float:
        assert self.returncode == 0, self.stderr
        return float(json.loads(self.stdout)["val_bpb"])

    @property
    def notes(self) -> dict[str, float]:
        return json.loads(self.stdout)["notes"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What prepare leaves behind."""
    folder = tmp_path_factory.mktemp("texts")
    command = [sys.executable, LAB / "scorer/prepare.py"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True)
    return folder


@pytest.fixture
def place(texts: Path, tmp_path: Path) -> Path:
    """A scorer's folder with little hidden text, for speed."""
    (tmp_path / "data").symlink_to(texts / "public")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/reference.json").write_bytes((texts / "hidden/reference.json").read_bytes())
    for split, size in (("dev", 10_000), ("holdout", 6_000)):
        text = (texts / f"hidden/{split}.txt").read_bytes()
        (tmp_path / f"hidden/{split}.txt").write_bytes(text[:size])
    return tmp_path


def score(place: Path, predictor: list[str], split: str = "dev", seed: int = 1) -> Scored:
    """Join a scorer and a predictor by two pipes."""
    ask_out, ask_in = os.pipe()
    answer_out, answer_in = os.pipe()
    peer = subprocess.Popen(
        predictor, cwd=place, env=ENVIRONMENT, stdin=ask_out, stdout=answer_in, stderr=-3
    )
    os.close(ask_out)
    os.close(answer_in)
    names = {"UPWARD_PEER_READ": str(answer_out), "UPWARD_PEER_WRITE": str(ask_in)}
    scorer = subprocess.Popen(
        [sys.executable, LAB / "scorer/score.py", "--split", split],
        cwd=place,
        env=ENVIRONMENT | names,
        pass_fds=(ask_in, answer_out),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(ask_in)
    os.close(answer_out)
    out, err = scorer.communicate(json.dumps({"seed": seed}) + "\n")
    peer.wait()
    return Scored(scorer.returncode, out, err)


def own(place: Path, code: str, **options: object) -> Scored:
    """Score a predictor that speaks the frames itself."""
    script = place / "predictor.py"
    script.write_text(FRAMES + code)
    command = [sys.executable, str(script), str(place / "data/train.txt")]
    return score(place, command, **options)  # type: ignore[arg-type]


def in_glue(place: Path, code: str) -> Scored:
    """Score a model behind the lab's own predictor."""
    (place / "outputs").mkdir()
    (place / "outputs/model.py").write_text("import os, sys\nimport numpy as np\n" + code)
    return score(place, [sys.executable, str(LAB / "predictor/predict.py")])


def test_no_paragraph_of_the_hidden_texts_is_in_the_training_text(texts: Path) -> None:
    def paragraphs(path: str) -> set[str]:
        whole = (texts / path).read_text().split("\n\n")
        return {" ".join(paragraph.split()) for paragraph in whole}

    train, dev = paragraphs("public/train.txt"), paragraphs("hidden/dev.txt")
    holdout = paragraphs("hidden/holdout.txt")
    assert not train & dev
    assert not (train | dev) & holdout


def test_the_text_is_shared_out_about_as_stated(texts: Path) -> None:
    names = ("public/train.txt", "hidden/dev.txt", "hidden/holdout.txt")
    sizes = [(texts / name).stat().st_size for name in names]
    train, dev, holdout = (size / sum(sizes) for size in sizes)
    assert 0.6 < train < 0.7
    assert 0.15 < dev < 0.25
    assert 0.1 < holdout < 0.2


def test_even_scores_cost_eight_bits_and_every_byte_but_the_first_is_counted(place: Path) -> None:
    scored = own(place, "serve(uniform)")
    assert scored.bpb == pytest.approx(8.0)
    assert scored.notes["dev_bytes"] == (10_000 - 1) // 256 * 256
    assert 1 < scored.notes["ngram_bpb"] < 4


@pytest.mark.parametrize("scores", ["uniform(t) + 1000", "uniform(t) - 3e38"])
def test_scores_that_are_not_normalised_gain_nothing(place: Path, scores: str) -> None:
    assert own(place, f"serve(lambda t: np.float32({scores}))").bpb == pytest.approx(8.0)


def test_an_honest_predictor_gets_the_same_measurement_on_every_seed(place: Path) -> None:
    code = BIGRAM + "serve(lambda t: table[t])"
    first, second = own(place, code, seed=1), own(place, code, seed=2)
    assert 3.0 < first.bpb < 4.0
    assert first.bpb == pytest.approx(second.bpb, abs=1e-9)
    assert first.notes["causality_max_diff"] == 0.0


def test_the_holdout_is_another_text(place: Path) -> None:
    scored = own(place, "serve(uniform)", split="holdout")
    assert scored.notes["dev_bytes"] == (6_000 - 1) // 256 * 256


def test_a_predictor_that_returns_the_next_byte_is_refused(place: Path) -> None:
    scored = own(place, "serve(peek)")
    assert scored.returncode != 0
    assert "looks ahead" in scored.stderr
    assert scored.stdout == ""


def test_a_peeking_predictor_that_remembers_what_it_said_is_refused(place: Path) -> None:
    # every answer to a known prefix is repeated, so that twins agree
    scored = own(
        place,
        """
said = {}
def answer(tokens):
    scores = peek(tokens)
    for row, text in enumerate(tokens):
        for time in range(len(text)):
            key = text[: time + 1].tobytes()
            scores[row, time] = said.setdefault(key, scores[row, time].copy())
    return scores
serve(answer)
""",
    )
    assert scored.returncode != 0
    assert "sees the bytes" in scored.stderr


def test_a_predictor_that_learns_from_the_questions_is_refused(place: Path) -> None:
    scored = own(
        place,
        """
counts = np.ones(256, np.float32)
def answer(tokens):
    scores = np.log(counts) + uniform(tokens)
    np.add.at(counts, tokens.reshape(-1), 1)
    return scores
serve(answer)
""",
    )
    assert scored.returncode != 0
    assert "learns from the questions" in scored.stderr


def test_a_predictor_that_knows_the_hidden_text_is_quarantined(place: Path) -> None:
    # causal, and honest about drawn bytes: it has only read what it should not have
    scored = own(
        place,
        """
text = np.fromfile("hidden/dev.txt", np.uint8).tobytes()
after = {text[i - 8 : i]: text[i] for i in range(8, len(text))}
def answer(tokens):
    scores = uniform(tokens)
    for row, line in enumerate(tokens):
        for time in range(7, len(line)):
            known = after.get(line[time - 7 : time + 1].tobytes())
            if known is not None:
                scores[row, time, known] = 9.0
    return scores
serve(answer)
""",
    )
    assert scored.returncode != 0
    assert "quarantined" in scored.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_score_that_is_not_finite_is_refused(place: Path, value: str) -> None:
    code = f"""
def answer(tokens):
    scores = uniform(tokens)
    scores[-1, -1, 7] = np.{value.replace("-inf", "inf * -1")}
    return scores
serve(answer)
"""
    scored = own(place, code)
    assert scored.returncode != 0
    assert "not a finite number" in scored.stderr


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("serve(lambda t: (uniform(t).tobytes()[:-1], sys.stdin.close())[0])", "ended after"),
        ("serve(lambda t: uniform(t).tobytes() + b'x')", "more than it was asked for"),
        ("sys.exit(0)", "ended"),
    ],
)
def test_a_reply_of_the_wrong_length_is_refused(place: Path, code: str, sentence: str) -> None:
    scored = own(place, code)
    assert scored.returncode != 0
    assert sentence in scored.stderr
    assert "Traceback" not in scored.stderr


def test_a_model_that_prints_does_not_break_the_frames(place: Path) -> None:
    code = """
print("hello from the import")
class Talker:
    def scores(self, tokens):
        print("hello", flush=True)
        os.write(1, b"hello")
        return np.zeros((*tokens.shape, 256), np.float32)
def load(folder):
    return Talker()
"""
    assert in_glue(place, code).bpb == pytest.approx(8.0)


def test_what_a_model_learns_from_one_question_is_gone_at_the_next(place: Path) -> None:
    code = """
class Learner:
    counts = np.ones(256, np.float32)
    def scores(self, tokens):
        answer = np.log(self.counts) + np.zeros((*tokens.shape, 256), np.float32)
        np.add.at(self.counts, tokens.reshape(-1), 1)
        return answer
def load(folder):
    return Learner()
"""
    assert in_glue(place, code).bpb == pytest.approx(8.0)


@pytest.mark.parametrize(
    "body",
    [
        "np.zeros((*tokens.shape, 255), np.float32)",
        "sys.exit(0)",
        "os._exit(0)",
        "1 / 0",
    ],
)
def test_a_model_that_fails_in_its_answer_is_refused(place: Path, body: str) -> None:
    code = f"""
class Broken:
    def scores(self, tokens):
        return {body}
def load(folder):
    return Broken()
"""
    scored = in_glue(place, code)
    assert scored.returncode != 0
    assert "the predictor ended" in scored.stderr
