import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings

from upward.core.ids import blob_id
from upward.core.records import Decision, Entry, Level, Proposal, Purpose
from upward.ledger.audit import Audit, audit
from upward.ledger.chain import START, link
from upward.ledger.checkpoint import Checkpoint, checkpoint_of
from upward.testing.fakes import MemoryBlobs
from upward.testing.strategies import History, histories

SOURCES = (b"LR = 1", b"pass", b"score", b"predict", b"hidden", b"LR = 2", b"LR = 3", b"weights")


def blobs_of_a_study() -> MemoryBlobs:
    blobs = MemoryBlobs()
    for data in SOURCES:
        blobs.put(data)
    return blobs


def a_study() -> History:
    history = History()
    history.session()
    history.measure(history.baseline, Purpose.CALIBRATE, 1.0)
    history.noise()
    first = history.propose(history.baseline, "LR = 2")
    trial = history.trial(first.candidate, Purpose.RACE)
    history.complete(trial, 0.5, outputs={"model.bin": blob_id(b"weights")}, kept=True)
    history.verdict(first.candidate, history.baseline, Decision.ACCEPTED, Level.VERIFIED)
    second = history.propose(first.candidate, "LR = 3")
    history.fail(history.trial(second.candidate, Purpose.SCREEN))
    return history


def audited(
    entries: list[Entry], blobs: MemoryBlobs | None = None, pinned: Checkpoint | None = None
) -> Audit:
    return audit("s", entries, pinned, (blobs or blobs_of_a_study()).get)


def found(result: Audit) -> list[tuple[str, str]]:
    return [(finding.kind, finding.where) for finding in result.findings]


def relinked(entries: list[Entry]) -> list[Entry]:
    """What a forger does who can rewrite everything: all hashes are right again."""
    made: list[Entry] = []
    for number, entry in enumerate(entries, start=1):
        prev = made[-1].hash if made else START
        made.append(link(entry.study, number, entry.kind, entry.body, entry.at, prev))
    return made


def test_an_intact_study_is_intact_and_counted() -> None:
    entries = a_study().entries
    result = audited(entries)
    assert result.intact
    assert (result.entries, result.blobs) == (len(entries), len(SOURCES))
    assert result.checkpoint == checkpoint_of("s", entries)


@settings(deadline=None)
@given(histories())
def test_every_allowed_history_is_intact(history: History) -> None:
    result = audit("s", history.entries, checkpoint_of("s", history.entries), lambda _: None)
    assert result.findings == []


@pytest.mark.parametrize("place", range(10))
def test_a_flipped_byte_is_found_in_its_entry(place: int) -> None:
    entries = a_study().entries
    body = bytearray(entries[place].body)
    body[len(body) // 2] ^= 1
    entries[place] = dataclasses.replace(entries[place], body=bytes(body))
    result = audited(entries)
    assert found(result) == [("chain", f"entry {place + 1}")]
    assert "changed" in result.findings[0].reason


@pytest.mark.parametrize("place", range(9))
def test_a_removed_entry_is_found_and_named(place: int) -> None:
    entries = a_study().entries
    result = audited(entries[:place] + entries[place + 1 :])
    assert found(result) == [("chain", f"entry {place + 1}")]
    assert "removed" in result.findings[0].reason


def test_two_swapped_entries_are_found() -> None:
    entries = a_study().entries
    entries[4], entries[5] = entries[5], entries[4]
    assert not audited(entries).intact


def test_a_removed_tail_is_found_by_a_checkpoint_alone() -> None:
    entries = a_study().entries
    pinned = checkpoint_of("s", entries)
    assert audited(entries[:-2]).intact
    result = audited(entries[:-2], pinned=pinned)
    assert found(result) == [("checkpoint", f"entries {len(entries) - 1} to {len(entries)}")]
    result = audited(entries[:-1], pinned=pinned)
    assert found(result) == [("checkpoint", f"entry {len(entries)}")]


def test_a_study_may_have_grown_since_its_checkpoint() -> None:
    entries = a_study().entries
    assert audited(entries, pinned=checkpoint_of("s", entries[:5])).intact


def test_a_rewritten_history_is_found_by_a_checkpoint_alone() -> None:
    entries = a_study().entries
    pinned = checkpoint_of("s", entries)
    old = b'"value":0.5'
    forged = [dataclasses.replace(e, body=e.body.replace(old, b'"value":0.4')) for e in entries]
    assert forged != entries
    forged = relinked(forged)
    assert audited(forged).intact
    assert found(audited(forged, pinned=pinned)) == [("checkpoint", f"entries 1 to {len(entries)}")]


def test_the_checkpoint_of_another_study_is_not_taken() -> None:
    entries = a_study().entries
    pinned = dataclasses.replace(checkpoint_of("s", entries), study="t")
    assert found(audited(entries, pinned=pinned)) == [("checkpoint", "checkpoint")]


def test_an_empty_study_is_not_intact() -> None:
    assert found(audited([])) == [("chain", "study 's'")]


def test_entries_of_another_study_are_not_taken() -> None:
    result = audit("t", a_study().entries, None, blobs_of_a_study().get)
    assert ("chain", "entry 1") in found(result)


@pytest.mark.parametrize("data", SOURCES)
@pytest.mark.parametrize("how", ["damage", "remove"])
def test_every_blob_that_is_changed_or_missing_is_named(data: bytes, how: str) -> None:
    blobs = blobs_of_a_study()
    getattr(blobs, how)(blob_id(data))
    result = audited(a_study().entries, blobs)
    [finding] = result.findings
    assert finding.kind == "blob"
    assert blob_id(data) in finding.reason
    assert ("changed" if how == "damage" else "missing") in finding.reason
    assert result.blobs == len(SOURCES)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"LR = 1", "entry 1 (study), train.py"),
        (b"score", "entry 1 (study), scorer/score.py"),
        (b"predict", "entry 1 (study), predictor/predict.py"),
        (b"hidden", "entry 1 (study), hidden/x.bin"),
        (b"LR = 2", "entry 6 (proposal), train.py"),
        (b"weights", "entry 8 (outcome), model.bin"),
    ],
)
def test_a_blob_is_named_by_the_entry_and_file_that_need_it(data: bytes, where: str) -> None:
    blobs = blobs_of_a_study()
    blobs.remove(blob_id(data))
    assert found(audited(a_study().entries, blobs)) == [("blob", where)]


