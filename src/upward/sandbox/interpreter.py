"""The interpreter that runs Upward, as others must see it: its command, folders and variables."""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

# what a Python installation or /usr is made of; any other folder there is not ours to show
PARTS = frozenset(
    {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include", "share", "etc"}
    | {"ssl", "local", "man", "cuda", "nvvm"}
)
VARIABLES = {
    "HOME": "/tmp",  # noqa: S108  (the sandbox's own)
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def environment() -> dict[str, str]:
    """Return the whole environment of a command; nothing of ours is in it."""
    path = f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, **VARIABLES}


def resolved(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command with ``python`` as the path of this interpreter."""
    first = sys.executable if argv[0] == "python" else argv[0]
    return (first, *argv[1:])


@cache
def installations() -> tuple[str, ...]:
    """Return the folders of the system, of the interpreter's environment and of its base."""
    named = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    return tuple(dict.fromkeys(["/usr", *named, *(os.path.realpath(name) for name in named)]))


@cache
def roots() -> tuple[str, ...]:
    """Return the folders of this machine that all sandboxes see, none inside another."""
    found = installations()
    return tuple(path for path in found if not any(_inside(path, other) for other in found))


@cache
def not_shown() -> dict[str, tuple[str, ...]]:
    """Find the folders right below an installation that are no part of it.

    A project may lie in ``/usr/src``, other environments below this one.

    Returns:
        Such a folder to the installations that lie in it and must be seen nevertheless.
    """
    places = [Path(place) for place in (*installations(), "/usr/local")]
    folders = (path for place in places if place.is_dir() for path in place.iterdir())
    names = (str(path) for path in folders if path.is_dir() and not path.is_symlink())
    return {
        name: tuple(path for path in installations() if _inside(path, name))
        for name in sorted(names)
        if Path(name).name.partition("-")[0] not in PARTS and name not in installations()
    }


@cache
def links() -> tuple[tuple[str, str], ...]:
    """Return the links from the interpreter's name to its file that `roots` does not cover.

    A version manager may point from an environment to a folder that is itself a link.

    Returns:
        Pairs of the path of a link and the file that is meant.
    """
    found, path = list[tuple[str, str]](), sys.executable
    while Path(path).is_symlink():
        path = os.path.normpath(Path(path).parent / Path(path).readlink())
        if not any(_inside(path, folder) for folder in roots()):
            found.append((path, os.path.realpath(path)))
    return tuple(found)


@cache
def hidden_paths(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find a package or module everywhere in what a sandbox sees, whichever Python it belongs to.

    A candidate may read a file that it cannot import, so every folder is searched. Not found are
    copies in archives or under another name.

    Args:
        name: of a top-level package or module.

    Returns:
        Folders, and files, that must not be readable.

    Cost: one walk over everything visible, about half a second, once per name and process.
    """
    folders, files = list[str](), list[str]()
    for path, is_folder in _walk(name):
        (folders if is_folder else files).append(path)
    return tuple(folders), tuple(files)


def _walk(name: str) -> Iterator[tuple[str, bool]]:
    waiting = list(roots())
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue  # what cannot be read here cannot be read there
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name == name if is_folder else _is_module(entry.name, name):
                yield entry.path, is_folder
            elif is_folder:
                waiting.append(entry.path)


def _is_module(file: str, name: str) -> bool:
    stem, _, rest = file.partition(".")
    return stem == name and rest.endswith(("py", "pyc", "pyi", "so"))


@cache
def own_paths() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find Upward itself in what a sandbox sees: its package and the notes of its installation."""
    source = Path(__file__).resolve().parents[1]
    folders, files = [source], list[Path]()
    for place in {Path(folder) for folder in sys.path if folder}:
        folders += [place / "upward", *place.glob("upward-*-info")]
        for pattern in ("upward*.pth", "_upward*.pth", "__editable__*upward*"):
            files += place.glob(pattern)
    return (
        tuple(sorted({str(path) for path in folders if path.is_dir() and is_visible(str(path))})),
        tuple(sorted({str(path) for path in files if path.is_file() and is_visible(str(path))})),
    )


def is_visible(path: str) -> bool:
    """Whether all sandboxes see a path of this machine."""
    return any(path == root or _inside(path, root) for root in roots())


def lies_below(folder: str) -> bool:
    """Whether a path that all sandboxes see is inside a folder."""
    return any(_inside(path, folder) for path in (*roots(), *(link for link, _ in links())))


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")
