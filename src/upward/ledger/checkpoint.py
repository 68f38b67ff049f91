"""Merkle checkpoint of a study: 64 digits that pin every entry up to a size.

The tree has the shape of RFC 6962, section 2.1 (leaf prefix 0x00, node prefix 0x01); its leaves
are the hashes of the entries. Whoever keeps a checkpoint elsewhere can later find a removed tail
or a rewritten history, and can be shown with a short proof that one entry is part of it, or that
a newer checkpoint only adds to it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from upward.core.records import Entry
from upward.ledger.chain import START

LEAF = b"\x00"
NODE = b"\x01"
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a study was at one moment.

    Args:
        study: its name.
        size: number of entries.
        root: Merkle root over the hashes of these entries, 64 hexadecimal digits.
        head: hash of the last of them; 64 zeros when there is none.
    """

    study: str
    size: int
    root: str
    head: str


class Tree:
    """A Merkle tree that grows at its end and keeps O(log n) hashes."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, str]] = []
        self.size = 0
        self.head = START

    def add(self, entry_hash: str) -> None:
        """Append one entry, given by its hash."""
        width, node = 1, _leaf(entry_hash)
        while self._peaks and self._peaks[-1][0] == width:
            node = _node(self._peaks.pop()[1], node)
            width *= 2
        self._peaks.append((width, node))
        self.size += 1
        self.head = entry_hash

    @property
    def root(self) -> str:
        """The root over all entries so far; the hash of nothing for an empty tree."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        node = self._peaks[-1][1]
        for _, left in self._peaks[-2::-1]:
            node = _node(left, node)
        return node

    def checkpoint(self, study: str) -> Checkpoint:
        """Return what the tree pins now."""
        return Checkpoint(study, self.size, self.root, self.head)


def checkpoint_of(study: str, entries: Iterable[Entry]) -> Checkpoint:
    """Return the checkpoint of all entries of a study, given in order."""
    return checkpoint_of_hashes(study, (entry.hash for entry in entries))


def checkpoint_of_hashes(study: str, hashes: Iterable[str]) -> Checkpoint:
    """Return the checkpoint of a study, given the hashes of its entries in order."""
    tree = Tree()
    for entry_hash in hashes:
        tree.add(entry_hash)
    return tree.checkpoint(study)


def inclusion_proof(hashes: Sequence[str], index: int) -> tuple[str, ...]:
    """Return the proof that the entry at a position is part of the tree.

    Args:
        hashes: of all entries, in order.
        index: position from 0 (an entry's seq less one).

    Returns:
        At most log2(n) + 1 node hashes, nearest to the leaf first.

    Raises:
        IndexError: there is no such position.
    """
    if not 0 <= index < len(hashes):
        raise IndexError(f"position {index} of {len(hashes)}")
    return tuple(_path([_leaf(h) for h in hashes], index))


def verify_inclusion(
    entry_hash: str, index: int, size: int, proof: Sequence[str], root: str
) -> bool:
    """Whether the proof shows that an entry stands at a position of the tree with this root.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size or not _are_nodes(proof):
        return False
    position, last, node = index, size - 1, _leaf(entry_hash)
    for sibling in proof:
        if last == 0:
            return False
        if position % 2 or position == last:
            node = _node(sibling, node)
            position, last = _climb(position, last)
        else:
            node = _node(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def consistency_proof(hashes: Sequence[str], old_size: int) -> tuple[str, ...]:
    """Return the proof that the tree of the first `old_size` entries is a prefix of the whole.

    Raises:
        IndexError: the old tree is empty or larger than the new one.
    """
    if not 0 < old_size <= len(hashes):
        raise IndexError(f"size {old_size} of {len(hashes)}")
    leaves = [_leaf(h) for h in hashes]
    return tuple(_subproof(leaves, old_size, known=True))


def verify_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[str]) -> bool:
    """Whether the proof shows that nothing in the old checkpoint was removed or rewritten.

    Source: RFC 9162, section 2.1.4.2.
    """
    if old.study != new.study or not 0 < old.size <= new.size:
        return False
    if not _are_nodes([old.root, *proof]):
        return False
    if old.size == new.size:
        return not proof and old.root == new.root
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
    return bool(path) and _grown(path, old, new)


def _grown(path: list[str], old: Checkpoint, new: Checkpoint) -> bool:
    position, last = old.size - 1, new.size - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    was = now = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if position % 2 or position == last:
            was, now = _node(node, was), _node(node, now)
            position, last = _climb(position, last)
        else:
            now = _node(now, node)
        position, last = position >> 1, last >> 1
    return last == 0 and (was, now) == (old.root, new.root)


def _are_nodes(proof: Sequence[str]) -> bool:
    return all(len(node) == 64 and set(node) <= HEX for node in proof)


def _climb(position: int, last: int) -> tuple[int, int]:
    """Skip the levels at which a node on the right edge has no sibling."""
    while position % 2 == 0 and position:
        position, last = position >> 1, last >> 1
    return position, last


def _leaf(entry_hash: str) -> str:
    # the text and not its 32 bytes: a hash that was damaged must still have a place in the tree
    return hashlib.sha256(LEAF + entry_hash.encode("utf-8", "surrogatepass")).hexdigest()


def _node(left: str, right: str) -> str:
    return hashlib.sha256(NODE + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def _split(count: int) -> int:
    """Largest power of two below the count."""
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: Sequence[str]) -> str:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return _node(_root(leaves[:middle]), _root(leaves[middle:]))


def _path(leaves: Sequence[str], index: int) -> list[str]:
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if index < middle:
        return [*_path(left, index), _root(right)]
    return [*_path(right, index - middle), _root(left)]


def _subproof(leaves: Sequence[str], old_size: int, *, known: bool) -> list[str]:
    if old_size == len(leaves):
        return [] if known else [_root(leaves)]
    middle = _split(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if old_size <= middle:
        return [*_subproof(left, old_size, known=known), _root(right)]
    return [*_subproof(right, old_size - middle, known=False), _root(left)]
