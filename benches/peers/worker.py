"""A Python peer as a process: `worker.py ENGINE MODELS IDS THREADS`. Answers the driver's questions, one JSON object
a line in, one out. Must not time anything but the encoder: token ids in, vectors of unit length out."""

import itertools
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STARTED = time.perf_counter()

import engines  # noqa: E402: the time of imports belongs to the start

# Batch sizes tried, and of how many batches one is tried.
SIZES, SAMPLE = (1, 2, 4, 8, 16, 32), 4


def milliseconds(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def cut(texts, size):
    """Indices of the texts, longest first, and the texts in that order, `size` at a time."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    return order, [[texts[i] for i in order[start : start + size]] for start in range(0, len(order), size)]


def peak_rss():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmHWM")


class Peer:
    """An engine, loaded for one call at a time with all threads, for `threads` calls at a time with one thread
    each ("lanes"), or both, each when it is first needed."""

    def __init__(self, name, models, threads):
        self.name, self.models, self.threads = name, models, threads
        self.loaded = {}

    def engine(self, lanes):
        if lanes not in self.loaded:
            self.loaded[lanes] = engines.load(self.name, self.models, self.threads // lanes, lanes)
        return self.loaded[lanes]

    def alone(self, text):
        return self.engine(1).embed([text])

    def run(self, batches, lanes):
        engine = self.engine(lanes)
        if lanes == 1:
            return [engine.embed(some) for some in batches]
        with ThreadPoolExecutor(lanes) as pool:
            return list(pool.map(engine.embed, batches))

    def bulk(self, texts, batch, lanes):
        """All texts, sorted by length, `batch` at a time; the vectors in the order of the texts."""
        import numpy as np

        order, batches = cut(texts, batch)
        rows = np.concatenate(self.run(batches, lanes))
        out = np.empty(rows.shape, dtype="<f4")
        out[order] = rows
        return out

    def tune(self, texts):
        """The fastest way to embed all texts, judged by every fourth batch. Each is run once before: some peers are
        slow with new shapes."""

        def cost(way):
            _, batches = cut(texts, way["batch"])
            some = batches[::SAMPLE]
            self.run(some, way["lanes"])
            return milliseconds(lambda: self.run(some, way["lanes"])) / sum(len(text) for batch in some for text in batch)

        return min(({"batch": b, "lanes": n} for n in sorted({1, self.threads}) for b in SIZES), key=cost)


def main():
    name, models, ids, threads = sys.argv[1:]
    # Libraries write to standard output as they please; the answers have it alone.
    answers, sys.stdout = sys.stdout, sys.stderr
    say = lambda answer: print(json.dumps(answer), file=answers, flush=True)
    texts = json.loads(Path(ids).read_text())
    peer = Peer(name, Path(models), int(threads))
    for line in sys.stdin:
        question = json.loads(line)
        match question.pop("do"):
            case "first":
                peer.alone(texts[0])
                say({"ms": (time.perf_counter() - STARTED) * 1e3})
            case "tune":
                say(peer.tune(texts))
            case "single":
                some = texts[: question["count"]]
                say({"ms": [milliseconds(lambda: peer.alone(text)) for text in some]})
            case "tokens":
                text = list(itertools.islice(itertools.chain.from_iterable(texts), question["tokens"]))
                say({"ms": [milliseconds(lambda: peer.alone(text)) for _ in range(question["count"])]})
            case "bulk":
                say({"ms": milliseconds(lambda: peer.bulk(texts, **question))})
            case "embed":
                out = question.pop("out")
                peer.bulk(texts, **question).tofile(out)
                say({})
            case "rss":
                say({"mib": peak_rss()})
            case other:
                raise SystemExit(f"no question {other}")


if __name__ == "__main__":
    main()
