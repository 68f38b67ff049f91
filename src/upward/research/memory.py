"""What a researcher proposed before, so that it never asks the same question twice."""

from upward.core.ids import blob_id, tree_id
from upward.core.records import Draft
from upward.core.seen import Kept, Seen

LIMIT = 200_000


def candidate_of(draft: Draft, parent: Kept, seen: Seen) -> str:
    """Return the content id of the candidate that a draft leads to."""
    texts = {**parent.files, **draft.files}
    tree = {**seen.task.files, **{path: blob_id(text.encode()) for path, text in texts.items()}}
    return tree_id(tree)


class Memory:
    """Content ids that were met, the oldest forgotten beyond a fixed number."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with nothing."""
        self._limit = limit
        self._met: dict[str, None] = {}

    def add(self, candidate: str) -> None:
        """Remember a candidate."""
        self._met[candidate] = None
        if len(self._met) > self._limit:
            del self._met[next(iter(self._met))]

    def __contains__(self, candidate: object) -> bool:
        return candidate in self._met

    def is_new(self, draft: Draft, parent: Kept, seen: Seen) -> bool:
        """Whether the draft leads to a candidate never met; remembers it if so."""
        candidate = candidate_of(draft, parent, seen)
        if candidate in self._met or candidate in _known(seen) or not draft.files:
            return False
        self.add(candidate)
        return True


def _known(seen: Seen) -> set[str]:
    kept = (seen.baseline, seen.incumbent, *seen.archive)
    return {item.candidate for item in kept}
