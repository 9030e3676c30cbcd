"""Fault 8: a store that somebody has written to, and whether `store audit verify` finds it.

A service decides, reviews, acts and hears of outcomes, and is stopped in order; then the file is changed, and verified as an
operator would: with no more than the program keeps by itself. Whoever changes it knows how the chain is made, and resets the
head that the store keeps too; what lies outside of the store is left alone. Must never count an error for another reason:
the unchanged store is verified first."""

import json
import sqlite3
import time

import store_file
from bench import Skip, attack, judge

from .moves import claim, pending, reviewed


class Recorded:
    """A stopped service with something of everything on record, and a copy of its files."""

    def __init__(self, ground):
        self.service = service = ground.service(settings=["phase=assist", "log=error"]).up()
        done = pending(service, "done")[1]
        if not reviewed(service, done, {"action": "approve"}).ok:
            raise Skip("no draft can be approved")
        for action in claim(service, "act", "glue", lease=30):
            service.call("POST", f"/v1/outbox/{action['id']}", "act", {"owner": "glue"})
        edited = pending(service, "edited")[1]
        reviewed(service, edited, {"action": "edit", "text": "Please switch it off and on."})
        rejected = pending(service, "rejected")[1]
        reviewed(service, rejected, {"action": "reject", "reason": "wrong"})
        board = done["fields"]["board"]["label"]
        key = "feedback" if "feedback" in service.keys else "admin"
        service.call("POST", "/v1/feedback", key, {"items": [{"decision_id": done["decision_id"], "final": {"board": board}, "reopened": False}]})
        service.stop()
        # One that is revoked, by command, while no service runs.
        self.revoked = service.keys["triage2"].split("_")[1]
        service.command("store", "keys", "revoke", self.revoked)
        store_file.query(service.store, "PRAGMA wal_checkpoint(TRUNCATE)")
        self.kept = store_file.copy(service.store, service.folder / "kept")
        whole = self.verify()
        if whole.code:
            raise Skip(f"the unchanged store is not verified: {whole.said.strip()[-200:]}")

    def verify(self):
        """What the program finds."""
        return self.service.command("store", "audit", "verify")

    def found(self, how):
        """Whether a change is found; `how` gives the number of rows that it changed."""
        store_file.put_back(self.service.store, self.kept)
        if not how(self.service.store):
            return None
        run = self.verify()
        return run.code != 0 and "panicked" not in run.said

    def verdict(self, ways):
        """The verdict on several changes."""
        broken, tried = [], 0
        for name, how in ways.items():
            found = self.found(how)
            tried += found is not None
            if found is False:
                broken.append(f"{name}: not found")
        if not tried:
            raise Skip("the store has no such rows")
        return judge(broken, f"{tried} of {len(ways)} changes made, each found")


def recorded(ground):
    """One record for all attacks."""
    return ground.once("recorded", lambda: Recorded(ground))


def sql(statement):
    """A change by one statement."""
    return lambda store: store_file.change(store, statement)


def with_head(store, entries):
    """Puts other entries in, and the head that the store keeps of them."""
    changed = store_file.rewrite(store, entries)
    head = f"{entries[-1][0]}:{entries[-1][7]}" if entries else ""
    store_file.change(store, ("UPDATE meta SET setting = ? WHERE name = 'head' AND setting <> ''", (head,)))
    return changed or 1


@attack(8, "an emptied log")
def emptied(ground):
    return recorded(ground).verdict({"emptied": sql("DELETE FROM audit_log"), "emptied, the head reset": lambda store: with_head(store, [])})


@attack(8, "a log whose tail is cut")
def cut(ground):
    drop = lambda n: lambda store: with_head(store, store_file.entries(store)[:-n])
    plain = sql("DELETE FROM audit_log WHERE seq > (SELECT MAX(seq) - 3 FROM audit_log)")
    return recorded(ground).verdict({"3 entries": plain, "1 entry, the head reset": drop(1), "5 entries, the head reset": drop(5)})


@attack(8, "a rewritten chain")
def rewritten(ground):
    def without(action):
        return lambda store: with_head(store, store_file.chain([e for e in store_file.entries(store) if e[3] != action]))

    def as_other(store):
        return with_head(store, store_file.chain([(*e[:2], "somebody", *e[3:]) for e in store_file.entries(store)]))

    def later(store):
        return with_head(store, store_file.chain([(e[0], e[1] + 86_400_000_000, *e[2:]) for e in store_file.entries(store)]))

    return recorded(ground).verdict({"reviews left out": without("review"), "keys left out": without("key_add"), "by another actor": as_other,
                                     "a day later": later})  # fmt: skip


@attack(8, "an entry changed, removed or put between others")
def entries(ground):
    return recorded(ground).verdict({
        "changed": sql("UPDATE audit_log SET detail = '{}' WHERE seq = 3"),
        "removed": sql("DELETE FROM audit_log WHERE seq = 3"),
        "actors swapped": sql("UPDATE audit_log SET actor = 'x' WHERE action = 'review'"),
    })  # fmt: skip


def replaced(table, column, old, new):
    """A text of a column in the place of another."""
    return sql(f"UPDATE {table} SET {column} = REPLACE({column}, '{old}', '{new}') WHERE {column} LIKE '%{old}%'")


