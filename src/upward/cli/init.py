"""`upward init`: make a task from the folder one stands in."""

from pathlib import Path

import click

from upward.cli.common import json_option, print_json
from upward.tasks.init import make_task


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--script", help="The script that runs a trial; default: found by itself.")
@json_option
def init(*, folder: Path, script: str | None, as_json: bool) -> None:
    """Write a task.toml and a scorer into FOLDER, around the script that is there.

    In an empty or new folder this makes a small complete task that runs at once. Files that
    exist are never overwritten.

    \b
    Example:
      upward init demo && upward run ./demo --trials 40
    """
    written = make_task(folder, script=script)
    if as_json:
        print_json({"folder": str(folder), "written": written})
        return
    for path in written:
        click.echo(f"wrote {folder / path}")
    where = folder if folder.is_absolute() else f"./{folder}"
    click.echo(f"Next: read {folder / 'task.toml'}, then `upward run {where} --minutes 5`.")
