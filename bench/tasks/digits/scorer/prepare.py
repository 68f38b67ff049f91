"""Split the digits that ship with scikit-learn."""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Write the public images and the hidden labels."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(11).permutation(len(x))
    x, y = x[order], y[order]
    Path("public").mkdir()
    Path("hidden").mkdir()
    np.savez("public/digits.npz", x=x[:600], y=y[:600], x_test=x[600:])
    Path("hidden/labels.json").write_text(json.dumps(y[600:].tolist()))


if __name__ == "__main__":
    main()
