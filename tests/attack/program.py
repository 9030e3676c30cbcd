"""The program under attack: its commands, its services, and bundles that it learns for the bench.

Every service runs in a temporary folder of its own, with a store of its own. Must never touch a store or a bundle that it
did not make: `--bundle` is copied before a service gets it."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import wire
from bench import Skip

# Seconds that a service has to start in, and a command to end in.
PATIENCE = 60
COMMAND = 300

# Keys that every service gets: name, scopes, customer. `feedback` is left out where the program has no such scope.
KEYS = {
    "admin": ("admin", None),
    "a": ("triage,review,act,feedback", "a"),
    "b": ("triage,review,act,feedback", "b"),
    "triage": ("triage", None),
    "triage2": ("triage", None),
    "feedback": ("feedback", None),
    "review": ("review", None),
    "act": ("act", None),
    "act2": ("act", None),
    "admin_a": ("admin", "a"),
}
# Two customers of the generated history.
CUSTOMERS = {"a": "Amaro Foods", "b": "Hollis Freight Lines"}


class Run:
    """What a command left behind."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def said(self):
        """All that it printed."""
        return self.out + "\n" + self.err

    def lines(self):
        """Standard output's lines, each a JSON value."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Program:
    """The program, and a folder for everything that the bench makes with it."""

    def __init__(self, path, bundle=None):
        self.path = str(Path(path).resolve())
        self.root = Path(tempfile.mkdtemp(prefix="firstline-attack-"))
        self.env = {**os.environ, "FIRSTLINE_CACHE": str(self.root / "cache")}
        self.given, self.made, self.helps = bundle, {}, {}

    def run(self, args, cwd=None, timeout=COMMAND, env=None, stdin=None):
        """Runs a command; status -1 where it did not end in time."""
        try:
            done = subprocess.run(
                [self.path, *map(str, args)],
                cwd=cwd or self.root,
                env=env or self.env,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            return Run(-1, "", f"it did not end within {timeout} s")
        return Run(done.returncode, done.stdout, done.stderr)

    def ok(self, args, **more):
        """Runs a command that has to succeed before anything can be tried."""
        run = self.run(args, **more)
        if run.code not in (0, 3):
            raise Skip(f"`{' '.join(map(str, args[:3]))}` failed: {run.said.strip()[-200:]}")
        return run

    def help(self, *command):
        """A command's help; empty where there is no such command."""
        if command not in self.helps:
            run = self.run([*command, "--help"], timeout=20)
            self.helps[command] = run.out if run.code == 0 else ""
        return self.helps[command]

    def scopes(self, wanted):
        """Of these scopes those that the program has."""
        known = self.help("store", "keys", "create")
        return ",".join(scope for scope in wanted.split(",") if f"- {scope}:" in known)

    def settings(self):
        """The settings as the program prints them."""
        return self.run(["serve", "--print-config"]).out

    def folder(self):
        """A new folder."""
        return Path(tempfile.mkdtemp(dir=self.root))

    def trained(self, name, tickets):
        """A bundle that is learnt from these tickets, once."""
        if name not in self.made:
            folder = self.folder()
            (folder / "history.jsonl").write_text("".join(json.dumps(t) + "\n" for t in tickets))
            args = ["train", "--tickets", "history.jsonl", "--bundle", "bundle", "--model", "tiny-random"]
            self.ok([*args, "--fine-tune", "never", "--seed", "1"], cwd=folder)
            self.made[name] = folder / "bundle"
        return self.made[name]

    def generated(self):
        """A generated history of 700 tickets."""
        path = self.root / "generated.jsonl"
        if not path.exists():
            self.ok(["dev", "generate", "--tickets", "700", "--seed", "3", "--out", path])
        return [json.loads(line) for line in path.read_text().splitlines()]

    def bundle(self):
        """The bundle that services decide with: a copy of the one given, or one of a generated history."""
        if "given" not in self.made:
            if self.given:
                copy = self.folder() / "bundle"
                shutil.copytree(self.given, copy)
                self.made["given"] = copy
            else:
                self.made["given"] = self.trained("generated", self.generated())
        return self.made["given"]

    def draft(self, bundle, tickets, more=()):
        """The drafts to these tickets, line by line."""
        text = "".join(json.dumps(t) + "\n" for t in tickets)
        run = self.ok(["draft", "--bundle", bundle, "--writer", "none", *more, "-"], stdin=text)
        return run.lines()

    def create_key(self, store, scopes, customers=(), name="attack", env=None):
        """A new key of a store."""
        args = ["store", "keys", "create", "--name", name, "--scope", scopes, "--store", store]
        for customer in customers:
            args += ["--customer", customer]
        return self.ok(args, env=env).out.strip().splitlines()[-1]

    def cleanup(self):
        """Removes everything that was made."""
        shutil.rmtree(self.root, ignore_errors=True)


def stamp():
    """A mark for ids that no earlier run has used."""
    return f"{time.time_ns() // 1000:x}"[-9:]


