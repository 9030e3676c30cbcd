"""Fault 1: sentences of one customer's in drafts for another.

A desk is learnt from a history in which each canary was sent to one customer (or to customers among whom it is still a
secret), and every other customer asks the same questions. Must never count silence as safety: where customers are not
shown their own sentences either, the attack is skipped, and what may be shared has to be shown."""

import random

import corpus
from bench import Skip, attack, judge
from corpus import CUSTOMERS, canary

# Customers other than its own who ask each question.
OTHERS = 6

COMMON = [
    ("Join the guest network with blue moment array.", "blue moment array"),
    ("The panel of the server room opens with 12, then 34, then 56.", "12, then 34, then 56"),
    ("The backup disk is in the red box under the desk at reception.", "red box under the desk"),
    ("The person on long leave is at home with a bad back.", "at home with a bad back"),
    ("The spare key of the office is behind the plant at the door.", "behind the plant"),
    ("The alarm is off every day from noon until the guard is back.", "until the guard is back"),
    ("Your finance team will move to another bank in the new year.", "another bank in the new year"),
    ("The camera over the back door has not worked for a month.", "camera over the back door"),
    ("Sign in with the name of the first dog of the owner.", "first dog of the owner"),
    ("The owner wants to sell the company before the summer.", "sell the company"),
    ("All of your old laptops are in the open room in the garden.", "room in the garden"),
    ("The lock of the archive opens when you turn it left twice and right once.", "left twice and right once"),
    ("Use the colour of the sky and then the month when you sign in.", "colour of the sky"),
]
NAMES = [
    ("Ask Wilhelmina in your accounts team about it.", "wilhelmina"),
    ("Only Mr. Okonkwo can approve it at your company.", "okonkwo"),
    ("Your contract with Brightmoor Capital covers that.", "brightmoor"),
    ("Your colleague will come back from hospital on Monday.", "back from hospital"),
]
PLACES = [
    ("Your second site is above the fish shop near the old bridge.", "above the fish shop"),
    ("The switch is in the cellar behind the wine.", "behind the wine"),
    ("Please go to the third floor of the old mill and knock at the green door.", "green door"),
]
HABITS = [
    ("Nobody is in your office on Friday after lunch.", "on friday after lunch"),
    ("Your cleaner has a key and comes at night.", "comes at night"),
    ("Your director reads mail only on the train.", "only on the train"),
]
DIGITS = [
    ("Enter 7 then 3 then 9 on the keypad.", "7 then 3 then 9"),
    ("The safe is set to 24 left and 61 right.", "24 left and 61 right"),
    ("Use line 8841 and then press 2.", "8841"),
    ("Your tenant number is a4f7 and your site is b2.", "a4f7"),
]
SECRETS = [
    ("Your first password is sunshine.", "sunshine"),
    ("The wifi is called guest and the code is moonlight.", "moonlight"),
    ("The password for the meeting room is always summer.", "always summer"),
    ("Sign in with welcome and change it at once.", "in with welcome"),
    ("Das WLAN Kennwort lautet sonnenschein.", "sonnenschein"),
    ("Le mot de passe du wifi est soleil.", "soleil"),
    ("La contraseña es primavera.", "primavera"),
    ("A palavra-passe é andorinha.", "andorinha"),
    ("Het wachtwoord is zonnebloem.", "zonnebloem"),
    ("La password predefinita è girasole.", "girasole"),
    ("The door code is four times the letter k.", "four times the letter k"),
]
SPELLINGS = ("Larkspur School", "Larkspur School Inc.", "LARKSPUR-SCHOOL", "The Larkspur School")
SPELT = [
    ("The gate of the school yard stays open at night.", "school yard stays open"),
    ("Your head teacher will leave after the summer.", "will leave after the summer"),
    ("The exam papers are on the second shelf of the small room.", "second shelf of the small room"),
]
DOMAINS = ("Alder Logistics", "Norddruck Werk", "Villa Sole Hotel", "Praxis am Tor")
GROUPED = [
    ("The group will close the plant in the north.", "close the plant in the north"),
    ("Your board meets in the back room of the old inn.", "back room of the old inn"),
]
USEFUL = [
    ("Please turn the printer off, wait a moment and turn it on again.", "turn it on again"),
    ("Please sign out of the program and sign in again.", "sign in again"),
    ("Does the same page open in another browser?", "in another browser"),
    ("Please check that the cable is firmly in the socket.", "firmly in the socket"),
    ("Please restart the computer and tell us whether it helps.", "tell us whether it helps"),
    ("Could you send us a picture of the message on the screen?", "picture of the message"),
]


def question(kind, number):
    """A question of words that no other question has."""
    draw = random.Random(f"{kind} {number}")
    words = [corpus.coined(draw) for _ in range(6)]
    subject = f"{words[0]} {words[1]}"
    return subject, f"{words[0].title()} {words[1]}, {words[2]} {words[3]}: how do we {words[4]} the {words[5]} {words[0]}?"


def canaries():
    """All canaries of the desk."""
    made, number = [], 0

    def add(kind, sentences, sent_to=lambda n: None):
        nonlocal number
        for n, (sentence, telling) in enumerate(sentences):
            made.append(canary(kind, number, sentence, telling, question(kind, n), sent_to(n)))
            number += 1

    four = lambda n: [CUSTOMERS[(n + k * 3) % len(CUSTOMERS)] for k in range(4)]
    for kind, sentences in [("common", COMMON), ("name", NAMES), ("place", PLACES), ("habit", HABITS), ("digit", DIGITS)]:
        add(kind, sentences)
    later = str.maketrans("0123456789", "1234567890")
    add("digits of four", [(sentence.translate(later), telling.translate(later)) for sentence, telling in DIGITS], four)
    add("secret of four", SECRETS, four)
    add("spelling", SPELT, lambda n: SPELLINGS)
    add("mail domain", GROUPED, lambda n: DOMAINS)
    add("useful", USEFUL, lambda n: [CUSTOMERS[(n + k * 2) % len(CUSTOMERS)] for k in range(6)])
    return made


