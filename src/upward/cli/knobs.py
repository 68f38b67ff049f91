"""`upward knobs`: what can be tuned in a file."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from upward.cli.common import clean, json_option, print_json
from upward.core.codec import plain
from upward.core.errors import UnreadableSource
from upward.research.knob import Knob
from upward.research.knobs import find_knobs


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def knobs(*, file: Path, as_json: bool) -> None:
    """List what can be tuned in FILE (.py, .toml, .yaml, .json), with inferred kind and range.

    Constants, defaults, literal keyword arguments and configuration values are found by
    themselves. A remark at the end of a line says more: `# choices: 4, 8, 16` or `# range: 0..1`.

    \b
    Example:
      upward knobs train.py
    """
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableSource(str(file), 0, f"not UTF-8 text ({error.reason})") from None
    found = find_knobs(str(file), text)
    if as_json:
        print_json({"file": str(file), "knobs": [plain(knob) for knob in found]})
        return
    if not found:
        click.echo(f"{file} has nothing that can be tuned.")
        return
    Console(highlight=False).print(_table(found))


def _table(found: list[Knob]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("line", "knob", "kind", "value", "scale", "range"):
        table.add_column(name, justify="right" if name == "line" else "left")
    for knob in found:
        row = (
            str(knob.line),
            knob.name,
            str(knob.kind),
            knob.source,
            str(knob.scale or ""),
            _span(knob),
        )
        table.add_row(*(Text(clean(cell, 60)) for cell in row))
    return table


def _span(knob: Knob) -> str:
    if knob.choices:
        return ", ".join(str(choice) for choice in knob.choices)
    if knob.low is None or knob.high is None:
        return "not tuned"
    return f"{knob.low:.4g} .. {knob.high:.4g}"
