"""The command `upward`: a lazy group, so that `upward --help` imports no command."""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from upward.core.errors import UpwardError, UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("upward.cli.init", "Make a task from the folder you stand in."),
    "knobs": ("upward.cli.knobs", "List what can be tuned in a file."),
    "check": ("upward.cli.check", "Can a task be measured: noise, cost, what can be seen."),
    "run": ("upward.cli.run", "Pursue a task; the same command goes on where it stopped."),
    "status": ("upward.cli.look", "Where a study stands."),
    "show": ("upward.cli.look", "One proposal, candidate or trial with its evidence."),
    "diff": ("upward.cli.look", "What a proposal changes."),
    "log": ("upward.cli.look", "The entries of the ledger, newest last."),
    "report": ("upward.cli.report", "Write the report: one self-contained HTML page."),
    "verify": ("upward.cli.verify", "Check chain, blobs and state; names what is wrong."),
    "replay": ("upward.cli.replay", "Run a candidate again from the ledger."),
    "export": ("upward.cli.export", "A git branch with one commit per verified change."),
}

# The engine's own matrices are small, and the cores are the workers': a second thread of
# arithmetic only waits for one of them. It counts when NumPy is imported, which no command did yet.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Lazy(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        return getattr(module, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command with the nearest known one."""
        name = args[0] if args else ""
        if name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "See `upward --help`."
            ctx.fail(f"There is no command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="upward")
def upward() -> None:
    """Run the AI-research loop on your code, and keep only what it can prove.

    \b
    Start here:
      upward run tinylm --minutes 10     a study of a small language model
      upward report                      what it found, as one page
      upward init my-task                a task of your own
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; errors of ours end in one sentence and an exit code."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    try:
        code: Any = upward.main(args=argv, prog_name="upward", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UpwardError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
