"""Figures of a model as JSON and one HTML page."""

from pathlib import Path

from train.commands.options import DATA, data_of, parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of(
        "evaluate", "Figures of a model on labelled data: JSON, and one HTML page.", epilog=DATA
    )
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--set", "--sets", dest="sets", nargs="+", metavar="NAME", help="only these data sets (ferplus ...)"
    )
    parser.add_argument("--split", default="valid", help="train, valid or test (default: valid)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the model (default: the shipped one)")
    parser.add_argument("--backend", default="auto", choices=("auto", "onnx", "torch"), help="default: auto")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N pictures of a set, evenly spread")
    parser.add_argument(
        "--no-slices", action="store_true", help="leave out the slices by size, pose and light"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("outputs/evaluation"), help="folder of JSON and page"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="fail where figures fall below these")
    parser.add_argument("--accept", type=Path, metavar="FILE", help="write the figures as a new baseline")
    parser.add_argument("--cache", metavar="FOLDER", help="folder of found faces (default: .cache/crops)")
    given = parser.parse_args(words)
    from emotion_core.recognizer import Recognizer
    from train.measure import evaluate as job
    from train.measure.page import write_page
    from train.measure.provenance import write_json

    recognizer = Recognizer.from_pretrained(given.weights, backend=given.backend)
    outcome = job.evaluate(
        data_of(given.data),
        recognizer,
        sets=given.sets,
        split=given.split,
        limit=given.limit,
        slices=not given.no_slices,
        cache=given.cache,
    )
    name = "-".join([*outcome["sets"], *{figures["split"]: 0 for figures in outcome["sets"].values()}])
    write_json(outcome, given.out / f"{name}.json")
    write_page(outcome, given.out / f"{name}.html")
    print(job.report(outcome))
    print(f"written: {given.out / name}.json and .html")
    if given.accept:
        write_json(job.baseline_of(outcome), given.accept)
    if given.baseline:
        lines = job.check_baseline(outcome, given.baseline)
        print("\n".join(lines) or f"no figure fell below {given.baseline}")
        return 1 if lines else 0
    return 0
