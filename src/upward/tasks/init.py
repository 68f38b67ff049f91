"""Making a task of a folder: what stands behind ``upward init``."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from upward.core.errors import CannotWrite, ManifestError
from upward.tasks.guess import find_predictions, find_script
from upward.tasks.manifest import MANIFEST, SCORER


def make_task(folder: Path, *, script: str | None = None) -> list[str]:
    """Write ``task.toml`` and a scorer into a folder, around the script that is there.

    In a new or empty folder it writes a small complete task that runs at once. A file that exists
    is never changed; an existing ``scorer/`` is taken as it is.

    Args:
        folder: made when it does not exist.
        script: the script of a trial, relative to the folder; None to find it.

    Returns:
        The paths that were written, relative to the folder.

    Raises:
        ManifestError: there is a ``task.toml`` already, or no script to build around.
        UnknownName: the named script is not there.
        CannotWrite: the folder cannot be read or written.
    """
    if (folder / MANIFEST).exists():
        fix = "Edit it, or name another folder: init never overwrites."
        raise ManifestError(str(folder / MANIFEST), "there is a task already", fix)
    if script is None and _is_empty(folder):
        return _write(folder, _filled("example", {"name": _task_name(folder)}))
    return _write(folder, _around(folder, find_script(folder, script)))


def _around(folder: Path, script: str) -> dict[str, str]:
    predictions, written = find_predictions(folder, script)
    found = f"{script} writes it" if written else f"{script} must write it: nothing like it found"
    texts = _filled(
        "around",
        {
            "name": _task_name(folder),
            "script": script,
            "predictions": predictions,
            "answers": "answers" + PurePosixPath(predictions).suffix,
            "found": found,
        },
    )
    if (folder / SCORER).exists():
        return {MANIFEST: texts[MANIFEST]}
    return texts


def _is_empty(folder: Path) -> bool:
    try:
        return not any(not path.name.startswith(".") for path in folder.iterdir())
    except FileNotFoundError:
        return True
    except OSError as error:
        raise CannotWrite(str(folder), error.strerror or "unreadable") from None


def _task_name(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name).strip("-._")
    return name[:64] or "mytask"


def _filled(template: str, words: dict[str, str]) -> dict[str, str]:
    """Return the texts of a template folder by path, with ``$word`` replaced."""
    root = files("upward").joinpath("tasks", "templates", template)
    return {path: _fill(text, words) for path, text in sorted(_texts(root, "").items())}


def _fill(text: str, words: dict[str, str]) -> str:
    pattern = r"\$(" + "|".join(words) + r")\b"
    return re.sub(pattern, lambda found: words[found.group(1)], text)


def _texts(folder: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found |= _texts(entry, f"{prefix}{entry.name}/")
        elif entry.is_file():
            found[prefix + entry.name] = entry.read_text(encoding="utf-8")
    return found


def _write(folder: Path, texts: dict[str, str]) -> list[str]:
    """Write the texts as new files, ``task.toml`` last: without it there is no task."""
    order = sorted(texts, key=lambda path: (path == MANIFEST, path))
    for path in order:
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(texts[path])
        except OSError as error:
            raise CannotWrite(str(folder / path), error.strerror or "unwritable") from None
    return order
