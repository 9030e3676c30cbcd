"""Which engines there are, and what they need. Must agree with `engines/__init__.py` and `rust/src`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent

OURS = "firstline"
# Engine: the peer it belongs to.
ENGINES = {
    OURS: "firstline",
    "onnxruntime_f32": "onnxruntime",
    "onnxruntime_int8": "onnxruntime",
    "openvino_int8": "openvino",
    "openvino_int8_bf16": "openvino",
    "ctranslate2_int8": "ctranslate2",
    "torch_f32": "torch",
    "torch_bf16": "torch",
    "torch_int8": "torch",
    "rten_int8": "rten",
    "candle_f32": "candle",
}
# Decoders, likewise.
DECODERS = {OURS: "firstline", "llama_cpp": "llama_cpp", "candle_gguf": "candle"}
MODELS = ("smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct")
# Engines of the Rust binaries; the others are Python's.
RUST = (OURS, "rten_int8", "candle_f32", "candle_gguf")
# Which files of `requirements/` a peer needs.
PACKAGES = {
    "onnxruntime": ("base", "onnxruntime"),
    "openvino": ("base", "openvino"),
    "ctranslate2": ("base", "ctranslate2"),
    "torch": ("base", "torch"),
    "rten": ("base", "onnxruntime"),
}
# What cosines are measured against: the first of these that is there.
REFERENCES = ("onnxruntime_f32", "torch_f32", "candle_f32")


def say(text):
    print(text, file=sys.stderr, flush=True)
