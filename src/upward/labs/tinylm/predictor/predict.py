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


def answer(predictor: object, tokens: np.ndarray, target: BinaryIO) -> None:
    """Write the scores of one question.

    Raises:
        ValueError: the model returned another shape than it was asked for.
    """
    scores = np.ascontiguousarray(predictor.scores(tokens.copy()), np.float32)  # type: ignore[attr-defined]
    if scores.shape != (*tokens.shape, 256):
        raise ValueError(f"scores of shape {(*tokens.shape, 256)} were needed, not {scores.shape}")
    target.write(scores.tobytes())
    target.flush()


def answer_in_fork(predictor: object, tokens: np.ndarray, target: BinaryIO) -> bool:
    """Write the scores of one question from a process that ends afterwards; tell if it went well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            answer(predictor, tokens, target)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def main() -> int:
    """Load ``outputs/model.py``, then answer until standard input ends."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    folder = Path("outputs").resolve()
    sys.path.insert(0, str(folder))
    from model import load  # noqa: PLC0415 (only now is standard output safe)

    predictor = load(folder)
    while (tokens := read_frame(sys.stdin.buffer)) is not None:
        if not answer_in_fork(predictor, tokens, target):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