def test_outputs_that_were_not_kept_are_not_missed() -> None:
    history = a_study()
    trial = history.trial(history.baseline, Purpose.RACE)
    history.complete(trial, 0.5, outputs={"model.bin": blob_id(b"thrown away")})
    assert audited(history.entries).intact


def test_blobs_are_checked_also_behind_a_break() -> None:
    blobs, entries = blobs_of_a_study(), a_study().entries
    blobs.remove(blob_id(b"LR = 3"))
    entries[1] = dataclasses.replace(entries[1], body=b"{}")
    assert found(audited(entries, blobs)) == [
        ("chain", "entry 2"),
        ("blob", "entry 10 (proposal), train.py"),
    ]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("surprise", {}),
        ("study", {}),
        ("outcome", {"trial": 99, "state": "failed"}),
        ("trial", {"number": 77, "candidate": "c", "seed": 1, "purpose": "race", "about": "c"}),
        ("trial", {}),
        ("stopped", {}),
        ("proposal", []),
        ("outcome", "text"),
        ("verdict", {"candidate": 7}),
        ("noise", None),
    ],
)
def test_an_entry_that_the_state_machine_forbids_is_found(kind: str, body: Any) -> None:
    history = a_study()
    history.write(kind, body)
    history.session()
    result = audited(history.entries)
    where = f"entry {len(history.entries) - 1} ({kind})"
    assert {(finding.kind, finding.where) for finding in result.findings} == {("state", where)}


def test_a_candidate_under_a_wrong_name_is_found() -> None:
    history = a_study()
    files = {"train.py": blob_id(b"LR = 2")}
    history.write("proposal", Proposal(3, "x", "f" * 64, history.baseline, "h", "o", files))
    assert found(audited(history.entries)) == [
        ("state", f"entry {len(history.entries)} (proposal)")
    ]


def test_a_baseline_under_a_wrong_name_is_found() -> None:
    entries = a_study().entries
    body = entries[0].body.replace(b'"baseline":"', b'"baseline":"f')
    history = relinked([dataclasses.replace(entries[0], body=body)])
    assert found(audited(history)) == [("state", "entry 1 (study)")]


def test_a_proposal_outside_the_editable_surface_is_found() -> None:
    history = a_study()
    files = {"data.py": blob_id(b"LR = 2")}
    history.write("proposal", Proposal(3, "x", "f" * 64, history.baseline, "h", "o", files))
    [finding] = audited(history.entries).findings
    assert "data.py" in finding.reason


def test_a_body_that_is_not_json_is_found() -> None:
    entries = a_study().entries
    entries[2] = dataclasses.replace(entries[2], body=b"\xff")
    entries = relinked(entries)
    assert ("state", "entry 3 (trial)") in found(audited(entries))


def test_a_finding_reads_as_one_sentence() -> None:
    [finding] = audited(a_study().entries[1:]).findings
    assert str(finding) == "entry 1: removed, entry 2 stands in its place"
