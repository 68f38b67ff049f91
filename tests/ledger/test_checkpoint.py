import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.ledger.checkpoint import (
    Checkpoint,
    Tree,
    checkpoint_of_hashes,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(b"%d" % number).hexdigest() for number in range(count)]


def root_by_definition(leaves: list[str]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0].encode()).digest()
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    left, right = root_by_definition(leaves[:middle]), root_by_definition(leaves[middle:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def pin(leaves: list[str]) -> Checkpoint:
    return checkpoint_of_hashes("s", leaves)


SIZES = st.integers(1, 70)


@given(st.integers(0, 70))
def test_the_growing_tree_has_the_root_of_the_definition(size: int) -> None:
    assert pin(hashes(size)).root == root_by_definition(hashes(size)).hex()


def test_the_growing_tree_keeps_few_hashes() -> None:
    tree = Tree()
    for entry_hash in hashes(1000):
        tree.add(entry_hash)
    assert tree.size == 1000
    assert len(tree._peaks) == bin(1000).count("1")


@given(
    st.lists(st.sampled_from(hashes(3)), max_size=9),
    st.lists(st.sampled_from(hashes(3)), max_size=9),
)
def test_roots_are_equal_exactly_when_the_entries_are(one: list[str], other: list[str]) -> None:
    assert (pin(one).root == pin(other).root) == (one == other)


@given(SIZES, st.data())
def test_every_entry_can_be_shown_to_be_part(size: int, data: st.DataObject) -> None:
    leaves, index = hashes(size), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert len(proof) <= size.bit_length()
    assert verify_inclusion(leaves[index], index, size, proof, pin(leaves).root)


@given(SIZES, st.data())
def test_a_proof_shows_nothing_else(size: int, data: st.DataObject) -> None:
    leaves, index = hashes(size), data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(leaves, index), pin(leaves).root
    stranger = hashlib.sha256(b"stranger").hexdigest()
    assert not verify_inclusion(stranger, index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, proof, stranger)
    assert not verify_inclusion(leaves[index], index, size, (*proof, stranger), root)
    assert not verify_inclusion(leaves[index], size, size, proof, root)
    assert not verify_inclusion(leaves[index], -1, size, proof, root)
    for other in {index - 1, index + 1} & set(range(size)):
        assert not verify_inclusion(leaves[index], other, size, proof, root)
    for cut in range(len(proof)):
        assert not verify_inclusion(leaves[index], index, size, proof[:cut], root)
        forged = (*proof[:cut], stranger, *proof[cut + 1 :])
        assert not verify_inclusion(leaves[index], index, size, forged, root)


@given(SIZES, st.data())
def test_a_tree_can_be_shown_to_only_have_grown(size: int, data: st.DataObject) -> None:
    leaves, old = hashes(size), data.draw(st.integers(1, size))
    proof = consistency_proof(leaves, old)
    assert verify_consistency(pin(leaves[:old]), pin(leaves), proof)


@given(SIZES, st.data())
def test_a_rewritten_history_cannot_be_shown_to_have_grown(size: int, data: st.DataObject) -> None:
    leaves, old = hashes(size), data.draw(st.integers(1, size))
    forged = list(leaves)
    forged[data.draw(st.integers(0, old - 1))] = hashlib.sha256(b"forged").hexdigest()
    proof = consistency_proof(forged, old)
    assert not verify_consistency(pin(leaves[:old]), pin(forged), proof)
    assert not verify_consistency(pin(leaves[:old]), pin(forged), consistency_proof(leaves, old))


@given(st.integers(2, 40), st.data())
def test_a_cut_or_lengthened_consistency_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves, old = hashes(size), data.draw(st.integers(1, size - 1))
    proof = consistency_proof(leaves, old)
    was, now = pin(leaves[:old]), pin(leaves)
    assert not verify_consistency(was, now, proof[:-1])
    assert not verify_consistency(was, now, (*proof, leaves[0]))
    assert not verify_consistency(now, was, proof)
    assert not verify_consistency(dataclasses.replace(was, study="t"), now, proof)


@pytest.mark.parametrize("node", ["", "xyz", "0" * 63, "g" * 64, "0" * 66, "A" * 64])
def test_a_malformed_proof_is_refused_and_not_a_crash(node: str) -> None:
    leaves = hashes(6)
    was, now = pin(leaves[:3]), pin(leaves)
    assert not verify_inclusion(leaves[0], 0, 6, (node,) * 3, now.root)
    assert not verify_consistency(was, now, (node,) * 3)
    assert not verify_consistency(dataclasses.replace(was, size=4, root=node), now, (node,))


@pytest.mark.parametrize(("count", "index"), [(0, 0), (3, 3), (3, -1)])
def test_there_is_no_proof_for_what_does_not_exist(count: int, index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_proof(hashes(count), index)


@pytest.mark.parametrize(("count", "old"), [(0, 0), (3, 4), (3, 0)])
def test_there_is_no_consistency_with_a_tree_that_is_no_prefix(count: int, old: int) -> None:
    with pytest.raises(IndexError):
        consistency_proof(hashes(count), old)
