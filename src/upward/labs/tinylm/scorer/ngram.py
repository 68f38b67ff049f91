"""Counting models of bytes: what a measurement is compared with, and what canaries are drawn from.

Contexts of up to seven bytes fit into one 64-bit number, so the counts are exact: no hashing.
"""

import numpy as np


def context_codes(text: np.ndarray, order: int) -> np.ndarray:
    """Return for each position the number that stands for the `order` bytes before it.

    Args:
        text: shape (n,), uint8.
        order: 0 to 7; positions with fewer bytes before them see zeros there.

    Returns:
        shape (n,), uint64.
    """
    codes = np.zeros(len(text), np.uint64)
    for back in range(order, 0, -1):
        codes[back:] = (codes[back:] << np.uint64(8)) | text[:-back]
        codes[:back] <<= np.uint64(8)
    return codes


class WittenBell:
    """Counts of 0 to `order` bytes of context, each mixed with the next shorter one.

    p(b|c) = (count(c, b) + kinds(c) p(b|shorter c)) / (count(c) + kinds(c)), where kinds(c) is how
    many different bytes were seen after c. Source: Witten and Bell (1991).
    """

    def __init__(self, text: np.ndarray, order: int) -> None:
        self.order = order
        self._tables = [_table(text, n) for n in range(order + 1)]

    def bits(self, text: np.ndarray) -> np.ndarray:
        """Return the cost of each byte of `text`, shape (n,), in bits."""
        chance = np.full(len(text), 1 / 256)
        for n, (contexts, totals, kinds, pairs, counts) in enumerate(self._tables):
            codes = context_codes(text, n)
            total = _look_up(contexts, totals, codes)
            kind = _look_up(contexts, kinds, codes)
            count = _look_up(pairs, counts, _pair(codes, text))
            mixed = (count + kind * chance) / np.maximum(total + kind, 1)
            chance = np.where(total > 0, mixed, chance)
        return -np.log2(chance)


def _pair(codes: np.ndarray, text: np.ndarray) -> np.ndarray:
    return (codes << np.uint64(8)) | text


def _table(text: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    pairs, counts = np.unique(_pair(context_codes(text, order), text), return_counts=True)
    contexts, first = np.unique(pairs >> np.uint64(8), return_index=True)
    kinds = np.diff(np.append(first, len(pairs)))
    return contexts, np.add.reduceat(counts, first), kinds, pairs, counts


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


class Babbler:
    """Draws text that looks like English, byte by byte, with a known chance for every byte.

    Each byte is copied from a random place of `text` where the last three bytes were the same (two,
    one or none, where that happened fewer than five times). Nobody can code such bytes in fewer
    bits, on average, than the chances that they were drawn with.

    Source: Shannon (1948), A Mathematical Theory of Communication, section 3.
    """

    def __init__(self, text: np.ndarray) -> None:
        self._text = text
        self._orders = []
        for order in (3, 2, 1, 0):
            codes = context_codes(text, order)
            places = np.argsort(codes, kind="stable")
            self._orders.append((order, codes[places], places))

    def go_on(
        self, start: np.ndarray, length: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw what follows after `start`.

        Args:
            start: at least three bytes, uint8.
            length: number of bytes to draw.
            rng: the only source of randomness.

        Returns:
            the drawn bytes, shape (length,), uint8, and what each costs at its own chance, in bits.
        """
        drawn = [int(byte) for byte in start[-3:]]
        bits = np.zeros(length)
        for step in range(length):
            followers = self._followers(drawn[-3:])
            byte = int(followers[rng.integers(len(followers))])
            bits[step] = -np.log2(np.mean(followers == byte))
            drawn.append(byte)
        return np.array(drawn[3:], np.uint8), bits

    def _followers(self, last: list[int]) -> np.ndarray:
        for order, codes, places in self._orders:
            code = np.uint64(int.from_bytes(bytes(last[3 - order :]), "big"))
            low, high = np.searchsorted(codes, code), np.searchsorted(codes, code, side="right")
            if high - low >= 5:
                return self._text[places[low:high]]
        return self._text
