"""OpenVINO on int8 weights and activations (post-training quantisation by its own tool), what is not quantised in
float32 or in bfloat16."""

import threading

import openvino

from engines import pad


class Int8:
    """The rest in float32."""

    PRECISION = "f32"

    def __init__(self, models, threads, lanes):
        settings = {
            "PERFORMANCE_HINT": "LATENCY" if lanes == 1 else "THROUGHPUT",
            "NUM_STREAMS": lanes,
            "INFERENCE_NUM_THREADS": threads * lanes,
            "INFERENCE_PRECISION_HINT": self.PRECISION,
        }
        self.model = openvino.Core().compile_model(models / "openvino-int8.xml", "CPU", settings)
        self.own = threading.local()

    def embed(self, batch):
        if not hasattr(self.own, "request"):
            self.own.request = self.model.create_infer_request()
        ids, mask = pad(batch)
        return self.own.request.infer({"input_ids": ids, "attention_mask": mask})[0].copy()


class Int8Bf16(Int8):
    """The rest in bfloat16."""

    PRECISION = "bf16"
