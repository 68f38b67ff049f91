"""What kind of disk a path is on."""

from pathlib import Path, PurePosixPath

MOUNTS = Path("/proc/self/mounts")

# file systems whose files several machines see; SQLite's write-ahead log needs shared memory
NETWORK = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
        "sshfs",
    }
)


def network_kind(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that a path is on, or None for a local disk.

    Args:
        path: a file or folder, which need not exist yet.
        mounts: text in the form of ``/proc/mounts``; this machine's own when left out.
    """
    text = _own_mounts() if mounts is None else mounts
    kind = _kind_of(PurePosixPath(path.resolve()), text)
    plain = kind.removeprefix("fuse.")
    return kind if plain in NETWORK else None


def _own_mounts() -> str:
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        # no such list on this system: treated as local, as SQLite itself does
        return ""


def _kind_of(path: PurePosixPath, mounts: str) -> str:
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = PurePosixPath(_unescape(fields[1]))
        # of two mounts at one place the later one covers the earlier
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def _unescape(text: str) -> str:
    for code in (" ", "\t", "\n", "\\"):
        text = text.replace(f"\\{ord(code):03o}", code)
    return text
