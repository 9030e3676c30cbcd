#!/usr/bin/env python3
"""Measure whether one API key can shut another out of a running service.

A noisy key sends one kind of load after another while a quiet key sends single tickets, one after the other. The table
gives the quiet key's median and 95th percentile idle and under load, their ratio, and the requests that were refused.

    python3 tests/attack/fairness.py --url http://127.0.0.1:8484 --key-noisy fl_... --key-quiet fl_...

The exit status is 1 where a quiet request was refused or a ratio of p95 is above --most. Standard library only.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import threading
import time
from urllib.parse import urlsplit

WORDS = "printer outlook vpn password laptop server backup network screen email access licence phone update error".split()
SLOW = [
    "a\n" * 500_000,
    "-- \n" * 250_000,
    "> " * 500_000,
    "On Mon, 4 Mar 2024 at 10:12, Jo <jo@example.com> wrote:\n" * 18_000,
    "From: jo@example.com\n" * 48_000,
    "<div><p>" * 125_000,
    "a. " * 340_000,
    "e" + "\u0301" * 500_000,
    " " * 1_000_000,
    "Kind regards,\nJo\n" * 60_000,
]


def text(rng, words):
    return " ".join(rng.choice(WORDS) for _ in range(words))


class Client:
    """A connection that is opened again when it was closed."""

    def __init__(self, url, key):
        parts = urlsplit(url)
        self.host, self.port, self.tls, self.key = parts.hostname, parts.port, parts.scheme == "https", key
        self.connection = None

    def post(self, path, data, timeout=60):
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        for last in (False, True):
            try:
                if self.connection is None:
                    self.connection = kind(self.host, self.port, timeout=timeout)
                self.connection.request("POST", path, data, headers)
                answer = self.connection.getresponse()
                answer.read()
                return answer.status
            except (OSError, http.client.HTTPException):
                self.close()
                if last:
                    return 0

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Ids:
    """Ids that no ticket has had before, in this run or another."""

    run = f"{time.time_ns():x}"
    count = 0
    lock = threading.Lock()

    @classmethod
    def next(cls):
        with cls.lock:
            cls.count += 1
            return f"{cls.run}-{cls.count}".encode()


def ticket(rng, words=40):
    return {"id": "@@", "subject": text(rng, 5), "body": text(rng, words)}


def tickets(rng, n, **more):
    return {"tickets": [ticket(rng) | {"id": f"@@-{i}"} for i in range(n)], **more}


def made(path, body):
    """Bodies are made once, so that making them costs the machine little; each time they get new ids."""
    data = json.dumps(body).encode()
    return lambda: (path, data.replace(b"@@", Ids.next()))


def hostile(body):
    return {"tickets": [{"id": f"@@-{i}", "subject": "slow", "body": body} for i in range(8)]}


RNG = random.Random(7)
BULK = [made("/v1/triage", tickets(RNG, 256)) for _ in range(8)]
EMBEDDINGS = [made("/v1/embeddings", {"input": [text(RNG, 60) for _ in range(2048)], "truncate": True})]
SIMILAR = [made("/v1/similar", {"ticket": ticket(RNG, 2_000), "limit": 50}) for _ in range(8)]
HOSTILE = [made("/v1/triage", hostile(body)) for body in SLOW]
JOBS = [made("/v1/jobs", tickets(RNG, 2_000)) for _ in range(2)]

LOADS = [
    ("bulk triage, 256 tickets", BULK, 8),
    ("embeddings, 2,048 texts", EMBEDDINGS, 8),
    ("/v1/similar", SIMILAR, 16),
    ("slow texts, 8 x 1 MB", HOSTILE, 8),
    ("64 connections of everything", BULK + EMBEDDINGS + SIMILAR + HOSTILE, 64),
    # The last: its tickets are decided for a while after it has ended.
    ("jobs, 2,000 tickets", JOBS, 2),
]


def noise(args, loads, stop, seen, seed):
    rng, client = random.Random(seed), Client(args.url, args.key_noisy)
    while not stop.is_set():
        status = client.post(*rng.choice(loads)())
        with Ids.lock:
            seen[status] = seen.get(status, 0) + 1
        # As a client does that was told to wait, only not as long.
        if status != 200:
            stop.wait(0.05)
    client.close()


def quiet(args, seconds):
    """Times of single tickets in seconds, and how many were not answered with a decision."""
    rng, client = random.Random(Ids.next()), Client(args.url, args.key_quiet)
    times, refused, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        body = made("/v1/triage", {"tickets": [ticket(rng)]})()
        start = time.monotonic()
        status = client.post(*body)
        times.append(time.monotonic() - start)
        refused += status != 200
        time.sleep(0.02)
    client.close()
    return times, refused


def at(times, share):
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1e3


def noises(args, name, ready, stop, answers):
    """A load, in a process of its own: what it costs to send must not slow down what is measured."""
    loads, connections = next((loads, connections) for other, loads, connections in LOADS if other == name)
    seen = {}
    threads = [
        threading.Thread(target=noise, args=(args, loads, stop, seen, n), daemon=True) for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    ready.set()
    stop.wait()
    for thread in threads:
        thread.join(60)
    answers.put(seen)


def under(args, name):
    context = multiprocessing.get_context("spawn")
    ready, stop, answers = context.Event(), context.Event(), context.Queue()
    process = context.Process(target=noises, args=(args, name, ready, stop, answers), daemon=True)
    process.start()
    ready.wait(60)
    time.sleep(args.warm)
    times, refused = quiet(args, args.seconds)
    stop.set()
    seen = answers.get(timeout=120)
    process.join(10)
    return times, refused, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8484")
    parser.add_argument("--key-noisy", required=True, help="a key with the scope triage")
    parser.add_argument("--key-quiet", required=True, help="another key with the scope triage")
    parser.add_argument("--seconds", type=float, default=10, help="length of each measurement [default: 10]")
    parser.add_argument("--warm", type=float, default=2, help="seconds of load before it [default: 2]")
    parser.add_argument("--most", type=float, default=3, help="the highest ratio of p95 that passes [default: 3]")
    parser.add_argument("--only", default="", help="loads that have this in their name")
    args = parser.parse_args()
    quiet(args, 1)
    print("| load by another key | idle p50 ms | idle p95 ms | p50 ms | p95 ms | p95 ratio | refused | the load's answers |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    held = True
    for name, _, _ in LOADS:
        if args.only not in name:
            continue
        idle, _ = quiet(args, args.seconds)
        times, refused, seen = under(args, name)
        time.sleep(2)
        ratio = at(times, 0.95) / at(idle, 0.95)
        held &= refused == 0 and ratio <= args.most
        answers = ", ".join(f"{status or 'none'}: {n}" for status, n in sorted(seen.items()))
        print(
            f"| {name} | {at(idle, 0.5):.1f} | {at(idle, 0.95):.1f} | {at(times, 0.5):.1f} | {at(times, 0.95):.1f} "
            f"| {ratio:.1f} | {refused} of {len(times)} | {answers} |",
            flush=True,
        )
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
