"""Trials from files to outcomes, in the real sandbox."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.execute.small import LIMITS, WAIT_S, Small

from upward.core.errors import BlobChanged, CannotWrite, SandboxFailed, StoreFailed
from upward.core.ids import blob_id
from upward.core.metric import Direction, Guard
from upward.core.ports import Box, Ran
from upward.core.records import Isolation, TrialState
from upward.core.task import Limits
from upward.sandbox.choose import best_sandbox
from upward.sandbox.plain import PlainProcess
from upward.testing.fakes import MemoryBlobs


def test_a_trial_becomes_a_measurement_with_all_its_circumstances(tmp_path: Path) -> None:
    outcome = Small().outcome(tmp_path)
    assert outcome.state is TrialState.COMPLETE
    assert outcome.measurement is not None
    assert outcome.measurement.value == 1.5
    assert outcome.outputs == {"out.txt": blob_id(b"1.5")}
    assert not outcome.kept
    assert outcome.usage is not None
    assert outcome.scoring is not None
    assert 0 < outcome.usage.cpu_s < 5
    assert len(outcome.isolation) == 10


def test_the_same_works_without_isolation(tmp_path: Path) -> None:
    small = Small(
        main="from help import X\nopen('out.txt', 'w').write(open('data/x.txt').read() + X)",
        fixed={"help.py": "X = '5'"},
        prepare="import os\nos.mkdir('public'); os.mkdir('hidden')\n"
        "open('public/x.txt', 'w').write('2.'); open('hidden/y.txt', 'w').write('1')",
        scorer="import json\nx = float(open('outputs/out.txt').read())\n"
        "print(json.dumps({'loss': x + float(open('hidden/y.txt').read())}))",
    )
    with small.executor(tmp_path, sandbox=PlainProcess()) as executor:
        executor.start(small.job())
        (outcome,) = executor.finished(WAIT_S)
    assert outcome.measurement is not None, outcome
    assert outcome.measurement.value == 3.5


def test_outputs_are_kept_where_the_job_asks_for_it(tmp_path: Path) -> None:
    small = Small()
    outcome = small.outcome(tmp_path, keep=True)
    assert outcome.kept
    assert small.blobs.get(outcome.outputs["out.txt"]) == b"1.5"


def test_an_output_that_is_a_fixed_file_is_what_the_task_says_it_is(tmp_path: Path) -> None:
    small = Small(
        main="open('out.txt', 'w').write('1')\ntry: open('net.py', 'w').write('forged')\n"
        "except OSError: pass",
        fixed={"net.py": "honest"},
        outputs=("out.txt", "net.py"),
    )
    assert small.outcome(tmp_path).outputs["net.py"] == blob_id(b"honest")


def test_candidate_and_scorer_get_different_seeds_that_follow_from_the_trial(
    tmp_path: Path,
) -> None:
    small = Small(
        main="import json, sys\nt = json.loads(sys.stdin.readline())\n"
        "assert sys.stdin.read() == '' and t['cpu_s'] == 5.0 and t['wall_s'] == 20.0\n"
        "open('out.txt', 'w').write(str(t['seed']))",
        scorer="import json, sys\nmine = float(open('outputs/out.txt').read())\n"
        "print(json.dumps({'loss': mine, 'notes': {'mine': json.load(sys.stdin)['seed']}}))",
    )
    seeds = set[float]()
    found = [small.outcome(tmp_path, seed=seed).measurement for seed in (7, 7, 8)]
    for measurement in found:
        assert measurement is not None
        note = measurement.notes["mine"]
        assert isinstance(note, float)
        seeds |= {measurement.value, note}
    assert found[0] == found[1] != found[2]
    assert len(seeds) == 4
    assert not seeds & {7.0, 8.0}


def test_guards_that_the_supervisor_measures_are_filled_in(tmp_path: Path) -> None:
    guards = (
        Guard("peak_memory_mb", Direction.MINIMIZE, 64.0),
        Guard("wall_s", Direction.MINIMIZE, 1.0),
        Guard("mine", Direction.MAXIMIZE, 0.0),
    )
    outcome = Small(
        guards=guards, scorer='print(\'{"loss": 1.0, "mine": 2, "wall_s": 0.25}\')'
    ).outcome(tmp_path)
    assert outcome.measurement is not None
    assert outcome.usage is not None
    assert outcome.measurement.guards == {
        "peak_memory_mb": outcome.usage.peak_memory_mb,
        "wall_s": 0.25,
        "mine": 2.0,
    }


def test_every_trial_is_cold_and_its_warm_up_is_inside_the_clock(tmp_path: Path) -> None:
    # it warms up once where it finds no cache, and leaves one in every place that it can write to
    main = """
