"""`upward report`: a study as one self-contained HTML page."""

import click

from upward import wiring
from upward.cli.common import home_option, json_option, print_json, study_option


@click.command()
@click.option("-o", "--output", help="Where to write it; default: in the workspace.")
@study_option
@home_option
@json_option
def report(*, output: str | None, study: str | None, home: str, as_json: bool) -> None:
    """Write the report of a study: one HTML page that needs no network.

    \b
    Example:
      upward report
      upward report --study tinylm-s3 -o tinylm.html
    """
    workspace = wiring.open_workspace(home)
    path = wiring.write_report(workspace, workspace.state(study), output)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(f"Report: {path}")
