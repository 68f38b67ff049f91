"""What a user sees while a study runs: a live view in a terminal, plain lines elsewhere."""

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from upward.cli.common import clean
from upward.cli.format import (
    STYLE,
    changes_text,
    duration,
    gained,
    name_of,
    number,
    verdict_word,
)
from upward.core.ports import Activity
from upward.core.records import Level, Purpose
from upward.ledger.replay import StudyState

SHOWN = 6
REDRAW_S = 0.5


class Progress(Protocol):
    """What the view reads of a pursuit."""

    @property
    def state(self) -> StudyState:
        """The study so far."""
        ...

    @property
    def elapsed_s(self) -> float:
        """Seconds of this process."""
        ...

    @property
    def budget_left(self) -> float:
        """Share of the budget that is left."""
        ...

    @property
    def began_trials(self) -> int:
        """Trials that were done before this process."""
        ...


def what_for(state: StudyState, activity: Activity) -> str:
    """What one worker does now, in a few words."""
    trial = activity.trial
    if activity.study not in ("", state.name):
        return f"control arm {activity.study.rpartition('~')[2]}: {trial.purpose}"
    who = name_of(state, trial.candidate)
    about = name_of(state, trial.about)
    words = {
        Purpose.CALIBRATE: "measure the noise of the baseline",
        Purpose.SETTLE: f"run {who} again: how much does the new best vary?",
        Purpose.RACE: f"race {about}" if about == who else f"race {about}: its incumbent {who}",
        Purpose.CERTIFY: f"run {who} again, to certify {about}",
        Purpose.RUNG: f"a short trial of {who}",
        Purpose.STACK: f"check all steps up to {about} together: run {who}",
        Purpose.HOLDOUT: f"ask the sealed holdout about {who}",
        Purpose.PUBLISH: f"run {who} once more, for the report",
    }
    if trial.purpose in words:
        return words[trial.purpose]
    proposal = state.proposal_of(trial.candidate)
    change = changes_text(proposal.changes) if proposal else "another start"
    return f"screen {who}: {change or clean(proposal.hypothesis if proposal else '')}"


def headline(state: StudyState) -> str:
    """Baseline and best verified value in one line."""
    metric = state.task.metric
    baseline = state.value_of(state.start.baseline)
    if baseline is None or state.noise is None:
        have = len(state.record(state.start.baseline).counted)
        return f"measuring the noise of the baseline ({have} trials so far)"
    text = f"baseline {number(baseline)} ± {number(state.noise.sd, 2)} {metric.unit}"
    best = state.value_of(state.incumbent)
    if state.incumbent == state.start.baseline or best is None:
        return f"{text}; nothing accepted yet"
    level = state.record(state.incumbent).level or Level.PROVISIONAL
    return f"{text}; best {level} {number(best)} ({gained(metric, best, baseline)})"


def rate(progress: Progress) -> float:
    """Trials per hour of this process."""
    done = len(progress.state.outcomes) - progress.began_trials
    return 3600.0 * done / max(progress.elapsed_s, 1e-9)


