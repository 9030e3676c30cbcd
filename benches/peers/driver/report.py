"""Writes what was measured: a table, our ratios to the best peer, JSON, and the record. Must not round away a spread
nor show an engine that failed as if it had been measured."""

import datetime
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

from driver.catalog import HERE, OURS, ROOT, say

SUMMARY = ("bulk_tickets_per_s", "single_p50_ms", "tokens128_ms", "tokens128_1thread_ms", "peak_rss_mb")


def spread(values, digits):
    if not values:
        return "-"
    median = f"{statistics.median(values):.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def machine(ready):
    """Where and with what it was measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]

    def said(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
        return done.stdout.strip()

    pinned = [line for file in sorted((HERE / "requirements").iterdir()) for line in file.read_text().split()]
    cargo = [line.split('"') for line in (HERE / "rust" / "Cargo.toml").read_text().splitlines() if '"=' in line]
    crates = [f"{line[0].split()[0]}{line[1].replace('=', '==')}" for line in cargo]
    changed = "" if not said("git", "status", "--porcelain") else " with changes"
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "compiler": said("rustc", "--version"),
        "python": platform.python_version(),
        "commit": said("git", "rev-parse", "--short", "HEAD") + changed,
        "isa": ready.isa,
        "peers": pinned + crates,
        "mean_tokens": round(ready.mean_tokens, 1),
    }


def _columns(chosen):
    return (
        ("single p50, ms", "single_p50_ms", 2),
        (f"128 tokens, {chosen.threads} threads, ms", "tokens128_ms", 2),
        ("1 thread, ms", "tokens128_1thread_ms", 2),
        ("bulk, tickets/s", "bulk_tickets_per_s", 0),
        ("tokens/s", None, 0),
        ("peak RSS, MiB", "peak_rss_mb", 0),
        ("cold start, ms", "cold_start_ms", 0),
    )


def _table(chosen, ready, found):
    rows = [["engine", *(title for title, _, _ in _columns(chosen)), "cosine mean / worst", "same neighbour", "bulk by"]]
    for engine, figures in found.figures.items():
        if engine in found.failed:
            continue
        row = [engine]
        for _, key, digits in _columns(chosen):
            tokens = [v * ready.mean_tokens for v in figures.get("bulk_tickets_per_s", [])]
            values = figures.get(key) if key else [statistics.median(tokens)] if tokens else []
            row.append(spread(values, digits))
        cosine = figures.get("cosine")
        row.append(f"{cosine['mean']:.5f} / {cosine['worst']:.5f}" if cosine else "-")
        row.append(f"{cosine['same_neighbour']:.3f}" if cosine else "-")
        way = found.ways[engine]
        row.append(f"{way['batch']} texts, {way['lanes']} at a time" if way["lanes"] else "itself")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _ratios(chosen, found):
    """Ours against the best peer of each question, round by round: how many times as good."""
    ours, lines = found.figures[OURS], {}
    for title, key, _ in _columns(chosen):
        peers = [e for e in found.engines if e not in found.failed and e != OURS and found.figures[e].get(key)]
        if not peers or OURS in found.failed:
            continue
        up = key == "bulk_tickets_per_s"
        best = (max if up else min)(peers, key=lambda e: statistics.median(found.figures[e][key]))
        pairs = zip(ours[key], found.figures[best][key])
        gains = [a / b if up else b / a for a, b in pairs]
        lines[key] = f"  {title}: {spread(gains, 2)} times {best}"
    return "\n".join(lines.values())


def text(chosen, ready, found, about, decoders):
    """The report for people."""
    parts = [
        f"{about['cpu']}, {about['cores']} cores; {about['compiler']}; commit {about['commit']}; {about['date']}; "
        f"instruction set: {about['isa']}",
        f"{', '.join(about['peers'])}",
        _encoders(chosen, ready, found) if found else "",
        decoders,
    ]
    return "\n".join(part for part in parts if part)


def _encoders(chosen, ready, found):
    parts = [
        "",
        f"all-MiniLM-L6-v2, {chosen.texts} texts of {ready.mean_tokens:.1f} tokens on average, {chosen.threads} threads; "
        f"medians of {chosen.rounds} rounds (least-greatest); "
        + (f"cosines to {found.reference}" if found.reference else "no float32 peer to take cosines to"),
        "",
        _table(chosen, ready, found),
        "",
        f"{OURS} to the best peer of each question (above 1: ours is better; medians of each round's ratio):",
        _ratios(chosen, found),
    ]
    if times := found.figures[OURS].get("cold_start_without_pack_ms"):
        parts.append(f"{OURS}'s cold start without its pack: {spread(times, 0)} ms")
    parts += [f"failed: {engine}: {reason}" for engine, reason in found.failed.items()]
    return "\n".join(parts)


def _medians(found, key):
    there = {e: f[key] for e, f in found.figures.items() if f.get(key) and e not in found.failed}
    return {engine: round(statistics.median(values), 4) for engine, values in there.items()}


def summary(found):
    """The medians that other programs read."""
    return {key: _medians(found, key) for key in SUMMARY} if found else {}


def record(found, written, about, summary, report):
    """Writes the report, and all figures of all rounds, to `benches/record/`."""
    cpu = "-".join("".join(c if c.isalnum() else " " for c in about["cpu"].lower()).split())
    path = HERE.parent / "record" / f"{about['date']}-{cpu}-{about['isa']}"
    path.parent.mkdir(exist_ok=True)
    whole = {**about, **summary, "decoder_rounds": {w.model: w.figures for w in written}}
    if found:
        whole |= {"ways": found.ways, "rounds": found.figures, "failed": found.failed}
    for suffix, content in (("txt", report), ("json", json.dumps(whole, indent=1))):
        file = path.parent / f"{path.name}.{suffix}"
        file.write_text(content + "\n")
        say(f"written: {file.relative_to(ROOT)}")
