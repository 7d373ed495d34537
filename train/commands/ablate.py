"""What each part of the network is worth."""

from pathlib import Path

from train.commands.options import common, data_of, parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of("ablate", "What each part of the network is worth: trained on without it, and scored.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--init", type=Path, metavar="FILE", help="safetensors that all start from (default: the shipped one)"
    )
    parser.add_argument("--pictures", type=int, default=20_000, metavar="N", help="for each variant (20000)")
    parser.add_argument(
        "--clips", type=int, default=600, metavar="N", help="synthetic clips of each variant (600; 0: none)"
    )
    parser.add_argument("--out", type=Path, default=Path("outputs/ablation"), help="folder of the variants")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="the table (default: ablation.json in --out)"
    )
    parser.add_argument("--resume", action="store_true", help="keep the variants that are done")
    for name, kind in (("batch", int), ("learning-rate", float), ("seed", int), ("workers", int)):
        parser.add_argument(f"--{name}", type=kind, help="as for training")
    common(parser)
    given = vars(parser.parse_args(words))
    settings = {k: given[k] for k in ("batch", "learning_rate", "seed", "workers") if given[k] is not None}
    from emotion_core.network.checkpoint import WEIGHTS
    from train.measure.ablate import ablate, report
    from train.measure.provenance import write_json

    outcome = ablate(
        data_of(given["data"]), given["init"] or WEIGHTS, pictures=given["pictures"], clips=given["clips"],
        out=given["out"], sets=given["sets"], cache=given["cache"], settings=settings, resume=given["resume"],
    )  # fmt: skip
    print(report(outcome))
    file = given["json"] or given["out"] / "ablation.json"
    write_json(outcome, file)
    print(f"written: {file}")
    return 0