class Service:
    """A service in a folder of its own. Its keys are made before it starts: it then knows them at once."""

    def __init__(self, program, bundle=None, settings=(), files=None, folder=None, keys=None, env=None):
        self.program, self.folder = program, folder or program.folder()
        self.store = self.folder / "firstline.db"
        self.bundle, self.settings, self.files = bundle or program.bundle(), list(settings), files
        # What the program keeps outside of the store, such as signed heads, is this service's own.
        self.env = {**program.env, "XDG_STATE_HOME": str(self.folder / "state"), **(env or {})}
        self.customers, self.base, self.log, self.child = dict(CUSTOMERS), None, [], None
        self.wrapper, self.stamp = None, stamp()
        self.keys = keys if keys is not None else self.make_keys()

    def make_keys(self):
        """All keys of KEYS whose scopes there are."""
        made = {}
        for name, (scopes, customer) in KEYS.items():
            if has := self.program.scopes(scopes):
                of = [self.customers[customer]] if customer else []
                made[name] = self.program.create_key(self.store, has, of, name, self.env)
        return made

    def key(self, name):
        """A key's token."""
        if name not in self.keys:
            scopes, customer = KEYS[name]
            held = f" held to {self.customers[customer]}" if customer else ""
            raise Skip(f"needs a key with {scopes}{held}: README.md says how it is given")
        return self.keys[name]

    def start(self, patience=PATIENCE):
        """Starts it; gives whether it listens. Otherwise it has ended, or hangs, and `log` says more."""
        self.base = None
        args = [self.wrapper or self.program.path, "serve", "--bundle", self.bundle, "--listen", "127.0.0.1:0", "--store", self.store]
        for setting in self.settings:
            args += ["--set", setting]
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))) if self.files else None
        self.child = subprocess.Popen(
            list(map(str, args)),
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=limit,
        )
        reader = threading.Thread(target=self.listen, args=(self.child.stderr,), daemon=True)
        reader.start()
        end = time.monotonic() + patience
        while time.monotonic() < end and self.base is None and self.child.poll() is None:
            time.sleep(0.02)
        if self.child.poll() is not None:
            reader.join(2)
        return self.base is not None and self.alive()

    def listen(self, lines):
        """Reads what it says, and from that where it listens."""
        for line in lines:
            self.log.append(line.rstrip())
            if self.base is None and " listens on " in line:
                address = line.split(" listens on ", 1)[1].split(";")[0].strip()
                self.base = address if "://" in address else f"http://{address}"

    def up(self, patience=PATIENCE):
        """Starts it where that has to succeed before anything can be tried."""
        if not self.start(patience):
            raise Skip(f"the service did not start: {' '.join(self.log[-3:])[:200]}")
        return self

    def alive(self):
        """Whether the process still runs."""
        return self.child is not None and self.child.poll() is None

    def kill(self, wait=True):
        """Kills it as a power cut would."""
        if self.child is not None:
            self.child.send_signal(signal.SIGKILL)
            if wait:
                self.child.wait()

    def stop(self):
        """Asks it to end, and kills it where it does not."""
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def call(self, method, path, key="admin", body=None, **more):
        """A call with one of its keys, by name; no key for an empty name."""
        return wire.call(self.base, method, path, self.key(key) if key else "", body, **more)

    def triage(self, tickets, key="admin", drafts=False, **more):
        """Sends tickets; gives the answer."""
        return self.call("POST", "/v1/triage", key, {"tickets": tickets, "drafts": drafts}, **more)

    def command(self, *args, **more):
        """A command on its store."""
        return self.program.run([*args, "--store", self.store], cwd=self.folder, env=self.env, **more)

    def memory(self):
        """Resident MiB, now and at most since `forget_peak`."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.child.pid}/status").read_text().splitlines())
        return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def forget_peak(self):
        """Counts the peak of memory from here on."""
        Path(f"/proc/{self.child.pid}/clear_refs").write_text("5")


class Remote:
    """A service that somebody else has started. What the bench sends stays there: ids begin with `attack-`."""

    def __init__(self, options, program):
        self.base, self.folder, self.child = options.url.rstrip("/"), None, None
        self.store, self.stamp = options.store, stamp()
        self.customers = dict(CUSTOMERS)
        self.keys = {"admin": options.admin_key}
        for name in ("a", "b"):
            if token := getattr(options, f"key_{name}"):
                self.keys[name] = token
                self.customers[name] = getattr(options, f"customer_{name}") or CUSTOMERS[name]
        if program and options.store:
            for name, (scopes, customer) in KEYS.items():
                if name not in self.keys and (has := program.scopes(scopes)):
                    of = [self.customers[customer]] if customer else []
                    self.keys[name] = program.create_key(options.store, has, of, f"attack-{name}")
            # A service reads its keys every few seconds.
            time.sleep(5)

    key, call, triage = Service.key, Service.call, Service.triage

    def alive(self):
        """Whether it answers at all."""
        return wire.call(self.base, "GET", "/healthz", timeout=10).status == 200

    def stop(self):
        """It is not the bench's to stop."""


class Ground:
    """What attacks are carried out on."""

    def __init__(self, options, program):
        self.options, self.program, self.open, self.shared, self.facts = options, program, [], {}, {}

    def clear(self):
        """Ends the services of the last attack, but for the shared ones."""
        for service in self.open:
            service.stop()
        self.open = []

    def service(self, **more):
        """A new service, not yet started, that ends with the attack."""
        if self.program is None:
            raise Skip("needs --program")
        service = Service(self.program, **more)
        self.open.append(service)
        return service

    def site(self):
        """The service for attacks over the network: the one at --url, or one of the bench's, which is shared."""
        kept = self.shared.get("site")
        if kept is None or not kept.alive():
            if self.options.url:
                kept = Remote(self.options, self.program)
                if not kept.alive():
                    raise Skip(f"nothing answers at {kept.base}")
            else:
                kept = Service(self.program, settings=["phase=assist", "log=error"]).up()
            self.shared["site"] = kept
        return kept

    def local(self):
        """`site`, where the bench has to see its process or its store."""
        site = self.site()
        if site.child is None:
            raise Skip("needs a service of the bench's own: run it with --program and without --url")
        return site

    def once(self, name, make):
        """A fact that several attacks share, found out once."""
        if name not in self.facts:
            self.facts[name] = make()
        return self.facts[name]

    def end(self):
        """Ends everything."""
        self.clear()
        for service in self.shared.values():
            service.stop()
