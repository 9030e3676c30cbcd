"""Fault 9: what is left of a customer after `store forget`.

A service hears of a customer in every way that there is, and forgets it. Every file is then searched byte by byte. Must never
search for words that were not put on record: each has to be found before it may be missing afterwards."""

import hashlib
import json
import re
import shutil
import time

import corpus
import store_file
from bench import Skip, attack, judge

NAME = "Quarrymoor Dental"
SPELLINGS = ["Quarrymoor Dental Inc.", "Quarry-Moor Dental", "Quarrymoor Dentel"]
WORDS = {
    "text": "quillfeather", "contact": "zapparov", "customer": "quarrymoor", "reviewer": "brannigan", "label": "vellumdesk",
    "reply": "saffronbrick", "once": "qmkey", "ticket id": "qmdid", "job fault": "jobfaultword", "outbox": "outboxword",
}  # fmt: skip


class Forgotten:
    """A service that has forgotten a customer: what it said, and its files before and after."""

    def __init__(self, ground):
        self.service = service = ground.service(settings=["phase=assist", "log=error"])
        service.customers["a"] = NAME
        service.keys = service.make_keys()
        service.up()
        self.tell()
        store_file.query(service.store, "PRAGMA wal_checkpoint(PASSIVE)")
        self.before = self.bytes()
        self.log_before = service.command("store", "audit", "export").out.lower()
        self.run = self.forget(NAME)
        self.others = [self.forget(name) for name in SPELLINGS]
        time.sleep(3)
        self.after = self.bytes()
        self.log = service.command("store", "audit", "export").out.lower()
        service.stop()
        self.stopped = self.bytes()

    def forget(self, name):
        """Forgets one; where spellings have to be confirmed, it says so."""
        return self.service.command("store", "forget", "--customer", name, "--yes")

    def tell(self):
        """Puts the customer on record."""
        site, n = self.service, 0
        for spelling in [NAME, NAME, NAME, *SPELLINGS]:
            n += 1
            sent = self.ticket(n, spelling)
            result = (site.triage([sent], drafts=True).json().get("results") or [{}])[0]
            if "decision_id" not in result:
                raise Skip(f"a ticket is refused: {result}")
            if result.get("draft_state") == "pending":
                body = [
                    {"action": "approve", "reviewer": "Moira Brannigan"},
                    {"action": "edit", "text": "Please mind the saffronbrick.", "reviewer": "Moira Brannigan"},
                    {"action": "reject", "reason": "saffronbrick", "reviewer": "Moira Brannigan"},
                ][n % 3]
                body["fields"] = {"board": "Vellumdesk"}
                headers = {"if-match": f'"{result["version"]}"', "idempotency-key": f"qmkey-review-{n}"}
                answer = site.call("POST", f"/v1/review/{result['decision_id']}", body=body, headers=headers)
                if answer.status in (400, 422):
                    body.pop("reviewer"), body.pop("fields")
                    site.call("POST", f"/v1/review/{result['decision_id']}", body=body, headers=headers)
            item = {"decision_id": result["decision_id"], "final": {"board": "Vellumdesk"}, "reply": "Mind the saffronbrick."}
            site.call("POST", "/v1/feedback", "feedback" if "feedback" in site.keys else "admin", {"items": [item]})
        for action in site.call("POST", "/v1/outbox/claim", body={"owner": "outboxword", "limit": 100}).json().get("actions", []):
            site.call("POST", f"/v1/outbox/{action['id']}", body={"owner": "outboxword", "error": "outboxword: Ottoline Zapparov is not there"})
        self.job()

    def ticket(self, n, customer, **more):
        """A ticket with words of its own."""
        return {"id": f"qmdid-{n}", "customer": customer, "contact": "Ottoline Zapparov", "source": "email", "subject": "Printer offline",
                "body": f"The printer near the quillfeather is offline, number {n}.", **more}  # fmt: skip

    def job(self):
        """A job of good and bad tickets of the customer's."""
        bad = [
            self.ticket(50, NAME, opened_at="jobfaultword of Ottoline Zapparov"),
            self.ticket(51, NAME, messages="jobfaultword"),
            {"id": "qmdid-jobfaultword", "customer": NAME},
            self.ticket(52, NAME, source=["jobfaultword"]),
            self.ticket(53, NAME),
            self.ticket(53, NAME),
        ]
        body = {"tickets": [self.ticket(54, NAME), *bad]}
        made = self.service.call("POST", "/v1/jobs", body=body, headers={"idempotency-key": "qmkey-job-quarrymoor"})
        path, end = f"/v1/jobs/{made.json().get('id')}", time.monotonic() + 30
        while made.ok and time.monotonic() < end and self.service.call("GET", path).json().get("state") != "done":
            time.sleep(0.3)

    def bytes(self):
        """All that the store's files hold, in lower case."""
        return b"".join(path.read_bytes() for path in store_file.files(self.service.store)).lower()

    def where(self, word):
        """Tables that have a word."""
        found = set()
        for (table,) in store_file.query(self.service.store, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            if any(word in str(row).lower() for row in store_file.query(self.service.store, f"SELECT * FROM {table}")):
                found.add(table)
        return sorted(found)

    def left(self, *kinds, tables=None):
        """Verdict on words of these kinds in the files."""
        put = {kind: WORDS[kind] for kind in kinds if WORDS[kind].encode() in self.before}
        if not put:
            raise Skip("nothing of the kind was on record before")
        broken = []
        for kind, word in put.items():
            where = self.where(word)
            if tables is not None:
                where = [table for table in where if table in tables]
                if not where:
                    continue
            elif word.encode() not in self.after and word.encode() not in self.stopped:
                continue
            broken.append(f"{kind} ({word!r}) in {', '.join(where) or 'a free page of the file'}")
        return judge(broken, f"nothing of {', '.join(put)} is left")


def forgotten(ground):
    """One for all attacks."""
    return ground.once("forgotten", lambda: Forgotten(ground))


@attack(9, "words of tickets, replies and contacts in the files")
def words(ground):
    done = forgotten(ground)
    if done.run.code:
        return judge([f"`store forget` fails: {done.run.said.strip()[-200:]}"], "")
    return done.left("text", "reply", "contact")


@attack(9, "faults of jobs and of the outbox keep words")
def faults(ground):
    return forgotten(ground).left("job fault", "outbox", "ticket id", tables=["work", "jobs", "actions"])


@attack(9, "the audit log keeps names and labels")
def log(ground):
    done, broken = forgotten(ground), []
    looked = [kind for kind in WORDS if WORDS[kind] in done.log_before]
    for kind in WORDS:
        # Ids of tickets are what the log is for.
        if kind != "ticket id" and WORDS[kind] in done.log:
            broken.append(f"{kind} ({WORDS[kind]!r})")
    if len(done.log.splitlines()) < 5:
        raise Skip("the log has no entries")
    return judge(broken, f"no name, label or id in {len(done.log.splitlines())} entries ({len(looked)} kinds were there before)")


@attack(9, "hashes of names, labels and replies can be guessed")
def hashes(ground):
    done, found = forgotten(ground), []
    names = {NAME, NAME.lower(), " ".join(NAME.lower().split())}
    texts = set(names)
    for name in names:
        texts |= {json.dumps([name]), json.dumps([name], separators=(",", ":")), json.dumps({"Only": [name]}, separators=(",", ":")),
                  json.dumps({"only": [name]}, separators=(",", ":")), json.dumps(name)}  # fmt: skip
    for words in ("Vellumdesk", "Mind the saffronbrick.", "Please mind the saffronbrick.", "Moira Brannigan", "Ottoline Zapparov"):
        texts |= {words, words.lower(), json.dumps(words)}
    for text in texts:
        for algorithm in ("sha256", "sha1", "md5", "sha512", "blake2b", "blake2s"):
            digest = hashlib.new(algorithm, text.encode()).hexdigest()
            for places in (digest, digest[:32], digest[:16]):
                if places in done.log or places.encode() in done.after:
                    found.append(f"{algorithm} of {text!r}")
                    break
    return judge(sorted(set(found)), f"none of {len(texts) * 6} guesses is in the log or the files")


@attack(9, "idempotency keys stay")
def once(ground):
    return forgotten(ground).left("once")


@attack(9, "keys still name the customer")
def named(ground):
    return forgotten(ground).left("customer")


@attack(9, "other spellings stay unmentioned")
def spellings(ground):
    done = forgotten(ground)
    said = re.sub(r"[^a-z0-9]+", " ", done.run.said.lower())
    missing = [name for name in SPELLINGS if re.sub(r"[^a-z0-9]+", " ", name.lower()).strip() not in said]
    return judge([f"not mentioned: {', '.join(missing)}"] if missing else [], f"all {len(SPELLINGS)} are named")


CASES = 6


def indexed(ground):
    """A bundle whose index holds so many tickets of the customer's."""
    tickets = ground.program.generated()
    for n in range(CASES):
        tickets.append(corpus.ticket(600 + n, NAME, f"Sealing machine {n}", f"The quillfeather number {n} is loose, says the nurse.",
                                     corpus.letter("Ottoline", f"Please tighten the saffronbrick on line {n}."), "Ottoline Zapparov"))  # fmt: skip
    made = ground.program.trained("to forget", sorted(tickets, key=lambda t: t["opened_at"]))
    copy = ground.program.folder()
    shutil.copytree(made.parent, copy, dirs_exist_ok=True)
    (copy / "history.jsonl").unlink()
    return copy / "bundle"


@attack(9, "what the bundle still holds stays unmentioned")
def unmentioned(ground):
    bundle = indexed(ground)
    store = bundle.parent / "firstline.db"
    ground.program.create_key(store, "triage")
    run = ground.program.run(["store", "forget", "--customer", NAME, "--yes", "--store", store, "--set", f"bundle={bundle}"])
    told = re.search(rf"\b{CASES}\b", run.said) and "index" in run.said and "backup" in run.said.lower()
    return judge([] if told else [f"not told: {CASES} tickets in the index, and backups"], "the bundle's tickets and backups are named")


@attack(9, "a customer is taken out of an index")
def index(ground):
    program = ground.program
    help_ = program.help("drafts", "index")
    if "--forget" not in help_:
        return judge(["there is no `drafts index --forget`"], "")
    bundle = indexed(ground)
    read = lambda: b"".join(path.read_bytes() for path in bundle.parent.rglob("*") if path.is_file()).lower()
    if WORDS["text"].encode() not in read():
        raise Skip("the index does not hold the customer's words")
    run = program.run(["drafts", "index", "--bundle", bundle, "--forget", NAME])
    if run.code and "--yes" in help_:
        run = program.run(["drafts", "index", "--bundle", bundle, "--forget", NAME, "--yes"])
    if run.code:
        return judge([f"it fails: {run.said.strip()[-200:]}"], "")
    left = [word for word in ("quillfeather", "zapparov", "saffronbrick", "quarrymoor") if word.encode() in read()]
    used = program.draft(bundle, [corpus.ticket(1, "Amaro Foods", "Printer", "The printer is offline.")])
    broken = [f"the bundle still has {', '.join(left)}"] if left else []
    return judge(broken + ([] if used else ["the bundle is of no use any more"]), "no word of the customer's is left in the bundle")
