"""ONNX Runtime on the graph fused by its own optimiser: float32, and int8 by dynamic quantisation, weights per
channel."""

import onnxruntime

from engines import pad


class Session:
    """An inference session; any number of lanes share it."""

    FILE = ""

    def __init__(self, models, threads, lanes):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = str(models / self.FILE)
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def embed(self, batch):
        ids, mask = pad(batch)
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class Float32(Session):
    """Float32."""

    FILE = "fused.onnx"


class Int8(Session):
    """Dynamic int8."""

    FILE = "fused-int8.onnx"
