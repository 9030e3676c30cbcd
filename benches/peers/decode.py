#!/usr/bin/env python3
"""Our decoder beside llama.cpp: the same GGUF file, the same tokens, the same threads, the same machine, in turns.

Installs what it needs on first use, into a cache folder: llama-cpp-python, built from source with the instruction set of
this machine. Must never print a figure that was not measured in this run, nor pass over a peer that failed without a word.
Progress goes to standard error, the report to standard output."""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LLAMA = "llama-cpp-python==0.3.36"
PROMPT, ANSWER, TEXT = 512, 128, 1500

# Runs in the peer's own environment, on its C interface: one round, or the judgement of a text; one line of JSON.
PEER = """
import ctypes, json, sys, time
import llama_cpp as c
import numpy as np
path, threads, answer = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
given = json.load(sys.stdin)
room = 2048 if "text" in given else len(given["tokens"]) + answer + 8
start = time.perf_counter()
model = c.Llama(path, n_ctx=room, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False)
load = time.perf_counter() - start
context, words = model.ctx, model.n_vocab()
def clear():
    c.llama_memory_clear(c.llama_get_memory(context), True)
def logits(tokens):
    array = (c.llama_token * len(tokens))(*tokens)
    assert c.llama_decode(context, c.llama_batch_get_one(array, len(tokens))) == 0
    return np.ctypeslib.as_array(c.llama_get_logits_ith(context, -1), shape=(words,))
def write(tokens, n):
    clear()
    start = time.perf_counter()
    written = [int(logits(tokens).argmax())]
    read = time.perf_counter() - start
    start = time.perf_counter()
    while len(written) <= n:
        written.append(int(logits(written[-1:]).argmax()))
    return read, time.perf_counter() - start, written
if "text" in given:
    tokens = model.tokenize(given["text"].encode(), add_bos=False)[: given["limit"]]
    clear()
    loss = 0.0
    for now, after in zip(tokens, tokens[1:]):
        x = logits([now]).astype(np.float64)
        loss += np.log(np.exp(x - x.max()).sum()) - (x[after] - x.max())
    tenth = len(tokens) // 10
    written = [write(tokens[i * tenth : (i + 1) * tenth], 63)[2] for i in range(10)]
    print(json.dumps({"tokens": tokens, "log_loss": loss / (len(tokens) - 1), "written": written}))
else:
    tokens = given["tokens"]
    write(tokens[:32], 4)
    read, wrote, _ = write(tokens, answer)
    short = sum(write(tokens[:200], 80)[:2])
    rss = [l for l in open("/proc/self/status") if l.startswith("VmRSS")][0].split()[1]
    print(json.dumps({"prefill_tokens_per_s": len(tokens) / read, "decode_tokens_per_s": answer / wrote,
                      "decoder_rss_mb": int(rss) * 1024 / 1e6, "load_s": load, "short_s": short}))
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    base = os.environ.get("FIRSTLINE_CACHE") or Path.home() / ".cache" / "firstline"
    parser.add_argument("--cache", type=Path, default=Path(base) / "peers", help="where the peer is installed")
    parser.add_argument("--models", default="smollm2-135m-instruct,qwen2.5-coder-0.5b-instruct", help="with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


def peer(cache):
    """The peer's interpreter; None, said aloud, where it can't be had."""
    home = cache / "llama-cpp"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        say(f"building {LLAMA}, some minutes")
        venv.create(home, with_pip=True, clear=True)
        environment = os.environ | {"CMAKE_ARGS": "-DGGML_NATIVE=ON"}
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", LLAMA]
        if subprocess.run(pip, env=environment, stdout=sys.stderr).returncode:
            say("llama.cpp is left out: it could not be built")
            return None
        (home / "ready").touch()
    return python


def last_json(command, environment=None, given=None):
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
                          input=None if given is None else json.dumps(given))
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def gguf(model):
    """Where the model's file is, pulled where it is not here yet."""
    if model.endswith(".gguf"):
        return Path(model).resolve()
    subprocess.run(["cargo", "run", "-q", "--release", "--locked", "--", "models", "pull", model], cwd=ROOT, check=True)
    listed = last_json(["cargo", "run", "-q", "--release", "--locked", "--", "models", "list", "--json"])
    folder = Path(next(m["path"] for m in listed if m["name"] == model))
    return next(folder.glob("*.gguf"))


