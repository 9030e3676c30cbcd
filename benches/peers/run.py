#!/usr/bin/env python3
"""Our encoder beside its peers: the same model, the same texts, the same threads, the same machine, in turns.

Installs and builds what it needs on first use, into a cache folder; README.md beside this file says how everything is
measured. Must never print a figure that was not measured in this run, nor pass over a peer that failed without a
word. Progress goes to standard error, the report to standard output."""

import argparse
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from driver import measure, prepare, report  # noqa: E402
from driver.catalog import ENGINES, OURS  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    base = os.environ.get("FIRSTLINE_CACHE") or Path.home() / ".cache" / "firstline"
    names = f"engines or peers, comma-separated: {', '.join(ENGINES)}"
    parser.add_argument("--cache", type=Path, default=Path(base) / "peers", help="where peers are installed")
    parser.add_argument("--only", default="", help=names)
    parser.add_argument("--skip", default="", help="the same")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--record", action="store_true", help="write the result to benches/record/")
    chosen = parser.parse_args()
    if min(chosen.rounds, chosen.threads) < 1 or chosen.texts < 16:
        parser.error("at least 1 round, 1 thread and 16 texts")
    chosen.cache = chosen.cache.expanduser().resolve()
    chosen.engines = engines(parser, chosen)
    return chosen


def engines(parser, chosen):
    only, skip = ({part for part in text.split(",") if part} for text in (chosen.only, chosen.skip))
    if unknown := (only | skip) - set(ENGINES) - set(ENGINES.values()):
        parser.error(f"no engine or peer {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}")
    if OURS in skip:
        parser.error(f"{OURS} can't be skipped: the texts and the ratios are its")
    hit = lambda engine, names: bool({engine, ENGINES[engine]} & names)
    return [e for e in ENGINES if e == OURS or ((not only or hit(e, only)) and not hit(e, skip))]


def main():
    chosen = options()
    ready = prepare.prepare(chosen)
    about = report.machine(ready)
    found = measure.measure(chosen, ready)
    text = report.text(chosen, ready, found, about)
    print(text, flush=True)
    if chosen.record:
        report.record(found, about, text)
    if chosen.json:
        print(json.dumps(report.summary(found)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130)
    except prepare.Stop as problem:
        raise SystemExit(str(problem))
