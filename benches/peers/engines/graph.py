"""Writes the encoder as an ONNX graph: token ids and mask in, pooled unit vectors out. Plain operators only, laid
out the way exporters lay out a BERT, so that every runtime's own fusions find what they look for.

Pooling is the sum over the tokens that the mask keeps: scaling to unit length makes a mean of it."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20


class _Graph:
    """Collects nodes and constants."""

    def __init__(self):
        self.nodes, self.constants, self.used = [], [], set()

    def constant(self, name, values):
        if name not in self.used:
            self.used.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, weight, bias, name):
        """`x W' + b`, as MatMul and Add."""
        product = self.node("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.matmul")
        return self.node("Add", [self.constant(f"{name}.bias", bias), product], f"{name}.add")

    def norm(self, x, weight, bias, epsilon, name):
        inputs = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=epsilon)


def build(bert):
    """The ONNX model of `bert`, float32, batch and length dynamic."""
    g = _Graph()
    ints = lambda name, *values: g.constant(name, np.array(values, dtype=np.int64))
    size = bert.hidden // bert.heads
    by_head, joined = ints("by_head", 0, 0, bert.heads, size), ints("joined", 0, 0, bert.hidden)

    # Embeddings.
    words = g.constant("words", bert["embeddings.word_embeddings.weight"])
    word = g.node("Gather", [words, "input_ids"], "embeddings.word", axis=0)
    length = g.node("Shape", ["input_ids"], "length", start=1, end=2)
    table = g.constant("positions", bert.positions())
    position = g.node("Slice", [table, ints("begin", 0), length, ints("axis", 0)], "embeddings.position")
    x = g.node("Add", [word, position], "embeddings.sum")
    norm = (bert["embeddings.LayerNorm.weight"], bert["embeddings.LayerNorm.bias"], bert.epsilon)
    x = g.norm(x, *norm, "embeddings.norm")

    # 0 where a token counts, the lowest float where it does not.
    mask = g.node("Unsqueeze", ["attention_mask", ints("one", 1)], "mask.rows")
    mask = g.node("Unsqueeze", [mask, ints("two", 2)], "mask.heads")
    mask = g.node("Cast", [mask], "mask.float", to=TensorProto.FLOAT)
    mask = g.node("Sub", [g.constant("mask.one", np.float32(1)), mask], "mask.inverse")
    mask = g.node("Mul", [mask, g.constant("mask.lowest", np.finfo(np.float32).min)], "mask")

    for i in range(bert.layers):
        name = f"layer.{i}"
        part = {}
        for p, order in ("query", (0, 2, 1, 3)), ("key", (0, 2, 3, 1)), ("value", (0, 2, 1, 3)):
            y = g.linear(x, *bert.linear(i, f"attention.self.{p}"), f"{name}.{p}")
            y = g.node("Reshape", [y, by_head], f"{name}.{p}.split")
            part[p] = g.node("Transpose", [y], f"{name}.{p}.turned", perm=list(order))
        scores = g.node("MatMul", [part["query"], part["key"]], f"{name}.scores")
        root = g.constant("root", np.float32(np.sqrt(size)))
        scores = g.node("Div", [scores, root], f"{name}.scores.scaled")
        scores = g.node("Add", [scores, mask], f"{name}.scores.masked")
        weights = g.node("Softmax", [scores], f"{name}.softmax", axis=-1)
        y = g.node("MatMul", [weights, part["value"]], f"{name}.context")
        y = g.node("Transpose", [y], f"{name}.context.turned", perm=[0, 2, 1, 3])
        y = g.node("Reshape", [y, joined], f"{name}.context.joined")
        y = g.linear(y, *bert.linear(i, "attention.output.dense"), f"{name}.attention")
        y = g.node("Add", [y, x], f"{name}.attention.residual")
        norm = (*bert.linear(i, "attention.output.LayerNorm"), bert.epsilon)
        x = g.norm(y, *norm, f"{name}.attention.norm")
        y = g.linear(x, *bert.linear(i, "intermediate.dense"), f"{name}.up")
        y = g.node("Gelu", [y], f"{name}.gelu")
        y = g.linear(y, *bert.linear(i, "output.dense"), f"{name}.down")
        y = g.node("Add", [y, x], f"{name}.residual")
        x = g.norm(y, *bert.linear(i, "output.LayerNorm"), bert.epsilon, f"{name}.norm")

    keep = g.node("Unsqueeze", ["attention_mask", ints("one", 1)], "pool.rows")
    keep = g.node("Cast", [keep], "pool.keep", to=TensorProto.FLOAT)
    total = g.node("MatMul", [keep, x], "pool.sum")
    total = g.node("Squeeze", [total, ints("one", 1)], "pool.vector")
    g.node("LpNormalization", [total], "embedding", axis=-1, p=2)

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        g.nodes,
        "encoder",
        [value(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [value("embedding", TensorProto.FLOAT, ["batch", bert.hidden])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model