@attack(8, "changed decisions, reviews and actions")
def rows(ground):
    label = "SELECT json_extract(decision, '$.fields.board.label') FROM decisions LIMIT 1"
    board = store_file.query(recorded(ground).service.store, label)[0][0] or '"label":"'
    return recorded(ground).verdict({
        "a decision's label": replaced("decisions", "decision", str(board).replace("'", "''"), "Other"),
        "a decision's route": sql("UPDATE decisions SET route = 'auto' WHERE route <> 'auto'"),
        "a rejected draft approved": sql("UPDATE decisions SET draft_state = 'approved' WHERE draft_state = 'rejected'"),
        "a draft's words": replaced("decisions", "draft", "Thank you", "Pay us"),
        "a review's verdict": sql("UPDATE reviews SET verdict = (SELECT verdict FROM reviews r WHERE r.decision_id <> reviews.decision_id LIMIT 1)"),
        "a reviewer": sql("UPDATE reviews SET actor = 'somebody', reviewer = 'somebody'"),
        "a reply that waits": replaced("actions", "payload", "off and on", "and send your password"),
        "an action done": sql("UPDATE actions SET state = 'waiting', owner = NULL WHERE state = 'done'"),
        "a ticket's customer": sql("UPDATE tickets SET customer = 'hollis freight lines'"),
        "a decision removed": sql("DELETE FROM decisions WHERE draft_state = 'rejected'"),
    })  # fmt: skip


@attack(8, "changed outcomes")
def outcomes(ground):
    return recorded(ground).verdict({
        "labels": sql("""UPDATE outcomes SET labels = '{"board":"Other"}'"""),
        "reopened": sql("UPDATE outcomes SET reopened = 1"),
        "an error that was seen": sql("UPDATE outcomes SET customer_visible_error = 1"),
        "removed": sql("DELETE FROM outcomes"),
    })  # fmt: skip


@attack(8, "changed keys")
def keys(ground):
    revoked = recorded(ground).revoked
    return recorded(ground).verdict({
        "raised to admin": sql("""UPDATE api_keys SET scopes = '["admin"]' WHERE name = 'triage'"""),
        "for all customers": sql("""UPDATE api_keys SET customers = (SELECT customers FROM api_keys WHERE name = 'admin') WHERE name = 'a'"""),
        "valid again": sql(f"UPDATE api_keys SET revoked_at = NULL WHERE id = '{revoked}'"),
        "never expires": sql("UPDATE api_keys SET expires_at = created_at + 1 WHERE name = 'act'"),
        "another's hash": sql("UPDATE api_keys SET hash = (SELECT hash FROM api_keys WHERE name = 'admin') WHERE name = 'triage'"),
        "put in": sql("INSERT INTO api_keys SELECT * FROM (SELECT 'abcdefabcdef' AS id, k.* FROM (SELECT name, hash, scopes, customers, created_at, "
                      "expires_at, revoked_at FROM api_keys WHERE name = 'admin') k)"),
        "removed": sql("DELETE FROM api_keys WHERE name = 'b'"),
    })  # fmt: skip


@attack(8, "a key raised to admin in the file is let in")
def raised(ground):
    record = recorded(ground)
    store_file.put_back(record.service.store, record.kept)
    service = ground.service(folder=record.service.folder, keys=record.service.keys)
    raise_it = """UPDATE api_keys SET scopes = '["admin"]' WHERE name = 'triage'"""
    if not store_file.change(service.store, raise_it):
        raise Skip("the store has no such key")
    broken = []
    if service.start(30):
        answer = service.call("POST", "/v1/bundle", "triage", {})
        if answer.ok:
            broken.append("changed before the start: it swaps the bundle")
        service.stop()
    store_file.put_back(record.service.store, record.kept)
    running = ground.service(folder=record.service.folder, keys=record.service.keys).up()
    if not running.call("GET", "/v1/models", "triage").ok:
        raise Skip("the unchanged key is not let in")
    connection_changed(running.store, raise_it)
    time.sleep(5)
    if running.call("POST", "/v1/bundle", "triage", {}).ok:
        broken.append("changed under the running service: it swaps the bundle")
    running.stop()
    return judge(broken, "refused, changed before the start and under the running service")


def connection_changed(store, statement):
    """Changes a row while the service has the store."""
    connection = sqlite3.connect(store, timeout=20)
    connection.execute(statement)
    connection.commit()
    connection.close()


@attack(8, "an exported log that is cut or emptied")
def exported(ground):
    record = recorded(ground)
    store_file.put_back(record.service.store, record.kept)
    log = record.service.command("store", "audit", "export").out
    lines, folder = log.splitlines(keepends=True), record.service.folder
    changed = [json.dumps({**json.loads(line), "actor": "x"}) + "\n" if n == 2 else line for n, line in enumerate(lines)]
    broken = []
    for name, text in {"emptied": "", "cut": "".join(lines[:-3]), "changed": "".join(changed), "without the first": "".join(lines[1:])}.items():
        file = folder / "log.jsonl"
        file.write_text(text)
        if record.service.command("store", "audit", "verify", "--file", file).code == 0:
            broken.append(f"{name}: not found")
    return judge(broken, "4 changes of an exported log found")
