"""Content ids and derived seeds: names from bytes, and randomness that can be replayed."""

import hashlib
from collections.abc import Mapping

from upward.core.canon import canonical

SHORT = 10


def blob_id(data: bytes) -> str:
    """Return the content id of some bytes: 64 hexadecimal digits of SHA-256."""
    return hashlib.sha256(data).hexdigest()


def record_id(kind: str, value: object) -> str:
    """Return the content id of a plain value, separated by kind so that no two kinds collide."""
    return hashlib.sha256(kind.encode() + b"\x00" + canonical(value)).hexdigest()


def tree_id(files: Mapping[str, str]) -> str:
    """Return the content id of a tree, given as path to blob id.

    Example:
        >>> tree_id({"a.py": "0" * 64}) == tree_id({"a.py": "0" * 64})
        True
    """
    return record_id("tree", dict(files))


def short(content_id: str) -> str:
    """Shorten an id for people; never compare shortened ids."""
    return content_id[:SHORT]


def derive_seed(secret: str, *parts: str | int) -> int:
    """Derive a 31-bit seed from a secret and a path of parts.

    The study's secret is drawn by the supervisor and the candidate's content id is one of the
    parts, so a seed cannot be known before the candidate is hashed, and the same study replays
    with the same seeds.

    Returns:
        An integer in [0, 2**31), small enough for every library's seed argument.
    """
    text = "\x00".join([secret, *(str(part) for part in parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
