import importlib.util
import json
import math
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.tasks.load import labs_folder

LAB = labs_folder() / "packing"
ENV = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Rows = list[Any]


def load_scorer() -> Any:
    spec = importlib.util.spec_from_file_location("packing_score", LAB / "scorer/score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCORER = load_scorer()


def grid() -> Rows:
    """25 circles that touch exactly, and a small one in a hole: 2.54 in all."""
    centres = ("0.1", "0.3", "0.5", "0.7", "0.9")
    return [[x, y, "0.1"] for x in centres for y in centres] + [["0.2", "0.2", "0.04"]]


def changed(index: int, part: int, value: Any) -> Rows:
    rows = grid()
    rows[index][part] = value
    return rows


def score(folder: Path, text: str | bytes) -> "subprocess.CompletedProcess[str]":
    (folder / "outputs").mkdir()
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "outputs/circles.json").write_bytes(data)
    command = [sys.executable, "-I", str(LAB / "scorer/score.py")]
    return subprocess.run(
        command, cwd=folder, input='{"seed": 1}\n', capture_output=True, text=True, check=False
    )


def refusal(folder: Path, text: str | bytes) -> str:
    ran = score(folder, text)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    return ran.stderr


BELOW = 2.54 if Fraction(2.54) <= Fraction("2.54") else math.nextafter(2.54, 0.0)


def packed(rows: Rows) -> str:
    return json.dumps({"circles": rows})


def test_circles_that_touch_exactly_are_accepted_and_summed(tmp_path: Path):
    ran = score(tmp_path, packed(grid()))
    found = json.loads(ran.stdout)
    assert set(found) == {"sum_radii", "notes"}
    assert found["sum_radii"] == BELOW
    assert found["notes"]["contacts"] == 2 * 5 * 4 + 4 * 5


def test_json_numbers_mean_their_decimal_digits_and_not_the_nearest_double(tmp_path: Path):
    text = packed(grid()).replace('"0.', "0.").replace('", ', ", ").replace('"]', "]")
    assert '"0' not in text
    assert json.loads(score(tmp_path, text).stdout)["sum_radii"] == BELOW


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (changed(12, 2, "0.10000000000000001"), "circles 7 and 12 overlap"),
        (changed(6, 0, "0.29999999999999999"), "circles 1 and 6 overlap"),
        (changed(0, 0, "0.099999999999999999"), "circle 0 reaches out of the square"),
        (changed(24, 1, "0.900000000000000001"), "circle 24 reaches out of the square"),
        (changed(25, 2, "0.04142135623730951"), "overlap"),
        (changed(25, 2, "0"), "not above zero"),
        (changed(25, 2, "-0.04"), "not above zero"),
        (changed(25, 2, "1e-99"), None),
        (changed(25, 0, "1.2"), "out of the square"),
        (changed(25, 0, "-0.2"), "out of the square"),
    ],
)
def test_no_overlap_is_too_small_to_be_refused(tmp_path: Path, rows: Rows, says: str | None):
    if says is None:
        assert json.loads(score(tmp_path, packed(rows)).stdout)["sum_radii"] <= 2.5
    else:
        assert says in refusal(tmp_path, packed(rows))


@pytest.mark.parametrize(
    "value",
    [
        "9" * 400,
        "1e999",
        "0x1",
        " 0.1",
        "0.1\n",
        "1/10",
        "\u0660.\u0661",
        "nan",
        "",
        None,
        True,
        [],
        {},
        "+1",
    ],
)
def test_what_is_not_a_plain_decimal_number_is_refused(tmp_path: Path, value: Any):
    assert "circle 3 holds" in refusal(tmp_path, packed(changed(3, 0, value)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not strict JSON"),
        ("[]", "must be"),
        ("{}", "must be"),
        ('{"circles": []}', "exactly 26"),
        (packed([*grid(), ["0.4", "0.2", "0.01"]]), "exactly 26"),
        (packed(grid()[:-1]), "exactly 26"),
        (packed([*grid()[:-1], ["0.2", "0.2"]]), "circle 25 is not [x, y, r]"),
        (packed([*grid()[:-1], "0.2"]), "circle 25 is not [x, y, r]"),
        (packed(grid())[:-1] + ', "circles": []}', "appears twice"),
        (packed(grid())[:-1] + ', "sum_radii": 9}', "must be"),
        (packed(grid()).replace('"0.04"', "NaN"), "NaN is not a number"),
        (packed(grid()).replace('"0.04"', "Infinity"), "Infinity is not a number"),
        (packed(grid()).replace('"0.04"', "9" * 9000), "circle 25 holds"),
        (packed(grid()) + "{}", "not strict JSON"),
        ("[" * 5000, "not strict JSON"),
        (" " * 30_000, "over 20000 bytes"),
        (b"\xff\xfe", "not strict JSON"),
    ],
)
def test_what_is_not_one_packing_in_strict_json_is_refused(
    tmp_path: Path, text: str | bytes, says: str
):
    assert says in refusal(tmp_path, text)


def test_a_missing_output_is_refused(tmp_path: Path):
    (tmp_path / "outputs").mkdir()
    command = [sys.executable, str(LAB / "scorer/score.py")]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot be read" in ran.stderr


@given(st.fractions(min_value=Fraction(1, 10**9), max_value=3, max_denominator=10**40))
def test_the_measurement_is_the_largest_double_that_is_not_above_the_sum(value: Fraction):
    found = SCORER.below(value)
    assert Fraction(found) <= value < Fraction(math.nextafter(found, math.inf))