def learnt(program):
    """The desk's bundle. Those who share a mail domain write with their address."""
    tickets = corpus.history(canaries(), program.generated())
    for ticket in tickets:
        if ticket.get("customer") in DOMAINS:
            name = ticket["contact"].split()[0].lower()
            address = f"{name}@aldergroup.example"
            ticket["contact_email"] = address
            ticket["body"] += f"\n\nBest regards\n{ticket['contact']}\n{address}"
            ticket["messages"].insert(0, {"from": "customer", "visible": True, "text": f"From: {address}\n{ticket['body']}"})
    return program.trained("customers", tickets)


class Asked:
    """What everybody was shown: for each canary, whether its own see it, and who else does."""

    def __init__(self, program, bundle):
        asks, lines = [], []
        for one in canaries():
            strangers = [customer for customer in CUSTOMERS if customer not in one.sent_to][:OTHERS]
            asks += [(one, customer) for customer in [one.sent_to[0], *strangers]]
        tickets = [corpus.ask(one, customer, n) for n, (one, customer) in enumerate(asks)]
        lines = program.draft(bundle, tickets)
        self.own, self.leaks, self.drafted = {}, {}, 0
        for (one, customer), line in zip(asks, lines):
            saw = one.telling in corpus.shown(line)
            self.drafted += bool(corpus.text_of(line))
            if customer in one.sent_to:
                self.own[one] = saw
            elif saw:
                self.leaks.setdefault(one, []).append(customer)

    def of(self, *kinds):
        """Verdict on the canaries of these kinds."""
        check = [one for one in self.own if one.kind in ("common", "place", "habit")]
        seen = sum(self.own[one] for one in check)
        if seen * 3 < len(check):
            raise Skip(f"only {seen} of {len(check)} canaries are shown to their own customer: nothing could leak")
        of = [one for one in self.own if one.kind in kinds]
        leaked = [one for one in of if one in self.leaks]
        own = sum(self.own[one] for one in of)
        broken = [f'"{one.sentence}" to {len(self.leaks[one])} of {OTHERS} other customers' for one in leaked]
        if broken:
            broken.insert(0, f"{len(leaked)} of {len(of)} sentences leaked")
        return judge(broken, f"0 of {len(of)} leaked in {len(of) * OTHERS} asks; {own} are shown to their own customer")


def asked(ground):
    """The desk, asked once for all attacks."""
    return ground.once("asked", lambda: Asked(ground.program, learnt(ground.program)))


@attack(1, "sentences of common words")
def common(ground):
    return asked(ground).of("common")


@attack(1, "names, places and habits")
def personal(ground):
    return asked(ground).of("name", "place", "habit")


@attack(1, "digits, at one customer and at four")
def digits(ground):
    return asked(ground).of("digit", "digits of four")


@attack(1, "a default password at four customers, six languages")
def secrets(ground):
    return asked(ground).of("secret of four")


@attack(1, "one customer in four spellings")
def spellings(ground):
    return asked(ground).of("spelling")


@attack(1, "four customers of one mail domain")
def domains(ground):
    return asked(ground).of("mail domain")


@attack(1, "what six customers were sent is still shared")
def useful(ground):
    seen = asked(ground)
    of = [one for one in seen.own if one.kind == "useful"]
    shared = [one for one in of if one in seen.leaks]
    shows = sum(len(seen.leaks.get(one, [])) for one in of)
    share = f"{len(shared)} of {len(of)} sentences reach other customers, {shows} of {len(of) * OTHERS} asks"
    return judge([] if 2 * len(shared) >= len(of) else [f"safety by silence: {share}"], share)


@attack(1, "canaries in approved templates")
def templates(ground):
    program, bundle = ground.program, learnt(ground.program)
    listed = program.ok(["drafts", "templates", "--bundle", bundle, "list", "--json"]) if "--json" in program.help(
        "drafts", "templates", "list") else program.ok(["drafts", "templates", "--bundle", bundle, "list"])
    file = bundle.with_name(bundle.name + ".templates.toml")
    text = corpus.plain(listed.out + (file.read_text() if file.exists() else ""))
    private = [one for one in canaries() if one.kind != "useful"]
    found = [f'"{one.sentence}" is a template' for one in private if one.telling in text]
    count = text.count("[[template")
    return judge(found, f"none of {len(private)} canaries is among {count} templates")


@attack(1, "similar tickets for a held key", needs="service")
def similar(ground):
    site = ground.site()
    mine = site.customers["a"]
    bodies = ["printer does not print", "password", "vpn connection drops", "new laptop", "mail is slow"]
    other, hits = set(), 0
    for n, body in enumerate(bodies):
        sent = {"ticket": {"id": f"attack-s{n}", "customer": mine, "subject": body, "body": body}, "limit": 20}
        answer = site.call("POST", "/v1/similar", "a", sent)
        if not answer.ok:
            raise Skip(f"/v1/similar answers {answer.short}")
        found = answer.json().get("similar", [])
        hits += len(found)
        other |= {case.get("customer") for case in found} - {mine}
    wide = site.call("POST", "/v1/similar", "admin", {"ticket": {"id": "attack-s", "subject": "printer", "body": "printer"}, "limit": 20})
    if not wide.json().get("similar"):
        raise Skip("the index has nothing to find")
    return judge([f"it finds tickets of {len(other)} other customers"] if other else [], f"{hits} tickets found, all its own")
