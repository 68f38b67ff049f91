"""What every sandbox may see of this machine: the interpreter, the system's libraries, no more.

Hidden packages are found by name under everything that is visible, whichever Python they belong
to, because a candidate may read a file that it cannot import.
"""

import os
import sys
from functools import lru_cache
from pathlib import Path

ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime")
LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@lru_cache(maxsize=1)
def roots() -> tuple[str, ...]:
    """Folders that are visible read-only: ``/usr`` and the interpreter's own."""
    found = ["/usr"]
    for prefix in (sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix):
        real = os.path.realpath(prefix)
        for path in (prefix, real):
            if not any(path == r or path.startswith(f"{r}/") for r in found):
                found.append(path)
    return tuple(found)


@lru_cache(maxsize=8)
def hidden(names: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """Return the paths that a view must mask, as (path, is a folder).

    Args:
        names: of Python packages or modules. Upward itself is always masked.

    Cost: one walk over everything visible (about 0.5 s) for a new set of names, none without.
    """
    found = dict(_own())
    wanted = frozenset(names)
    for root in roots() if wanted else ():
        found.update(_walk(root, wanted))
    return tuple(sorted(found.items()))


def _own() -> list[tuple[str, bool]]:
    """Where Upward itself is, and what its installation leaves beside it."""
    package = Path(__file__).resolve().parents[1]
    places = {package, *(Path(folder) / package.name for folder in sys.path if folder)}
    for folder in {Path(folder) for folder in sys.path if folder}:
        places.update(folder.glob(f"{package.name}-*.dist-info"))
    return [(str(p), True) for p in places if p.is_dir() and _visible(str(p))]


def _visible(path: str) -> bool:
    return any(path.startswith(f"{root}/") for root in roots())


def _walk(root: str, wanted: frozenset[str]) -> list[tuple[str, bool]]:
    found = list[tuple[str, bool]]()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue  # what cannot be read here cannot be read there
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if _matches(entry.name, wanted, is_folder=is_folder):
                found.append((entry.path, is_folder))
            elif is_folder:
                waiting.append(entry.path)
    return found


def _matches(name: str, wanted: frozenset[str], *, is_folder: bool) -> bool:
    if is_folder:
        return name in wanted
    stem, _, rest = name.partition(".")
    return stem in wanted and (rest == "py" or rest.endswith(("pyc", "so")))


def environment(extra: dict[str, str]) -> dict[str, str]:
    """The whole environment of a sandboxed command."""
    folders = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": ":".join(folders),
        "HOME": "/tmp",  # noqa: S108 - the sandbox's own
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **extra,
    }


def resolved(argv: tuple[str, ...]) -> list[str]:
    """The command with ``python`` replaced by the interpreter that runs Upward."""
    return [sys.executable if argv[0] == "python" else argv[0], *argv[1:]]
