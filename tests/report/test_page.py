"""The page says what the state says, holds hostile text, and needs nothing but itself."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from tests.report.pages import NOW, Page, page_of

from upward.core.errors import BlobChanged
from upward.core.records import Decision
from upward.ledger.replay import StudyState
from upward.report.facts import (
    Finding,
    decisions,
    failures,
    figures,
    headline,
    not_accepted,
    reference_lines,
    worked_s,
)
from upward.report.page import render
from upward.stats.noise import expected_best_of
from upward.testing.sample_study import Read, empty_state, exact_state, sample_state

Study = tuple[StudyState, Read]

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> \" onload=alert(3) '"
    " \x1b[31mred\x1b[0m \u202eevil\u202c javascript:alert(4) ]]> --> &lt; </style></title>"
)


@pytest.fixture(scope="module")
def study() -> Study:
    return sample_state(40, seed=0)


@pytest.fixture(scope="module")
def page(study: Study) -> Page:
    return page_of(study)


STUDIES = {
    "usual": lambda: sample_state(40, seed=0),
    "empty": empty_state,
    "nothing found": lambda: sample_state(30, seed=2, hopeless=True),
    "all fail": lambda: sample_state(20, seed=3, failing=1.0),
    "unisolated": lambda: sample_state(20, seed=3, isolated=False),
    "exact and maximised": exact_state,
    "one proposal": lambda: sample_state(1, seed=4),
    "hostile": lambda: sample_state(20, seed=3, hypothesis=HOSTILE),
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_kind_of_study_gives_a_balanced_page_that_needs_no_network(name: str) -> None:
    page = page_of(STUDIES[name]())
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "use"}
        assert not {"src", "srcset", "action", "style", "background", "xlink:href"} & set(
            attributes
        )
        assert not [key for key in attributes if key.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    [style] = re.findall(r"<style>(.*?)</style>", page.markup, re.DOTALL)
    assert "@import" not in style
    assert "url(" not in style
    assert not re.search(r"fetch|XMLHttp|import\(|eval|innerHTML", _script(page))


@pytest.mark.parametrize("name", STUDIES)
def test_every_id_is_unique_and_every_link_has_a_place(name: str) -> None:
    page = page_of(STUDIES[name]())
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["href"] for a in page.find("a")} <= {f"#{i}" for i in ids}


def _script(page: Page) -> str:
    [script] = re.findall(r"<script>(.*?)</script>", page.markup, re.DOTALL)
    return script


def test_the_page_allows_no_script_but_its_own(page: Page) -> None:
    [policy] = page.find("meta", http_equiv="Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(_script(page).encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in (policy["content"] or "")
    assert "default-src 'none'" in (policy["content"] or "")
    assert "unsafe" not in (policy["content"] or "")


def test_hostile_hypotheses_stay_text() -> None:
    page = page_of(sample_state(20, seed=3, hypothesis=HOSTILE))
    assert len(page.find("script")) == 1
    assert page.find("img") == []
    assert "<img src=x" in page.text
    assert "\x1b" not in page.markup
    assert "\u202e" not in page.markup


def test_hostile_names_goals_and_logs_stay_text() -> None:
    state, read = sample_state(12, seed=3, failing=0.5)
    task = replace(state.start.task, name=HOSTILE, goal=HOSTILE * 99)
    software = {HOSTILE: HOSTILE}
    state.genesis = replace(state.start, task=task, software=software)
    for number, outcome in state.outcomes.items():
        if outcome.failure is not None:
            failure = replace(
                outcome.failure, reason=HOSTILE, boundary=HOSTILE, detail=HOSTILE * 99
            )
            state.outcomes[number] = replace(outcome, failure=failure)
    page = page_of((state, read))
    assert len(page.find("script")) == 1
    assert page.find("img") == []
    assert len(page.markup) < 200_000


def test_bidi_characters_in_a_diff_are_shown_not_obeyed() -> None:
    state, read = sample_state(12, seed=3)
    page = page_of((state, lambda blob: read(blob).replace("WIDTH", "WI\u202eDTH")))
    assert "U+202E" in page.text
    assert "\u202e" not in page.markup


# -- what it says ------------------------------------------------------------------------------


def test_the_headline_is_what_the_state_says(study: Study, page: Page) -> None:
    state, _ = study
    baseline, incumbent = state.record(state.start.baseline), state.record(state.incumbent)
    assert baseline.mean is not None
    assert incumbent.mean is not None
    share = 100 * (baseline.mean - incumbent.mean) / baseline.mean
    assert f"{baseline.mean:.3f}\u2192{incumbent.mean:.3f}bits/byte" in page.text
    assert f"{share:.1f} % better than the baseline" in page.text
    assert f"From {len(incumbent.counted)} fresh trials" in page.text


def test_the_number_of_attempts_and_what_luck_would_show_stand_beside_it(
    study: Study, page: Page
) -> None:
    state, _ = study
    assert state.noise is not None
    luck = expected_best_of(len(state.proposals)) * state.noise.sd
    assert f"{len(state.proposals)} candidates" in page.text
    assert f"{luck:.3f} bits/byte" in page.text
    assert f"the best of {len(state.proposals)} tries" in page.text


def test_every_acceptance_has_its_gain_interval_odds_and_diff(study: Study, page: Page) -> None:
    state, _ = study
    assert len(page.find("article")) == len(state.accepted) > 3
    assert len(page.find("pre", class_="diff")) == len(state.accepted)
    for verdict in state.accepted:
        assert verdict.gain is not None
        assert verdict.low is not None
        assert verdict.high is not None
        assert verdict.evidence is not None
        assert f"+{verdict.gain:.3f} bits/byte" in page.text
        assert f"+{verdict.low:.3f} to +{verdict.high:.3f}" in page.text
        assert f"odds {int(verdict.evidence)} to 1; 20 needed." in page.text


def test_every_decided_proposal_is_counted_exactly_once(study: Study, page: Page) -> None:
    state, _ = study
    counts = decisions(state)
    assert sum(counts.values()) == len(state.proposals)
    assert len(page.find("tr", data_decision="rejected")) == counts[Decision.REJECTED]
    assert len(page.find("tr", data_decision="invalid")) == counts[Decision.INVALID]
    rows = [a for tag, a in page.tags if tag == "tr" and "data-decision" in a]
    assert len(rows) == len(not_accepted(state))


def test_the_ledger_and_how_to_check_it_are_named(study: Study, page: Page) -> None:
    state, _ = study
    assert state.head in page.text
    assert f"{state.seq} entries" in page.text
    assert "upward verify" in page.text
    number = state.records[state.incumbent].proposal
    assert f"upward replay p{number}" in page.text


def test_the_secret_of_the_study_is_not_on_the_page(study: Study, page: Page) -> None:
    assert study[0].start.secret not in page.markup


def test_a_chain_that_was_not_checked_or_ends_elsewhere_is_said_so(study: Study) -> None:
    assert "was not checked when this page was made" in page_of(study).text
    assert "The whole chain was checked" in page_of(study, study[0].head).text
    assert "do not trust this page" in page_of(study, "f" * 64).text


def test_a_study_without_an_acceptance_says_so_plainly() -> None:
    study = sample_state(30, seed=2, hopeless=True)
    assert headline(study[0]).finding is Finding.NOTHING
    page = page_of(study)
    assert "Nothing was found that this study can prove." in page.text
    assert "better than the baseline" not in page.text
    assert page.find("article") == []


def test_a_study_that_has_only_begun_claims_nothing() -> None:
    page = page_of(empty_state())
    assert "nothing can be claimed" in page.text
    assert "No trial has given a measurement yet." in page.text


def test_without_isolation_a_gain_is_never_called_verified() -> None:
    study = sample_state(20, seed=3, isolated=False)
    assert study[0].accepted
    assert headline(study[0]).finding is Finding.UNPROVEN
    page = page_of(study)
    assert "Unisolated: the candidate could reach what judged it." in page.text
    assert "not proved" in page.text
    assert page.find("span", class_="badge good") == []


def test_a_session_without_isolation_is_not_forgotten_when_a_later_one_has_it() -> None:
    state, read = sample_state(6, seed=3, isolated=False)
    held = sample_state(1)[0].sessions[0]
    state.sessions.append(held)
    assert "Partly unisolated" in page_of((state, read)).text


def test_a_self_reported_task_is_marked_loudly() -> None:
    state, read = sample_state(6, seed=3)
    task = replace(state.start.task, self_reported=True)
    state.genesis = replace(state.start, task=task)
    page = page_of((state, read))
    assert "its own measurement" in page.text
    assert "self-reported" in page.text


def test_an_exact_metric_is_written_in_full_and_needs_no_odds() -> None:
    study = exact_state()
    page = page_of(study)
    best = study[0].value_of(study[0].incumbent)
    assert best is not None
    assert f"{best:.8g}" in page.text
    assert "odds of" not in page.text
    assert "needed." not in page.text
    assert "a proof in itself" in page.text
    assert headline(study[0]).luck is None


def test_reference_readings_of_the_scorer_are_drawn(study: Study, page: Page) -> None:
    assert reference_lines(study[0]) == {"ngram": pytest.approx(1.968), "xz": pytest.approx(2.356)}
    assert "ngram 1.968" in page.text


def test_failures_are_counted_by_the_boundary_that_they_crossed() -> None:
    study = sample_state(30, seed=5, failing=0.4)
    counts = failures(study[0])
    assert sum(counts.values()) == study[0].failed > 5
    page = page_of(study)
    for boundary, times in counts.items():
        assert f"{boundary}{times}" in page.text.replace(" ", "")
    assert "FloatingPointError" in page.text


def test_a_stored_text_that_changed_is_named_instead_of_a_diff(study: Study) -> None:
    def broken(blob: str) -> str:
        raise BlobChanged(blob, "the bytes no longer match")

    page = page_of((study[0], broken))
    assert page.text.count("the stored bytes are in doubt") == len(study[0].accepted)
    assert page.find("pre", class_="diff") == []


def test_a_file_that_is_no_text_has_no_diff_and_breaks_nothing(study: Study) -> None:
    def binary(blob: str) -> str:
        return b"\xff\xfe".decode("utf-8") + blob

    assert "Not text" in page_of((study[0], binary)).text


def test_time_at_work_leaves_out_the_pauses_between_sessions(study: Study) -> None:
    state, _ = study
    whole = worked_s(state)
    assert 0 < whole <= 3600
    late = replace(state.sessions[0], at="2026-03-16T21:05:00.000Z")
    state.sessions.append(late)
    assert worked_s(state) == pytest.approx(whole)
    state.sessions.pop()


def test_the_same_study_gives_the_same_bytes(study: Study) -> None:
    state, read = study
    assert render(state, read, generated_at=NOW) == render(state, read, generated_at=NOW)


# -- size --------------------------------------------------------------------------------------


def test_a_usual_study_is_a_small_page(page: Page) -> None:
    assert len(page.markup.encode()) < 200_000


@pytest.mark.slow
def test_a_huge_study_is_cut_with_a_note_and_its_totals_stand() -> None:
    study = sample_state(1_500, seed=1)
    state, _ = study
    page = page_of(study)
    assert len(state.outcomes) > 2_000
    assert len(page.markup.encode()) < 1_500_000
    total = len(not_accepted(state))
    assert f"The newest 300 of {total:,} are shown" in page.text
    assert f"all {total:,}" in page.text
    assert f"{len(state.proposals):,} candidates" in page.text


def test_figures_keep_two_digits_of_the_noise(study: Study) -> None:
    assert figures(study[0]).unit(1.23456) == "1.235 bits/byte"
