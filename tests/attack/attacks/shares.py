"""Fault 4: one key that shuts the others out.

Here refusals count, and waits of more than a second; `fairness.py` beside this package measures ratios. Must never judge by a
ratio alone: what is a little slow on a busy machine is told, not called broken."""

import random
import threading
import time

import wire
from bench import Skip, attack, judge

from .connections import calm, companion

LOADERS = 12
SECONDS = 8
WORDS = "printer outlook vpn password laptop server backup network screen email access licence phone update error".split()


def text(words, draw=random):
    """A text of so many words that is never the same."""
    return " ".join(draw.choice(WORDS) for _ in range(words))


def bulk(site):
    """Calls of 64 tickets."""
    stamp = time.monotonic_ns()
    sent = [{"id": f"attack-bulk-{stamp}-{n}", "customer": site.customers["a"], "subject": text(6), "body": text(120)} for n in range(64)]
    return "/v1/triage", {"tickets": sent}


def embeddings(site):
    """Calls of 2,048 texts."""
    return "/v1/embeddings", {"input": [text(12) for _ in range(2048)]}


def similar(site):
    """Searches."""
    return "/v1/similar", {"ticket": {"id": "attack-similar", "customer": site.customers["a"], "subject": text(6), "body": text(100)}, "limit": 20}


def slow(site):
    """Texts that take long to be cleaned."""
    body = random.choice(["a\n" * 200_000, "-- \n" * 100_000, "> " * 200_000, "Kind regards,\nJo\n" * 20_000])
    return "/v1/triage", {"tickets": [{"id": f"attack-slow-{time.monotonic_ns()}", "subject": "slow", "body": body}]}


def drafts(site):
    """Calls of tickets with drafts."""
    stamp = time.monotonic_ns()
    sent = [{"id": f"attack-draft-{stamp}-{n}", "customer": site.customers["a"], "subject": text(4), "body": text(40)} for n in range(32)]
    return "/v1/triage", {"tickets": sent, "drafts": True}


def jobs(site):
    """Jobs of 2,000 tickets."""
    stamp = time.monotonic_ns()
    return "/v1/jobs", {"tickets": [{"id": f"attack-job-{stamp}-{n}", "subject": text(5), "body": text(30)} for n in range(2000)]}


def quiet(site, seconds):
    """Single tickets of another key, one after the other: their statuses and how long each took."""
    statuses, waits, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        sent = [{"id": f"attack-quiet-{time.monotonic_ns()}", "customer": site.customers["b"], "subject": text(4), "body": text(20)}]
        answer = site.triage(sent, "triage2", timeout=30)
        statuses.append(answer.status)
        waits.append(answer.seconds)
        time.sleep(0.1)
    return statuses, sorted(waits)


def under(ground, load):
    """The verdict of one load."""
    site = calm(ground)
    site.key("triage2")
    _, idle = quiet(site, 2)
    ended, sent = threading.Event(), []

    def work():
        while not ended.is_set():
            path, body = load(site)
            sent.append(wire.call(site.base, "POST", path, site.key("triage"), body, timeout=30).status)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(LOADERS)]
    [thread.start() for thread in threads]
    time.sleep(1)
    statuses, waits = quiet(site, SECONDS)
    ended.set()
    [thread.join(40) for thread in threads]
    if not sent:
        raise Skip("the load made no call")
    refused = [status for status in statuses if status != 200]
    p95 = lambda of: 1000 * of[min(len(of) - 1, int(0.95 * len(of)))]
    about = f"{len(statuses)} single tickets, p95 {p95(waits):.0f} ms, idle {p95(idle):.0f} ms; {len(sent)} calls of the load"
    broken = [f"{len(refused)} refused ({refused[0]}) of {about}"] if refused else []
    if not refused and p95(waits) > max(1000, 3 * p95(idle)):
        broken = [f"none refused, but they wait: {about}"]
    return judge(broken, f"none refused of {about}")


for name, load in {"64 tickets a call": bulk, "2,048 texts to embed": embeddings, "searches": similar, "texts slow to clean": slow,
                   "drafts": drafts, "jobs": jobs}.items():  # fmt: skip
    attack(4, f"one key's load shuts others out: {name}", needs="service")(lambda ground, load=load: under(ground, load))


@attack(4, "fairness table")
def table(ground):
    return companion(ground, "fairness")
