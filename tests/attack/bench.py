"""The bench's own frame: what an attack is, what its verdict can be, and the table.

An attack is a function with a fault's number and a name. It tries something that has to fail and reports what it has
observed. Must never count an attack as held that was not carried out: one that can't be is skipped with its reason, and so
is one in which the bench itself went wrong."""

import json
import sys
import time
import traceback
from dataclasses import asdict, dataclass

HELD, BROKEN, SKIPPED = "held", "broken", "skipped"

FAULTS = {
    1: "customers apart",
    2: "moved tickets",
    3: "connections and bodies",
    4: "fair shares",
    5: "keys",
    6: "storage",
    7: "bundles",
    8: "audit",
    9: "forget",
    10: "guard",
}

ATTACKS = []


class Skip(Exception):
    """The attack can't be carried out here; the text says why."""


@dataclass(frozen=True)
class Attack:
    """What is tried against which fault, and the function that tries it."""

    fault: int
    name: str
    needs: str
    run: object


@dataclass
class Result:
    """What came of an attack."""

    fault: int
    attack: str
    verdict: str
    detail: str
    seconds: float


def attack(fault, name, needs="program"):
    """Registers an attack.

    `needs` is "program" where the program has to be started in folders of its own, "service" where any running service
    will do."""

    def register(run):
        ATTACKS.append(Attack(fault, name, needs, run))
        return run

    return register


def judge(broken, held):
    """The verdict: broken with what was found, or held with what was seen instead."""
    if broken:
        shown = "; ".join(broken[:3])
        more = f" (and {len(broken) - 3} more)" if len(broken) > 3 else ""
        return BROKEN, shown + more
    return HELD, held


def carry_out(chosen, ground):
    """Carries attacks out one after another; yields their results."""
    for number, one in enumerate(chosen, 1):
        say(f"[{number}/{len(chosen)}] {one.fault}. {one.name}")
        begun = time.monotonic()
        verdict, detail = outcome(one, ground)
        ground.clear()
        yield Result(one.fault, one.name, verdict, " ".join(detail.split())[:400], round(time.monotonic() - begun, 1))


def outcome(one, ground):
    """The verdict of one attack; what goes wrong in the bench is no verdict on the program."""
    if one.needs == "program" and ground.program is None:
        return SKIPPED, "needs --program: it starts, stops and damages services of its own"
    try:
        return one.run(ground)
    except Skip as reason:
        return SKIPPED, str(reason)
    except Exception as error:  # noqa: BLE001
        if ground.options.trace:
            traceback.print_exc()
        return SKIPPED, f"the bench failed: {type(error).__name__}: {error}"


def say(text):
    """Progress, to people at a terminal only."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def table(results):
    """The results as text for people."""
    rows = [("fault", "attack", "verdict", "detail")]
    rows += [(f"{r.fault} {FAULTS[r.fault]}", r.attack, r.verdict, r.detail) for r in results]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " + row[3] for row in rows]
    lines.insert(1, "-" * max(len(lines[0]), sum(widths) + 20))
    return "\n".join(lines)


def summary(results):
    """How many of each verdict, fault by fault."""
    lines = []
    for fault, name in FAULTS.items():
        of = [r.verdict for r in results if r.fault == fault]
        if of:
            counts = [f"{of.count(v)} {v}" for v in (HELD, BROKEN, SKIPPED) if v in of]
            lines.append(f"{fault:2} {name}: {', '.join(counts)}")
    return "\n".join(lines)


def as_json(results, about):
    """The results for machines."""
    return json.dumps({**about, "attacks": [asdict(r) for r in results]}, indent=1)


def exit_status(results):
    """0: all held. 3: something broke. 4: nothing broke, but not everything was tried."""
    verdicts = {r.verdict for r in results}
    if BROKEN in verdicts:
        return 3
    return 4 if SKIPPED in verdicts or not results else 0
