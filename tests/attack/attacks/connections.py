"""Fault 3: connections that say nothing, and bodies that cost more than they should.

Every attack that fills something up is followed by an honest call, and memory is read from the kernel. `memory.py` beside
this package holds the service under a cgroup's limit; here memory is only watched. Must never leave connections open."""

import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import wire
from bench import Skip, attack, judge

# Most MiB that the service may hold, whatever is sent (the limit of 256 MiB set for bodies, and the program itself).
MOST_MIB = 512
SILENT = 1200
# Cgroups that were made, to be removed.
GROUPS = []
# Seconds within which a connection without a request has to be gone, and an honest call answered.
IDLE = 90
PATIENT = 15


def honest(site, name="honest", timeout=PATIENT):
    """What is wrong with an honest call and a health check; nothing where both are answered."""
    health = wire.call(site.base, "GET", "/healthz", timeout=timeout)
    sent = [{"id": f"attack-{name}-{time.monotonic_ns()}", "customer": site.customers["a"], "subject": "Mouse", "body": "The mouse is dead."}]
    answer = site.triage(sent, "admin", timeout=timeout)
    broken = [f"/healthz: {health.short}"] if health.status != 200 else []
    if not answer.ok or "decision_id" not in answer.text:
        broken.append(f"an honest call: {answer.short}")
    return broken


def calm(ground):
    """The service to attack, once it answers honest calls again after the last attack."""
    site, end = ground.site(), time.monotonic() + 60
    while faults := honest(site, "calm"):
        if time.monotonic() > end:
            raise Skip(f"the service is not well before the attack: {faults[0]}")
        time.sleep(1)
    return site


def meanwhile(site, name, seconds=5):
    """What is wrong with honest calls during some seconds, each fault once."""
    end, broken = time.monotonic() + seconds, []
    while time.monotonic() < end and not broken:
        time.sleep(1)
        broken = honest(site, name)
    return broken


