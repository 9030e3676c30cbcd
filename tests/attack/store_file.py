"""The store's SQLite file, from outside: its files, its rows, its audit chain.

Must never be opened for writing while a service has it, but where that is the attack."""

import hashlib
import shutil
import sqlite3

SIDECARS = ("", "-wal", "-shm")


def files(store):
    """The files that a store consists of, those that are there."""
    return [path for path in (store.with_name(store.name + end) for end in SIDECARS) if path.exists()]


def copy(store, folder):
    """Copies a store's files as they are, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files(store):
        shutil.copy2(path, folder / path.name)
    return folder


def put_back(store, folder):
    """Puts copied files back in the place of what is there."""
    for path in files(store):
        path.unlink()
    for path in folder.iterdir():
        shutil.copy2(path, store.with_name(path.name))


def query(store, sql, values=()):
    """Rows of a query."""
    connection = sqlite3.connect(store, timeout=20)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def change(store, *statements):
    """Carries out statements, without regard for what hangs on the rows; gives how many rows changed."""
    connection = sqlite3.connect(store, timeout=20)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        before = connection.total_changes
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))
        connection.commit()
        return connection.total_changes - before
    finally:
        connection.close()


def is_sound(store):
    """Whether SQLite finds nothing wrong with a store."""
    try:
        return query(store, "PRAGMA quick_check")[0][0] == "ok"
    except sqlite3.DatabaseError:
        return False


def entries(store):
    """The audit log's entries: seq, at, actor, action, subject, detail, previous, hash."""
    return query(store, "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit_log ORDER BY seq")


def chain(changed):
    """Entries with numbers and hashes made new, as somebody would who knows how the program does it."""
    previous, made = "0" * 64, []
    for seq, (_, at, actor, action, subject, detail, _, _) in enumerate(changed, 1):
        hasher = hashlib.sha256()
        for part in (str(seq), previous, str(at), actor, action, subject, detail):
            data = part.encode()
            hasher.update(len(data).to_bytes(8, "little") + data)
        made.append((seq, at, actor, action, subject, detail, previous, hasher.hexdigest()))
        previous = hasher.hexdigest()
    return made


def rewrite(store, changed):
    """Puts other entries in the place of the log's."""
    statements = ["DELETE FROM audit_log"]
    sql = "INSERT INTO audit_log (seq, at, actor, action, subject, detail, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    return change(store, *statements, *((sql, entry) for entry in changed))
