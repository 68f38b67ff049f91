"""Compare the predictions that a candidate left behind with hidden answers.

Answers stand beside this file, which no candidate ever sees, in the format of the predictions:

- CSV: one line per case. The last column is the answer; all columns before it (an id, say) must
  be equal in both files, line by line.
- NumPy: arrays of the same shape.

Decimal answers are measured by the root mean square error, whole numbers and texts by the share
of wrong ones. The candidate is not believed: whatever is wrong with its file ends in exit code 1
and no measurement.
"""

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np

PREDICTIONS = Path("outputs") / "$predictions"
ANSWERS = Path(__file__).parent / "$answers"
HEADER = False  # whether the first line of both CSV files names the columns


def main():
    """Print one measurement, or say why there is none and exit with 1."""
    if not ANSWERS.exists():
        sys.exit(
            f"There are no hidden answers to compare with. Put them into scorer/{ANSWERS.name}, in "
            f"the format of {PREDICTIONS.name}, and keep them out of all other files of the task."
        )
    read = read_csv if ANSWERS.suffix == ".csv" else read_array
    answers, predictions = read(ANSWERS), read(PREDICTIONS)
    if not answers:
        sys.exit(f"scorer/{ANSWERS.name} holds no answers.")
    if [case for case, _ in answers] != [case for case, _ in predictions]:
        sys.exit(f"{PREDICTIONS.name} must hold the same {len(answers)} cases in the same order.")
    pairs = [(a, p) for (_, a), (_, p) in zip(answers, predictions, strict=True)]
    print(json.dumps({"error": error_of(pairs)}))


def read_csv(path):
    """Return (leading columns, last column) of every line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f"{path.name} is not a CSV file ({error}).")
    return [(tuple(row[:-1]), row[-1].strip()) for row in rows[HEADER:]]


def read_array(path):
    """Return (place, value) of every element, values as text; Python objects are never loaded."""
    try:
        with path.open("rb") as file:
            found = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        sys.exit(f"{path.name} is not a NumPy array ({error}).")
    if found.dtype.kind not in "biufU":
        sys.exit(f"{path.name} must be one array of numbers or texts.")
    return [(place, str(value)) for place, value in np.ndenumerate(found)]


def error_of(pairs):
    """Return the root mean square error of decimal answers, or the share of wrong other ones."""
    if not all(is_number(answer) for answer, _ in pairs) or all(is_whole(a) for a, _ in pairs):
        return sum(not same(answer, prediction) for answer, prediction in pairs) / len(pairs)
    for _, prediction in pairs:
        if not is_number(prediction):
            sys.exit(f"{PREDICTIONS.name} holds {prediction[:40]!r}, which is not a finite number.")
    return math.sqrt(math.fsum((float(a) - float(p)) ** 2 for a, p in pairs) / len(pairs))


def same(answer, prediction):
    """Whether two texts are equal, or are numbers of the same value."""
    if answer == prediction:
        return True
    return is_number(answer) and is_number(prediction) and float(answer) == float(prediction)


def is_number(text):
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def is_whole(text):
    """Whether a text is a whole number, written without a point."""
    return text.lstrip("-").isdigit()


if __name__ == "__main__":
    main()
