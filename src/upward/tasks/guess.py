"""What can be found out about a folder of scripts without asking: which one trains, what it writes.

Scripts are parsed, never run. Not covered: names that are put together while a script runs.
"""

import ast
from pathlib import Path

from upward.core.errors import ManifestError, UnknownName
from upward.tasks.manifest import output_paths
from upward.tasks.schema import Wrong

FIRST_CHOICE = ("train.py", "main.py")
NEVER = ("setup.py", "conftest.py", "__init__.py", "prepare.py")
WRITERS = {"save", "savez", "savetxt", "save_file", "to_csv", "tofile", "dump"}
DEFAULT_PREDICTIONS = "predictions.csv"
READABLE = (".npy", ".csv")
TELLING = ("pred", "answer", "submission", "output", "result")
NOT_TELLING = ("log", "history", "loss", "metric", "curve")


def find_script(folder: Path, named: str | None) -> str:
    """Return the script that runs a trial, relative to the folder.

    Args:
        folder: where it lies.
        named: what the user says; None to find it.

    Raises:
        UnknownName: the named script is not there.
        ManifestError: there is no Python script to choose.
    """
    found = sorted(path.name for path in folder.glob("*.py") if path.name not in NEVER)
    scripts = [name for name in found if _inside(folder, name)]
    if named is not None:
        if not named.endswith(".py") or not _inside(folder, named):
            raise UnknownName("script", named, scripts, "Name a Python file of the folder.")
        return named
    for name in FIRST_CHOICE:
        if name in scripts:
            return name
    if not scripts:
        fix = "Name one with --script, or an empty folder to get a complete example."
        raise ManifestError(str(folder), "there is no Python script in it", fix)
    return max(scripts, key=lambda name: _promise(_tree(folder / name)))


def find_predictions(folder: Path, script: str) -> tuple[str, bool]:
    """Return the file that holds a script's predictions, and whether it really writes that one."""
    written = written_files(_tree(folder / script))
    readable = [path for path in written if path.endswith(READABLE)]
    likely = [path for path in readable if any(word in path.lower() for word in TELLING)]
    other = [path for path in readable if not any(word in path.lower() for word in NOT_TELLING)]
    found = likely + other
    return (found[0], True) if found else (DEFAULT_PREDICTIONS, False)


def written_files(tree: ast.Module) -> list[str]:
    """Return the relative paths that a script writes under a literal name, in order of its text."""
    names = _constants(tree)
    calls = sorted(
        (node for node in ast.walk(tree) if isinstance(node, ast.Call)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    found: dict[str, None] = {}
    for call in calls:
        for path in _targets(call, names):
            if _is_output(path):
                found[path] = None
    return list(found)


def _inside(folder: Path, name: str) -> bool:
    return _is_output(name) and (folder / name).is_file()


def _is_output(path: str) -> bool:
    try:
        return "." in path and '"' not in path and output_paths([path]) == (path,)
    except Wrong:
        return False


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ast.Module(body=[], type_ignores=[])  # nothing is known about it, and that is fine


def _promise(tree: ast.Module) -> tuple[bool, int]:
    """How much a script looks like one to run: a main guard, then the number of constants."""
    guarded = any(
        isinstance(node, ast.If) and "__main__" in ast.dump(node.test) for node in tree.body
    )
    return guarded, sum(isinstance(node, ast.Assign | ast.AnnAssign) for node in tree.body)


def _constants(tree: ast.Module) -> dict[str, str]:
    """Module-level names that hold one literal text, also inside ``Path(...)``."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = _text(node.value, {})
            if text is not None:
                found[node.targets[0].id] = text
    return found


def _text(node: ast.expr, names: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return names.get(name)
        case ast.Call(func=ast.Name(id="Path"), args=[inner]):
            return _text(inner, names)
        case _:
            return None


def _targets(call: ast.Call, names: dict[str, str]) -> list[str]:
    match call.func:
        case ast.Name(id="open"):
            places = call.args[:1] if _writes(call, 1) else []
        case ast.Attribute(value=place, attr="open"):
            places = [place] if _writes(call, 0) else []
        case ast.Attribute(value=place, attr="write_text" | "write_bytes"):
            places = [place]
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in WRITERS:
            places = [*call.args, *(keyword.value for keyword in call.keywords)]
        case _:
            places = []
    texts = (_text(place, names) for place in places)
    return [text for text in texts if text is not None]


def _writes(call: ast.Call, position: int) -> bool:
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += call.args[position : position + 1]
    found = (_text(mode, {}) or "r" for mode in modes)
    return any(letter in mode for mode in found for letter in "wax")
