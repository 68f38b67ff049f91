"""Holds a trained model and answers the scorer's questions; this file is trusted, the model is not.

A question is two unsigned 32-bit numbers, little-endian, B and T, and B x T bytes of text. The
answer is B x T x 256 numbers of 32 bits: scores of the byte after each position.

Standard output belongs to the scorer. It is moved away before the model's code is imported, so
that a print cannot break a frame. Each question is answered by a fork that ends afterwards: what a
model learns from one question is gone at the next.

Not stopped here: a model that leaves notes for itself outside its process, in shared memory or
scratch files, or one that looks at the later bytes of a question. The scorer's repeated and drawn
windows are for those.
"""

import os
import struct
import sys
import traceback
from pathlib import Path
from typing import BinaryIO

import numpy as np


def read_frame(source: BinaryIO) -> np.ndarray | None:
    """Return the next question, shape (B, T), uint8, or None when there are no more."""
    head = source.read(8)
    if not head:
        return None
    rows, length = struct.unpack("<II", head)
    return np.frombuffer(source.read(rows * length), np.uint8).reshape(rows, length)


def answer(predictor: object, tokens: np.ndarray) -> bytes:
    """Return the scores of one question as the bytes of a frame.

    Raises:
        ValueError: the model returned another shape than it was asked for.
    """
    scores = np.ascontiguousarray(predictor.scores(tokens.copy()), "<f4")  # type: ignore[attr-defined]
    if scores.shape != (*tokens.shape, 256):
        raise ValueError(f"scores of shape {(*tokens.shape, 256)} were needed, not {scores.shape}")
    return scores.tobytes()


def answer_in_fork(predictor: object, tokens: np.ndarray, private: int) -> bytes:
    """Return what `answer` does, from a process that then ends; fewer bytes if it fails."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(private)
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(answer(predictor, tokens))
        finally:  # whatever the model raised, this process must not go on as a second server
            if sys.exc_info()[0]:
                traceback.print_exc()
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        frame = pipe.read()
    os.waitpid(child, 0)
    return frame


def main() -> int:
    """Load ``outputs/model.py``, then answer until standard input ends."""
    private = os.dup(1)
    target = os.fdopen(private, "wb")
    os.dup2(2, 1)
    folder = Path("outputs").resolve()
    sys.path.insert(0, str(folder))
    from model import load  # noqa: PLC0415 (only now is standard output safe)

    predictor = load(folder)
    while (tokens := read_frame(sys.stdin.buffer)) is not None:
        frame = answer_in_fork(predictor, tokens, private)
        target.write(frame)
        target.flush()
        if len(frame) != tokens.size * 256 * 4:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
