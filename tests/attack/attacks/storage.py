"""Fault 6: storage that fails under the service, and whether it notices.

Each attack takes a store of its own. Must never fill a disk that others use: a full disk is a small one in memory."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import store_file
import wire
from bench import Skip, attack, judge

# Seconds within which the service has to notice.
NOTICE = 20
AHEAD_DAYS = 400

# Sets the clock of a process ahead, where the machine has no `faketime` but a C compiler.
SHIM = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#define AHEAD (%d * 86400L)
int clock_gettime(clockid_t id, struct timespec *ts) {
    int r = syscall(SYS_clock_gettime, id, ts);
    if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) ts->tv_sec += AHEAD;
    return r;
}
time_t time(time_t *t) { struct timespec ts; clock_gettime(CLOCK_REALTIME, &ts); if (t) *t = ts.tv_sec; return ts.tv_sec; }
int gettimeofday(struct timeval *tv, void *tz) {
    struct timespec ts; clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec; tv->tv_usec = ts.tv_nsec / 1000; return 0;
}
"""


def tickets(site, count=4, name="t"):
    """Tickets that have not been sent before."""
    stamp = time.monotonic_ns()
    return [{"id": f"attack-{name}-{stamp}-{n}", "customer": site.customers["a"], "contact": "Eva Stone", "source": "email",
             "subject": "Printer", "body": f"The printer is offline, number {n}."} for n in range(count)]  # fmt: skip


def used(service, rounds=3):
    """A service that has decided something."""
    service.up()
    for _ in range(rounds):
        answer = service.triage(tickets(service))
        if not answer.ok:
            raise Skip(f"no ticket is decided: {answer.short}")
    return service


def accepts(service):
    """Whether a ticket is decided and said to be on record."""
    answer = service.triage(tickets(service, 1), timeout=30)
    return answer.ok and "decision_id" in answer.text


def ready(service):
    """The status of the readiness check."""
    return wire.call(service.base, "GET", "/readyz", timeout=30).status


def notices(service, what):
    """What is wrong with a service whose store is gone or useless: it may not say that it is ready, nor accept tickets."""
    end, accepted = time.monotonic() + NOTICE, 0
    while time.monotonic() < end:
        if not service.alive():
            return []
        accepted += accepts(service)
        if accepted:
            break
        if service.alive() and ready(service) != 200:
            return []
        time.sleep(0.5)
    if not service.alive():
        return []
    broken = [f"{what}: a ticket is accepted"] if accepted else []
    status = ready(service)
    return broken + ([f"{what}: /readyz is {status}"] if status == 200 else [])


