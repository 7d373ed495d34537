"""The design's table of parts, and a network with the same random numbers everywhere."""

from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet

__all__ = ["NetConfig", "SpatioTemporalEmotionNet", "describe", "initialise"]

DESIGN = {
    "spatial CNN": 3.2,
    "multi-scale temporal attention": 0.8,
    "dynamic channel attention": 0.5,
    "landmark processor": 0.3,
    "cross-modal fusion": 2.1,
    "heads": 1.1,
}
"""Millions of parameters that each part may have, within 15 %; 8.0 in all, within 5 %."""


def initialise(net: SpatioTemporalEmotionNet, seed: int = 0) -> SpatioTemporalEmotionNet:
    """Fill a network with the same random numbers on every machine."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = SpatioTemporalEmotionNet(net.config)
    net.load_state_dict(fresh.state_dict())
    return net.eval()


def describe(net: SpatioTemporalEmotionNet) -> str:
    """Write the table of parts: parameters and megabytes in single and half precision."""
    counted = {name: sum(p.numel() for p in part.parameters()) for name, part in net.parts().items()}
    total = sum(p.numel() for p in net.parameters())
    counted["time pooling"] = total - sum(counted.values())
    rows = [*counted.items(), ("all", total)]
    lines = [f"{'part':32} {'parameters':>12} {'FP32 MB':>8} {'FP16 MB':>8}"]
    lines += [f"{name:32} {n:12,d} {4 * n / 1e6:8.2f} {2 * n / 1e6:8.2f}" for name, n in rows]
    return "\n".join(lines)