@given(
    index=st.integers(0, 24), part=st.integers(0, 2), power=st.integers(-60, -4), up=st.booleans()
)
def test_no_circle_of_a_tight_grid_can_move_or_grow_by_anything(
    index: int, part: int, power: int, *, up: bool
):
    rows = [[Fraction(value) for value in row] for row in grid()]
    shrinks = part == 2 and not up
    leaves = part < 2 and index // 5 in (0, 4) and part == 0 and up == (index // 5 == 0)
    rows[index][part] += Fraction(10) ** power * (1 if up else -1)
    if shrinks:
        SCORER.check_packing(rows)
    elif not leaves:
        with pytest.raises(SCORER.Infeasible):
            SCORER.check_packing(rows)


def run_candidate(folder: Path, cpu_s: float, **switches: str) -> float:
    """Run pack.py as a trial would, and return the CPU seconds that it used."""
    text = (LAB / "pack.py").read_text()
    for name, value in switches.items():
        text, times = re.subn(rf"(?m)^{name} = [^#\n]+", f"{name} = {value} ", text)
        assert times == 1
    folder.mkdir(exist_ok=True)
    (folder / "pack.py").write_text(text)
    limits = json.dumps({"seed": 7, "cpu_s": cpu_s, "wall_s": 60.0})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "pack.py"], cwd=folder, input=limits + "\n", text=True, env=ENV, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path) -> float:
    ran = score(folder, (folder / "circles.json").read_bytes())
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["sum_radii"]


@pytest.mark.slow
@pytest.mark.labs
def test_the_baseline_keeps_its_budget_and_leaves_a_packing(tmp_path: Path):
    assert run_candidate(tmp_path, cpu_s=4.0) <= 4.0
    assert 2.5 < measure(tmp_path) < 2.63598


@pytest.mark.slow
@pytest.mark.labs
@pytest.mark.parametrize(
    "switches",
    [
        {"START": '"grid"'},
        {"START": '"hex"', "MOVE": '"jiggle"'},
        {"SOLVER": '"lp"', "MOVE": '"local"', "POLISH": "True"},
        {"SOLVER": '"lp"', "MOVE": '"relocate"', "POLISH": "True"},
    ],
)
def test_every_switch_works_and_keeps_the_budget(tmp_path: Path, switches: dict[str, str]):
    # what comes after the deadline (a last polish) costs the same whatever the budget: on a slow
    # machine 0.5 s, too much for a budget of 2 s and little for the 12 s of a trial
    assert run_candidate(tmp_path, cpu_s=6.0, **switches) <= 6.0
    assert measure(tmp_path) > 2.4


BEST = """
0.7636735693833854 0.7602894720724632 0.06918067635723442
0.7629588636539982 0.24064759843906847 0.06944019371125831
0.8892209872092838 0.8892209872092838 0.11077901279071549
0.07886037291596416 0.5027155537958907 0.07886037291596361
0.3816658444526461 0.2973903963009759 0.11514888016002255
0.6820800429325904 0.0961513340457654 0.09615133404576472
0.13325857277081196 0.2976904749108404 0.13325857277081102
0.13022110106522475 0.7053905112181729 0.13022110106522383
0.27534261677144045 0.5044682393256431 0.11762968804654135
0.0846395006957735 0.9153604993042265 0.0846395006957729
0.2739528396239526 0.10518256026874943 0.10518256026874868
0.7420494434605922 0.4047802670602674 0.09601897575825356
0.27478328335082086 0.8932098553714186 0.10679014462858064
0.48460080265191596 0.8969394798584172 0.10306052014158214
0.0849262624548995 0.0849262624548995 0.0849262624548989
0.9076084484290408 0.686884190029598 0.09239155157095862
0.529963419753192 0.5013319244965979 0.13701043012374697
0.906072662722556 0.5005716308609607 0.09392733727744325
0.5976347963876627 0.7283701485139983 0.09989835059275437
0.5960427019081351 0.2730942856884045 0.10060036781871108
0.3869235534096022 0.7052539409510504 0.11207708895025573
0.9074079050485642 0.3140569780132175 0.09259209495143522
0.8888438205895548 0.11115617941044525 0.11115617941044446
0.48259558221054255 0.1034672333579526 0.10346723335795187
0.7424170495016353 0.5966412163973189 0.09584232574550446
0.6832585349730808 0.904267670692978 0.09573232930702133
"""


def best() -> Rows:
    return [line.split() for line in BEST.split("\n") if line]


def test_the_best_known_packing_is_accepted_at_its_known_value(tmp_path: Path):
    value = json.loads(score(tmp_path, packed(best())).stdout)["sum_radii"]
    assert 2.63598308491 < value < 2.63598308492


GROW: dict[str, Callable[[Fraction], Fraction]] = {
    "a usual tolerance": lambda r: r * (1 + Fraction(1, 10**6)),
    "a tiny factor": lambda r: r * (1 + Fraction(1, 10**13)),
    "a tiny amount": lambda r: r + Fraction(1, 10**15),
}


@pytest.mark.parametrize("how", GROW)
def test_the_best_known_packing_cannot_be_inflated(how: str):
    rows = [[Fraction(value) for value in row] for row in best()]
    SCORER.check_packing(rows)
    with pytest.raises(SCORER.Infeasible):
        SCORER.check_packing([[x, y, GROW[how](r)] for x, y, r in rows])
