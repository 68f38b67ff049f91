"""Makes the text of this task once per study: what a candidate may see, and what it may not.

The text is the language reference that ships with CPython (`pydoc_data.topics`). Its topics quote
each other at length ("if" is a part of "compound"), so a paragraph is kept only where it comes
first: what is measured on was never seen in training.

Leaves ``public/train.txt``, ``hidden/dev.txt``, ``hidden/holdout.txt`` and
``hidden/reference.json`` (what simple models and packers need on the same text).
"""

import bz2
import hashlib
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from ngram import WittenBell

SHARES = {"train": 0.65, "dev": 0.20, "holdout": 0.15}


def fresh_texts() -> list[str]:
    """Return the topics in the order of the hash of their names, without repeated paragraphs."""
    seen: set[str] = set()
    texts = []
    for name in sorted(topics, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        paragraphs = topics[name].split("\n\n")
        keys = [" ".join(paragraph.split()) for paragraph in paragraphs]
        fresh = [p for p, key in zip(paragraphs, keys, strict=True) if key and key not in seen]
        seen.update(keys)
        texts.append("\n\n".join(fresh))
    return [text for text in texts if text]


def split(texts: list[str]) -> dict[str, bytes]:
    """Cut the row of topics into train, dev and holdout at topic ends nearest to the shares."""
    sizes = np.cumsum([len(text.encode()) for text in texts])
    parts, start, share = {}, 0, 0.0
    for name, part in SHARES.items():
        share += part
        end = int(np.argmin(np.abs(sizes - share * sizes[-1]))) + 1
        parts[name] = "\n\n".join(texts[start:end]).encode()
        start = end
    return parts


def reference(train: bytes, text: bytes) -> dict[str, float]:
    """Return what simple means need for `text`, in bits per byte; "given train" means after it."""
    model = WittenBell(np.frombuffer(train, np.uint8), order=5)
    return {
        "ngram_bpb": float(model.bits(np.frombuffer(text, np.uint8)).mean()),
        "xz_bpb": _packed(lzma.compress, text),
        "xz_given_train_bpb": _packed(lzma.compress, text, train),
        "bz2_bpb": _packed(bz2.compress, text),
        "bz2_given_train_bpb": _packed(bz2.compress, text, train),
    }


def _packed(pack: Callable[[bytes], bytes], text: bytes, before: bytes = b"") -> float:
    extra = len(pack(before + text)) - (len(pack(before)) if before else 0)
    return 8 * extra / len(text)


def main() -> None:
    """Write the files."""
    parts = split(fresh_texts())
    public, hidden = Path("public"), Path("hidden")
    public.mkdir(exist_ok=True)
    hidden.mkdir(exist_ok=True)
    (public / "train.txt").write_bytes(parts["train"])
    for name in ("dev", "holdout"):
        (hidden / f"{name}.txt").write_bytes(parts[name])
    lines = {name: reference(parts["train"], parts[name]) for name in ("dev", "holdout")}
    (hidden / "reference.json").write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