def more_files(count):
    """Lets the bench itself have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard < count:
            raise Skip(f"the bench may open {hard} files only")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def close(socks):
    """Closes them all."""
    for sock in socks:
        sock.close()


def opened(base, count):
    """As many connections as can be had, up to `count`."""
    socks = []
    for _ in range(count):
        try:
            socks.append(wire.open_socket(base, 5))
        except OSError:
            break
    return socks


@attack(3, f"{SILENT} silent connections shut others out", needs="service")
def silent(ground):
    more_files(SILENT + 200)
    if ground.options.url:
        site = ground.site()
    else:
        # As a service manager would start it that sets no limit.
        site = ground.service(files=1024, settings=["log=error"]).up()
    socks = opened(site.base, SILENT)
    try:
        if len(socks) < SILENT // 4:
            raise Skip(f"only {len(socks)} connections could be opened")
        time.sleep(1)
        broken = [f"with {len(socks)} open, {fault}" for fault in honest(site)]
        end = time.monotonic() + IDLE
        left = len(socks)
        while left and time.monotonic() < end:
            left = sum(not wire.is_closed(sock) for sock in socks)
            time.sleep(1)
        if left:
            broken.append(f"{left} are still open after {IDLE} s")
        seconds = round(IDLE - (end - time.monotonic()))
        return judge(broken, f"{len(socks)} open: both answered; all closed after {seconds} s")
    finally:
        close(socks)


@attack(3, "half a request, and silence after an answer", needs="service")
def half(ground):
    site, socks = ground.site(), {}
    begun = {
        "half a request line": b"POST /v1/tri",
        "half a head": b"GET / HTTP/1.1\r\nhost: x\r\n",
        "a blank line": b"\r\n",
        "half a TLS handshake": b"\x16\x03\x01",
        "half an HTTP/2 preface": wire.Http2.PREFACE[:20],
        "an HTTP/2 preface": wire.Http2.PREFACE,
        "a whole call": b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    }
    try:
        for name, text in begun.items():
            socks[name] = wire.open_socket(site.base)
            socks[name].sendall(text)
        end = time.monotonic() + 2 * IDLE
        left = dict(socks)
        while left and time.monotonic() < end:
            left = {name: sock for name, sock in left.items() if not wire.is_closed(sock)}
            time.sleep(0.5)
        return judge([f"{name} and then nothing: open after {2 * IDLE} s" for name in left], f"all {len(socks)} closed")
    finally:
        close(socks.values())


@attack(3, "slow headers and slow bodies take every place", needs="service")
def slow(ground):
    site = calm(ground)
    more_files(700)
    half_head = b"POST /v1/triage HTTP/1.1\r\nhost: x\r\nx-slow: "
    begun = wire.head(site.base, "/v1/triage", site.key("triage"), 100_000)
    socks = opened(site.base, 600)
    try:
        for n, sock in enumerate(socks):
            try:
                sock.sendall(half_head if n % 2 else begun + b'{"tickets":[')
            except OSError:
                pass
        broken = []
        for _ in range(12):
            for n, sock in enumerate(socks):
                try:
                    sock.send(b"x" if n % 2 else b" ")
                except OSError:
                    pass
            broken += honest(site, "slow")
            time.sleep(1)
        return judge(sorted(set(broken)), f"{len(socks)} slow connections: honest calls are answered")
    finally:
        close(socks)


@attack(3, "chunked drips of 100 bytes reserve the memory", needs="service")
def drips(ground):
    site = calm(ground)
    begun = wire.head(site.base, "/v1/triage", site.key("triage"))
    chunk = b'{"tickets":[' + b" " * 88
    socks = opened(site.base, 64)
    try:
        for sock in socks:
            sock.sendall(begun + f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        broken = meanwhile(site, "drips")
        uploads = f"{len(socks)} uploads of 100 bytes"
        return judge([f"with {uploads}, {fault}" for fault in broken], f"{uploads}: honest calls are answered")
    finally:
        close(socks)


@attack(3, "the same by announced lengths", needs="service")
def announced(ground):
    site = calm(ground)
    begun = wire.head(site.base, "/v1/triage", site.key("triage"), 32 << 20)
    socks = opened(site.base, 64)
    try:
        for sock in socks:
            sock.sendall(begun + b'{"tickets":[')
        broken = meanwhile(site, "announced")
        uploads = f"{len(socks)} uploads of 12 bytes"
        return judge([f"with {uploads}, {fault}" for fault in broken], f"{uploads}: honest calls are answered")
    finally:
        close(socks)


@attack(3, "HTTP/2 bodies bypass the bound on memory")
def http2(ground):
    site = ground.service(settings=["log=error"]).up()
    first = wire.Http2(site.base, site.key("triage"))
    if not first.speaks():
        first.sock.close()
        return judge([], "HTTP/2 is not spoken")
    site.forget_peak()
    connections = [first, *(wire.Http2(site.base, site.key("triage")) for _ in range(5))]
    sent, begun, blank = [], b'{"tickets":[', b" " * (1 << 20)
    try:
        # At once: what is held is what came before the first body's time ran out.
        threads = [threading.Thread(target=lambda c=c: sent.append(pour(c, begun, blank)), daemon=True) for c in connections]
        [thread.start() for thread in threads]
        [thread.join(90) for thread in threads]
        peak, total = site.memory()[1], sum(sent) >> 20
        broken = [f"{peak:.0f} MiB held of {total} MiB sent with one key"] if peak > MOST_MIB else []
        broken += [f"with them open, {fault}" for fault in honest(site, "h2")]
        return judge(broken, f"{total} MiB sent on {len(connections)} connections: {peak:.0f} MiB held")
    finally:
        close([c.sock for c in connections])


def pour(connection, begun, blank):
    """Begins six bodies of 30 MiB on one connection, and ends none; gives the bytes that went."""
    sent = 0
    try:
        for stream in range(1, 13, 2):
            connection.open(stream, "/v1/triage")
            sent += connection.send(stream, begun)
            for _ in range(30):
                took = connection.send(stream, blank)
                sent += took
                if took < len(blank):
                    break
    except OSError:
        pass
    return sent


def bodies(size):
    """Bodies of nearly `size` bytes that parse into much more: name, path, text."""
    size = int(0.95 * size)
    numbers = "[" + ",".join(["1"] * (size // 2)) + "]"
    head = '{"tickets":[{"id":"attack-big","subject":"x","body":"y",'
    yield "numbers in an unknown key", "/v1/triage", f'{head}"zzz":{numbers}}}]}}'
    yield "numbers beside the tickets", "/v1/triage", f'{{"zzz":{numbers},"tickets":[]}}'
    yield "numbers as tickets", "/v1/triage", f'{{"tickets":{numbers}}}'
    yield "numbers as texts", "/v1/embeddings", f'{{"input":{numbers}}}'
    yield "numbers in a job", "/v1/jobs", f'{{"tickets":[{{"id":"attack-big","subject":"x","zzz":{numbers}}}]}}'
    keys = ",".join(f'"{n}":0' for n in range(size // 12))
    yield "keys of a ticket", "/v1/triage", f"{head}{keys}}}]}}"
    yield "lists in lists", "/v1/triage", f'{head}"zzz":[{",".join(["[[[]]]"] * (size // 7))}]}}]}}'
    messages = ",".join(['{"text":""}'] * (size // 12))
    yield "messages", "/v1/triage", f'{head}"messages":[{messages}]}}]}}'
    yield "one long key", "/v1/triage", f'{head}"{"k" * size}":1}}]}}'
    yield "finals of feedback", "/v1/feedback", f'{{"items":[{{"ticket_id":"x","final":{{{keys}}}}}]}}'


def longest(ground):
    """Bytes of the longest body that the service takes, at most 32 MiB."""
    told = re.search(r"^body_bytes = (\d+)", ground.program.settings(), re.MULTILINE)
    return min(int(told[1]) if told else 32 << 20, 32 << 20)


@attack(3, "bodies that parse into gigabytes")
def parsed(ground):
    site = ground.service(settings=["log=error"]).up()
    broken, most = [], 0
    for name, path, text in bodies(longest(ground)):
        site.forget_peak()
        answer = wire.call(site.base, "POST", path, site.key("admin"), text, timeout=120)
        if not site.alive():
            return judge([f"{name}: the process is gone"], "")
        peak = site.memory()[1]
        most = max(most, peak)
        if peak > MOST_MIB:
            broken.append(f"{name}: {peak:.0f} MiB ({answer.status})")
    return judge(broken, f"at most {most:.0f} MiB for bodies of {longest(ground) >> 20} MiB")


def big(site, name, **fields):
    """A ticket with much in it."""
    return {"id": f"attack-{name}-{site.stamp}", "customer": site.customers["a"], "contact": "Eva Stone",
            "source": "email", "subject": "Printer offline", "body": "The printer is offline and nothing prints.", **fields}  # fmt: skip


@attack(3, "megabytes in one field are stored")
def stored(ground):
    site, broken = ground.service(settings=["log=error"]).up(), []
    much = "x" * min(20_000_000, int(0.9 * longest(ground)))
    shapes = {
        "contact": {"contact": much},
        "customer": {"customer": much},
        "technician": {"technician": much},
        "source": {"source": much},
        "board": {"board": much},
        "resolution": {"resolution": much},
        "messages": {"messages": [{"from": "customer", "text": much}]},
        "many messages": {"messages": [{"from": "customer", "text": much[:10_000]}] * 2_000},
        "an unknown key": {"zzz": much},
        "a key's name": {much: 1},
        "id": {"id": much},
        "keys of messages": {"messages": [{"from": "customer", "text": "x", "zzz": much}]},
    }
    for name, fields in shapes.items():
        before = size(site)
        answer = site.triage([big(site, name.replace(" ", "-"), **fields)])
        grown = size(site) - before
        if grown > 4 << 20:
            broken.append(f"{name}: {grown >> 20} MiB stored ({answer.status})")
    if broken:
        broken.insert(0, f"{len(broken)} of {len(shapes)} fields")
    return judge(broken, f"{len(shapes)} fields refused or cut")


def size(site):
    """Bytes of a store on disk."""
    return sum(path.stat().st_size for path in site.folder.glob("firstline.db*"))


@attack(3, "a review page without end")
def page(ground):
    site, sent = ground.service(settings=["log=error"]).up(), []
    for shape in range(3):
        for n in range(8):
            much = "x" * 900_000
            fields = [{"zzz": much}, {"messages": [{"from": "customer", "text": much}]}, {"body": much}][shape]
            sent.append(big(site, f"page{shape}{n}", **fields))
    accepted = sum("decision_id" in site.triage([one], drafts=True).text for one in sent)
    most, pages, waiting, after = 0, 0, 0, ""
    while pages < 50:
        answer = site.call("GET", f"/v1/review?limit=200{after}")
        if not answer.ok:
            raise Skip(f"the review queue answers {answer.short}")
        most, pages, waiting = max(most, len(answer.text)), pages + 1, waiting + len(answer.json()["items"])
        if not (following := answer.json().get("next")):
            break
        after = f"&after={following}"
    if accepted and not waiting:
        raise Skip(f"{accepted} tickets were accepted, none has a draft that waits")
    about = f"{most / 1e6:.1f} MB on the largest of {pages} pages, {accepted} of {len(sent)} tickets accepted"
    return judge([about] if most > 8_000_000 else [], about)


@attack(3, "deep nesting", needs="service")
def deep(ground):
    site, broken = ground.site(), []
    nested = lambda depth, opens, closes: opens * depth + "1" + closes * depth
    shapes = [nested(100_000, "[", "]"), nested(100_000, '{"a":', "}"), nested(127, "[", "]"), nested(2_000, "[", "]")]
    for path in ("/v1/triage", "/v1/jobs", "/v1/similar", "/v1/feedback", "/v1/embeddings", "/predict"):
        for shape in shapes:
            body = f'{{"tickets":[{{"id":"attack-deep","subject":"x","zzz":{shape}}}],"input":{shape},"inputs":{shape},"items":[{shape}],"ticket":{shape}}}'
            answer = wire.call(site.base, "POST", path, site.key("admin"), body, timeout=30)
            if answer.status == 0 or answer.status >= 500:
                broken.append(f"{path}: {answer.short}")
    broken += honest(site, "deep")
    return judge(broken, f"{6 * len(shapes)} nested bodies answered, none with an error of the service's")


@attack(3, "many connections ask for health checks meanwhile", needs="service")
def health(ground):
    """Health checks have a reserve: they are answered while every other place is taken."""
    site = calm(ground)
    more_files(700)
    begun = wire.head(site.base, "/v1/triage", site.key("triage"), 1000)
    socks, statuses = opened(site.base, 400), []
    try:
        for sock in socks:
            try:
                sock.sendall(begun + b"{")
            except OSError:
                pass

        def check(path):
            statuses.append((path, wire.call(site.base, "GET", path, timeout=PATIENT).status))

        threads = [threading.Thread(target=check, args=(path,)) for path in ("/healthz", "/readyz", "/metrics") * 4]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        broken = sorted({f"{path}: {status}" for path, status in statuses if status != 200})
        return judge(broken, f"{len(statuses)} checks answered beside {len(socks)} begun uploads")
    finally:
        close(socks)


@attack(3, "memory under a cgroup limit")
def limited(ground):
    return companion(ground, "memory")


def companion(ground, name):
    """The verdict of a program beside the bench, which prints its own table; its exit status decides."""
    path = Path(__file__).resolve().parent.parent / f"{name}.py"
    if not path.exists():
        raise Skip(f"tests/attack/{name}.py is not there")
    args = arguments(ground, subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True).stdout)
    try:
        done = subprocess.run(
            list(map(str, [sys.executable, "-B", path, *args])), capture_output=True, text=True, timeout=900, env=ground.program.env
        )
    except subprocess.TimeoutExpired:
        raise Skip(f"{name}.py did not end within 900 s") from None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode not in (0, 1, 3) or not lines or (done.returncode == 1 and "Traceback" in done.stderr):
        raise Skip(f"{name}.py ended with {done.returncode}: {(lines + [done.stderr.strip()])[-1][-200:]}")
    ground.clear()
    release()
    told = "; ".join(lines[-4:])
    return judge([told] if done.returncode else [], told)


def arguments(ground, help_):
    """What such a program is called with: a service of the bench's, keys, and where it wants that a process to watch."""
    site = ground.service(settings=["log=error"]).up()
    if "--pid" in help_:
        confine(site.child.pid, MOST_MIB)
        return ["--url", site.base, "--pid", site.child.pid, "--key", site.key("admin"), "--key", site.key("triage"), "--honest", site.key("triage2")]
    return ["--url", site.base, "--key-noisy", site.key("triage"), "--key-quiet", site.key("triage2")]


def confine(pid, mib):
    """Holds a process to so much memory by a cgroup, where that can be had: past it, the kernel kills the process."""
    for base, limit in ((Path("/sys/fs/cgroup"), "memory.max"), (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes")):
        group = base / f"firstline-attack-{pid}"
        try:
            group.mkdir()
            (group / limit).write_text(str(mib << 20))
            (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            if group.exists():
                group.rmdir()
            continue
        GROUPS.append(group)
        return


def release():
    """Removes the groups whose processes have ended."""
    for group in GROUPS[:]:
        try:
            group.rmdir()
            GROUPS.remove(group)
        except OSError:
            pass
