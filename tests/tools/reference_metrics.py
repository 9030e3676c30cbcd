#!/usr/bin/env python3
"""Writes the golden figures of training/measure/metrics, computed with scikit-learn and numpy.

Usage: python3 tests/tools/reference_metrics.py > training/measure/metrics/golden.json
Made with scikit-learn 1.9, numpy 2. A label the model does not know is one more class, given
probability 0. Probabilities are multiples of 1/1024, so they are the same number in float32 and JSON;
labels of one ticket and the confidences of all tickets never tie, so that no tie rule matters here.
"""

import json
import math
import sys
import warnings

import numpy as np
from sklearn import metrics

UNIT = 1024
FLOOR = float(np.finfo(np.float32).eps)  # PROBABILITY_FLOOR of the crate
Z = 1.959963984540054
BINS = 15


def row(rng, k, taken):
    """k distinct multiples of 1/1024 that sum to one, with a maximum not yet in `taken`."""
    while True:
        p = rng.dirichlet(np.full(k, 0.7))
        units = np.floor(p * UNIT).astype(int)
        units[units.argmax()] += UNIT - units.sum()
        if len(set(units.tolist())) == k and units.max() not in taken:
            taken.add(units.max())
            return units


def ece(confidence, correct):
    """Equal-mass bins: rank i of n goes to bin floor((i + 1/2) * bins / n)."""
    order = np.argsort(confidence)
    n = len(order)
    bins = np.floor((np.arange(n) + 0.5) * BINS / n)
    total = 0.0
    for b in np.unique(bins):
        members = order[bins == b]
        total += len(members) / n * abs(correct[members].mean() - confidence[members].mean())
    return total


def aurc(confidence, correct):
    wrong = 1.0 - correct[np.argsort(-confidence)]
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


def case(name, seed, n, k, skill, unseen):
    rng = np.random.default_rng(seed)
    taken = set()
    units = np.stack([row(rng, k, taken) for _ in range(n)])
    predicted = units.argmax(axis=1)
    truth = np.where(rng.random(n) < skill, predicted, rng.integers(0, k, n))
    truth[rng.random(n) < unseen] = -1
    probs = units / UNIT
    wide = np.column_stack([probs, np.zeros(n)])
    known_or_k = np.where(truth < 0, k, truth)
    labels = list(range(k + 1))
    correct = (predicted == truth).astype(float)
    confidence = probs.max(axis=1)
    one_hot = np.eye(k + 1)[known_or_k]
    return {
        "name": name,
        "k": k,
        "probs_1024": units.ravel().tolist(),
        "truth": truth.tolist(),
        "accuracy": metrics.accuracy_score(truth, predicted),
        "macro_f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
        "top3": metrics.top_k_accuracy_score(known_or_k, wide, k=3, labels=labels),
        "kappa": metrics.cohen_kappa_score(truth, predicted),
        "nll": metrics.log_loss(known_or_k, np.maximum(wide, FLOOR), labels=labels),
        "brier": metrics.brier_score_loss(one_hot, wide, scale_by_half=False),
        "ece": ece(confidence, correct),
        "aurc": aurc(confidence, correct),
    }


def wilson(hits, n):
    p = hits / n
    centre = p + Z * Z / (2 * n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return {"hits": hits, "n": n, "interval": [(centre - half) / scale, (centre + half) / scale]}


def main():
    # The floor lifts the sum of a row by up to 1e-7; log_loss warns of it and computes on.
    warnings.filterwarnings("ignore", message="The y_prob values do not sum to one")
    golden = {
        "cases": [
            case("four labels", 1, 40, 4, 0.7, 0.0),
            case("seven labels, some unseen", 2, 60, 7, 0.6, 0.1),
            case("fewer tickets than labels", 3, 5, 9, 0.5, 0.2),
            case("two labels", 4, 30, 2, 0.8, 0.0),
        ],
        "wilson": [wilson(h, n) for h, n in [(0, 1), (1, 1), (3, 10), (87, 100), (1047, 1204), (49, 50)]],
    }
    json.dump(golden, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
