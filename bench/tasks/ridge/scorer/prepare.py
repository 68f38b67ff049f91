"""Make rows whose target bends, waves and multiplies, with a few wild ones."""

import json
from pathlib import Path

import numpy as np


def main() -> None:
    """Write the public rows and the hidden targets."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(900, 8))
    y = x[:, 0] + 0.8 * x[:, 1] * x[:, 2] + np.sin(2.2 * x[:, 3]) + 0.4 * x[:, 4] ** 2
    y += np.maximum(x[:, 5] - 0.5, 0) + 0.5 * np.log1p(np.abs(x[:, 6]))
    clean = y.copy()
    y = y + 0.4 * rng.normal(size=900)
    wild = rng.random(900) < 0.05
    y[wild] += rng.normal(size=wild.sum()) * 8
    Path("public").mkdir()
    Path("hidden").mkdir()
    np.savez("public/rows.npz", x=x[:500], y=y[:500], x_test=x[500:])
    Path("hidden/targets.json").write_text(json.dumps(clean[500:].tolist()))


if __name__ == "__main__":
    main()
