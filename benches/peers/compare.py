"""How faithful are vectors? `compare.py REFERENCE WIDTH FILE...`: each file of float32 unit vectors against the
reference. Prints one JSON object: mean and worst cosine, and the share of rows whose nearest neighbour stays."""

import json
import sys

import numpy as np


def neighbours(rows):
    similarity = rows @ rows.T
    np.fill_diagonal(similarity, -2)
    return similarity.argmax(axis=1)


def main():
    reference, width, *files = sys.argv[1:]
    rows = lambda path: np.fromfile(path, dtype="<f4").reshape(-1, int(width)).astype(np.float64)
    true = rows(reference)
    nearest = neighbours(true)
    found = {}
    for path in files:
        vectors = rows(path)
        cosines = (vectors * true).sum(axis=1)
        same = (neighbours(vectors) == nearest).mean()
        found[path] = {"mean": cosines.mean(), "worst": cosines.min(), "same_neighbour": same}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
