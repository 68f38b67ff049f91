"""Rules of the house that a machine can check: size, cheap imports, public names."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import upward

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
HEAVY = {"numpy", "libcst", "rich", "psutil", "torch", "sqlite3", "optuna", "scipy"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_every_file_stays_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 400


def test_the_public_names_are_sorted_and_exist() -> None:
    names = upward.__all__
    assert list(names) == sorted(names)
    assert all(hasattr(upward, name) for name in names)


def modules_after(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import upward") & HEAVY


def test_help_imports_no_command() -> None:
    done = modules_after("from upward.cli.main import COMMANDS, upward")
    assert not done & HEAVY


def test_every_command_has_help_with_an_example() -> None:
    from click.testing import CliRunner

    from upward.cli.main import COMMANDS
    from upward.cli.main import upward as cli

    for name in COMMANDS:
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0, name
        assert "Example:" in shown.output, name


def wide_handlers(path: Path) -> int:
    tree = ast.parse(path.read_text())
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    names = [ast.unparse(h.type) if h.type else "" for h in handlers]
    return sum(name in ("", "Exception", "BaseException") for name in names)


def test_wide_handlers_exist_at_most_once() -> None:
    engine = [p for p in SOURCES if "labs" not in p.parts and "templates" not in p.parts]
    assert sum(wide_handlers(path) for path in engine) <= 1


def test_every_module_says_what_it_is_for() -> None:
    for path in SOURCES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_no_file_names_a_registry_or_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().splitlines():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt") and path.exists():
            assert "pythonhosted" + ".org" not in path.read_text(), name
