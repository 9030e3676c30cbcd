"""The Python peers. Each engine is a class made from the folder of built models, a number of threads for each call
and a number of calls at a time (lanes), whose `embed` takes a list of token id lists and gives a float32 array of as
many unit vectors."""

import importlib

# Engine to module and class; a module is imported only when its engine is asked for.
ENGINES = {
    "onnxruntime_f32": ("onnx_runtime", "Float32"),
    "onnxruntime_int8": ("onnx_runtime", "Int8"),
    "openvino_int8": ("open_vino", "Int8"),
    "openvino_int8_bf16": ("open_vino", "Int8Bf16"),
    "ctranslate2_int8": ("c_translate", "Int8"),
    "torch_f32": ("py_torch", "Float32"),
    "torch_bf16": ("py_torch", "Bf16"),
    "torch_int8": ("py_torch", "Int8"),
}


def load(name, models, threads, lanes):
    """The engine `name`, loaded from the folder `models`, for `lanes` calls at a time of `threads` threads each."""
    module, engine = ENGINES[name]
    return getattr(importlib.import_module(f"engines.{module}"), engine)(models, threads, lanes)


def pad(batch):
    """Ids of a batch padded with 0, and the mask, both int64."""
    import numpy as np

    longest = max(map(len, batch))
    ids = np.zeros((len(batch), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask
