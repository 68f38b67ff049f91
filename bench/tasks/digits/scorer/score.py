"""Mean log-loss of the probabilities, which the scorer normalises itself."""

import json
import math
import sys
from pathlib import Path


def main() -> None:
    """Compare probabilities and labels."""
    labels = json.loads(Path("hidden/labels.json").read_text())
    rows = json.loads(Path("outputs/probabilities.json").read_text())
    if len(rows) != len(labels) or any(len(row) != 10 or min(row) < 0 for row in rows):
        sys.exit("ten probabilities for each image are needed")
    losses = [-math.log(max(r[y] / sum(r), 1e-6)) for r, y in zip(rows, labels, strict=True)]
    print(json.dumps({"log_loss": sum(losses) / len(losses)}))


if __name__ == "__main__":
    main()
