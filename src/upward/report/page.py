"""A study as one page: everything in it, nothing fetched, nothing in it that can run but our own.

The page forbids itself, by its own policy, every script and style but the two that it ships with,
and every request. What this does not cover: a browser that ignores the policy still finds only
escaped text.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from upward.ledger.replay import StudyState
from upward.report.diffs import Room
from upward.report.facts import figures, headline
from upward.report.markup import Html, el
from upward.report.parts.accepted import accepted
from upward.report.parts.budget import budget
from upward.report.parts.controls import controls
from upward.report.parts.ended import ended
from upward.report.parts.guards import guards
from upward.report.parts.headline import headline as headline_part
from upward.report.parts.headline import masthead
from upward.report.parts.holdout import holdout
from upward.report.parts.noise import noise
from upward.report.parts.progress import lineage, progress
from upward.report.parts.rung import rung
from upward.report.parts.stack import has_stack, stack
from upward.report.parts.trust import trust
from upward.report.text import clean, day_and_time
from upward.report.view import Read, View

MOST_DIFF_LINES = 4_000
PLACES = (
    ("progress", "Best so far"),
    ("controls", "Control arms"),
    ("lineage", "Lineage"),
    ("accepted", "Accepted"),
    ("stack", "Steps together"),
    ("holdout", "Holdout"),
    ("guards", "Guards"),
    ("tried", "Not accepted"),
    ("noise", "Noise"),
    ("budget", "Budget"),
    ("trust", "Why to believe this"),
)


def render(
    state: StudyState,
    read: Read,
    *,
    generated_at: str,
    head_checked: str | None = None,
    arms: Sequence[StudyState] = (),
) -> str:
    """Return the page of a study: a whole HTML document, encoded as UTF-8 by the caller.

    Nothing is written and nothing is fetched. The study's secret and its hidden data are not on
    the page; diffs of accepted candidates are.

    Args:
        state: a study with its first entry.
        read: text of a blob by its id; may raise `BlobChanged` or `UnicodeDecodeError`, which
            is then said in place of the diff.
        generated_at: UTC time, ISO 8601.
        head_checked: hash of the last entry of a chain that was verified just before; None says
            that it was not.
        arms: its control arms, studies of their own.

    Returns:
        About 100 kB for 60 trials; long tables are cut with a note that says what is missing.

    Raises:
        BadEntry: the study has no first entry.
    """
    view = View(
        state=state,
        figures=figures(state),
        headline=headline(state),
        read=read,
        room=Room(MOST_DIFF_LINES),
        generated_at=generated_at,
        head_checked=head_checked,
        arms=arms,
    )
    parts = (
        headline_part,
        progress,
        controls,
        lineage,
        accepted,
        stack,
        holdout,
        rung,
        guards,
        ended,
        noise,
        budget,
        trust,
    )
    main = el("main", masthead(view), *(part(view) for part in parts), _colophon(view))
    script = _static("report.js")
    body = el("body", _bar(view), main, el("div", id="tip", role="status"), el("script", script))
    return f'<!doctype html>\n<html lang="en">{_head(view, script)}{body}</html>\n'


def _head(view: View, script: Html) -> Html:
    style = _static("report.css")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"{clean(view.state.task.name, 80)} \u00b7 Upward"
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", style),
    )


def _bar(view: View) -> Html:
    shown = {"guards": bool(view.state.task.guards), "stack": has_stack(view.state)}
    places = [place for place in PLACES if shown.get(place[0], True)]
    links = [el("a", words, href=f"#{name}") for name, words in places]
    toggle = el("button", "Theme", type="button", id="theme", title="light, dark or as the system")
    return el("nav", el("div", *links, cls="links"), toggle, aria_label="Parts of this page")


def _colophon(view: View) -> Html:
    words = (
        f"Made {day_and_time(view.generated_at)} from the ledger alone. This page needs no network."
    )
    return el("footer", el("p", words))


def _static(name: str) -> Html:
    return Html(resources.files("upward.report").joinpath("static", name).read_text("utf-8"))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
