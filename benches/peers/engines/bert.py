"""Reads the model: configuration and float32 weights of a BERT in Hugging Face layout. Every peer's model is
built from what this returns, so that all of them compute with the same numbers. Must never change a weight."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Bert:
    """A BERT encoder. Linear weights are `outputs x inputs`, as they stand in the file."""

    layers: int
    hidden: int
    heads: int
    inner: int
    epsilon: float
    tensors: dict

    def __getitem__(self, name):
        return self.tensors[name]

    def positions(self):
        """Position embeddings plus the embedding of the first token type, the only one that is used."""
        return self["embeddings.position_embeddings.weight"] + self["embeddings.token_type_embeddings.weight"][0]

    def linear(self, layer, name):
        """Weight and bias of a linear layer, such as `attention.self.query`."""
        path = f"encoder.layer.{layer}.{name}"
        return self[f"{path}.weight"], self[f"{path}.bias"]

    def query_key_value(self, layer):
        """The three projections as one: weight `3 hidden x hidden`, bias `3 hidden`."""
        parts = [self.linear(layer, f"attention.self.{name}") for name in ("query", "key", "value")]
        return np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts])


def read(folder):
    """Reads `config.json` and `model.safetensors` in `folder`."""
    config = json.loads((Path(folder) / "config.json").read_text())
    if config["hidden_act"] != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise SystemExit("this bench knows only a BERT with the exact GELU and absolute positions")
    return Bert(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        epsilon=config["layer_norm_eps"],
        tensors=_safetensors(Path(folder) / "model.safetensors"),
    )


def _safetensors(path):
    """The float32 tensors of a safetensors file: eight bytes of length, a JSON header, the data."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[start + begin : start + end], dtype="<f4").reshape(entry["shape"])
        tensors[name.removeprefix("bert.")] = values.copy()
    return tensors