def bench_program():
    built = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--bench", "decode", "--message-format=json"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    for line in reversed(built.stdout.splitlines()):
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "decode":
            return message["executable"]
    raise SystemExit("the bench was not built")


def main():
    chosen = options()
    program = bench_program()
    llama = peer(chosen.cache.expanduser())
    tokens = [1000 + i * 7919 % 20000 for i in range(PROMPT)]
    result = {}
    for model in chosen.models.split(","):
        path = str(gguf(model))
        ours_environment = os.environ | {
            "FIRSTLINE_DECODER": path, "FIRSTLINE_ROUNDS": "1", "FIRSTLINE_THREADS": str(chosen.threads)}
        rounds = {"firstline": [], "llama.cpp": []}
        for i in range(chosen.rounds):
            say(f"{model}: round {i + 1} of {chosen.rounds}")
            rounds["firstline"].append(last_json([program, "--bench"], ours_environment))
            if llama:
                command = [str(llama), "-c", PEER, path, str(chosen.threads), str(ANSWER)]
                rounds["llama.cpp"].append(last_json(command, given={"tokens": tokens}))
        medians = {
            engine: {key: statistics.median(r[key] for r in found) for key in
                     ("prefill_tokens_per_s", "decode_tokens_per_s", "decoder_rss_mb", "load_s", "short_s")}
            for engine, found in rounds.items() if found}
        result[model] = medians
        print(f"\n{model}, {chosen.threads} threads, prompt {PROMPT}, answer {ANSWER}, medians of {chosen.rounds}\n")
        print("| engine | prefill tokens/s | decode tokens/s | resident MB | load s | 200 + 80 tokens, s |")
        print("|---|---|---|---|---|---|")
        for engine, m in medians.items():
            print(f"| {engine} | {m['prefill_tokens_per_s']:.0f} | {m['decode_tokens_per_s']:.1f} | "
                  f"{m['decoder_rss_mb']:.0f} | {m['load_s']:.2f} | {m['short_s']:.2f} |")
        if llama:
            for key in ("prefill_tokens_per_s", "decode_tokens_per_s"):
                pairs = [a[key] / b[key] for a, b in zip(rounds["firstline"], rounds["llama.cpp"])]
                print(f"{key}: {statistics.median(pairs):.2f}x llama.cpp ({min(pairs):.2f} to {max(pairs):.2f})")
            theirs = last_json(command, given={"text": (ROOT / "ARCHITECTURE.md").read_text(), "limit": TEXT})
            text = ",".join(map(str, theirs["tokens"]))
            ours = last_json([program, "--bench"], ours_environment | {"FIRSTLINE_TEXT": text})
            ratio = math.exp(ours["log_loss"] - theirs["log_loss"])
            same = [next((i for i, (a, b) in enumerate(zip(*pair)) if a != b), 64)
                    for pair in zip(ours["written"], theirs["written"])]
            print(f"perplexity of {len(theirs['tokens'])} tokens of ARCHITECTURE.md: {math.exp(ours['log_loss']):.3f}, "
                  f"llama.cpp {math.exp(theirs['log_loss']):.3f}, ratio {ratio:.4f}; of 64 greedy tokens the first "
                  f"{', '.join(map(str, same))} are the same, ten prompts")
            medians["firstline"]["perplexity_to_llama_cpp"] = ratio
    if chosen.json:
        print(json.dumps(result))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130)
