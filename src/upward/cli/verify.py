"""`upward verify`: is the record what it was?"""

from pathlib import Path

import click

from upward import wiring
from upward.cli.common import home_option, json_option, print_json, study_option
from upward.core.canon import canonical, parse_strict
from upward.core.codec import plain, restore
from upward.core.errors import CannotWrite, EvidenceError, LedgerError, UnreadableSource
from upward.ledger.audit import Audit
from upward.ledger.checkpoint import Checkpoint


@click.command()
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that you saved elsewhere; finds a truncated ledger.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a checkpoint here; keep it where the study cannot reach.",
)
@study_option
@home_option
@json_option
def verify(
    *, against: Path | None, save: Path | None, study: str | None, home: str, as_json: bool
) -> int:
    """Check every entry, every kept file and every state of a study; name what is wrong.

    Its control arms are studies of their own and are checked with it.

    \b
    Example:
      upward verify
      upward verify --save tinylm.checkpoint
      upward verify --against tinylm.checkpoint
    """
    workspace = wiring.open_workspace(home)
    name = workspace.pick(study)
    saved = _read(against) if against else None
    result = wiring.audit(workspace, name, saved)
    arms = {arm: wiring.audit(workspace, arm, None) for arm in workspace.arm_names(name)}
    if save and not result.findings:
        _write(save, result.checkpoint)
    if as_json:
        beside = [_plain(arm, found) for arm, found in arms.items()]
        print_json({**_plain(name, result), "control_arms": beside})
    else:
        _say(name, result, save)
        for arm, found in arms.items():
            _say(arm, found, None)
    return 1 if any(found.findings for found in (result, *arms.values())) else 0


def _read(path: Path) -> Checkpoint:
    try:
        return restore(Checkpoint, parse_strict(path.read_bytes()))
    except (EvidenceError, LedgerError) as error:
        raise UnreadableSource(str(path), 1, f"not a checkpoint ({error})") from None


def _write(path: Path, checkpoint: Checkpoint) -> None:
    try:
        path.write_bytes(canonical(plain(checkpoint)) + b"\n")
    except OSError as error:
        raise CannotWrite(str(path), error.strerror or str(error)) from None


def _plain(name: str, result: Audit) -> dict[str, object]:
    return {
        "study": name,
        "intact": not result.findings,
        "entries": result.entries,
        "blobs": result.blobs,
        "root": result.checkpoint.root,
        "head": result.checkpoint.head,
        "findings": [
            {"kind": f.kind, "where": f.where, "reason": f.reason} for f in result.findings
        ],
    }


def _say(name: str, result: Audit, save: Path | None) -> None:
    for finding in result.findings:
        click.echo(f"{finding.kind}, {finding.where}: {finding.reason}")
    if result.findings:
        click.echo(f"Study {name} is NOT intact: {len(result.findings)} findings.")
        return
    click.echo(f"Study {name} is intact: {result.entries} entries, {result.blobs} kept files.")
    click.echo(f"Merkle root {result.checkpoint.root}")
    if save:
        click.echo(f"Checkpoint saved to {save}; keep it where the study cannot reach.")