def fill(path):
    """Writes to a file until the disk has no room."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (65536, 4096, 1):
            try:
                while os.write(file, b"x" * size):
                    pass
            except OSError:
                pass
    finally:
        os.close(file)


@attack(6, "a full disk")
def full(ground):
    if os.geteuid() != 0:
        raise Skip("needs root: a small disk in memory is mounted")
    disk = Path(tempfile.mkdtemp(prefix="firstline-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True).returncode:
        raise Skip("tmpfs can't be mounted here")
    service = None
    try:
        service = used(ground.service(folder=disk))
        filler = disk / "filler"
        fill(filler)
        end = time.monotonic() + NOTICE
        while time.monotonic() < end and service.alive() and accepts(service):
            fill(filler)
        if accepts(service):
            raise Skip("the store still found room on the full disk")
        status, end = ready(service), time.monotonic() + NOTICE
        while status == 200 and time.monotonic() < end and service.alive():
            fill(filler)
            time.sleep(0.5)
            status = ready(service)
        broken = [f"no ticket is accepted any more, and /readyz is {status}"] if status == 200 else []
        filler.unlink()
        end = time.monotonic() + NOTICE
        while time.monotonic() < end and service.alive() and ready(service) != 200:
            time.sleep(0.5)
        if not service.alive():
            broken.append("the process ended")
        elif not accepts(service):
            broken.append("with room again, no ticket is accepted")
        return judge(broken, f"/readyz is {status} while the disk is full, and tickets are accepted again afterwards")
    finally:
        if service:
            service.stop()
        subprocess.run(["umount", "-l", disk], capture_output=True)
        disk.rmdir()


@attack(6, "the database goes from under a running service")
def gone(ground):
    broken, ways = [], {
        "removed": lambda store, spare: store.unlink(),
        "removed with its sidecars": lambda store, spare: [path.unlink() for path in store_file.files(store)],
        "replaced by a copy": lambda store, spare: os.replace(spare, store),
        "moved away": lambda store, spare: store.rename(store.with_name("elsewhere.db")),
        "its folder removed": lambda store, spare: shutil.rmtree(store.parent),
    }  # fmt: skip
    for name, way in ways.items():
        service = used(ground.service(keys=None), rounds=1)
        spare = service.folder.with_name(service.folder.name + "-spare.db")
        shutil.copy2(service.store, spare)
        way(service.store, spare)
        broken += notices(service, name)
        service.kill()
    return judge(broken, f"{len(ways)} ways: each time not ready, and nothing is accepted")


def torn(service):
    """A backup, and files of the store that are newer: killed, its log of writes is still there."""
    used(service, rounds=2)
    backup = service.folder / "backup.db"
    run = service.command("store", "backup", "--to", backup)
    if run.code:
        raise Skip(f"no backup is made: {run.said.strip()[-100:]}")
    for _ in range(6):
        service.triage(tickets(service, 40))
    service.kill()
    wal = service.store.with_name("firstline.db-wal")
    if not wal.exists() or not wal.stat().st_size:
        raise Skip("the store leaves no -wal file")
    return backup


@attack(6, "a backup copied over a store with an old -wal")
def stale(ground):
    service = ground.service()
    backup = torn(service)
    before = len(store_file.entries(backup))
    shutil.copyfile(backup, service.store)
    service.log.clear()
    if not service.start(30):
        how = "refused at the start" if not service.alive() else "hangs"
        return judge([] if how.startswith("refused") else ["the start hangs"], f"{how}: {' '.join(service.log[-2:])[:160]}")
    service.stop()
    sound = store_file.is_sound(service.store)
    decided = store_file.query(service.store, "SELECT COUNT(*) FROM tickets")[0][0] if sound else 0
    was = store_file.query(backup, "SELECT COUNT(*) FROM tickets")[0][0]
    broken = [] if sound else ["it starts and serves a malformed file"]
    if sound and decided != was:
        broken.append(f"it starts with {decided} tickets, of which the backup has {was}")
    return judge(broken, f"it starts with the backup's {before} entries")


@attack(6, "a backup is put in place by command")
def restored(ground):
    program = ground.program
    if not program.help("store", "restore"):
        return judge(["there is no `store restore`"], "")
    service = ground.service()
    backup = torn(service)
    run = service.command("store", "restore", backup)
    if run.code and "yes" in program.help("store", "restore"):
        run = service.command("store", "restore", backup, "--yes")
    if run.code:
        return judge([f"`store restore` fails: {run.said.strip()[-200:]}"], "")
    was = store_file.query(backup, "SELECT COUNT(*) FROM tickets")[0][0]
    broken = [] if store_file.is_sound(service.store) else ["the restored file is malformed"]
    if not service.start(30):
        return judge([f"it does not start afterwards: {' '.join(service.log[-2:])[:160]}"], "")
    now = store_file.query(service.store, "SELECT COUNT(*) FROM tickets")[0][0]
    running = service.command("store", "restore", backup)
    if now != was:
        broken.append(f"{now} tickets instead of the backup's {was}")
    if running.code == 0:
        broken.append("it restores under a running service")
    service.stop()
    damage(backup)
    if service.command("store", "restore", backup).code == 0:
        broken.append("it restores a damaged backup")
    return judge(broken, f"{was} tickets are back; refused while the service runs, and for a damaged backup")


def damage(path, page=None):
    """Overwrites a page of a database file: one that holds tickets, by default."""
    data = path.read_bytes()
    if page is None:
        places = [at for at in range(len(data) // 4096) if b"The printer is offline, number" in data[at * 4096 : at * 4096 + 4096]]
        if not places:
            raise Skip("no page with tickets was found in the file")
        page = places[len(places) // 2]
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 512)


def damaged(ground):
    """A stopped service with a page of its store damaged."""
    service = used(ground.service(), rounds=2)
    for _ in range(4):
        service.triage(tickets(service, 40))
    service.stop()
    store_file.query(service.store, "PRAGMA wal_checkpoint(TRUNCATE)")
    damage(service.store)
    if store_file.is_sound(service.store):
        raise Skip("SQLite finds nothing wrong with the damaged file")
    return service


@attack(6, "a backup of a damaged store")
def copies(ground):
    service = damaged(ground)
    backup = service.folder / "copy.db"
    run = service.command("store", "backup", "--to", backup)
    return judge(["the damaged file is copied with status 0"] if run.code == 0 else [], f"status {run.code}: {run.said.strip()[:120]}")


@attack(6, "a start on a damaged store")
def starts(ground):
    service = damaged(ground)
    started = service.start(30)
    return judge(["it starts and serves"] if started else [], f"refused: {' '.join(service.log[-1:])[:160]}")


def ahead(program):
    """How a process is given a clock that is ahead: words before its command line, and its environment."""
    if shutil.which("faketime"):
        return ["faketime", "-f", f"+{AHEAD_DAYS}d"], {}
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Skip("needs faketime or a C compiler")
    source, library = program.root / "ahead.c", program.root / "ahead.so"
    source.write_text(SHIM % AHEAD_DAYS)
    done = subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], capture_output=True, text=True)
    if done.returncode:
        raise Skip(f"the shim for the clock can't be compiled: {done.stderr[:100]}")
    return [], {"LD_PRELOAD": str(library)}


@attack(6, f"a start with the clock {AHEAD_DAYS} days ahead")
def clock(ground):
    prefix, env = ahead(ground.program)
    told = subprocess.run([*prefix, "date", "+%s"], env={**os.environ, **env}, capture_output=True, text=True).stdout
    if int(told or 0) < time.time() + 86400:
        raise Skip("the clock can't be set ahead for a process")
    service = used(ground.service())
    service.stop()
    words = lambda: store_file.query(service.store, "SELECT COUNT(*) FROM tickets WHERE ticket IS NOT NULL")[0][0]
    before = words()
    service.env.update(env)
    if prefix:
        wrapper = service.folder / "wrapped"
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(prefix)} {service.program.path} "$@"\n')
        wrapper.chmod(0o755)
        service.wrapper = str(wrapper)
    started = service.start()
    if started:
        time.sleep(8)
    service.kill()
    after = words()
    return judge([f"{before - after} of {before} tickets lost their words"] if after < before else [],
                 f"all {before} tickets keep their words ({'it serves' if started else 'it does not start'})")  # fmt: skip


@attack(6, "a restart right after kill -9")
def again(ground):
    service, failed = used(ground.service()), []
    for round_ in range(5):
        ended = threading.Event()

        def load(base=service.base):
            while not ended.is_set():
                wire.call(base, "POST", "/v1/triage", service.key("admin"), {"tickets": tickets(service, 20, "load")}, timeout=5)

        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        time.sleep(0.3)
        killed = service.child
        service.log.clear()
        killed.send_signal(signal.SIGKILL)
        started = service.start(30)
        ended.set()
        killed.wait()
        thread.join(10)
        if not started:
            failed.append(f"round {round_ + 1}: {' '.join(service.log[-1:])[:120]}")
            service.stop()
            service.up()
    return judge(failed, "5 of 5 starts at the very moment of the kill")


@attack(6, "two services on one store, the lock file deleted")
def twice(ground):
    service, broken = used(ground.service()), []
    links = service.folder / "links"
    links.mkdir()
    (links / "firstline.db").symlink_to(service.store)
    hard = service.folder / "hard.db"
    os.link(service.store, hard)
    ways = {"as it is": service.store, "by a symbolic link": links / "firstline.db", "by a hard link": hard}
    for deleted in (False, True):
        if deleted:
            locks = [path for path in service.folder.rglob("*lock*") if path.is_file()]
            [path.unlink() for path in locks]
        for name, store in ways.items():
            second = ground.service(folder=service.folder, keys=service.keys)
            second.store = store
            if second.start(20):
                broken.append(f"a second one runs {name}{', the lock deleted' if deleted else ''}")
                second.stop()
    return judge(broken, f"{2 * len(ways)} tries refused")


@attack(6, "a fifo, a folder or a device as store")
def odd(ground):
    folder, broken = ground.program.folder(), []
    fifo, place = folder / "fifo.db", folder / "folder.db"
    os.mkfifo(fifo)
    place.mkdir()
    for name, store in {"a fifo": fifo, "a folder": place, "/dev/zero": Path("/dev/zero"), "/dev/null": Path("/dev/null")}.items():
        for args in (["store", "keys", "list"], ["serve", "--bundle", ground.program.bundle(), "--listen", "127.0.0.1:0"]):
            run = ground.program.run([*args, "--store", store], cwd=folder, timeout=15)
            if run.code != 1:
                what = "hangs or serves" if run.code == -1 else f"ends with {run.code}"
                broken.append(f"{name}: `{args[0]}` {what}")
    return judge(broken, "each refused with status 1")
