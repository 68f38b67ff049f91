import hashlib

from hypothesis import given
from hypothesis import strategies as st

from upward.core.ids import blob_id, derive_seed, record_id, short, tree_id

TREES = st.dictionaries(st.text(min_size=1), st.binary(max_size=4).map(blob_id), max_size=5)


@given(st.binary())
def test_a_blob_is_named_by_its_sha256(data: bytes) -> None:
    assert blob_id(data) == hashlib.sha256(data).hexdigest()


@given(TREES)
def test_a_tree_does_not_depend_on_the_order_of_its_files(tree: dict[str, str]) -> None:
    assert tree_id(dict(reversed(tree.items()))) == tree_id(tree)


@given(TREES, TREES)
def test_trees_have_one_name_exactly_when_they_are_equal(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert (tree_id(one) == tree_id(other)) == (one == other)


@given(TREES)
def test_kinds_do_not_collide(tree: dict[str, str]) -> None:
    assert record_id("task", tree) != record_id("tree", tree) == tree_id(tree)


def test_the_name_of_a_tree_never_changes_between_versions() -> None:
    tree = {"a.py": blob_id(b"a"), "b.py": blob_id(b"b")}
    assert (
        tree_id(tree)
        == hashlib.sha256(
            b'tree\x00{"a.py":"'
            + blob_id(b"a").encode()
            + b'","b.py":"'
            + blob_id(b"b").encode()
            + b'"}'
        ).hexdigest()
    )


@given(st.text(), st.lists(st.text() | st.integers(), max_size=3))
def test_a_seed_is_repeatable_and_fits_every_library(secret: str, parts: list[str | int]) -> None:
    seed = derive_seed(secret, *parts)
    assert seed == derive_seed(secret, *parts)
    assert 0 <= seed < 2**31


def test_seeds_of_different_paths_differ() -> None:
    seeds = {
        derive_seed(secret, candidate, purpose, index)
        for secret in ("s", "t")
        for candidate in ("a", "b")
        for purpose in ("race", "screen")
        for index in range(100)
    }
    assert len(seeds) == 800


def test_people_see_the_beginning_of_an_id() -> None:
    assert blob_id(b"x").startswith(short(blob_id(b"x")))
    assert len(short(blob_id(b"x"))) == 10