import os, pathlib, tempfile, time
places = [pathlib.Path(p) for p in (".", tempfile.gettempdir(), os.path.expanduser("~"))]
warm = any((place / "cache").exists() for place in places)
while not warm and time.process_time() < 0.4:
    pass
for place in places:
    try:
        (place / "cache").write_text("warm")
    except OSError:
        pass
open("out.txt", "w").write(str(float(warm)))
"""
    with Small(main=main).executor(tmp_path) as executor:
        for number in (1, 2):
            executor.start(Small(main=main).job(number))
            [outcome] = executor.finished(60.0)
            assert outcome.measurement is not None
            assert outcome.measurement.value == 0.0
            assert outcome.usage is not None
            assert outcome.usage.cpu_s >= 0.4


# -- failures of the candidate -------------------------------------------------------------


def test_a_crash_is_told_with_its_last_line(tmp_path: Path) -> None:
    failure = Small(main="raise ValueError('loss is nan')").failure(tmp_path)
    assert failure.boundary == "candidate"
    assert failure.reason == "exit code 1: ValueError: loss is nan"
    assert "Traceback" in failure.detail


def test_error_output_cannot_steer_a_terminal(tmp_path: Path) -> None:
    failure = Small(main="import sys; sys.exit('\\x1b[2Jgone\\x00')").failure(tmp_path)
    assert "\x1b" not in failure.reason + failure.detail
    assert "gone" in failure.reason


def test_a_limit_is_told_in_words(tmp_path: Path) -> None:
    small = Small(main="while True: pass", budget=replace(LIMITS, cpu_s=0.3))
    failure = small.failure(tmp_path)
    assert failure.boundary == "limits"
    assert failure.reason == "it used more than 0.3 CPU-seconds (cpu_s)"


def test_what_a_failed_trial_used_is_still_counted(tmp_path: Path) -> None:
    outcome = Small(main="sum(range(10**6)); raise SystemExit(1)").outcome(tmp_path)
    assert outcome.usage is not None
    assert outcome.usage.cpu_s > 0
    assert outcome.state is TrialState.FAILED


def test_a_missing_output_is_refused(tmp_path: Path) -> None:
    failure = Small(main="pass").failure(tmp_path)
    assert (failure.boundary, failure.reason) == ("outputs", "the output 'out.txt' is missing")


# -- failures of the scorer ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "says"),
    [
        ("", "printed nothing"),
        ("loss: 1.0", "not one strict JSON value"),
        ('{"loss": 1.0} {"loss": 0.5}', "not one strict JSON value"),
        ('{"loss": 1.0, "loss": 0.5}', "a key appears twice"),
        ('{"loss": NaN}', "NaN is not a number"),
        ('{"loss": Infinity}', "Infinity is not a number"),
        ('{"loss": 1e999}', "not a finite number"),
        ('{"loss": -0.0}', "negative zero"),
        ('{"loss": true}', "bool is not a number"),
        ('{"loss": "1.0"}', "str is not a number"),
        ('{"loss": [1.0]}', "list is not a number"),
        ('{"loss": null}', "NoneType is not a number"),
        ("{}", "missing"),
        ("[1.0]", "one JSON object is needed"),
        ('{"acc": 1.0}', "missing; found ['acc']"),
        ('{"loss": 1.0, "los": 1.0}', "unknown keys ['los']"),
        ('{"loss": 1.0, "notes": [1]}', "an object"),
        ('{"loss": 1.0, "notes": {"a": {"b": 1}}}', "dict is not a number"),
        ('{"loss": -1.0}', "beyond the possible"),
    ],
)
def test_anything_but_one_measurement_is_refused(printed: str, says: str, tmp_path: Path) -> None:
    failure = Small(scorer=f"print({printed!r})", bound=0.0).failure(tmp_path)
    assert failure.boundary == "scorer"
    assert says in failure.reason


def test_a_scorer_that_crashes_is_told_from_a_candidate_that_does(tmp_path: Path) -> None:
    failure = Small(scorer="import json; print('{\"loss\": 1.0}'); 1 / 0").failure(tmp_path)
    assert failure.boundary == "scorer"
    assert failure.reason.startswith("the scorer ended with exit code 1: ZeroDivisionError")


def test_a_scorer_has_limits_too(tmp_path: Path) -> None:
    small = Small(scorer="while True: pass", scoring=Limits(cpu_s=0.3, wall_s=20.0))
    failure = small.failure(tmp_path)
    assert failure.boundary == "scorer"
    assert failure.reason == "scoring used more than 0.3 CPU-seconds (cpu_s)"


def test_a_guard_that_nobody_measured_is_a_failure(tmp_path: Path) -> None:
    small = Small(guards=(Guard("recall", Direction.MAXIMIZE, 0.0),))
    assert "'recall'" in small.failure(tmp_path).reason


# -- who sees what -------------------------------------------------------------------------


def test_public_data_is_seen_by_both_and_hidden_data_by_the_scorer_alone(tmp_path: Path) -> None:
    look = "print(os.path.exists('data/p'), os.path.exists('hidden'), os.path.exists('/scorer'))"
    small = Small(
        prepare="import os\nos.mkdir('public'); os.mkdir('hidden')\n"
        "open('public/p', 'w').write('p'); open('hidden/h', 'w').write('h')",
        main=f"import os, sys\nsys.stdout = open('out.txt', 'w')\n{look}",
        scorer="import json, os\nsaw = open('outputs/out.txt').read()\n"
        "mine = [os.path.exists(p) for p in ('data/p', 'hidden/h', '/scorer/prepare.py')]\n"
        "print(json.dumps({'loss': 1, 'notes': {'saw': saw, 'mine': str(mine)}}))",
    )
    measurement = small.outcome(tmp_path).measurement
    assert measurement is not None
    assert measurement.notes == {"saw": "True False False\n", "mine": "[True, True, True]"}


def test_a_predictor_serves_the_scorer_from_its_own_sandbox(tmp_path: Path) -> None:
    small = Small(
        prepare="import os\nos.mkdir('public'); os.mkdir('hidden')\n"
        "open('public/p', 'w').write('p'); open('hidden/h', 'w').write('h')",
        predictor="import os, sys\nx = open('outputs/out.txt').read()\n"
        "for line in sys.stdin:\n"
        "  print(x, os.path.exists('hidden'), os.path.exists('data'), os.path.exists('/scorer'),"
        " flush=True)",
        scorer="import json, os\n"
        "r = open(int(os.environ['UPWARD_PEER_READ']))\n"
        "w = open(int(os.environ['UPWARD_PEER_WRITE']), 'w')\n"
        "print('?', file=w, flush=True)\n"
        "print(json.dumps({'loss': 1, 'notes': {'told': r.readline()}}))",
    )
    measurement = small.outcome(tmp_path).measurement
    assert measurement is not None
    assert measurement.notes == {"told": "1.5 False False False\n"}


def test_a_trial_finds_nothing_of_the_one_before(tmp_path: Path) -> None:
    small = Small(
        main="import os\nfound = os.listdir('.') + os.listdir('/tmp') + os.listdir('/dev/shm')\n"
        "open('out.txt', 'w').write(str(len(found)))\n"
        "open('left', 'w'); open('/tmp/left', 'w'); open('/dev/shm/left', 'w')"
    )
    with small.executor(tmp_path) as executor:
        values = list[float]()
        for number in (1, 2):
            executor.start(small.job(number))
            (outcome,) = executor.finished(WAIT_S)
            assert outcome.measurement is not None, outcome
            values.append(outcome.measurement.value)
    assert values[0] == values[1]


# -- the executor itself -------------------------------------------------------------------


def test_workers_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for the other through a folder that only the test joins."""
    small = Small(main="import time; time.sleep(60)")
    with small.executor(tmp_path, workers=2) as executor:
        assert executor.workers == 2
        for number in (1, 2):
            executor.start(small.job(number))
        until_s = time.monotonic() + 20
        while len(executor.active()) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.005)
        active = executor.active()
    assert {item.trial.number for item in active} == {1, 2}
    assert {item.worker for item in active} == {0, 1}
    assert {item.phase for item in active} == {"running"}


