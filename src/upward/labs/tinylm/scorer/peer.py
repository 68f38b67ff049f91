"""The pipes to the predictor: exact frames, a time limit, and one clear sentence when it fails."""

import os
import select
import struct

import numpy as np

PATIENCE_S = 60.0


class ScoringError(ValueError):
    """There is no measurement; the text says why."""


class Peer:
    """The process that holds the candidate's model.

    A question is two unsigned 32-bit numbers, little-endian, B and T, and B x T bytes; the answer
    is B x T x 256 little-endian numbers of 32 bits and nothing more.
    """

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write

    @classmethod
    def from_environment(cls) -> "Peer":
        """Take the descriptors that the supervisor named."""
        return cls(int(os.environ["UPWARD_PEER_READ"]), int(os.environ["UPWARD_PEER_WRITE"]))

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        """End the questions."""
        os.close(self._write)

    def ask(self, tokens: np.ndarray) -> np.ndarray:
        """Return the scores for `tokens`, shape (B, T), uint8, as shape (B, T, 256), float32.

        Raises:
            ScoringError: the predictor ended, or was silent for too long.
        """
        self._send(struct.pack("<II", *tokens.shape) + tokens.tobytes())
        wanted = tokens.size * 256 * 4
        answer = self._receive(wanted)
        if len(answer) < wanted:
            raise ScoringError(
                f"the predictor ended after {len(answer)} of the {wanted} bytes of an answer"
            )
        if select.select([self._read], [], [], 0)[0]:
            raise ScoringError("the predictor sent more than it was asked for, or ended too early")
        return np.frombuffer(answer, "<f4").reshape(*tokens.shape, 256)

    def _send(self, question: bytes) -> None:
        try:
            while question:
                question = question[os.write(self._write, question) :]
        except BrokenPipeError:
            raise ScoringError("the predictor ended before it was asked everything") from None

    def _receive(self, wanted: int) -> bytes:
        """Return `wanted` bytes, or fewer if the predictor ends."""
        chunks, missing = [], wanted
        while missing:
            if not select.select([self._read], [], [], PATIENCE_S)[0]:
                raise ScoringError(f"the predictor was silent for {PATIENCE_S:.0f} s")
            chunk = os.read(self._read, min(missing, 1 << 20))
            if not chunk:
                break
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)
