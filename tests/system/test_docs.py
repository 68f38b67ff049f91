"""The documentation is true: its commands run and print what it says."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from upward.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> list[tuple[str, str]]:
    """Commands of a page with what they should print."""
    found = list[tuple[str, str]]()
    for block in BLOCK.findall(page.read_text()):
        for part in block.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    found = steps(ROOT / "docs" / "tutorial.md")
    assert len(found) >= 10
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command, expected in found:
        done = subprocess.run(  # noqa: S602 - our own page
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        matches = doctest.OutputChecker().check_output(expected, done.stdout, flags)
        assert matches, f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"


def test_the_readme_names_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"upward (\w+)", " ".join(re.findall(r"`+[^`]+`+", text))))
    assert named - {"init"} <= set(COMMANDS) | {"TASK"}
    targets = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert targets == {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_tiny_loop_beats_the_usual_rule_and_its_ledger_is_sound() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "tiny_loop.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    true = [float(x) for x in re.findall(r"true (?:loss )?([\d.]+)", done.stdout)]
    baseline, ours, usual = true
    assert ours < 1.02 < baseline < usual
    assert "fault: None" in done.stdout
    assert done.stdout.strip() in (ROOT / "README.md").read_text()
