"""CTranslate2's encoder in int8. It pads and packs by itself; pooling is ours."""

import ctranslate2
import numpy as np


class Int8:
    """Weights and activations in int8, the rest in float32."""

    def __init__(self, models, threads, lanes):
        path = str(models / "ctranslate2")
        settings = {"compute_type": "int8", "intra_threads": threads, "inter_threads": lanes}
        self.encoder = ctranslate2.Encoder(path, **settings)

    def embed(self, batch):
        hidden = np.array(self.encoder.forward_batch(batch).last_hidden_state)
        vectors = np.stack([rows[: len(ids)].sum(axis=0) for rows, ids in zip(hidden, batch)])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
