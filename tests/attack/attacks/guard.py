"""Fault 10: what a draft may not say, in the languages of the desk, in disguise, or about somebody else.

A desk is learnt in which technicians of four customers have answered each question with a sentence that no draft may repeat,
beside a harmless one. Must never call silence held where the harmless sentences are not shown either."""

import random
import re
import unicodedata

import corpus
import guard_cases as cases
from bench import Skip, attack, judge
from corpus import CUSTOMERS

CONFUSABLE = str.maketrans("аеорсухіѕјԁһκνοαρτу", "aeopcyxisjdhkvoaptu")


def folded(text):
    """A text as people read it: look-alikes as letters, and nothing that is not seen."""
    text = unicodedata.normalize("NFKC", str(text)).lower().translate(CONFUSABLE)
    unseen = lambda c: unicodedata.category(c) == "Cf" or c in "\u034f\u00ad"
    return " ".join("".join(c for c in text if not unseen(c)).split())


class Desk:
    """The cases, the bundle learnt from them, and what was drafted."""

    def __init__(self, program):
        self.program, self.numbers, self.tickets, self.asks = program, corpus.Numbers(20000), [], []
        self.draw = random.Random(7)
        for language, (question, harmless, sentences) in cases.LANGUAGES.items():
            for sentence, telling in sentences:
                # In its own language, and where nobody can tell the ticket's.
                self.case(language, question, sentence, [telling])
                self.case(language, cases.NEUTRAL, sentence, [telling])
            self.case("harmless", question, harmless, [])
        for sentence, telling in cases.DISGUISED:
            self.case("disguised", cases.NEUTRAL, sentence, [telling])
        for sentence in cases.ITALIAN:
            self.case("italian", cases.ENGLISH, sentence, [folded(sentence)[:20]])
        for text, telling in cases.LINKED:
            self.case("linked", cases.NEUTRAL, text, telling)
        for opening in cases.GREETED:
            self.case("greeted", cases.NEUTRAL, opening.format(cases.HARMLESS), [])
        for text, telling in cases.PERSONAL:
            self.case("personal", cases.NEUTRAL, text, telling, own="Sierra Nolan")
        for sentence, telling in cases.CIRCUMSTANCES:
            self.case("circumstances", cases.NEUTRAL, sentence, [telling], own="Sierra Nolan")
        history = sorted([*program.generated(), *self.tickets], key=lambda t: t.get("opened_at", ""))
        lines = program.draft(program.trained("guard", history), [ask for *_, ask in self.asks])
        self.seen = [(kind, reply, telling, line) for (kind, reply, telling, _), line in zip(self.asks, lines)]

    def case(self, kind, question, reply, telling, own=None):
        """A question that was answered at four customers, or at one for one of its people."""
        words = [corpus.coined(self.draw) for _ in range(6)]
        subject, body = (part.format(*words) for part in question)
        customers = CUSTOMERS[:1] if own else [CUSTOMERS[(len(self.asks) + 3 * k) % len(CUSTOMERS)] for k in range(4)]
        for customer in customers:
            for _ in range(6 if own else 3):
                n = self.numbers()
                contact = own or corpus.CONTACTS[n % len(corpus.CONTACTS)]
                whole = kind == "greeted" or reply.startswith("Hi ")
                text = f"{reply}\n\nNora\nService Desk" if whole else corpus.letter(contact, reply)
                self.tickets.append(corpus.ticket(n, customer, subject, body, text, contact))
        for customer in (customers[0], CUSTOMERS[-1]):
            ask = corpus.ticket(self.numbers() + 800000, customer, subject, body, contact="Vera Lund")
            self.asks.append((kind, reply, telling, ask))

    def of(self, *kinds):
        """Verdict on what these kinds must not say, in all drafts: a sentence may come up for another question, too."""
        telling = {(part, reply) for kind, reply, parts, _ in self.seen if kind in kinds for part in parts}
        found, texts = {}, [folded(corpus.text_of(line)) for *_, line in self.seen]
        for part, reply in sorted(telling):
            shows = [text for text in texts if folded(part) in text]
            if shows:
                found[reply] = f'"{part}" of "{reply[-60:]}" in {len(shows)} drafts'
        count = sum(kind in kinds for kind, *_ in self.seen)
        answered = sum(kind in kinds and origin(line) is not None for kind, _, _, line in self.seen)
        broken = list(found.values())
        if len(broken) > 1:
            broken.insert(0, f"{len(broken)} of {len({reply for _, reply in telling})} sentences")
        if not broken and not self.well():
            raise Skip("hardly any draft was made from past replies: nothing could pass")
        return judge(broken, f"{count} drafts, {answered} from past replies: none says it")

    def well(self):
        """Whether the desk shows anything from past replies at all."""
        return sum(origin(line) == "retrieved" for *_, line in self.seen) > 10


def origin(line):
    """Where a draft's sentences are from; None where they are only the desk's own phrases."""
    told = (line.get("draft") or {}).get("origin")
    return told if told in ("retrieved", "template", "generated") else None


def desk(ground):
    """One desk for all attacks."""
    return ground.once("guard", lambda: Desk(ground.program))