def test_closing_ends_what_runs_at_once_and_without_an_outcome(tmp_path: Path) -> None:
    small = Small(main="import time; time.sleep(60)")
    began_s = time.monotonic()
    with small.executor(tmp_path) as executor:
        executor.start(small.job())
        assert executor.finished(0.3) == []
    executor.close()
    assert time.monotonic() - began_s < 15.0
    assert not (tmp_path / "tmp").exists()
    assert not [t for t in threading.enumerate() if t.name.startswith("worker-")]


def test_what_a_killed_process_left_is_removed_at_the_start(tmp_path: Path) -> None:
    deep = tmp_path / "tmp" / "t9" / "work"
    deep.mkdir(parents=True)
    (deep / "file").write_text("old")
    (tmp_path / "tmp" / "t9").chmod(0)
    assert Small().value(tmp_path) == 1.5


class FullBlobs(MemoryBlobs):
    """A store whose disk is full."""

    full = False

    def put(self, data: bytes) -> str:
        if self.full:
            raise StoreFailed("blobs", "No space left on device")
        return super().put(data)


def test_a_full_store_is_not_the_candidates_fault(tmp_path: Path) -> None:
    blobs = FullBlobs()
    small = Small(blobs=blobs)
    job = small.job(keep=True)
    with small.executor(tmp_path) as executor:
        blobs.full = True
        executor.start(job)
        with pytest.raises(StoreFailed, match="No space left"):
            executor.finished(WAIT_S)