class LiveView:
    """A view that is redrawn in place."""

    def __init__(self, console: Console, budget: str) -> None:
        """Draw on a console; `budget` is the budget in words."""
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._console, self._budget = console, budget
        self._seen = 0
        self._drawn_s = -REDRAW_S

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, progress: Progress, activities: Sequence[Activity]) -> None:
        """Show the state; verdicts that matter are also printed above and stay."""
        for line in new_lines(progress.state, self._seen):
            self._live.console.print(line)
        self._seen = len(progress.state.verdicts)
        if progress.elapsed_s - self._drawn_s >= REDRAW_S:
            self._drawn_s = progress.elapsed_s
            self._live.update(self._draw(progress, activities), refresh=True)

    def _draw(self, progress: Progress, activities: Sequence[Activity]) -> Panel:
        state = progress.state
        body = Group(
            Text(headline(state), style="bold"),
            Text(counts(progress)),
            self._budget_bar(progress),
            *self._acceptances(state),
            self._workers(state, activities),
        )
        title = Text(f" {state.task.name} · study {state.name} ", style="bold")
        return Panel(body, title=title, title_align="left", border_style="cyan")

    def _budget_bar(self, progress: Progress) -> Table:
        row = Table.grid(padding=(0, 1))
        used = 1.0 - progress.budget_left
        bar = ProgressBar(total=1.0, completed=used, width=28)
        spent = f"{duration(progress.elapsed_s)}, until {self._budget}"
        row.add_row(Text("budget"), bar, Text(spent))
        return row

    def _acceptances(self, state: StudyState) -> list[Text]:
        lines = [accepted_line(state, position) for position in state.acceptances]
        return [Text(""), *lines[-SHOWN:], Text("")] if lines else [Text("")]

    def _workers(self, state: StudyState, activities: Sequence[Activity]) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, style="dim", min_width=6)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, style="dim", justify="right", min_width=12)
        for item in activities:
            phase = f"{item.phase} {duration(item.for_s)}"
            table.add_row(f"core {item.worker + 1}", what_for(state, item), phase)
        return table


class PlainView:
    """One line per event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        """Print on a console."""
        self._console = console
        self._seen = 0
        self._begun = self._noise = False

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, progress: Progress, activities: Sequence[Activity]) -> None:
        """Print what is new."""
        state = progress.state
        if not self._begun:
            self._begun = True
            self._seen = len(state.verdicts)
            self._print(f"study {state.name}: {clean(state.task.goal)}")
            self._print(headline(state))
        if state.noise is not None and not self._noise:
            self._noise = True
            metric = state.task.metric
            seen = f"{number(state.noise.resolution, 2)} {metric.unit}"
            self._print(f"{headline(state)}; this study cannot see gains below {seen}")
        for position in range(self._seen, len(state.verdicts)):
            done = f"[{len(state.outcomes)} trials, {duration(progress.elapsed_s)}] "
            self._print(done + verdict_line(state, position).plain)
        self._seen = len(state.verdicts)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def counts(progress: Progress) -> str:
    """Trials, proposals and acceptances so far."""
    state = progress.state
    accepted = len(state.acceptances)
    failed = f", {state.failed} failed" if state.failed else ""
    return (
        f"{len(state.outcomes)} trials ({rate(progress):.0f} per hour{failed}), "
        f"{len(state.proposals)} proposals, {accepted} accepted"
    )


def accepted_line(state: StudyState, position: int) -> Text:
    """An acceptance with its hypothesis."""
    verdict = state.verdicts[position]
    proposal = state.proposal_of(verdict.candidate)
    why = clean(proposal.hypothesis, 160) if proposal else "another start of the baseline"
    text = Text("✓ ", style="bold green")
    text.append(f"{name_of(state, verdict.candidate)} ", style="bold")
    if verdict.gain is not None:
        sign = "+" if verdict.gain >= 0 else "-"
        text.append(
            f"{sign}{number(abs(verdict.gain), 3)} {state.task.metric.unit} ", style="green"
        )
    if proposal and proposal.margin is not None:
        text.append("simpler: ")
    text.append(why, style="default")
    return text


def verdict_line(state: StudyState, position: int) -> Text:
    """One verdict as one line."""
    verdict = state.verdicts[position]
    word = verdict_word(verdict)
    proposal = state.proposal_of(verdict.candidate)
    change = changes_text(proposal.changes) if proposal else "another start of the baseline"
    text = Text(f"{word:>12} ", style=STYLE.get(word, ""))
    text.append(f"{name_of(state, verdict.candidate)} ", style="bold")
    text.append(change or (clean(proposal.hypothesis, 120) if proposal else ""))
    text.append(f" · {clean(verdict.reason)}", style="dim")
    return text


def new_lines(state: StudyState, seen: int) -> list[Text]:
    """Lines for the verdicts after the first `seen` that are worth keeping on the screen."""
    worth = [p for p in range(seen, len(state.verdicts)) if state.verdicts[p].rule != "screen"]
    return [verdict_line(state, position) for position in worth]
