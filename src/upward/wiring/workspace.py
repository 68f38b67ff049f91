"""The ledger and artifacts of one folder, and what is made of them."""

from dataclasses import dataclass
from pathlib import Path

from upward.core.errors import CannotWrite, UnknownName
from upward.ledger.audit import Audit
from upward.ledger.audit import audit as check
from upward.ledger.chain import check as check_chain
from upward.ledger.checkpoint import Checkpoint
from upward.ledger.facts import Genesis
from upward.ledger.replay import StudyState, replay
from upward.report.page import render
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.store.lock import holder
from upward.store.sqlite import SqliteLedger

# a study's control arms stand beside it in the ledger, as NAME~ARM
ARM = "~"


@dataclass(slots=True)
class Workspace:
    """The ledger and artifacts of one folder, opened for reading or for writing."""

    home: Home
    ledger: SqliteLedger
    blobs: FolderBlobs

    def studies(self) -> list[str]:
        """Names of all studies, most recently written first, without their control arms."""
        return [name for name in self.ledger.studies() if ARM not in name]

    def arms(self, study: str) -> list[StudyState]:
        """The control arms of a study, in the order of their names."""
        return [replay(name, self.ledger.entries(name)) for name in self.arm_names(study)]

    def arm_names(self, study: str) -> list[str]:
        """Names of the control arms of a study."""
        return sorted(n for n in self.ledger.studies() if n.startswith(study + ARM))

    def pick(self, study: str | None) -> str:
        """The named study, or the one last worked on.

        Raises:
            UnknownName: there is none.
        """
        known = self.studies()
        if study is None and known:
            return known[0]
        if study is not None and ARM in study and self.ledger.head(study) is not None:
            return study
        if study not in known:
            hint = "Begin one with `upward run TASK`, or name its folder with --home."
            raise UnknownName("study", study or "(any)", known, hint)
        return study

    def state(self, study: str | None) -> StudyState:
        """The state of a study, folded from its entries."""
        name = self.pick(study)
        return replay(name, self.ledger.entries(name))

    def genesis(self, study: str) -> Genesis:
        """How a study began, without the rest of it."""
        first = StudyState(study)
        first.apply(next(self.ledger.entries(study)))
        return first.start

    def text(self, blob: str | None) -> str:
        """A kept file as text; nothing for a file that does not exist.

        Raises:
            UnicodeDecodeError: it is no text.
        """
        return "" if blob is None else self.blobs.get(blob).decode("utf-8")

    def holder(self, study: str) -> str | None:
        """Who works on a study now, or None."""
        found = holder(self.home.locks, study)
        return str(found) if found else None


def open_workspace(home: str) -> Workspace:
    """Open a workspace for reading; a study may be running in it."""
    place = Home(Path(home).resolve())
    ledger = SqliteLedger(place.database, SystemClock(), read_only=True)
    return Workspace(place, ledger, FolderBlobs(place.blobs))


def audit(workspace: Workspace, study: str, saved: Checkpoint | None) -> Audit:
    """Check a study against a checkpoint kept elsewhere, or else the newest kept beside it."""
    pinned = saved or workspace.ledger.checkpoint(study)
    return check(study, workspace.ledger.entries(study), pinned, workspace.blobs.get)


def write_report(workspace: Workspace, state: StudyState, path: str | None = None) -> Path:
    """Write a study's report and return its path.

    Raises:
        CannotWrite: the place cannot be written to.
    """
    target = Path(path) if path else workspace.home.reports / f"{state.name}.html"
    broken = check_chain(workspace.ledger.entries(state.name))
    text = render(
        state,
        workspace.text,
        generated_at=SystemClock().now(),
        head_checked=None if broken else state.head,
        arms=workspace.arms(state.name),
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from None
    return target