def test_a_changed_source_is_not_the_candidates_fault(tmp_path: Path) -> None:
    small = Small()
    job = small.job()
    with small.executor(tmp_path) as executor:
        executor.start(replace(job, files={"main.py": "0" * 64}))
        with pytest.raises(BlobChanged):
            executor.finished(WAIT_S)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    small = Small()
    with pytest.raises(CannotWrite, match="file/tmp"), small.executor(tmp_path / "file"):
        pass


class Broken:
    """A sandbox that never starts anything."""

    name = "broken"

    def probe(self) -> Isolation:
        return Isolation(self.name, isolated=False, holds={})

    def run(self, box: Box, peer: Box | None = None) -> Ran:
        raise SandboxFailed("it could not be started", f"{box.argv} {peer}")

    def stop(self) -> None:
        pass


def test_a_sandbox_that_does_not_start_is_told_as_that(tmp_path: Path) -> None:
    small = Small()
    with small.executor(tmp_path, sandbox=Broken()) as executor:
        executor.start(small.job())
        (outcome,) = executor.finished(WAIT_S)
    assert outcome.failure is not None
    assert outcome.failure.boundary == "sandbox"


def test_the_isolation_is_named_by_its_content(tmp_path: Path) -> None:
    with Small().executor(tmp_path, sandbox=Broken()) as one:
        pass
    assert best_sandbox().probe().isolated
    names = {Small().outcome(tmp_path).isolation for _ in range(2)}
    assert len(names) == 1
    assert one.workers == 1
