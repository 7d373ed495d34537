"""Weights and model card to the Hugging Face hub."""

from pathlib import Path

from train.commands.options import parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of(
        "push", "Send weights and model card to the Hugging Face hub (log in with `hf auth login`)."
    )
    parser.add_argument("--repo", required=True, metavar="NAME/MODEL", help="the hub's repository")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="folder of weights (default: the shipped)"
    )
    parser.add_argument(
        "--public", action="store_true", help="make a new repository public (private by default)"
    )
    parser.add_argument("--dry-run", action="store_true", help="name the files and send nothing")
    given = parser.parse_args(words)
    from train.ship.push import push

    for line in push(given.repo, given.weights, public=given.public, dry_run=given.dry_run):
        print(line)
    return 0
