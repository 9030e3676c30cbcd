#!/usr/bin/env python3
"""Sends a started service what grows in memory, and measures how far it does: bombs of JSON, huge fields, drips, slow readers.

    memory.py --url http://127.0.0.1:8484 --pid PID --key fl_... [--key fl_... ...] [--honest fl_...] [--most-mib 512]

Starts nothing. --pid is the service's process, whose resident memory is sampled; the keys need the scopes triage and review.
--honest is a key of somebody else, who sends single tickets meanwhile. Exit status 1: more memory than --most-mib, the service
is gone, or the honest caller was refused. To hold the service to a bound from outside, start it in a cgroup:

    systemd-run --scope -p MemoryMax=512M firstline serve ...
    (cgroup v1: mkdir /sys/fs/cgroup/memory/x; echo 512M > .../x/memory.limit_in_bytes; echo PID > .../x/cgroup.procs)
"""
import argparse
import collections
import json
import socket
import ssl
import threading
import time
import urllib.parse

MIB = 1 << 20


class Target:
    def __init__(self, url, keys):
        parts = urllib.parse.urlsplit(url)
        self.tls, self.host = parts.scheme == "https", parts.hostname
        self.port = parts.port or (443 if self.tls else 80)
        self.keys = keys

    def connect(self, timeout=60):
        stream = socket.create_connection((self.host, self.port), timeout)
        if self.tls:
            context = ssl._create_unverified_context()  # The attacker doesn't mind a certificate of the house's own.
            stream = context.wrap_socket(stream, server_hostname=self.host)
        return stream

    def head(self, method, path, key, more=()):
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.host}", f"authorization: Bearer {key}", *more, "", ""]
        return "\r\n".join(lines).encode()

    def send(self, path, key, pieces, length=None, timeout=60):
        """One request; its status, or what broke."""
        try:
            with self.connect(timeout) as stream:
                more = [f"content-length: {length}"] if length is not None else ["transfer-encoding: chunked"]
                stream.sendall(self.head("POST", path, key, [*more, "connection: close"]))
                try:
                    for piece in pieces:
                        stream.sendall(piece if length is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
                    if length is None:
                        stream.sendall(b"0\r\n\r\n")
                except OSError:
                    pass  # The answer may be there all the same.
                answer = b""
                while len(answer) < 16 and (some := stream.recv(4096)):
                    answer += some
                words = answer.split(b" ", 2)
                return words[1].decode() if len(words) > 1 else "closed"
        except OSError as error:
            return type(error).__name__

    def post(self, path, key, body):
        return self.send(path, key, [body], len(body))


def ticket(number, **more):
    return {"id": f"a{number}-{time.time_ns()}", "subject": "Printer offline", **more}


def call(*tickets):
    return json.dumps({"tickets": tickets}).encode()


def bomb(inner, path="/v1/triage"):
    """A ticket with something long under a key that nobody knows."""
    body = b'{"tickets":[{"id":"1","subject":"x","odd":' + inner + b"}]}"
    return lambda target, key, n: target.post(path, key, body)


def many(length, unit):
    return unit * (length // len(unit))


# Just below the longest body that is taken by default, limits.body_bytes.
BODY = 16_000_000
NUMBERS = b"[" + many(BODY, b"1,") + b"1]"
TWICE = b"[" + many(2 * BODY, b"1,") + b"1]"


def text_of(length, path="/v1/triage", **field):
    """A call of long fields."""
    def attack(target, key, n):
        count = max(1, BODY // length)
        value = {name: "We have tried that already. " * (length // 28) for name in field}
        return target.post(path, key, call(*(ticket(f"{n}-{i}", **value) for i in range(count))))
    return attack


def drips(target, key, n):
    """A chunked upload of a hundred bytes, then silence."""
    with target.connect() as stream:
        stream.sendall(target.head("POST", "/v1/triage", key, ["transfer-encoding: chunked"]))
        stream.sendall(b'64\r\n{"tickets":[' + b" " * 88 + b"\r\n")
        return (stream.recv(64).split(b" ", 2) + [b"", b"closed"])[1].decode() or "closed"


def half_sent(target, key, n):
    """A body that stops shortly before its end."""
    with target.connect() as stream:
        stream.sendall(target.head("POST", "/v1/jobs", key, [f"content-length: {BODY}"]))
        try:
            for _ in range(BODY // 1_000_000 - 1):
                stream.sendall(b" " * 1_000_000)
        except OSError:
            pass
        return (stream.recv(64).split(b" ", 2) + [b"", b"closed"])[1].decode() or "closed"


def gone(target, key, n):
    """A full call whose client leaves before the answer."""
    body = call(*(ticket(f"{n}-{i}", body="slow " * 20_000) for i in range(200)))
    with target.connect() as stream:
        stream.sendall(target.head("POST", "/v1/triage", key, [f"content-length: {len(body)}"]) + body)
    return "left"


def unread(path):
    """Asks for a long answer, again and again, and reads none."""
    def attack(target, key, n):
        with target.connect() as stream:
            try:
                for _ in range(20):
                    stream.sendall(target.head("GET", path, key))
                time.sleep(5)
            except OSError:
                pass
        return "unread"
    return attack


def pages(target, key, n):
    with target.connect() as stream:
        stream.sendall(target.head("GET", "/v1/review?limit=200", key, ["connection: close"]))
        return (stream.recv(64).split(b" ", 2) + [b"", b"closed"])[1].decode() or "closed"


def http2(target, key, n):
    """The old way around the bound: streams of HTTP/2 by prior knowledge."""
    with target.connect() as stream:
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        try:
            answer = stream.recv(64)
        except OSError:
            return "closed"
        return "HTTP/2 IS SPOKEN" if answer[3:4] == b"\x04" else "closed"


TEXTS = json.dumps({"input": ["We have tried that already. " * 500] * 2_000}).encode()
# Name, how many requests, how many at a time, the attack.
ATTACKS = [
    ("8 million numbers in an unknown key", 24, 12, bomb(NUMBERS)),
    ("16 million of them", 24, 12, bomb(TWICE)),
    ("the same in a job", 24, 12, bomb(NUMBERS, "/v1/jobs")),
    ("5 million tickets", 12, 12, lambda t, k, n: t.post("/v1/jobs", k, b'{"tickets":[' + many(BODY, b"{},") + b"{}]}")),
    ("10 million levels", 12, 12, bomb(many(10_000_000, b"["))),
    ("2 million keys", 12, 12, bomb(b"{" + many(BODY, b'"a":1,') + b'"b":1}')),
    ("empty objects to the bound", 40, 20, bomb(b"[" + b",".join([b"{}"] * 60_000) + b"]")),
    ("a contact of 15 MB", 24, 12, text_of(15_000_000, contact=1)),
    ("16 texts of 1 MB", 24, 12, text_of(1_000_000, body=1)),
    ("16 texts of 1 MB in a job", 24, 12, text_of(1_000_000, "/v1/jobs", body=1)),
    ("texts of 60 KB under unknown keys in a job", 24, 12, text_of(60_000, "/v1/jobs", odd=1)),
    ("2,000 long texts to embed", 24, 12, lambda t, k, n: t.post("/v1/embeddings", k, TEXTS)),
    ("400 chunked drips", 400, 400, drips),
    ("2,600 MB over 175 connections that stop", 175, 175, half_sent),
    ("calls whose client leaves", 60, 20, gone),
    ("answers that nobody reads", 200, 200, unread("/openapi.json")),
    ("pages of the review queue", 60, 30, pages),
    ("pages of the review queue that nobody reads", 60, 60, unread("/v1/review?limit=200")),
    ("HTTP/2", 20, 20, http2),
]


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


class Sampler(threading.Thread):
    """Samples the service's memory until it is told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.is_gone = pid, 0, False

    def run(self):
        while True:
            try:
                self.peak = max(self.peak, resident(self.pid))
            except (OSError, StopIteration):
                self.is_gone = True
                return
            time.sleep(0.02)


class Honest(threading.Thread):
    """Somebody else, who sends one ticket after another."""

    def __init__(self, target, key):
        super().__init__(daemon=True)
        self.target, self.key, self.statuses, self.times = target, key, collections.Counter(), []

    def run(self):
        n = 0
        while True:
            start = time.monotonic()
            status = self.target.post("/v1/triage", self.key, call(ticket(f"honest{n}", body="It shows a red light.")))
            self.statuses[status] += 1
            self.times.append(time.monotonic() - start)
            n += 1
            time.sleep(0.1)


def run(target, attack, count, at_a_time):
    statuses, numbers, lock = collections.Counter(), iter(range(count)), threading.Lock()

    def work():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            try:
                status = attack(target, target.keys[n % len(target.keys)], n)
            except OSError as error:
                status = type(error).__name__
            with lock:
                statuses[status] += 1

    threads = [threading.Thread(target=work) for _ in range(at_a_time)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", required=True)
    options.add_argument("--pid", type=int, required=True)
    options.add_argument("--key", action="append", required=True)
    options.add_argument("--honest")
    options.add_argument("--most-mib", type=int, default=512)
    options.add_argument("--only", default="", help="attacks whose name has this in it")
    options = options.parse_args()
    target = Target(options.url, options.key)
    sampler = Sampler(options.pid)
    idle = resident(options.pid)
    sampler.start()
    honest = Honest(target, options.honest) if options.honest else None
    if honest:
        honest.start()
    print(f"{idle / MIB:8.0f} MiB  before")
    for name, count, at_a_time, attack in ATTACKS:
        if options.only not in name or sampler.is_gone:
            continue
        sampler.peak, start = 0, time.monotonic()
        statuses = run(target, attack, count, at_a_time)
        told = ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items()))
        peaks.append(sampler.peak)
        print(f"{sampler.peak / MIB:8.0f} MiB  {name} ({time.monotonic() - start:.0f} s)  {told}", flush=True)
    if not sampler.is_gone:
        time.sleep(3)
        print(f"{resident(options.pid) / MIB:8.0f} MiB  after")
    refused = 0
    if honest:
        refused = sum(n for status, n in honest.statuses.items() if status != "200")
        times = sorted(honest.times)
        print(f"honest caller: {dict(honest.statuses)}, p95 {times[int(len(times) * 0.95)] * 1e3:.0f} ms")
    held = not sampler.is_gone and max(peaks, default=0) <= options.most_mib * MIB and refused == 0
    print("the service is gone" if sampler.is_gone else f"peak {max(peaks, default=0) / MIB:.0f} MiB: {'held' if held else 'BROKEN'}")
    return 0 if held else 1


peaks = []
if __name__ == "__main__":
    raise SystemExit(main())
