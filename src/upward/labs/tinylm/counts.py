"""A count model of bytes, for `model.py` to lean on.

It counts which byte followed which one to five bytes in the training text, and mixes the orders as
Witten and Bell did: p(b|context) = (count(b) + kinds p(b|shorter context)) / (total + kinds), where
`kinds` is the number of different bytes seen after the context and `total` how often it was seen.

In training every byte would find itself among the counts and the model would trust them far too
much. So the byte to be predicted is taken out of the counts first ("leave one out").
"""

import numpy as np
import torch
from torch import Tensor

BYTES = 256  # fixed


class CountPrior:
    """Log-probabilities of the next byte from counts of the training text.

    All that it knows is in `tables`, a mapping of names to tensors that can be saved; there is one
    sparse table per order: row r holds the bytes seen after the context ``keys[r]``.
    """

    def __init__(self, tables: dict[str, Tensor]) -> None:
        self.tables = tables
        self.order = sum(name.endswith("keys") for name in tables)

    @classmethod
    def from_text(cls, text: np.ndarray, order: int) -> "CountPrior":
        """Count the `text`, shape (n,), uint8, with contexts of 1 to `order` bytes (at most 7)."""
        single = torch.from_numpy(np.bincount(text, minlength=BYTES) + 1.0)
        tables = {"single": (single / single.sum()).float()}
        for n in range(1, order + 1):
            tables.update(_count(text, n))
        return cls(tables)

    @torch.no_grad()
    def log_probs(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return log p(next byte), shape (batch, time, 256).

        Args:
            tokens: shape (batch, time), int64; nothing before the first byte is known.
            targets: the bytes that follow, when these are windows of the training text: each is
                taken out of the counts before it is predicted.
        """
        left_out = None if targets is None else targets.reshape(-1)
        probs = self.tables["single"].repeat(tokens.numel(), 1)
        for n in range(1, self.order + 1):
            self._refine(probs, n, _contexts(tokens, n).reshape(-1), left_out)
        return probs.log().view(*tokens.shape, 256)

    def _refine(self, probs: Tensor, n: int, contexts: Tensor, left_out: Tensor | None) -> None:
        """Mix order `n` into the shorter orders' `probs`, shape (positions, 256), in place."""
        keys, starts = self.tables[f"{n}.keys"], self.tables[f"{n}.starts"]
        row = torch.searchsorted(keys, contexts).clamp_(max=len(keys) - 1)
        sizes = torch.where(keys[row] == contexts, starts[row + 1] - starts[row], 0)
        position = torch.repeat_interleave(sizes)
        ends = sizes.cumsum(0)
        cell = torch.arange(len(position)) + (starts[row] - ends + sizes)[position]
        byte = self.tables[f"{n}.bytes"][cell].long()
        count = self.tables[f"{n}.counts"][cell].float()
        if left_out is not None:
            count -= (byte == left_out[position]).float()
        zeros = torch.zeros(len(contexts))
        total = zeros.index_add(0, position, count)
        kinds = zeros.index_add(0, position, (count > 0).float())
        whole = (total + kinds).clamp(min=1)  # fixed
        probs.mul_(torch.where(total > 0, kinds / whole, 1.0)[:, None])
        probs.view(-1).index_add_(0, position * 256 + byte, count / whole[position])


def _count(text: np.ndarray, n: int) -> dict[str, Tensor]:
    codes = np.zeros(len(text) - n, np.int64)
    for back in range(n):
        codes = codes * 256 + text[back : len(text) - n + back]
    cells, counts = np.unique(codes * 256 + text[n:], return_counts=True)
    keys, starts = np.unique(cells // 256, return_index=True)
    return {
        f"{n}.keys": torch.from_numpy(keys),
        f"{n}.starts": torch.from_numpy(np.append(starts, len(cells))),
        f"{n}.bytes": torch.from_numpy((cells % 256).astype(np.uint8)),
        f"{n}.counts": torch.from_numpy(counts.astype(np.int32)),
    }


def _contexts(tokens: Tensor, n: int) -> Tensor:
    """Return the number of the last `n` bytes at each position; -1 where there are fewer."""
    codes = torch.full_like(tokens, -1)
    if tokens.shape[1] >= n:
        windows = tokens.unfold(1, n, 1)
        codes[:, n - 1 :] = (windows * 256 ** torch.arange(n - 1, -1, -1)).sum(-1)
    return codes
