"""PyTorch: the encoder from its own modules, with fused attention, in float32, in bfloat16, and with linear layers
in dynamic int8."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from engines import bert, pad


class Layer(nn.Module):
    """One layer of the encoder."""

    def __init__(self, model, index):
        super().__init__()
        self.heads = model.heads
        self.qkv = linear(*model.query_key_value(index))
        self.output = linear(*model.linear(index, "attention.output.dense"))
        self.mixed = norm(*model.linear(index, "attention.output.LayerNorm"), model.epsilon)
        self.up = linear(*model.linear(index, "intermediate.dense"))
        self.down = linear(*model.linear(index, "output.dense"))
        self.last = norm(*model.linear(index, "output.LayerNorm"), model.epsilon)

    def forward(self, x, mask):
        n, length, hidden = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.mixed(x + self.output(y.transpose(1, 2).reshape(n, length, hidden)))
        return self.last(x + self.down(functional.gelu(self.up(x))))


def parameter(values):
    return nn.Parameter(torch.from_numpy(np.array(values)), requires_grad=False)


def linear(weight, bias):
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight, layer.bias = parameter(weight), parameter(bias)
    return layer


def norm(weight, bias, epsilon):
    layer = nn.LayerNorm(weight.shape[0], eps=epsilon)
    layer.weight, layer.bias = parameter(weight), parameter(bias)
    return layer


class Encoder(nn.Module):
    """Token ids and mask in, unit vectors out."""

    def __init__(self, model):
        super().__init__()
        self.words = parameter(model["embeddings.word_embeddings.weight"])
        self.positions = parameter(model.positions())
        part = "embeddings.LayerNorm"
        self.norm = norm(model[f"{part}.weight"], model[f"{part}.bias"], model.epsilon)
        self.layers = nn.ModuleList(Layer(model, i) for i in range(model.layers))

    def forward(self, ids, mask):
        x = self.norm(self.words[ids] + self.positions[: ids.shape[1]])
        hidden = None if mask.all() else mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, hidden)
        total = (x.float() * mask[:, :, None]).sum(dim=1)
        return functional.normalize(total, dim=-1)


class Float32:
    """Float32."""

    def __init__(self, models, threads, lanes):
        self.threads = threads
        folder = (models / "folder").read_text()
        self.encoder = self.convert(Encoder(bert.read(folder)).eval())

    def convert(self, encoder):
        return encoder

    def embed(self, batch):
        ids, mask = pad(batch)
        # A thread has its own number; setting it costs nothing measurable.
        torch.set_num_threads(self.threads)
        with torch.inference_mode():
            return self.encoder(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()


class Bf16(Float32):
    """Bfloat16."""

    def convert(self, encoder):
        return encoder.bfloat16()


class Int8(Float32):
    """Linear layers in dynamic int8, weights per channel: per tensor is no faster and far less faithful."""

    def convert(self, encoder):
        settings = {nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
        return torch.ao.quantization.quantize_dynamic(encoder, settings)
