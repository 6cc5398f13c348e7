"""Ask a checkpoint: `python -m experiments.ask lab/artifacts/finetune/KEY "What major did NAME study?"`."""

import argparse
import sys
from pathlib import Path

from data_gen.errors import ConfigError
from experiments.launch.config import lab_of
from experiments.launch.errors import guarded


def folder(name: str, lab: Path) -> Path:
    """Return the folder of a checkpoint, given as a folder or as the beginning of a key in the lab.

    Raises ConfigError where there is none, or more than one.
    """
    if (place := Path(name)).is_dir():
        return place
    found = [path.parent for path in lab.glob(f"artifacts/*/{name}*/config.json")] if name.isalnum() else []
    if len(found) != 1:
        why = "no folder, and no checkpoint's key begins so" if not found else f"{len(found)} keys begin so"
        raise ConfigError(f"{name}: {why} in {lab}")
    return found[0]


def lines(checkpoint: Path, question: str, runners_up: int) -> list[str]:
    """Return what is said: the answer, then each token with its probability and the runners-up."""
    from physics_lm.inference import ask  # heavy: torch and transformers

    model, tokenizer = ask.load(checkpoint)
    text = ask.prompt(question)
    found = ask.answer(model, tokenizer, text, runners_up)
    strange = ask.unknown(tokenizer, text)
    said = [f"unknown to this model's tokenizer: {', '.join(strange)}"] if strange else []
    said += [f"{text} {ask.spoken(found)}", ""]
    for token in found:
        others = "   ".join(f"{other.strip()!r} {share:.1%}" for other, share in token.others)
        said.append(f"{token.probability:7.1%}  {token.text.strip():20} {others}")
    return said


def main() -> None:
    """Answer one question; exits with status 2 and one line where that cannot be done."""
    lab, given = lab_of(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="experiments.ask", description=__doc__)
    parser.add_argument(
        "checkpoint", help="a checkpoint folder, or the beginning of its key in the lab (paths.lab=DIR)"
    )
    parser.add_argument("question")
    parser.add_argument("--runners-up", type=int, default=3, metavar="N", help="how many other tokens are shown")
    words = parser.parse_args(given)
    told = guarded(lambda: lines(folder(words.checkpoint, lab), words.question, max(0, words.runners_up)))
    print("\n".join(told))


if __name__ == "__main__":
    main()
