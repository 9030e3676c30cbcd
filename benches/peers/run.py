#!/usr/bin/env python3
"""Our encoder and our decoder beside their peers: the same model, the same texts, the same threads, the same machine, in
turns.

Installs and builds what it needs on first use, into a cache folder; README.md beside this file says how everything is
measured. Must never print a figure that was not measured in this run, nor pass over a peer that failed without a
word. Progress goes to standard error, the report to standard output."""

import argparse
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from driver import decoders, measure, prepare, report  # noqa: E402
from driver.catalog import DECODERS, ENGINES, MODELS, OURS  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    base = os.environ.get("FIRSTLINE_CACHE") or Path.home() / ".cache" / "firstline"
    names = f"engines or peers, comma-separated: {', '.join(ENGINES | DECODERS)}"
    parser.add_argument("--cache", type=Path, default=Path(base) / "peers", help="where peers are installed")
    parser.add_argument("--only", default="", help=names)
    parser.add_argument("--skip", default="", help="the same")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", default=",".join(MODELS), help="decoders' models or GGUF files, comma-separated")
    parser.add_argument("--fast", action="store_true", help="decoders: only times, not what they write")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--record", action="store_true", help="write the result to benches/record/")
    chosen = parser.parse_args()
    if min(chosen.rounds, chosen.threads) < 1 or chosen.texts < 16:
        parser.error("at least 1 round, 1 thread and 16 texts")
    chosen.cache = chosen.cache.expanduser().resolve()
    chosen.engines, chosen.decoders = engines(parser, chosen)
    chosen.models = chosen.models.split(",")
    return chosen


def engines(parser, chosen):
    """The encoders and the decoders; none of a part whose peers are not asked for."""
    only, skip = ({part for part in text.split(",") if part} for text in (chosen.only, chosen.skip))
    every = ENGINES | DECODERS
    if unknown := (only | skip) - set(every) - set(every.values()):
        parser.error(f"no engine or peer {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    if OURS in skip:
        parser.error(f"{OURS} can't be skipped: the texts and the ratios are its")
    hit = lambda engine, names: bool({engine, every[engine]} & names)
    parts = []
    for part in (ENGINES, DECODERS):
        asked = [e for e in part if not only or hit(e, only)]
        parts.append([OURS] * (bool(asked) and OURS not in asked) + [e for e in asked if not hit(e, skip)])
    return parts


def main():
    chosen = options()
    ready = prepare.prepare(chosen)
    about = report.machine(ready)
    found = measure.measure(chosen, ready) if chosen.engines else None
    written = decoders.measure(chosen, ready) if chosen.decoders else []
    text = report.text(chosen, ready, found, about, decoders.text(chosen, written))
    summary = report.summary(found) | decoders.summary(written)
    print(text, flush=True)
    if chosen.record:
        report.record(found, written, about, summary, text)
    if chosen.json:
        print(json.dumps(summary))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130)
    except prepare.Stop as problem:
        raise SystemExit(str(problem))
