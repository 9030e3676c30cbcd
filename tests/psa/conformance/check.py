"""Checks of one client, and the fake behind them.

A client's script opens a `Checks`, runs each call in it, and closes it. Each check prints one line that `run` reads:
`ok CALL`, `FAIL CALL: why` or `skip CALL: why`.
"""

import base64
import json
import ssl
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request

# The credentials of the fakes, which are public: `firstline dev psa` prints them.
CONNECTWISE = {
    "company": "acme",
    "public": "PublicKeyOfAFake",
    "private": "PrivateKeyOfAFake",
    "client": "00000000-0000-4000-8000-00000000c1d0",
}
AUTOTASK = {
    "UserName": "firstline-api@desk.example",
    "Secret": "a-secret-of-the-fake",
    "ApiIntegrationCode": "FAKEFAKEFAKEFAKEFAKEFAKEFAK",
}
HALO = {"client_id": "6b1f4a52-0c6d-4f6e-9a55-0d5b7c2e9f10", "client_secret": "halo-fake-secret-0001"}

# Tickets on each desk before its client comes: more than two pages of the usual 25, and of Halo's 50 rows.
TICKETS = 60


class Desk:
    """A fake, as a script reaches it without the client that is tested."""

    def __init__(self, url, ca=None):
        self.url = url
        self.ca = ca
        self.context = ssl.create_default_context(cafile=ca) if ca else None

    def ask(self, method, path, body=None, headers=None):
        """The answer's body, read as JSON; `None` where it is empty."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.context) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def state(self):
        """Counts of the fake: tickets, notes, mails, writes by ticket."""
        return self.ask("GET", "/_fake/state")

    def set(self, **settings):
        """Changes settings of the fake."""
        self.ask("POST", "/_fake/set", settings)

    def fault(self, **fault):
        """Orders trouble for coming requests."""
        self.ask("POST", "/_fake/fault", fault)

    def connectwise(self, method, path, body=None):
        """A request to ConnectWise's API."""
        keys = f"{CONNECTWISE['company']}+{CONNECTWISE['public']}:{CONNECTWISE['private']}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(keys.encode()).decode(),
            "clientId": CONNECTWISE["client"],
        }
        return self.ask(method, "/v4_6_release/apis/3.0/" + path, body, headers)

    def autotask(self, method, path, body=None):
        """A request to Autotask's API."""
        return self.ask(method, "/ATServicesRest/V1.0/" + path, body, AUTOTASK)

    def halo(self, method, path, body=None):
        """A request to Halo's API."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "all", **HALO}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token = self.ask("POST", "/auth/token", form, kind)["access_token"]
        return self.ask(method, "/api/" + path, body, {"Authorization": f"Bearer {token}"})


def seed(which, desk):
    """Opens tickets on a desk; the first one asks for what a rule of the desk moves."""
    if which == "connectwise":
        board = desk.connectwise("GET", "service/boards")[0]["id"]
        contact = desk.connectwise("GET", "company/contacts")[0]
        for n in range(TICKETS):
            desk.connectwise("POST", "service/tickets", {
                "summary": title(n), "initialDescription": f"Seat {n}, since this morning.", "board": {"id": board},
                "company": {"id": contact["company"]["id"]}, "contact": {"id": contact["id"]},
            })
    elif which == "autotask":
        for n in range(TICKETS):
            desk.autotask("POST", "Tickets", {
                "title": title(n), "description": f"Seat {n}, since this morning.", "companyID": 174,
                "contactID": 29683586, "status": 1, "priority": 3, "queueID": 29682833,
            })
    else:
        user = desk.halo("GET", "Users")["users"][0]
        desk.halo("POST", "Tickets", [{
            "summary": title(n), "details": f"Seat {n}, since this morning.", "tickettype_id": 1,
            "client_id": user["client_id"], "user_id": user["id"],
        } for n in range(TICKETS)])


def title(n):
    """The title of the ticket that was opened as number `n`, from 0."""
    word = {0: "vpn", 1: "alert", 2: "printer"}.get(n, "screen")
    return f"The {word} at seat {n} fails"


class Skip(Exception):
    """The client itself can't do this call."""


class Checks:
    """What one client was found to understand."""

    def __init__(self):
        self.passed = self.failed = 0
        self.desk = Desk(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)

    def call(self, name, check):
        """Runs `check`; it fails by an exception, as `assert` raises, or by `False`. Gives its result, or `None`."""
        try:
            result = check()
            assert result is not False, "the check said no"
        except Skip as why:
            print(f"skip {name}: {why}", flush=True)
        except Exception as error:  # noqa: BLE001: whatever a client raises is a failed check
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            told = " ".join(str(error).split())[:300] or where.line
            print(f"FAIL {name}: {type(error).__name__} at {where.name}:{where.lineno}: {told}", flush=True)
        else:
            self.passed += 1
            print(f"ok {name}", flush=True)
            return result
        return None

    def written(self, ticket, times, notes=0, mails=0):
        """A context: inside it the client writes to `ticket` so often, and the desk gains so many notes and mails."""
        return Written(self.desk, ticket, times, notes, mails)

    def close(self):
        """Prints the sum and ends the script: status 1 where a check failed."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


class Written:
    """What the fake counted between two moments."""

    def __init__(self, desk, ticket, times, notes, mails):
        self.desk, self.ticket = desk, str(ticket)
        self.expected = {"writes": times, "all writes": times, "notes": notes, "mails": mails}

    def counts(self):
        state = self.desk.state()
        writes = state["writes"]
        return {"writes": writes.get(self.ticket, 0), "all writes": sum(writes.values()),
                "notes": state["notes"], "mails": state["mails"]}

    def __enter__(self):
        self.before = self.counts()
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            after = self.counts()
            gained = {name: after[name] - self.before[name] for name in after}
            assert gained == self.expected, f"the fake counted {gained}, not {self.expected}"
