"""Decoders in turns: the same GGUF file, the same tokens, the same threads, a process for each answer. An engine that fails
is left out from there on, with its reason."""

import json
import math
import statistics
import subprocess
from dataclasses import dataclass, field

from driver.catalog import DECODERS, HERE, OURS, ROOT, say
from driver.prepare import clean

PROMPT, ANSWER, SHORT = 512, 128, (200, 80)
# Of ARCHITECTURE.md: tokens whose log loss is measured, and what begins each of the prompts that are continued.
TEXT, PROMPTS = 1500, 10
FIGURES = ("prefill_tokens_per_s", "decode_tokens_per_s", "decoder_rss_mb", "load_s", "short_s")
FLOAT32 = "candle_gguf"


@dataclass
class Written:
    """What was measured with one model: figures of each engine, one each round; lines on correctness."""

    model: str
    engines: list
    figures: dict
    failed: dict = field(default_factory=dict)
    faithful: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)


class Failed(Exception):
    """An engine has ended without an answer."""


def measure(chosen, ready):
    return [_model(chosen, ready, model) for model in chosen.models]


def _ask(ready, engine, gguf, threads, question, float32=False):
    environment = clean(threads) | ({"CANDLE_DEQUANTIZE_ALL": "1"} if float32 else {})
    done = subprocess.run([*ready.writer(engine), str(gguf), str(threads)], env=environment, cwd=HERE, text=True,
                          input=json.dumps(question), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Failed(said[-1][:300] if said else f"exit status {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _model(chosen, ready, model):
    gguf = ready.gguf(model)
    engines = [e for e in ready.decoders if e in DECODERS]
    found = Written(model, engines, {engine: {} for engine in engines})
    tokens = [1000 + i * 7919 % 20000 for i in range(PROMPT)]

    def each(work):
        for engine in [e for e in engines if e not in found.failed]:
            try:
                work(engine)
            except Failed as error:
                found.failed[engine] = str(error)
                say(f"failed: {engine}: {error}")

    def timed(engine):
        question = {"do": "time", "tokens": tokens, "answer": ANSWER, "short": SHORT}
        answer = _ask(ready, engine, gguf, chosen.threads, question)
        for key in FIGURES:
            found.figures[engine].setdefault(key, []).append(answer[key])

    for turn in range(chosen.rounds):
        say(f"{model}: round {turn + 1} of {chosen.rounds}")
        each(timed)
    if OURS not in found.failed and not chosen.fast:
        _faithful(chosen, ready, found, gguf, each)
    return found


def _faithful(chosen, ready, found, gguf, each):
    """Tokens, perplexity, logits and greedy texts, ours and the peers', against float32."""
    text = {"do": "tokens", "text": (ROOT / "ARCHITECTURE.md").read_text(), "limit": TEXT}
    tokens = _ask(ready, OURS, gguf, chosen.threads, text)["tokens"]
    tenth = len(tokens) // PROMPTS
    prompts = [tokens[i * tenth : (i + 1) * tenth] for i in range(PROMPTS)]
    answers = {}

    def asked(engine):
        say(f"{found.model}: what {engine} writes")
        answers[engine] = _ask(ready, engine, gguf, chosen.threads, {"do": "write", "prompts": prompts})
        if engine != FLOAT32:
            theirs = _ask(ready, engine, gguf, chosen.threads, text)["tokens"]
            loss = _ask(ready, engine, gguf, chosen.threads, {"do": "loss", "tokens": tokens})["log_loss"]
            found.faithful[engine] = {"same_tokens": theirs == tokens, "perplexity": math.exp(loss)}

    each(asked)
    if FLOAT32 not in answers:
        return
    say(f"{found.model}: the same in float32 (minutes)")

    def float32(question):
        return _ask(ready, FLOAT32, gguf, chosen.threads, question, float32=True)

    try:
        exact = float32({"do": "write", "prompts": prompts})
        for engine, answer in answers.items():
            judged = float32({"do": "judge", "prompts": prompts, "written": answer["written"]})
            alike = [next((i for i, (a, b) in enumerate(zip(*pair)) if a != b), len(pair[0]))
                     for pair in zip(answer["written"], exact["written"])]
            found.faithful.setdefault(engine, {}).update(_near(answer["logits"], exact["logits"]), **judged, alike=alike)
    except Failed as error:
        found.notes.append(f"not held against float32: {error}")


def _near(logits, exact):
    """The worst prompt's cosine, and the greatest difference in deviations of the exact logits; both about their means."""
    cosines, differences = [], []
    for a, b in zip(logits, exact):
        mean_a, mean_b = statistics.fmean(a), statistics.fmean(b)
        a, b = [x - mean_a for x in a], [x - mean_b for x in b]
        norm_a, norm_b = (math.sqrt(sum(x * x for x in v)) for v in (a, b))
        cosines.append(sum(x * y for x, y in zip(a, b)) / (norm_a * norm_b))
        differences.append(max(abs(x - y) for x, y in zip(a, b)) / (norm_b / math.sqrt(len(b))))
    return {"cosine": min(cosines), "difference": max(differences)}


def text(chosen, written):
    """The report for people."""
    parts = []
    for found in written:
        parts += ["", f"{found.model}, {chosen.threads} threads, {PROMPT} tokens read, {ANSWER} written; "
                  f"medians of {chosen.rounds} rounds (least-greatest)", "", _table(found), ""]
        ours = found.figures[OURS]
        for engine in [e for e in found.engines if e != OURS and e not in found.failed and OURS not in found.failed]:
            for key in ("prefill_tokens_per_s", "decode_tokens_per_s"):
                pairs = [a / b for a, b in zip(ours[key], found.figures[engine][key])]
                parts.append(f"  {key}: {_spread(pairs, 2)} times {engine}")
        parts += [_words(engine, of, found.faithful) for engine, of in found.faithful.items()]
        parts += found.notes
        parts += [f"failed: {engine}: {reason}" for engine, reason in found.failed.items()]
    return "\n".join(parts)


def _words(engine, of, all_of):
    said = []
    if "perplexity" in of:
        said.append(f"perplexity {of['perplexity']:.3f}")
        if engine != OURS:
            said.append(f"ours is {all_of[OURS]['perplexity'] / of['perplexity']:.4f} of it")
            said.append("tokenises as we do" if of["same_tokens"] else "tokenises otherwise")
    if "cosine" in of:
        said.append(f"logits to float32's: cosine {of['cosine']:.5f} or more, {of['difference']:.3f} deviations apart or less")
        said.append(f"{of['first']} of {of['of']} greedy tokens are float32's first choice, the rest within {of['behind']:.2f}")
        said.append(f"the first {', '.join(map(str, of['alike']))} of 64 are its own")
    return f"  {engine}: {'; '.join(said)}"


def _spread(values, digits):
    median = f"{statistics.median(values):.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _table(found):
    titles = ("prefill, tokens/s", "decode, tokens/s", "peak RSS, MB", "load, s", f"{SHORT[0]} + {SHORT[1]} tokens, s")
    rows = [["engine", *titles]]
    for engine, figures in found.figures.items():
        if engine not in found.failed:
            rows.append([engine, *(_spread(figures[key], digits) for key, digits in zip(FIGURES, (0, 1, 0, 2, 2)))])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def summary(written):
    """The medians that other programs read: of the first model at the top, of all by their names."""
    def medians(found):
        there = {e: f for e, f in found.figures.items() if e not in found.failed}
        return {key: {e: round(statistics.median(f[key]), 4) for e, f in there.items()} for key in FIGURES}

    if not written:
        return {}
    first = {key: value for key, value in medians(written[0]).items() if key in FIGURES[:3]}
    every = {found.model: medians(found) | {"faithful": found.faithful, "failed": found.failed} for found in written}
    return first | {"decoders": every}
