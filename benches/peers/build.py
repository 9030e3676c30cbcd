"""Builds every peer's model from the one the program uses, once: `build.py MODEL_FOLDER IDS OUT PEER...`. What was
built whole is kept. Prints one line a peer; must not stop at the first that fails."""

import json
import shutil
import sys
from pathlib import Path

from engines import bert, graph, pad

# Texts that post-training quantisation sees.
CALIBRATION = 64


def onnx_graph(model, out):
    """The float32 graph that three peers begin with."""
    import onnx

    path = out / "plain.onnx"
    onnx.save(graph.build(model), path)
    return path


def dynamic_int8(path, to):
    """Dynamic int8, weights per channel: the most faithful of ONNX Runtime's ways that is still fast."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path,
        to,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": 1, "MatMulConstBOnly": True},
    )


def build_onnxruntime(model, ids, out):
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    settings = dict(num_heads=model.heads, hidden_size=model.hidden, opt_level=0)
    options = FusionOptions("bert")
    path = str(onnx_graph(model, out))
    fused = optimizer.optimize_model(path, model_type="bert", optimization_options=options, **settings)
    fused.save_model_to_file(str(out / "fused.onnx"))
    dynamic_int8(out / "fused.onnx", out / "fused-int8.onnx")


def build_rten(model, ids, out):
    dynamic_int8(onnx_graph(model, out), out / "plain-int8.onnx")


def build_openvino(model, ids, out):
    import nncf
    import openvino

    def inputs(text):
        return dict(zip(("input_ids", "attention_mask"), pad([text])))

    network = openvino.Core().read_model(onnx_graph(model, out))
    texts = nncf.Dataset(ids[:CALIBRATION], inputs)
    kind = nncf.ModelType.TRANSFORMER
    quantised = nncf.quantize(network, texts, model_type=kind, subset_size=CALIBRATION)
    openvino.save_model(quantised, out / "openvino-int8.xml", compress_to_fp16=False)


def build_ctranslate2(model, ids, out):
    from ctranslate2.specs import common_spec, transformer_spec

    encoder = transformer_spec.TransformerEncoderSpec(
        model.layers,
        model.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )

    def norm(spec, weight, bias):
        spec.gamma, spec.beta = weight, bias

    def linear(spec, weight, bias):
        spec.weight, spec.bias = weight, bias

    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = model["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = model["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = model["embeddings.position_embeddings.weight"]
    part = "embeddings.LayerNorm"
    norm(encoder.layernorm_embedding, model[f"{part}.weight"], model[f"{part}.bias"])
    for i, layer in enumerate(encoder.layer):
        linear(layer.self_attention.linear[0], *model.query_key_value(i))
        linear(layer.self_attention.linear[1], *model.linear(i, "attention.output.dense"))
        norm(layer.self_attention.layer_norm, *model.linear(i, "attention.output.LayerNorm"))
        linear(layer.ffn.linear_0, *model.linear(i, "intermediate.dense"))
        linear(layer.ffn.linear_1, *model.linear(i, "output.dense"))
        norm(layer.ffn.layer_norm, *model.linear(i, "output.LayerNorm"))
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    words = model["embeddings.word_embeddings.weight"].shape[0]
    spec.register_vocabulary([f"token {i}" for i in range(words)])
    spec.config.unk_token = "token 0"
    spec.validate()
    spec.optimize(quantization="int8")
    path = out / "ctranslate2"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    spec.save(str(path))


def main():
    folder, ids, out, *peers = sys.argv[1:]
    out = Path(out)
    (out / "folder").write_text(folder)
    texts = json.loads(Path(ids).read_text())
    for peer in peers:
        try:
            built = out / f"{peer}.built"
            if not built.exists():
                # Read anew for each: ctranslate2 quantises the arrays it is given in place.
                globals()[f"build_{peer}"](bert.read(folder), texts, out)
                built.touch()
            print(json.dumps({"peer": peer}), flush=True)
        except Exception as error:  # noqa: BLE001: whatever a peer throws, the others go on
            first = (str(error).strip().splitlines() or [""])[0][:200]
            print(json.dumps({"peer": peer, "failed": f"{type(error).__name__}: {first}"}), flush=True)


if __name__ == "__main__":
    main()
