import pickle
import typing
from collections.abc import Iterator

import pytest

from upward.core import errors
from upward.core.errors import (
    EvidenceError,
    LedgerError,
    TrialError,
    UnknownName,
    UpwardError,
    UsageError,
)

BRANCHES = (UsageError, EvidenceError, LedgerError, TrialError)


def descendants(kind: type[UpwardError]) -> Iterator[type[UpwardError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from descendants(child)


TREE = list(dict.fromkeys(descendants(UpwardError)))
LEAVES = [kind for kind in TREE if kind not in BRANCHES]


def example(kind: type[UpwardError]) -> UpwardError:
    if kind.__init__ is Exception.__init__:
        return kind("some text")
    values: dict[object, object] = {str: "some text", int: 7, float: 0.5}
    hints = typing.get_type_hints(kind.__init__)
    hints.pop("return", None)
    return kind(*(values.get(hint, ("one", "two")) for hint in hints.values()))


def test_the_tree_has_the_four_branches_and_their_leaves() -> None:
    assert {kind for kind in TREE if kind.__base__ is UpwardError} == set(BRANCHES)
    assert len(LEAVES) >= 20


@pytest.mark.parametrize("kind", TREE)
def test_every_error_survives_pickle(kind: type[UpwardError]) -> None:
    error = example(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.args == error.args
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_says_something(kind: type[UpwardError]) -> None:
    text = str(example(kind))
    assert "some text" in text
    assert "Error" not in text
    assert "(" not in text[:1]


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_belongs_to_exactly_one_branch(kind: type[UpwardError]) -> None:
    assert sum(issubclass(kind, branch) for branch in BRANCHES) == 1


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_drawn_in_the_tree_at_the_top(kind: type[UpwardError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_every_boundary_of_a_trial_has_its_own_error() -> None:
    boundaries = [kind.boundary for kind in TREE if issubclass(kind, TrialError)]
    assert len(set(boundaries)) == len(boundaries)


def test_an_unknown_name_comes_with_the_nearest_one() -> None:
    assert "Did you mean 'tinylm'?" in str(UnknownName("task", "tinyml", ["kernels", "tinylm"]))


def test_an_unknown_name_without_a_near_one_lists_what_is_known() -> None:
    text = str(UnknownName("task", "zzz", ["kernels", "tinylm"]))
    assert "kernels, tinylm." in text
    assert "…" in str(UnknownName("task", "zzz", [f"lab{n}" for n in range(20)]))
    assert "None is known" in str(UnknownName("task", "zzz", []))
