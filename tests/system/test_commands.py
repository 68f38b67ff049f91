"""Every command on one real small study, as a user and as a program would call it."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.system.tiny import make_task, upward


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    make_task(folder / "task")
    upward("run", "./task", "--trials", "45", "--seed", "1", cwd=folder)
    return folder


def read(cwd: Path, *words: str) -> dict[str, object]:
    return json.loads(upward(*words, "--json", cwd=cwd).stdout)


def test_status_says_what_was_found(place: Path) -> None:
    status = read(place, "status")
    arms = [read(place, "status", "--study", f"tiny-s1~{arm}") for arm in ("no-op", "random")]
    assert int(str(status["trials"])) < 45
    assert all(arm["trials"] != 0 and arm["accepted"] == 0 for arm in arms[:1])
    assert status["level"] == "certified"
    assert status["certified"] == status["accepted"] != 0
    assert status["published"] is not None
    assert float(str(status["best"])) < float(str(status["baseline"]))
    assert "best certified" in upward("status", cwd=place).stdout


def test_show_knows_proposals_trials_baseline_and_ids(place: Path) -> None:
    best = read(place, "show", "best")
    assert read(place, "show", str(best["candidate"])[:12])["candidate"] == best["candidate"]
    assert "hypothesis" in upward("show", "best", cwd=place).stdout
    assert "complete" in upward("show", "t1", cwd=place).stdout
    assert read(place, "show", "baseline")["proposal"] is None


def test_show_says_what_the_study_cannot_see_of_a_candidate_that_was_not_accepted(
    place: Path,
) -> None:
    log = upward("log", "--all", "--json", cwd=place).stdout.splitlines()
    verdicts = [e["body"] for e in map(json.loads, log) if e["kind"] == "verdict"]
    accepted = {v["candidate"] for v in verdicts if v["decision"] == "accepted"}
    rejected = {v["candidate"] for v in verdicts if v["decision"] == "rejected"} - accepted
    assert "not visible at this cost" in upward("show", rejected.pop()[:16], cwd=place).stdout
    assert "resolution" not in upward("show", accepted.pop()[:16], cwd=place).stdout


@pytest.mark.parametrize("name", ["p999", "t999", "zzzz", "x"])
def test_show_names_what_it_does_not_know(place: Path, name: str) -> None:
    done = upward("show", name, cwd=place, check=False)
    assert done.returncode == 2
    assert name in done.stderr


def test_the_difference_to_the_baseline_applies(place: Path, tmp_path: Path) -> None:
    text = upward("diff", "best", "--baseline", cwd=place).stdout
    (tmp_path / "settings.json").write_bytes((place / "task" / "settings.json").read_bytes())
    subprocess.run(["git", "apply", "-"], input=text, text=True, cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "settings.json").read_text())["rate"] != 0.1


def test_the_log_is_one_object_per_line_in_order(place: Path) -> None:
    lines = upward("log", "--all", "--json", cwd=place).stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[0]["kind"] == "study"
    assert len(upward("log", "-n", "3", cwd=place).stdout.splitlines()) == 3


def test_a_replay_confirms_the_best_and_leaves_the_study_as_it_was(place: Path) -> None:
    before = read(place, "status")
    replay = read(place, "replay", "best", "--trials", "3")
    assert replay["holds"] is True
    after = read(place, "status")
    assert (after["best"], after["accepted"]) == (before["best"], before["accepted"])


def test_a_checkpoint_pins_the_ledger(place: Path, tmp_path: Path) -> None:
    saved = tmp_path / "checkpoint"
    upward("verify", "--save", str(saved), cwd=place)
    assert read(place, "verify", "--against", str(saved))["intact"] is True
    saved.write_text(saved.read_text().replace('"root":"', '"root":"0'))
    assert upward("verify", "--against", str(saved), cwd=place, check=False).returncode != 0


def test_a_changed_file_is_named(place: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", str(place / ".upward"), str(tmp_path)], check=True)
    blob = next(path for path in (tmp_path / ".upward" / "blobs").rglob("*") if path.is_file())
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes() + b"x")
    done = upward("verify", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert blob.name in done.stdout.replace("/", "")


def test_the_export_is_one_commit_per_verified_change(place: Path) -> None:
    accepted = int(str(read(place, "status")["accepted"]))
    export = read(place, "export")
    assert export["commits"] == accepted + 1
    log = subprocess.run(
        ["git", "-C", str(export["repo"]), "log", "--format=%B", str(export["branch"])],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert log.count("Candidate-values:") == accepted


def test_exporting_again_after_more_trials_shows_what_stands_now(place: Path) -> None:
    first = read(place, "export")
    read(place, "replay", "best", "--trials", "2")
    second = read(place, "export")
    assert second["commits"] == first["commits"]
    assert second["head"] != first["head"]  # the messages name the head of the ledger


def test_the_report_is_one_file_that_needs_no_network(place: Path) -> None:
    page = Path(str(read(place, "report")["report"])).read_text()
    assert "verified" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_report_can_be_written_while_nothing_is_accepted(place: Path, tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    upward("run", "./task", "--trials", "2", cwd=tmp_path)
    assert "only begun" in Path(str(read(tmp_path, "report")["report"])).read_text()
