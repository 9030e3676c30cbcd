"""Asks every engine every question, in turns, and collects the answers. An engine that fails is left out from there
on, with its reason. Must leave no worker behind."""

import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from driver.catalog import HERE, OURS, REFERENCES, say
from driver.prepare import clean

SINGLES, REPEATS, SPAWNS = 128, 30, 5
# Thread pools of some peers spin for a while after their work: the next engine waits until they sleep.
REST = 0.3


class Failed(Exception):
    """A worker has ended, or said what it should not."""


class Worker:
    """An engine in a process of its own."""

    def __init__(self, command, threads):
        self.told = tempfile.TemporaryFile("w+")
        pipe, self.started = subprocess.PIPE, time.perf_counter()
        try:
            self.process = subprocess.Popen(
                command, cwd=HERE, env=clean(threads), stdin=pipe, stdout=pipe, stderr=self.told, text=True
            )
        except OSError as error:
            raise Failed(error.strerror) from error

    def ask(self, do, **more):
        try:
            self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as error:
            status = self.process.wait(timeout=10)
            self.told.seek(0)
            said = self.told.read().strip().splitlines()
            raise Failed(said[-1][:300] if said else f"exit status {status}") from error

    def stop(self):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.told):
            try:
                file.close()
            except OSError:
                pass


@dataclass
class Found:
    """What was measured: figures of each engine, one each round; why others have none."""

    engines: list
    figures: dict
    failed: dict = field(default_factory=dict)
    ways: dict = field(default_factory=dict)
    reference: str | None = None


def measure(chosen, ready):
    return _Bench(chosen, ready).run()


class _Bench:
    def __init__(self, chosen, ready):
        self.chosen, self.ready = chosen, ready
        self.found = Found(ready.engines, {engine: {} for engine in ready.engines})
        self.workers = {}

    def run(self):
        try:
            self.load()
            for turn in range(self.chosen.rounds):
                say(f"round {turn + 1} of {self.chosen.rounds}")
                self.round(turn)
        finally:
            for worker in self.workers.values():
                worker.stop()
        self.afresh()
        self.compare()
        return self.found

    def each(self, work, engines=None):
        """Does `work` for each engine that has not failed."""
        for engine in engines or self.found.engines:
            if engine in self.found.failed:
                continue
            try:
                work(engine)
            except (Failed, subprocess.TimeoutExpired, KeyError) as error:
                self.found.failed[engine] = f"{error}"
                say(f"failed: {engine}: {error}")

    def spawn(self, engine, threads, ids=None):
        return Worker(self.ready.command(engine, ids or self.ready.ids, threads), threads)

    def load(self):
        """Starts the workers and finds each engine's best way with all texts; then warms it up with all that it
        will be asked."""

        def start(engine):
            say(f"loading and tuning {engine}")
            for threads in {self.chosen.threads, 1}:
                worker = self.workers[engine, threads] = self.spawn(engine, threads)
                worker.ask("tokens", tokens=128, count=5)
            worker = self.workers[engine, self.chosen.threads]
            self.found.ways[engine] = worker.ask("tune")
            worker.ask("single", count=SINGLES)
            worker.ask("embed", out=str(self.vectors(engine)), **self.found.ways[engine])
            time.sleep(REST)

        self.each(start)

    def round(self, turn):
        """Every question of every engine once, each round beginning with another engine."""
        shift = turn % len(self.found.engines)
        order = self.found.engines[shift:] + self.found.engines[:shift]
        for title, question in self.questions().items():

            def ask(engine, title=title, question=question):
                time.sleep(REST)
                self.found.figures[engine].setdefault(title, []).append(question(engine))

            self.each(ask, order)

    def questions(self):
        many = self.chosen.threads

        def tokens(engine, threads):
            answer = self.workers[engine, threads].ask("tokens", tokens=128, count=REPEATS)
            return statistics.median(answer["ms"])

        def bulk(engine):
            answer = self.workers[engine, many].ask("bulk", **self.found.ways[engine])
            return self.chosen.texts / answer["ms"] * 1e3

        return {
            "single_p50_ms": lambda e: statistics.median(self.workers[e, many].ask("single", count=SINGLES)["ms"]),
            "tokens128_ms": lambda e: tokens(e, many),
            "tokens128_1thread_ms": lambda e: tokens(e, 1),
            "bulk_tickets_per_s": bulk,
        }

    def afresh(self):
        """Cold starts and peak memory, each in a new process."""

        def cold(engine):
            worker = self.spawn(engine, self.chosen.threads, self.ready.first)
            try:
                worker.ask("first")
                return (time.perf_counter() - worker.started) * 1e3
            finally:
                worker.stop()

        def one(engine):
            say(f"cold start and memory: {engine}")
            figures = self.found.figures[engine]
            figures["cold_start_ms"] = [cold(engine) for _ in range(SPAWNS)]
            worker = self.spawn(engine, self.chosen.threads)
            try:
                worker.ask("bulk", **self.found.ways[engine])
                figures["peak_rss_mb"] = [worker.ask("rss")["mib"]]
            finally:
                worker.stop()

        def unpacked(engine):
            self.found.figures[engine]["cold_start_without_pack_ms"] = times = []
            for _ in range(SPAWNS):
                for pack in self.ready.source.glob("int8*.pack"):
                    pack.unlink()
                times.append(cold(engine))

        self.each(one)
        self.each(unpacked, [OURS])

    def vectors(self, engine):
        return self.ready.models / f"{engine}.f32"

    def compare(self):
        """Cosines to the float32 reference."""
        there = [e for e in self.found.engines if e not in self.found.failed]
        reference = next((e for e in REFERENCES if e in there), None)
        if reference is None:
            say("no float32 peer: cosines are not measured")
            return
        width = self.vectors(reference).stat().st_size // 4 // self.chosen.texts
        paths = [str(self.vectors(engine)) for engine in there]
        command = [self.ready.python, HERE / "compare.py", self.vectors(reference), width, *paths]
        command = [str(part) for part in command]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean(2))
        if done.returncode != 0:
            say(f"cosines are not measured: {done.stderr.strip().splitlines()[-1:]}")
            return
        self.found.reference = reference
        for engine, path in zip(there, paths):
            self.found.figures[engine]["cosine"] = json.loads(done.stdout)[path]
