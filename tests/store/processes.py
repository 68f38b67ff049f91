"""Real processes for tests: started with this package on their path, always ended."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import upward

SOURCE = str(Path(upward.__file__).parents[1])
# the temporary folders of tests may be on any disk; what a script needs comes as arguments
ENVIRONMENT = {**os.environ, "PYTHONPATH": SOURCE}


def command(script: str, *args: object) -> list[str]:
    return [sys.executable, "-c", script, *map(str, args)]


@contextlib.contextmanager
def running(script: str, *args: object) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(script, *args),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def killed_after(lines: int, script: str, *args: object) -> list[str]:
    """Everything that a script printed before it was killed, at least so many lines."""
    with running(script, *args) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    # the last line may be cut in the middle: then it is no acknowledgement
    return [line.strip() for line in said if line.endswith("\n")]


def finished(script: str, *args: object, under: Sequence[str] = ()) -> str:
    """What a script printed; it must end well."""
    done = subprocess.run(
        [*under, *command(script, *args)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def small_disk(folder: Path) -> list[str]:
    """Prefix of a command for which a new, empty folder is a disk of 1 MiB.

    The disk is a tmpfs in a mount namespace of its own, where the system allows one; elsewhere
    the kernel's limit on the size of a file takes its place.
    """
    folder.mkdir()
    mount = 'mount -t tmpfs -o size=1m small "$0" && exec "$@"'
    return _unshared(mount, folder) or ["sh", "-c", 'trap "" XFSZ; ulimit -f 1024; "$@"', "sh"]


def read_only(folder: Path) -> list[str]:
    """Prefix of a command for which a folder is read-only, also for the superuser."""
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    folder.chmod(0o555)
    return _unshared(mount, folder) or ["env"]


def _unshared(mount: str, folder: Path) -> list[str]:
    if shutil.which("unshare") is None:
        return []
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder)]
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else []
