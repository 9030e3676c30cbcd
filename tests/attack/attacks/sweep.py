"""Fault 1, at large: forty customers, each with words of its own in every reply, all asking each other's questions.

Must never judge by a canary that its own customer is not shown either; the share that own customers see stands beside."""

import random

import corpus
from bench import Skip, attack, judge

CUSTOMERS = 40
SHAPES = [
    ("word", "The {0} is installed now, please try the {0} again."),
    ("name", "Please ask {0} about it."),
    ("place", "You find the form in the {0} folder near the {1} door."),
    ("habit", "Your team always starts the {0} before the {1}."),
    ("secret", "Your password is {0}."),
    ("plain", "The {1} box is under the {0} desk."),
]
COLOURS = ["red", "blue", "green", "brown", "white", "black", "yellow", "grey"]
THINGS = ["printer", "laptop", "phone", "scanner", "screen", "mail", "calendar", "network", "camera", "backup"]


@attack(1, "canary sweep: 40 customers")
def sweep(ground):
    program, options = ground.program, ground.options
    draw = random.Random(options.seed)
    customers = [f"{corpus.coined(draw).title()} {kind}" for kind in ("Foods", "Dental", "Freight", "Law") for _ in range(CUSTOMERS // 4)]
    words = {customer: [corpus.coined(draw) for _ in SHAPES] for customer in customers}
    numbers, tickets, questions = corpus.Numbers(5000), list(program.generated()), []
    for at, customer in enumerate(customers):
        for shape, (_, text) in enumerate(SHAPES):
            thing, colour = THINGS[(at + shape) % len(THINGS)], COLOURS[(at * 3 + shape) % len(COLOURS)]
            subject, body = f"{colour} {thing}", f"Question {at % 7} about the {colour} {thing}: it does not do what it should."
            sentence = text.format(words[customer][shape], colour)
            questions.append((customer, subject, body))
            for _ in range(2):
                n = numbers()
                reply = corpus.letter("Sam", sentence, "Please tell us whether it helps.")
                tickets.append(corpus.ticket(n, customer, subject, body, reply, "Sam Hart"))
    bundle = program.trained(f"sweep {options.seed}", sorted(tickets, key=lambda t: t["opened_at"]))
    asks = []
    for n in range(options.asks):
        own, subject, body = questions[n % len(questions)]
        customer = own if n % 10 == 0 else draw.choice(customers)
        asks.append(corpus.ticket(700000 + n, customer, subject, body, contact="Vera Lund"))
    owners = {word: customer for customer, all_words in words.items() for word in all_words}
    leaks, own, retrieved, shared = set(), 0, 0, 0
    for asked, line in zip(asks, program.draft(bundle, asks)):
        seen = corpus.shown(line)
        retrieved += (line.get("draft") or {}).get("origin") == "retrieved"
        shared += "tell us whether it helps" in seen
        for word in seen.replace(".", " ").replace(",", " ").replace("'", " ").split():
            if owner := owners.get(word):
                own += owner == asked["customer"]
                if owner != asked["customer"]:
                    leaks.add(f"{word!r} of {owner} to {asked['customer']}")
    about = f"{options.asks} asks, seed {options.seed}: {retrieved} drafts from past replies, {own} canaries shown to their own, "
    about += f"a common sentence in {shared}"
    if not leaks and own == 0:
        raise Skip(f"no canary was shown to its own customer: nothing could leak ({about})")
    return judge([f"{len(leaks)} leaks, such as {sorted(leaks)[0]} ({about})"] if leaks else [], f"0 leaks; {about}")
