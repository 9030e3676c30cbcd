"""Histories with canaries: sentences that technicians sent to some customers and that others must never see.

Every canary has a question of its own, so that whoever asks it finds nothing but the canary's replies. Each of its words is
common at the desk: other tickets use it, in other sentences. Must never contain anything of a real customer's."""

import random
import re
from dataclasses import dataclass

CUSTOMERS = [
    "Amaro Foods", "Birchwood Dental", "Calder Freight", "Dunmore School", "Elmgate Clinic", "Farrow Estates", "Gantry Steel",
    "Hollin Law", "Ingram Bakery", "Juniper Optics", "Kestrel Travel", "Linden Housing", "Marlow Studios", "Norwood Pharmacy",
]  # fmt: skip
CONTACTS = ["Eva Stone", "Tom Marsh", "Rita Holm", "Paul Vance", "Ines Roth", "Karl Webb", "Mona Reid", "Ivan Cole"]


@dataclass(frozen=True)
class Canary:
    """A sentence, the part of it that tells, the question that brings it up, and those whom it was sent to."""

    kind: str
    sentence: str
    telling: str
    subject: str
    body: str
    sent_to: tuple


def canary(kind, number, sentence, telling, question, sent_to=None):
    """A canary of one customer, or of those named."""
    subject, body = question
    own = tuple(sent_to or (CUSTOMERS[number % len(CUSTOMERS)],))
    return Canary(kind, sentence, telling.lower(), subject, body, own)


def ticket(number, customer, subject, body, reply=None, contact=None, **more):
    """A ticket of early in the history; with a reply it is resolved."""
    contact = contact or CONTACTS[number % len(CONTACTS)]
    at = f"2026-01-{1 + number % 27:02}T{8 + number % 9:02}:{number * 7 % 60:02}:00Z"
    made = {
        "id": f"K{number}", "opened_at": at, "customer": customer, "contact": contact, "source": "email",
        "subject": subject, "body": body, "board": "Service Desk", "type": "Access", "subtype": "Sign-in",
        "priority": "P3 - Medium", "technician": "Nora Blume",
    }  # fmt: skip
    if reply is not None:
        made["resolved_at"] = at.replace(":00Z", ":30Z")
        made["messages"] = [{"at": made["resolved_at"], "from": "technician", "visible": True, "text": reply}]
    return {**made, **more}


def letter(contact, *sentences):
    """A technician's reply."""
    return f"Hi {contact.split()[0]},\n\n{' '.join(sentences)}\n\nNora\nService Desk"


class Numbers:
    """Numbers for tickets, each once."""

    def __init__(self, first=1):
        self.next = first

    def __call__(self):
        self.next += 1
        return self.next


def history(canaries, base, rounds=4, seed=1):
    """`base`, the canaries' tickets, and tickets that make each of their words common."""
    numbers, draw, tickets = Numbers(), random.Random(seed), list(base)
    for one in canaries:
        for customer in one.sent_to:
            for _ in range(rounds):
                n = numbers()
                contact = CONTACTS[n % len(CONTACTS)]
                tickets.append(ticket(n, customer, one.subject, one.body, letter(contact, one.sentence), contact))
        tickets += commoners(one, numbers, draw)
    return sorted(tickets, key=lambda t: t.get("opened_at", ""))


def commoners(one, numbers, draw):
    """Tickets of four other customers whose replies use the canary's words, in another order and company."""
    words = re.findall(r"[^\W\d_]+", one.sentence)
    words = [words[0].lower(), *words[1:]] if words else []
    others = [customer for customer in CUSTOMERS if customer not in one.sent_to][:4]
    for customer in others:
        draw.shuffle(words)
        groups = [words[at : at + 3] for at in range(0, len(words), 3)]
        sentences = [f"We wrote {', '.join(group)} on a list." for group in groups]
        n = numbers()
        subject = f"List {n}"
        yield ticket(n, customer, subject, f"Which words are on list {n} of the glossary?", letter("Sam", *sentences), "Sam Hart")


def ask(one, customer, number, contact="Vera Lund"):
    """The canary's question, from a customer."""
    return ticket(900000 + number, customer, one.subject, one.body, contact=contact)


def coined(draw):
    """A word that no language has."""
    return "".join(draw.choice("bdfgklmnprstv") + draw.choice("aeiou") for _ in range(3)) + draw.choice("kmnrt")


def plain(text):
    """A text in lower case, blanks as one."""
    return " ".join(str(text).lower().split())


def shown(line):
    """All that a draft shows: its text, and the sentences that it names as sources."""
    draft = line.get("draft") or {}
    return plain([draft.get("text", ""), draft.get("sources", "")])


def text_of(line):
    """The draft's text; empty where there is none."""
    return (line.get("draft") or {}).get("text") or ""
