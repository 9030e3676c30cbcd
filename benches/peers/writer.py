"""llama.cpp as a decoder, on its C interface: `writer.py llama_cpp GGUF THREADS` takes one question on its standard input
and gives one answer, as `peer write` does. Must ask the same: token ids in, logits out, the greatest one taken."""

import json
import sys
import time
from pathlib import Path

import llama_cpp as llama
import numpy as np

WRITTEN = 64


class Writer:
    def __init__(self, path, threads, room):
        self.model = llama.Llama(path, n_ctx=room, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False)

    def clear(self):
        llama.llama_memory_clear(llama.llama_get_memory(self.model.ctx), True)

    def read(self, tokens):
        array = (llama.llama_token * len(tokens))(*tokens)
        if llama.llama_decode(self.model.ctx, llama.llama_batch_get_one(array, len(tokens))) != 0:
            raise SystemExit("llama.cpp could not read")
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self.model.ctx, -1), shape=(self.model.n_vocab(),))

    def go_on(self, first, n):
        written = [first]
        while len(written) <= n:
            written.append(int(self.read(written[-1:]).argmax()))
        return written

    def run(self, tokens, n):
        self.clear()
        start = time.perf_counter()
        first = int(self.read(tokens).argmax())
        read = time.perf_counter() - start
        start = time.perf_counter()
        self.go_on(first, n)
        return read, time.perf_counter() - start


def peak_rss():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


def room(asked):
    """Tokens that the longest sequence of a question holds."""
    most = max(len(prompt) for prompt in asked.get("prompts", [asked.get("tokens", [])]))
    return most + asked.get("answer", WRITTEN) + 8


def main():
    _, path, threads = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    asked = json.load(sys.stdin)
    start = time.perf_counter()
    writer = Writer(path, int(threads), room(asked))
    load = time.perf_counter() - start
    match asked["do"]:
        case "time":
            tokens, (read_short, write_short) = asked["tokens"], asked["short"]
            writer.run(tokens[:32], 4)
            read, wrote = writer.run(tokens, asked["answer"])
            answer = {"prefill_tokens_per_s": len(tokens) / read, "decode_tokens_per_s": asked["answer"] / wrote}
            answer |= {"load_s": load, "short_s": sum(writer.run(tokens[:read_short], write_short))}
            answer["decoder_rss_mb"] = peak_rss()
        case "tokens":
            answer = {"tokens": writer.model.tokenize(asked["text"].encode(), add_bos=False)[: asked["limit"]]}
        case "loss":
            tokens, loss = asked["tokens"], 0.0
            for now, after in zip(tokens, tokens[1:]):
                x = writer.read([now]).astype(np.float64)
                loss += np.log(np.exp(x - x.max()).sum()) - (x[after] - x.max())
            answer = {"log_loss": loss / (len(tokens) - 1)}
        case "write":
            answer = {"logits": [], "written": []}
            for prompt in asked["prompts"]:
                writer.clear()
                logits = writer.read(prompt)
                answer["logits"].append(logits.tolist())
                answer["written"].append(writer.go_on(int(logits.argmax()), WRITTEN - 1))
        case other:
            raise SystemExit(f"no question {other}")
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
