"""How every ONNX model of the library is opened."""

from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core import quiet

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_DEAR = ["QDQPropagationTransformer"]  # has numbers in 8 bits made floats once for each part that reads them


def open_session(model: str | Path | bytes, threads: int = 1) -> "InferenceSession":
    """Open a model, a file or its bytes, on the CPU with `threads` threads; errors are ONNX Runtime's own."""
    onnxruntime = quiet.load("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # it keeps what the largest picture took, and saves no time here
    options.intra_op_num_threads = max(1, threads)
    # Threads of a small network spin, or they would meet too late; between two calls a thread that spins
    # would take its core from the other models.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    source = model if isinstance(model, bytes) else str(model)
    session: InferenceSession = onnxruntime.InferenceSession(
        source, options, providers=["CPUExecutionProvider"], disabled_optimizers=_DEAR
    )
    return session