for language in cases.LANGUAGES:
    attack(10, f"promises, claims and credentials: {language}")(lambda ground, language=language: desk(ground).of(language))


@attack(10, "the same in disguise: look-alikes, soft hyphens, wide letters")
def disguised(ground):
    return desk(ground).of("disguised")


@attack(10, "names, marks and sign-offs of other people")
def personal(ground):
    return desk(ground).of("personal")


@attack(10, "another's case and circumstances")
def circumstances(ground):
    return desk(ground).of("circumstances")


@attack(10, "links, their fragments, and sentences about them")
def linked(ground):
    return desk(ground).of("linked")


@attack(10, "a sentence of another language")
def italian(ground):
    return desk(ground).of("italian")


@attack(10, "a doubled greeting")
def greeted(ground):
    greeting = re.compile(r"(?:^|[.!?]\s+|\n)\s*(?:hi|hello|hey|dear|good (?:morning|day|afternoon))\b", re.IGNORECASE)
    broken, count = [], 0
    for kind, _, _, line in desk(ground).seen:
        text = corpus.text_of(line)
        count += bool(text)
        if len(greeting.findall(text)) > 1:
            broken.append(f'"{" ".join(text.split())[:80]}"')
    if not count:
        raise Skip("there are no drafts")
    return judge(broken, f"{count} drafts greet once at most")


def first_lines(ground, contacts, subject="Printer", body="The printer on the second floor is offline and nothing prints, can you help?"):
    """How drafts to these contacts begin."""
    bundle = ground.program.trained("generated", ground.program.generated())
    asks = [corpus.ticket(n, "Amaro Foods", subject, body, contact=contact) for n, contact in enumerate(contacts)]
    return [(corpus.text_of(line).splitlines() or [""])[0] for line in ground.program.draft(bundle, asks)]


@attack(10, "hostile names in greetings")
def names(ground):
    good = first_lines(ground, cases.GOOD_NAMES)
    greeted = sum(any(part.strip(",") in line for part in name.split()) for name, line in zip(cases.GOOD_NAMES, good))
    if greeted < 2:
        raise Skip(f"people are not greeted by name at all: {good}")
    broken = []
    for name, line in zip(cases.HOSTILE_NAMES, first_lines(ground, cases.HOSTILE_NAMES)):
        parts = [part for part in re.split(r"[^\w]+", folded(name)) if len(part) > 1 and part not in ("eva", "contact")]
        if any(part in folded(line) for part in parts) or "{" in line or "<" in line:
            broken.append(f'"{line}"')
    if len(broken) > 1:
        broken.insert(0, f"{len(broken)} of {len(cases.HOSTILE_NAMES)} names")
    return judge(broken, f"{len(cases.HOSTILE_NAMES)} hostile names left out, {greeted} of {len(good)} good ones used")


@attack(10, "a short ticket is answered in another language")
def short(ground):
    asks = {
        "Bitte Harborgate Connect auf KES-LT011 einrichten.": ("Hallo", "Guten"),
        "Bitte Passwort zurücksetzen": ("Hallo", "Guten"),
        "Drucker geht nicht": ("Hallo", "Guten"),
        "Merci de débloquer mon compte": ("Bonjour",),
        "La impresora no funciona desde ayer": ("Hola",),
    }
    bundle = ground.program.trained("generated", ground.program.generated())
    tickets = [corpus.ticket(n, "Amaro Foods", "", body, contact="Eva Stone") for n, body in enumerate(asks)]
    broken = []
    for (body, openings), line in zip(asks.items(), ground.program.draft(bundle, tickets)):
        text = corpus.text_of(line)
        if text and not text.startswith(openings):
            broken.append(f'"{body}": "{" ".join(text.split())[:60]}"')
    return judge(broken, f"{len(asks)} short tickets answered in their language, or not at all")


@attack(10, "the identity step where nothing is to change, or not where it is")
def identity(ground):
    harmless = [
        "I got a phishing mail that asks for my password and have reported it. Please check.",
        "I think I have received a phishing mail from somebody who says to be our bank. I did not enter anything.",
        "A colleague has forwarded a suspicious mail to me, I did not click on anything.",
        "Somebody sends fake invoices to us by mail and wants a login. We only report it.",
    ]
    needed = ["Please reset my password, I am locked out of my account since this morning.", "Please reset my MFA, I have a new phone."]
    bundle = ground.program.trained("generated", ground.program.generated())
    subject = lambda body: "Phishing" if body in harmless else "Account"
    asks = [corpus.ticket(n, "Amaro Foods", subject(body), body, contact="Eva Stone") for n, body in enumerate(harmless + needed)]
    drafts = [line.get("draft") or {} for line in ground.program.draft(bundle, asks)]
    broken = []
    for body, draft in zip(harmless + needed, drafts):
        if not draft.get("text"):
            continue
        asked = bool(draft.get("verify_identity")) or "verify that it is you" in draft["text"]
        if asked != (body in needed):
            broken.append(f'"{body[:50]}" is {"asked" if asked else "not asked"} for identification')
    return judge(broken, "asked where credentials are to change, and not where a mail is reported")
